"""PEM as OpenSSL reads it: lines of 254 bytes, headers, and base64 that ends with its padding.

crypto/pem/pem_lib.c, get_name, sanitize_line and get_header_and_data; crypto/evp/encode.c, EVP_DecodeUpdate. A root file is read
by these rules and by no RFC: they decide whether libpq has roots at all. Held against OpenSSL 1.1.1, 3.0 and 3.5; `before_3` is
1.1.1, where that differs.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import NamedTuple


class Block(NamedTuple):
    """What stands between BEGIN and END: the `header` above an empty line, and the bytes. `reason` is OpenSSL's, where it gives up."""

    label: bytes
    header: bytes = b""
    content: bytes = b""
    reason: str | None = None


def blocks(data: bytes, *, before_3: bool = False) -> Iterator[Block]:
    """Every block in order, also behind one that is broken; what is no block is passed over."""
    lines = _lines(data)
    mark = b"" if before_3 else MARK
    label = _label(lines, mark)
    while label is not None:
        yield _block(label, lines, before_3=before_3)
        label = _label(lines, mark)


def _lines(data: bytes) -> Iterator[bytes]:
    """The lines as BIO_gets hands them out: a long one in pieces, what stands behind a NUL not at all."""
    for line in io.BytesIO(data):
        for at in range(0, len(line), PIECE):
            yield line[at : at + PIECE].split(b"\0", 1)[0]


def _label(lines: Iterator[bytes], mark: bytes) -> bytes | None:
    """The label of the next BEGIN (get_name). The first line it looks at may have a byte order `mark`, not so up to 1.1.1."""
    first = True
    for line in lines:
        if not line:
            return None
        found = BEGIN.fullmatch(_stripped(line.removeprefix(mark) if first and len(line) > len(mark) else line))
        if found is not None:
            return found[1]
        first = False
    return None


def _stripped(line: bytes) -> bytes:
    """Without blanks and control characters at its end, and without bytes that a signed char takes for less than a blank."""
    return line.rstrip(BLANKS)


def _block(label: bytes, lines: Iterator[bytes], *, before_3: bool) -> Block:
    """Up to its END (get_header_and_data). An empty line ends a header; behind it only lines of 64 stand, but for the last.

    Up to 1.1.1 the line feed behind a whole piece is such a line, too.
    """
    parts: tuple[list[bytes], list[bytes]] = ([], [])
    named = behind = ended = partial = False
    for line in lines:
        if not line:
            break
        before, partial = partial, not before_3 and len(line) == PIECE and not line.endswith(b"\n")
        named = named or (not behind and b":" in line)
        text = _stripped(line)
        if not text:
            if behind and not before:
                return Block(label, reason=BAD_END)
            behind = behind or not before
            continue
        if text.startswith(b"-----END "):
            if text != b"-----END " + label + b"-----":
                return Block(label, reason=BAD_END)
            header, body = parts if named or behind else ([], parts[0])
            return _decoded(label, b"\n".join(header), b"".join(body))
        if ended:
            return Block(label, reason=BAD_END)
        parts[behind].append(text)
        if behind and len(text) > FULL:
            return Block(label, reason=UNNAMED)
        ended = behind and len(text) < FULL
    return Block(label, reason=BAD_END)


def _decoded(label: bytes, header: bytes, text: bytes) -> Block:
    """A - ends the base64; padding stands at its end, and there is no more than it takes."""
    found = BASE64.fullmatch(SPACE.sub(b"", text.partition(b"-")[0]))
    if found is None or len(found[0]) % 4:
        return Block(label, header, reason=BAD_BASE64)
    content = base64.b64decode(found[0])
    return Block(label, header, content, None if content else UNNAMED)


# TABLES

PIECE, FULL = 254, 64
MARK = b"\xef\xbb\xbf"
BEGIN = re.compile(rb"-----BEGIN (.*)-----", re.DOTALL)
BLANKS = bytes(range(0x21)) + bytes(range(0x80, 0x100))
SPACE = re.compile(rb"[ \t\r\n]+")
BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
BAD_END, BAD_BASE64 = "bad end line", "bad base64 decode"
UNNAMED = "PEM lib"  # no reason of its own: the name of the part of OpenSSL
