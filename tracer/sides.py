"""One side's stream to its messages, in the order of its bytes.

A side speaks PostgreSQL in clear, then TLS records (`tracer.tls`), then PostgreSQL inside them (`tracer.speech`). `Draft`
is a message before it is put in order with the other side's: what it is called, its bytes, where they stood and how
they are read. Bytes that were not captured make no message: one that lacks some says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tracer.layers import Span
from tracer.protocol import postgres
from tracer.protocol.fields import Reader
from tracer.protocol.records import Record
from tracer.segments import Stream
from tracer.streams import Sender

MOST_MESSAGES = 4000  # of one side; what is behind them is one message of kind Unread


class Draft(NamedTuple):
    """A message of one side. `captured`: how many of its bytes were really seen, where some are missing."""

    kind: str
    layer: str
    data: bytes
    range: Span
    spans: tuple[Span, ...]
    read: Callable[[Reader], None]
    protected: bool = False
    opened: bool = False
    captured: int | None = None
    problem: str | None = None


class Side:
    """The messages of one side. `at` is the offset of the first byte that is no message yet."""

    def __init__(self, sender: Sender, stream: Stream) -> None:
        self.sender = sender
        self.stream = stream
        self.data = stream.data
        self.at = 0
        self.drafts: list[Draft] = []
        self.records: list[Record] = []
        self.sealed = 0
        self.opened = 0

    def take(self, kind: str, length: int, read: Callable[[Reader], None], layer: str = "postgres") -> Draft:
        """The next `length` bytes of the stream are a message in clear."""
        start, stop = self.at, min(self.at + length, len(self.data))
        self.at = stop
        return self.clear(kind, start, stop, read, layer)

    def clear(
        self, kind: str, start: int, stop: int, read: Callable[[Reader], None], layer: str, problem: str | None = None
    ) -> Draft:
        """A message that stands in the stream as it is."""
        spans = ((start, stop),)
        problem = problem or lost(self.stream, spans)
        seen = captured(self.stream, spans)
        draft = Draft(kind, layer, self.data[start:stop], spans[0], spans, read, captured=seen, problem=problem)
        self.drafts.append(draft)
        return draft

    def sealed_by_gssapi(self) -> None:
        """Tokens, then sealed packets, each behind its length in four bytes (be-secure-gssapi.c, be_gssapi_write)."""
        while self.at + 4 <= len(self.data) and len(self.drafts) < MOST_MESSAGES:
            start, stop = self.at, self.at + 4 + int.from_bytes(self.data[self.at : self.at + 4], "big")
            if stop > len(self.data) or self.stream.missing(start, stop) is not None:
                return
            where, data = (start, stop), self.data[start:stop]
            self.drafts.append(
                Draft("Sealed", "postgres", data, where, (where,), postgres.unread_bytes, protected=True)
            )
            self.at = stop

    def leftover(self, layer: str, problem: str) -> None:
        """What nobody can read: the rest of the stream."""
        if self.at < len(self.data):
            self.clear("Unread", self.at, len(self.data), postgres.unread_bytes, layer, self._gap() or problem)
            self.at = len(self.data)

    def _gap(self) -> str | None:
        """The first bytes that are missing from here on."""
        gap = lost(self.stream, ((self.at, len(self.data)),))
        return gap and f"{gap}: what stands here is not known"


def captured(stream: Stream, spans: tuple[Span, ...]) -> int | None:
    """How many bytes stand before the first gap in the spans of a message; None when none is missing."""
    if not stream.gaps:
        return None
    before = 0
    for start, stop in spans:
        gap = stream.missing(start, stop)
        if gap is not None:
            return before + gap[0] - start
        before += stop - start
    return None


def lost(stream: Stream, spans: tuple[Span, ...]) -> str | None:
    """The first bytes of these spans that were not captured, in words."""
    if not stream.gaps:
        return None
    gaps = (stream.missing(start, stop) for start, stop in spans)
    gap = next((gap for gap in gaps if gap is not None), None)
    return None if gap is None else f"bytes {gap[0]} to {gap[1]} of the stream were not captured"
