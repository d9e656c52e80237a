"""How far a long reading has come: one line on a terminal, nothing in a pipe."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

from tracer.packets.source import Counts, Packet, Source, Tick

PATIENCE = 1.0  # seconds before the line appears
PERIOD = 0.25  # seconds from one line to the next
WIDTH = 24  # characters of a bar
ERASE = "\r\x1b[K"


class Progress:
    """A line on `terminal` that is written over itself. `clear` takes it away before anything else is written there."""

    def __init__(self, terminal: IO[str]) -> None:
        self.terminal = terminal
        self.quiet = not terminal.isatty()
        self.due = time.monotonic() + PATIENCE
        self.shown = False
        self.tally: Counter[str] = Counter()  # connections, by how they ended

    def settled(self, how: str) -> None:
        """One more connection has."""
        self.tally[how] += 1

    def watch(self, source: Source) -> Source:
        """The same source; what it has read is shown as it is read."""
        if self.quiet:
            return source
        size = _size(source)

        def walk(_: Source) -> Iterator[Packet | Tick]:
            for item in source:
                if isinstance(item, Tick):
                    self._show(source, size)
                yield item

        return replace(source, walk=walk)

    def heard(self, source: Source) -> None:
        """How far another process has come with it."""
        if not self.quiet:
            self._show(source, _size(source))

    def clear(self) -> None:
        if self.shown:
            self.terminal.write(ERASE)
            self.terminal.flush()
            self.shown = False

    def _show(self, source: Source, size: int | None) -> None:
        now = time.monotonic()
        if now < self.due:
            return
        self.due, self.shown = now + PERIOD, True
        part = f"{100 * source.counts.bytes // size} %, " if size else ""
        name = "".join(c if c.isprintable() else "?" for c in Path(source.name).name)[:40]
        line = f"{name}: {part}{packets(source.counts)}, {connections(self.tally)}"
        self.terminal.write(f"{ERASE}{line[: _room(self.terminal)]}")
        self.terminal.flush()


class Bar:
    """How many of `total` captures are done, on one line; those `before` were done when it began."""

    def __init__(self, terminal: IO[str], total: int, before: int = 0) -> None:
        self.terminal, self.total, self.count, self.before = terminal, total, before, before
        self.quiet = not terminal.isatty()
        self.began = time.monotonic()
        self.due = self.began + PATIENCE
        self.found = self.problems = 0
        self.shown = False

    def done(self, connections: int, problems: int) -> None:
        """One more capture is."""
        self.count, self.found, self.problems = self.count + 1, self.found + connections, self.problems + problems
        now = time.monotonic()
        if self.quiet or now < self.due:
            return
        self.due, self.shown = now + PERIOD, True
        left = (now - self.began) / (self.count - self.before) * (self.total - self.count)
        full = WIDTH * self.count // self.total
        line = f"[{'#' * full}{'.' * (WIDTH - full)}] {self.count:,} of {self.total:,} captures, {self.found:,} connections"
        line += f", {self.problems:,} problems" * bool(self.problems) + f", {_span(left)} left"
        self.terminal.write(f"{ERASE}{line[: _room(self.terminal)]}")
        self.terminal.flush()

    def clear(self) -> None:
        if self.shown:
            self.terminal.write(ERASE)
            self.terminal.flush()
            self.shown = False


def _room(terminal: IO[str]) -> int | None:
    """Characters that fit on a line: what is longer goes on in a second one, which is not erased. None where nobody knows."""
    with suppress(OSError, ValueError):
        return max(os.get_terminal_size(terminal.fileno()).columns - 1, 0) or None
    return None


def _span(seconds: float) -> str:
    """A time to wait, as people say it."""
    return (
        f"{seconds:.0f} s"
        if seconds < 100
        else f"{seconds / 60:.0f} min"
        if seconds < 6000
        else f"{seconds / 3600:.1f} h"
    )


def packets(counts: Counts) -> str:
    """How many, and how many of them were lost, where somebody counted."""
    dropped = "" if counts.dropped is None else f" ({counts.dropped:,} dropped)"
    return f"{counts.packets:,} packet{'s' * (counts.packets != 1)}{dropped}"


def connections(tally: Counter[str]) -> str:
    """How many, and how they ended."""
    number = tally.total()
    most = sorted(tally.items(), key=lambda item: (-item[1], item[0]))
    how = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in most)
    return f"{number:,} PostgreSQL connection{'s' * (number != 1)}" + (f" ({how})" if how else "")


def _size(source: Source) -> int | None:
    """The bytes of the file that is read; None where nobody knows how much will come."""
    with suppress(OSError, ValueError):
        path = Path(source.name)
        if source.format != "live" and not source.packed and path.is_file():
            return path.stat().st_size
    return None
