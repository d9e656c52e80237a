"""A side's stream to its TLS records, and what was lost between them.

A record's length says where the next one begins, so that bytes lost inside a record cost no other. When a header was
lost, reading goes on at the next packet that begins with a header of this session, with another one or the end of the
data behind its record: sealed bytes look like that once in 10^9 packets.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from tracer.layers import Span
from tracer.protocol.records import HEADER, TLS_1_2, Record, is_header, record_at
from tracer.segments import Stream


@dataclass(frozen=True, slots=True)
class Lost:
    """Bytes in which a record's header was lost, with those behind the `gap` of which nobody knows what they are."""

    start: int
    stop: int
    gap: Span
    found: bool  # a record is known to begin at `stop`

    @property
    def why(self) -> str:
        return f"bytes {self.gap[0]} to {self.gap[1]} of the stream were not captured"

    @property
    def problem(self) -> str:
        """What is missing, and what was passed over because of that."""
        over = self.stop - self.gap[1]
        rest = f", and the {over} bytes behind them are passed over" if over else ""
        if self.found:
            return f"{self.why}, a record's header among them{rest}: the next record is known to begin at {self.stop}"
        return f"{self.why}, a record's header among them{rest}: where a record begins behind them is not known"


def framed(stream: Stream, at: int) -> list[Record | Lost]:
    """The records from offset `at` on, until the bytes end or are no record any more."""
    data, found, versions = stream.data, list[Record | Lost](), {TLS_1_2}
    while at < len(data):
        if not stream.missing(at, at + HEADER):
            if not is_header(data, at):
                break
            record = record_at(data, at)
            versions.add(record.version)
            found.append(record)
        else:
            gap = stream.missing(at, len(data)) or (at, at)
            place = next((start for start in _starts(stream, gap[1]) if _begins(stream, start, versions)), None)
            found.append(Lost(at, len(data) if place is None else place, gap, place is not None))
        at = found[-1].stop
    return found


def _starts(stream: Stream, at: int) -> Iterator[int]:
    """Where packets begin, from `at` on, where one does."""
    yield at
    for arrival in stream.arrivals[bisect_right(stream.arrivals, (at, 1 << 62)) :]:
        yield arrival.stop


def _begins(stream: Stream, at: int, versions: set[int]) -> bool:
    """Whether a record is known to begin at a packet's first byte."""
    data = stream.data
    if not is_header(data, at) or stream.missing(at, at + HEADER):
        return False
    record = record_at(data, at)
    behind = is_header(data, record.stop) and not stream.missing(record.stop, record.stop + HEADER)
    return record.version in versions and record.length > 0 and not record.cut and (behind or record.stop == len(data))
