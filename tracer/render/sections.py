"""Connections on their way to one document: each is rendered as it settles, and of very many the worst are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tracer.render.judged import OUTCOMES
from tracer.render.timeline import protocol
from tracer.render.words import headline
from tracer.report import Report

OPEN = 4  # connections that are not folded
SHOWN = 1000  # connections of one document
DETAILED = 25  # of the good ones and of the bad ones, those that come with every field and byte


@dataclass(frozen=True, slots=True)
class Row:
    """A connection in one line of the overview."""

    started: datetime
    client: str
    server: str
    protocol: str
    ended: str
    why: str
    verdict: str
    mark: str
    tone: str
    headline: str


@dataclass(frozen=True, slots=True)
class Section:
    """A connection as it was rendered, and its line; `words` are the keys of the glossary that it uses."""

    id: int
    bad: bool
    row: Row
    body: str
    words: frozenset[str] = frozenset()


Render = Callable[[Report, bool], tuple[str, frozenset[str]]]  # a connection, with its details or not


class Sections:
    """At most `SHOWN` sections: those that ended badly before the others, and of each the first."""

    def __init__(self, render: Render) -> None:
        self.render = render
        self.bad: list[Section] = []
        self.good: list[Section] = []
        self.left_out = 0

    def wanted(self, *, bad: bool, ahead: int = 0) -> tuple[bool, ...]:
        """How the next connection is to be rendered, with details or not; not at all where too many matter more.

        Where `ahead` others may come before it, it may be either.
        """
        if self._full() and not (bad and self.good):
            return ()
        shown = len(self.bad if bad else self.good)
        return tuple(dict.fromkeys((shown < DETAILED, shown + ahead < DETAILED)))

    def take(self, made: Mapping[bool, Section], *, bad: bool) -> None:
        """One more connection, as it was `wanted`."""
        into = self.bad if bad else self.good
        if self._full():
            self.left_out += 1
            if not (bad and self.good):
                return
            self.good.pop()
        into.append(made[len(into) < DETAILED])

    def add(self, report: Report, *, bad: bool) -> None:
        """Render a connection, unless there are too many that matter more."""
        self.take({how: section(self.render, report, bad, how) for how in self.wanted(bad=bad)}, bad=bad)

    def ordered(self) -> list[Section]:
        """A few as they came, many with the bad ones first."""
        both = [*self.bad, *self.good]
        return sorted(both, key=lambda one: (len(both) > OPEN and not one.bad, one.id))

    def _full(self) -> bool:
        return len(self.bad) + len(self.good) >= SHOWN


def section(render: Render, report: Report, bad: bool, details: bool) -> Section:
    """A connection, rendered with its details or without."""
    body, words = render(report, details)
    return Section(report.trace.connection.id, bad, row(report), body, words)


def row(report: Report) -> Row:
    """A connection in one line."""
    trace = report.trace
    judged = report.asked and not report.foreign and trace.transport != "cancel"
    mark, style, words = headline(report)
    return Row(
        started=trace.connection.started,
        client=str(trace.connection.client),
        server=str(trace.connection.server),
        protocol=protocol(trace, short=True),
        ended=trace.outcome.kind.replace("_", " "),
        why=trace.outcome.alert.description if trace.outcome.alert else trace.outcome.because,
        verdict=f"{report.verdict.sslmode}: {OUTCOMES[report.verdict.outcome]}" if judged else "",
        mark=mark,
        tone=TONES[style],
        headline=words,
    )


TONES = {"green": "good", "red": "bad", "yellow": "warn", "cyan": "unknown"}
