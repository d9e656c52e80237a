"""The ladder: a connection's messages between two lifelines, downwards in time, with gates where the client verifies.

Only geometry: `templates/ladder.svg.j2` draws it. Messages keep a distance at which they can be read, and stand further
apart the longer the wait between them was; a wait that is much longer than the others is cut, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap

from tracer.render.escape import escape
from tracer.render.timeline import SESSION, group_summary, groups, marks, told_check
from tracer.report import Report
from tracer.trace import Message
from tracer.verify.model import Check

MOST_ROWS = 60
STRETCH = 72.0  # the longest wait, in pixels
LINES = 9  # beside a gate
HEADS, END = -34.0, 12.0  # what stands above the first message, and below the last
ABOVE = 24.0  # of an arrow, for its words
PIECE = 120.0  # of a drawing that is cut for paper
CUT = 10  # times the median wait: what is longer is cut


@dataclass(frozen=True, slots=True)
class Shape:
    """A size of the drawing: where the lifelines stand, and how many characters fit between them."""

    width: int
    client: int
    server: int
    label: int  # where words begin
    row: int  # height of a message
    letters: int
    gate: int  # letters of a line beside a gate
    narrow: bool


WIDE = Shape(760, 92, 712, 118, 36, 82, 86, narrow=False)
NARROW = Shape(340, 16, 324, 34, 52, 40, 40, narrow=True)


@dataclass(frozen=True, slots=True)
class Step:
    """One message, or several of a kind, as an arrow at `y`."""

    y: float
    index: int
    sender: str
    time: str
    title: str
    words: str
    bad: bool


@dataclass(frozen=True, slots=True)
class Gate:
    """A check on the client's lifeline: "open", "closed", "empty" (nobody there) or "unknown"; `behind` is not reached."""

    y: float
    state: str
    title: str
    lines: tuple[str, ...]
    behind: bool


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch "clear", "opened" (sealed on the wire, and a key is here) or "sealed"."""

    top: float
    bottom: float
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Ladder:
    shape: Shape
    height: float
    steps: tuple[Step, ...]
    gates: tuple[Gate, ...]
    bands: tuple[Band, ...]
    cuts: tuple[tuple[float, str], ...]
    longest: float | None  # milliseconds: the wait from which on time is cut
    left_out: int

    @property
    def pieces(self) -> tuple[tuple[float, float], ...]:
        """From where to where to cut the drawing for paper: a browser breaks no picture, and tall ones leave pages empty."""
        cuts = [HEADS]
        for step in self.steps:
            if step.y - ABOVE - cuts[-1] > PIECE:
                cuts.append(step.y - ABOVE)
        return tuple(pairwise((*cuts, self.height + END)))


def ladder(report: Report, shape: Shape = WIDE) -> Ladder:
    """Lay a connection out from the top down."""
    rows = list(groups(report.trace.messages, 0))
    drawing = _Drawing(report, shape, rows[:MOST_ROWS])
    for row in rows[:MOST_ROWS]:
        drawing.message(row)
    drawing.rest()
    return Ladder(
        shape,
        drawing.y + 14,
        tuple(drawing.steps),
        tuple(drawing.gates),
        tuple(drawing.bands),
        tuple(drawing.cuts),
        drawing.longest * 1000 if drawing.cuts else None,
        len(rows[MOST_ROWS:]),
    )


class _Drawing:
    """What has been drawn, down to `y`."""

    def __init__(self, report: Report, shape: Shape, rows: Sequence[list[Message]]) -> None:
        from statistics import median  # with the module it would be a third of loading all that draws

        self.report, self.shape = report, shape
        self.y, self.top, self.before = 12.0, 12.0, report.trace.connection.started
        self.steps: list[Step] = []
        self.gates: list[Gate] = []
        self.bands: list[Band] = []
        self.cuts: list[tuple[float, str]] = []
        self.placed = marks(report)
        self.kind = ""
        times = [self.before, *(row[0].time for row in rows)]
        waits = [(b - a).total_seconds() for a, b in pairwise(times) if b > a]
        self.longest = CUT * median(waits) if waits else 0.0

    def message(self, row: list[Message]) -> None:
        first = row[0]
        if not self.kind:
            self._band(first)
        self._wait((first.time - self.before).total_seconds())
        self.before = row[-1].time
        self._band(first)
        self.y += self.shape.row
        self.steps.append(_step(self.report, row, self.y))
        for at in range(first.index, row[-1].index + 1):
            for check in self.placed.pop(at, ()):
                self._gate(check)

    def rest(self) -> None:
        """What has no place behind a message, and the end."""
        for checks in self.placed.values():
            for check in checks:
                self._gate(check)
        self.y += 10
        self._close()

    def _wait(self, seconds: float) -> None:
        if seconds <= 0 or not self.longest:
            return
        space = STRETCH * min(seconds / self.longest, 1.0)
        if seconds > self.longest:
            self.cuts.append((self.y + space / 2 + 6, f"{seconds * 1000:,.{0 if seconds > 0.1 else 1}f} ms"))
        self.y += space

    def _band(self, message: Message) -> None:
        kind = "sealed" if message.sealed else "opened" if message.protected else "clear"
        if kind == self.kind or (message.kind == "ChangeCipherSpec" and self.kind):
            return
        self._close()
        self.kind, self.top = kind, self.y
        self.y += 22

    def _close(self) -> None:
        if self.kind:
            self.bands.append(Band(self.top, self.y + 4, self.kind, BANDS[self.kind]))
            self.y += 10

    def _gate(self, check: Check) -> None:
        title, sign, _, words = told_check(self.report, check)
        state, behind = STATES[sign.strip("()")], self.report.verdict.unreached(check)
        says = "not reached" if behind else SAYS[state]
        lines = wrap(escape(words, 1200), self.shape.gate)
        if len(lines) > LINES:
            lines = [*lines[: LINES - 1], f"{lines[LINES - 1][:30]} …"]
        self.gates.append(Gate(self.y + 17, state, f"{title}: {says}", tuple(lines), behind))
        self.y += 30 + 16 * len(lines)


def _step(report: Report, row: list[Message], y: float) -> Step:
    trace, first = report.trace, row[0]
    several = len({m.kind for m in row}) > 1
    title = f"{SESSION if several else first.kind}{f' ×{len(row)}' if len(row) > 1 else ''}"
    words = first.summary if len(row) == 1 else group_summary(row, trace.tls.keys if trace.tls else "none")
    begun, ended = (f"{(m.time - trace.connection.started).total_seconds() * 1000:,.1f}" for m in (first, row[-1]))
    if several and ended != begun:
        words = f"{words}, until {ended} ms"
    return Step(
        y=y,
        index=first.index,
        sender="both" if several else first.sender,
        time=begun,
        title=title,
        words=escape(words),
        bad=first.kind in BAD or first.summary.startswith("fatal") or first.problem is not None,
    )


BAD = ("ErrorResponse", "UnencryptedData")
BANDS = {
    "clear": "in clear: anybody on the path reads it",
    "opened": "encrypted on the wire, opened here with a key",
    "sealed": "encrypted, and no key here",
}
STATES = {"✔": "open", "✘": "closed", "·": "empty", "?": "unknown"}
SAYS = {"open": "passed", "closed": "refused", "empty": "nobody there", "unknown": "cannot be told"}
