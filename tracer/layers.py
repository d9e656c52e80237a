"""Bytes of one layer of one side, and the way from each back to the stream that carried it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

Span = tuple[int, int]


class Piece(NamedTuple):
    """Bytes of a layer from `offset` on, and the range of the stream that carried them; `exact`: byte for byte."""

    offset: int
    start: int
    stop: int
    exact: bool


@dataclass
class Layer:
    """The bytes of one layer of one side, with the way back to the stream."""

    data: bytearray = field(default_factory=bytearray)
    pieces: list[Piece] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)  # of the pieces
    done: int = 0  # bytes that are messages already
    whole: int | None = None  # where bytes are missing: what stands behind that is not known to begin with a message
    why: str = ""

    def add(self, data: bytes, start: int, stop: int, *, exact: bool) -> None:
        self.pieces.append(Piece(len(self.data), start, stop, exact))
        self.offsets.append(len(self.data))
        self.data += data

    def end(self, why: str) -> None:
        """Bytes are missing behind what there is so far."""
        if self.data and self.whole is None:
            self.whole, self.why = len(self.data), f"{why}: where a message begins behind that is not known"

    def within(self, start: int, stop: int) -> list[tuple[Piece, int, int]]:
        """The pieces that carry a range, each with its part of the range."""
        at = bisect_right(self.offsets, start) - 1
        if start < stop <= (self.offsets[at + 1] if at + 1 < len(self.offsets) else len(self.data)):
            return [(self.pieces[at], start, stop)]  # nearly always
        found = []
        while at < len(self.pieces):
            piece = self.pieces[at]
            end = self.offsets[at + 1] if at + 1 < len(self.pieces) else len(self.data)
            if piece.offset >= stop > start:
                break
            if end > start or stop == start:
                found.append((piece, max(start, piece.offset), min(stop, end)))
            if end >= stop:
                break
            at += 1
        return found

    def place(self, start: int, stop: int) -> tuple[Span, tuple[Span, ...]]:
        """Where a range of the layer stood, by the rule of messages, and its spans.

        The first is into the side's bytes, or into the record's plaintext when it was sealed. Spans are of the stream:
        the whole record, where it was sealed.
        """
        carried = self.within(start, stop)
        first = carried[0][0]
        spans = [
            (p.start + a - p.offset, p.start + b - p.offset) if p.exact else (p.start, p.stop) for p, a, b in carried
        ]
        return (start, stop) if first.exact else (start - first.offset, stop - first.offset), tuple(spans)

    def spans(self, start: int, stop: int) -> tuple[Span, ...]:
        """Where a range of the layer stood in the stream."""
        return self.place(start, stop)[1]
