"""What is written when: each connection as it settles, in the format that was asked for."""

from __future__ import annotations

import heapq
from collections import deque
from typing import IO

from tracer.findings import Sketch, together
from tracer.packets.source import Source
from tracer.part import PAGES, Form, Part, Wanted, part
from tracer.render import document, screen
from tracer.render.sections import Sections
from tracer.report import Report
from tracer.settings import Settings, sentence

FORMATS = ("text", "json", "ndjson", "html", "markdown")
SHOWN_IN_FULL = 3  # of many connections, those that ended badly
REMEMBERED = 500  # connections that are compared with each other
AHEAD = 1000  # lines of connections that have settled before one with a smaller number


class Output:
    """Writes connections to `file`. `only` shows one connection, in full; `several` captures are told apart by name."""

    def __init__(
        self,
        form: str,
        file: IO[str],
        *,
        width: int,
        color: bool,
        verbose: int,
        only: int | None,
        several: bool = False,
        settings: Settings | None = None,
    ) -> None:
        self.form, self.file = form, file
        self.width, self.color, self.only = width, color, only
        self.made = Form(form, width, color, verbose, only)
        self.streaming = False
        self.several = several
        self.settings = settings
        self.shown = False
        self.named: str | None = None  # the capture whose connections are listed
        self.count = 0
        self.held: Part | None = None
        self.early: list[tuple[int, str, str]] = []  # number, capture and line of those that wait for a smaller number
        self.turn = 1  # the number whose line is next
        self.bad: list[Part] = []
        self.seen: deque[Sketch] = deque(maxlen=REMEMBERED)
        self.sections = Sections(PAGES[form][0]) if form in PAGES else None
        if form == "json":
            head = {"schema": document.SCHEMA, "tool": {"name": "pgtls", "version": document.tool_version()}}
            self.file.write(document.text(head | self._settings())[:-1] + ',"connections":[')
        elif form == "text" and settings is not None:
            file.write(screen.told(settings, width=width, color=color))

    def connection(self, report: Report) -> None:
        """One more connection has settled."""
        self.take(part(report, self.made, self.wanted()))

    def wanted(self, ahead: int = 0) -> Wanted:
        """What of the next connection may be shown, when up to `ahead` others come before it."""
        sections = self.sections
        how = {} if sections is None else {bad: sections.wanted(bad=bad, ahead=ahead) for bad in (True, False)}
        first = self.count == 0 or self.only is not None
        return Wanted(first, self.streaming or len(self.bad) < SHOWN_IN_FULL, how)

    def take(self, one: Part) -> None:
        """The next connection, as it was `wanted`."""
        self.count += 1
        if one.sketch is not None:
            self.seen.append(one.sketch)
        if self.only not in (None, one.id):
            return
        self.shown = True
        if self.sections is not None:
            self.sections.take(one.sections, bad=one.bad)
            return
        if self.form == "text":
            self._text(one)
            return
        self.file.write(("," if self.form == "json" and self.held else "") + ("\n" if self.form == "json" else ""))
        self.held = one
        self.file.write(one.line)
        if self.form == "ndjson":
            self.file.write("\n")
        self.file.flush()

    def end(self, sources: list[Source]) -> None:
        """The input has ended: what could only be said then."""
        findings = together(self.seen)
        if self.form == "json":
            tail = {
                "findings": [document.together(f) for f in findings],
                "captures": [document.capture(s) for s in sources],
            }
            self.file.write("\n]," + document.text(tail)[1:] + "\n")
        elif self.sections is not None:
            told = "" if self.settings is None else sentence(self.settings) or "nothing; libpq's defaults"
            names, left_out = [source.name for source in sources], self.sections.left_out
            page = PAGES[self.form][1]
            self.file.write(page(self.sections.ordered(), findings, left_out=left_out, captures=names, told=told))
        elif self.form == "ndjson":
            summary = {
                "kind": "summary",
                "schema": document.SCHEMA,
                "connections": self.count,
                "findings": [document.together(f) for f in findings],
                "captures": [document.capture(s) for s in sources],
                **self._settings(),
            }
            self.file.write(document.text(summary) + "\n")
        else:
            if findings:  # the news, in front of what it is read off
                self.file.write(screen.together(findings, width=self.width, color=self.color))
            self._text_end()
            wrapped = sorted({name for source in sources for name in source.unwrapped})
            if wrapped and self.count:
                self.file.write(f"\nConnections were found inside {', '.join(wrapped)}.\n")

    def _settings(self) -> dict[str, object]:
        return {} if self.settings is None else {"settings": document.settings(self.settings)}

    # TEXT: a single connection is a screen; of many each is a line, and those that ended badly come in full

    def _text(self, one: Part) -> None:
        if self.only is not None:
            self._full(one)
            return
        if self.streaming:
            if self.count == 1 or one.bad:
                self._full(one)
            else:
                self._line(one.capture, one.line)
            self.file.flush()
            return
        if self.count == 1:
            self.held = one
        else:
            if self.held is not None:
                self._in_turn(self.held)
                self.held = None
            self._in_turn(one)
        if one.bad and len(self.bad) < SHOWN_IN_FULL:
            self.bad.append(one)

    def _text_end(self) -> None:
        if self.held is not None:
            self._full(self.held)
        elif self.only is None and self.count > 1 and not self.streaming:
            self._in_turn(None)
            if self.bad:
                self.file.write(f"\nThose that ended badly, at most {SHOWN_IN_FULL} of them:\n")
            for one in self.bad:
                self.file.write("\n")
                self._full(one)
            self.file.write("\nshow any of them with --connection N\n")

    def _full(self, one: Part) -> None:
        assert one.full is not None
        if self.several:
            self.file.write(screen.title(one.capture, width=self.width, color=self.color))
        self.file.write(one.full)

    def _in_turn(self, one: Part | None) -> None:
        """Lines in the order of their numbers, as far as few have to wait for it; behind the last one all that are left."""
        if one is not None:
            heapq.heappush(self.early, (one.id, one.capture, one.line))
        while self.early and (one is None or self.early[0][0] <= self.turn or len(self.early) > AHEAD):
            number, capture, line = heapq.heappop(self.early)
            self.turn = max(self.turn, number + 1)
            self._line(capture, line)

    def _line(self, capture: str, line: str) -> None:
        if self.several and capture != self.named:
            self.file.write(screen.title(capture, width=self.width, color=self.color))
            self.named = capture
        self.file.write(line)
