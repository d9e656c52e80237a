"""A stranger's text on its way to a terminal or a page: nothing in it may move the cursor or turn the writing around."""

from __future__ import annotations

import re

LONGEST = 300  # characters of one value

# controls, line separators, and what changes the direction or is invisible (Unicode TR 36)
DANGEROUS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def escape(text: str, longest: int = LONGEST) -> str:
    """The text with everything dangerous written out, and no longer than `longest` characters."""
    shown = DANGEROUS.sub(lambda match: _written(match.group()), text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _written(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
