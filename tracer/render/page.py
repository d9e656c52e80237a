"""A page of the terminal: lines of styled words, wrapped under an indent."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from tracer.glossary import Entry
from tracer.render.escape import escape

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


class Page:
    """Lines of styled spans. Every span passes through `escape`: nothing else reaches the terminal."""

    def __init__(self, width: int, color: bool) -> None:
        from rich.console import Console

        self.file = io.StringIO()
        self.told: set[Entry] = set()  # what was explained already
        self.width = width
        self.console: Console = Console(
            file=self.file, width=width, force_terminal=color, no_color=not color, highlight=False, markup=False, emoji=False, legacy_windows=False,
            color_system="standard" if color else None,
        )  # fmt: skip

    def add(self, *spans: tuple[str, str], indent: int = 0) -> None:
        """A line; what is longer than the page is wrapped under `indent`."""
        from rich.text import Text

        text: Text = Text()
        for words, style in spans:
            text.append(escape(words, 1200), style or None)
        head, body = text[:indent], text[indent:]
        room = self.width - max(indent, head.cell_len)  # a lock is two cells wide
        for at, part in enumerate(body.wrap(self.console, room) if indent else [text]):
            part.rstrip()
            self.console.print((Text(" " * indent) if at else head) + part if indent else part, soft_wrap=True)

    def title(self, words: str) -> None:
        self.console.print()
        self.add((words, "bold"))

    def text(self) -> str:
        return self.file.getvalue()
