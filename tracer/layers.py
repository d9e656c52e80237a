"""Bytes of one layer of one side, and the way from each back to the stream that carried it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
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
    done: int = 0  # bytes that are messages already
    whole: int | None = None  # where bytes are missing: what stands behind that is not known to begin with a message
    why: str = ""

    def add(self, data: bytes, start: int, stop: int, *, exact: bool) -> None:
        self.pieces.append(Piece(len(self.data), start, stop, exact))
        self.data += data

    def end(self, why: str) -> None:
        """Bytes are missing behind what there is so far."""
        if self.data and self.whole is None:
            self.whole, self.why = len(self.data), f"{why}: where a message begins behind that is not known"

    def within(self, start: int, stop: int) -> Iterator[tuple[Piece, int, int]]:
        """The pieces that carry a range, each with its part of the range."""
        at = bisect_right(self.pieces, start, key=lambda piece: piece.offset) - 1
        while at < len(self.pieces):
            piece = self.pieces[at]
            end = self.pieces[at + 1].offset if at + 1 < len(self.pieces) else len(self.data)
            if piece.offset >= stop > start:
                return
            if end > start or stop == start:
                yield piece, max(start, piece.offset), min(stop, end)
            if end >= stop:
                return
            at += 1

    def spans(self, start: int, stop: int) -> tuple[Span, ...]:
        """Where a range of the layer stood in the stream: the whole record, where it was sealed."""
        return tuple(
            (p.start + a - p.offset, p.start + b - p.offset) if p.exact else (p.start, p.stop)
            for p, a, b in self.within(start, stop)
        )

    def range(self, start: int, stop: int) -> Span:
        """The range by the rule of messages: into the side's bytes, or into the record's plaintext when it was sealed."""
        piece = next(self.within(start, stop))[0]
        return (start, stop) if piece.exact else (start - piece.offset, stop - piece.offset)
