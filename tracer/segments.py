"""One direction of a TCP connection: from segments in any order to a stream of bytes.

Offsets count from the first byte behind the SYN, or from the earliest byte seen where there was none.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple

from tracer.packets.source import FIN, SYN, URG, Packet

STREAM_BYTES = 1 << 18  # of one direction; a handshake is a tenth of that
WINDOW = 1 << 22  # bytes that may be on the way at once
UNHEARD = -1  # what had been heard by a segment that was not captured
MOST_REWRITES = 16  # of one direction that are remembered
MOST_MOVES = (
    64  # of the beginning of a side without its SYN: each handles all that is there, and packets swap places by few
)


class Arrival(NamedTuple):
    """The bytes before `stop` were all there when packet `number` came; its sender had heard `heard` of the other side."""

    stop: int
    number: int
    time: float
    heard: int


class Rewrite(NamedTuple):
    """Packet `packet` repeats the bytes `start` to `stop`, and some of them differ from the first copy."""

    start: int
    stop: int
    packet: int


@dataclass(frozen=True, slots=True)
class Stream:
    """What one side sent. Bytes that were not captured are zeros, and `gaps` says where.

    `cut` counts the bytes of its packets that the capture did not keep; `urgent` is where urgent data ended.
    """

    data: bytes = b""
    gaps: tuple[tuple[int, int], ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    closed: Literal["fin", "rst"] | None = None
    rewrites: tuple[Rewrite, ...] = ()
    cut: int = 0
    urgent: int | None = None

    def arrival(self, stop: int) -> Arrival:
        """When the bytes before offset `stop` were complete."""
        at = bisect_left(self.arrivals, (stop,))
        return self.arrivals[min(at, len(self.arrivals) - 1)]

    def missing(self, start: int, stop: int) -> tuple[int, int] | None:
        """The first part of a range that was not captured."""
        if not self.gaps:
            return None
        at = max(bisect_right(self.gaps, (start, STREAM_BYTES << 4)) - 1, 0)
        for a, b in islice(self.gaps, at, at + 2):
            if a < stop and start < b:
                return max(a, start), min(b, stop)
        return None


class Direction:
    """One direction of a flow in flight: contiguous bytes, and segments that wait for those before them."""

    __slots__ = (
        "base",
        "cut",
        "data",
        "end",
        "fin",
        "held",
        "key",
        "moves",
        "pieces",
        "reset",
        "rewrites",
        "syn",
        "urgent",
        "waiting",
    )

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.base: int | None = None  # sequence number of offset 0
        self.syn = False
        self.data = bytearray()
        self.pieces: list[tuple[int, int, float, int]] = []  # stop, packet, time, ack
        self.waiting: list[tuple[int, int, float, int, bytes]] = []  # offset, packet, time, ack, payload
        self.held = 0  # bytes waiting
        self.end = 0  # the offset behind the last byte that was sent, captured or not
        self.fin: int | None = None
        self.reset: int | None = None  # the offset that its RST names
        self.rewrites: list[Rewrite] = []
        self.cut = 0
        self.urgent: int | None = None
        self.moves = 0

    def add(self, packet: Packet) -> None:
        if packet.flags & SYN:
            self.base, self.syn = (packet.seq + 1) & 0xFFFFFFFF, True
            if packet.payload:  # TCP Fast Open
                self._insert(0, packet, packet.payload)
        elif packet.payload or packet.cut or packet.flags & FIN:
            if self.base is None:
                self.base = packet.seq
            offset = self._offset(packet.seq)
            if offset < 0 and not self.syn:
                offset = self._rebase(packet.seq)
            if offset < 0 and not self.syn:
                return
            stop = offset + len(packet.payload) + packet.cut
            self.end, self.cut = max(self.end, stop), self.cut + packet.cut
            if packet.flags & URG and self.urgent is None:
                self.urgent = stop
            if packet.flags & FIN and self.fin is None:
                self.fin = stop
            if packet.payload:
                self._insert(offset, packet, packet.payload)

    def believes(self, packet: Packet) -> bool:
        """Whether a receiver would take a reset: one far from what was sent last is somebody else's (RFC 9293 §3.10.7.4)."""
        return self.base is None or abs(self._offset(packet.seq) - max(self.end, len(self.data))) <= WINDOW

    def keeps_alive(self, packet: Packet) -> bool:
        """Whether a segment only asks for an answer: its one byte is one in front of those to come (RFC 9293 §3.8.4)."""
        return len(packet.payload) == 1 and bool(self.data) and self._offset(packet.seq) == len(self.data) - 1

    def close(self, packet: Packet) -> None:
        """Take in a reset. It may overtake data that were sent before it: its sequence number says how much."""
        if self.reset is None:
            self.reset = 0 if self.base is None else self._offset(packet.seq)

    def complete(self) -> bool:
        """Whether it has ended, and no byte in front of the end is missing."""
        end = self.fin if self.reset is None else self.reset
        return end is not None and len(self.data) >= end

    def marks(self) -> list[tuple[int, int]]:
        """For each packet with news: the bytes before this offset were all there when that packet came."""
        last, found = 0, []
        for stop, number, _, _ in self.pieces:
            last = max(last, number)
            found.append((stop, last))
        return found

    def full(self) -> bool:
        return len(self.data) + self.held > STREAM_BYTES

    def _offset(self, seq: int) -> int:
        """Sequence numbers wrap: the offset is the nearest one (RFC 9293 §3.4)."""
        return (seq - (self.base or 0) + 0x80000000 & 0xFFFFFFFF) - 0x80000000

    def _rebase(self, seq: int) -> int:
        """Without its SYN, a side begins with the earliest segment seen: here is an earlier one."""
        shift = -self._offset(seq)
        if shift > STREAM_BYTES or self.moves >= MOST_MOVES:
            return -shift  # no part of this: `add` takes nothing that begins in front
        self.moves += 1
        self.waiting = [(offset + shift, *rest) for offset, *rest in self.waiting]  # type: ignore[misc]
        start = shift
        for stop, number, time, ack in self.pieces:
            piece = bytes(self.data[start - shift : stop])
            self.waiting.append((start, number, time, ack, piece))
            start = stop + shift
        heapq.heapify(self.waiting)
        self.held += len(self.data)
        self.base, self.data, self.pieces = seq, bytearray(), []
        self.fin = None if self.fin is None else self.fin + shift
        self.urgent = None if self.urgent is None else self.urgent + shift
        self.reset = None if self.reset is None else self.reset + shift
        self.end += shift
        return 0

    def _insert(self, offset: int, packet: Packet, payload: bytes) -> None:
        there = len(self.data)
        if offset == there:
            self.data += payload
            self.pieces.append((there + len(payload), packet.number, packet.time, packet.ack))
        elif offset < there:
            self._append(offset, packet.number, packet.time, packet.ack, payload)
        elif offset <= 2 * STREAM_BYTES and self.held <= STREAM_BYTES:
            heapq.heappush(self.waiting, (offset, packet.number, packet.time, packet.ack, payload))
            self.held += len(payload)
        while self.waiting and self.waiting[0][0] <= len(self.data):
            self._append(*self._pop())

    def _pop(self) -> tuple[int, int, float, int, bytes]:
        segment = heapq.heappop(self.waiting)
        self.held -= len(segment[4])
        return segment

    def _append(self, offset: int, number: int, time: float, ack: int, payload: bytes) -> None:
        """Of bytes that come twice the first copy stays: that is what the receiver's window took."""
        again = payload[max(-offset, 0) : len(self.data) - offset]
        at = max(offset, 0)
        if again != self.data[at : at + len(again)] and len(self.rewrites) < MOST_REWRITES:
            self.rewrites.append(Rewrite(at, at + len(again), number))
        news = payload[len(self.data) - offset :]
        if news:
            self.data += news
            self.pieces.append((len(self.data), number, time, ack))

    def stream(self, other: Direction) -> Stream:
        gaps = []
        while self.waiting:
            segment = self._pop()
            if segment[0] > len(self.data):
                if segment[0] > len(self.data) + 2 * STREAM_BYTES:
                    break
                gaps.append((len(self.data), segment[0]))
                self.data += bytes(segment[0] - len(self.data))
                self.pieces.append((segment[0], segment[1], segment[2], UNHEARD))
            self._append(*segment)
        if len(self.data) < self.end <= len(self.data) + STREAM_BYTES and self.data:
            gaps.append((len(self.data), self.end))
            self.data += bytes(self.end - len(self.data))
            _, number, time, ack = self.pieces[-1]
            self.pieces.append((self.end, number, time, ack))
        closed: Literal["fin", "rst"] | None = (
            "rst" if self.reset is not None else "fin" if self.fin is not None else None
        )
        return Stream(
            bytes(self.data),
            tuple(gaps),
            tuple(self._arrivals(other)),
            closed,
            tuple(self.rewrites),
            self.cut,
            self.urgent,
        )

    def _arrivals(self, other: Direction) -> Iterator[Arrival]:
        number, time, heard = 0, 0.0, 0
        for stop, its_number, its_time, ack in self.pieces:
            number, time = max(number, its_number), max(time, its_time)
            if other.base is not None and ack != UNHEARD:
                heard = max(heard, other._offset(ack))
            yield Arrival(stop, number, time, heard)
