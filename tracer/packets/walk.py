"""What every walk over frames does with one: count it, pass over it when its flow is dead, else make a `Packet` of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any, NamedTuple

from tracer.packets.chunks import Window
from tracer.packets.dissect import Dissector
from tracer.packets.link import TCP, Segment, Shortcut
from tracer.packets.source import SYN, Packet, Source, Tick


class Glance(NamedTuple):
    """How to see, with one look at a record of a file, what tells of a dead flow: IP as it is nearly always.

    `ipv4` and `ipv6` read at an offset of a buffer: the numbers of the record's header, the marker of IPv4, the first
    byte of the IP header, of IPv6 the next header's type, then the flow's key and the TCP flags. A frame of fewer bytes
    than a TCP header needs behind IPv4 (`least4`) or IPv6 (`least6`) has none.
    """

    ipv4: Callable[[bytes | bytearray, int], tuple[Any, ...]]
    ipv6: Callable[[bytes | bytearray, int], tuple[Any, ...]]
    marker: bytes
    least4: int
    least6: int


def glance(header: str, shortcut: Shortcut) -> Glance:
    """The glance at frames behind a header of that `struct` format."""
    at, marker, ip = shortcut
    begins = f"{header}{at}x{len(marker)}s{ip - at - len(marker)}xB"
    ipv4, ipv6 = Struct(f"{begins}11x12s9xB"), Struct(f"{begins}5xBx36s9xB")
    return Glance(ipv4.unpack_from, ipv6.unpack_from, marker, ip + 34, ip + 54)


class Frames:
    """Frames to packets, for the interfaces of one source; counts them, and skips those of dead flows."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.skip = source.skip.keys()  # a view is asked in half the time that a dict of our own takes
        self.dissector = Dissector(source.unwrapped)
        self.number = 0
        self.broken = False

    def damage(self, text: str) -> None:
        """From here on the file cannot be read."""
        self.source.problems.append(text)
        self.broken = True

    def dead(self, shortcut: Shortcut, buffer: bytes, start: int) -> bool:
        """Whether the frame at `start` is a segment of a dead flow, and no SYN; IP as it is nearly always."""
        at, marker, ip = shortcut
        ip += start
        if buffer[ip + 12 : ip + 24] in self.skip:
            return buffer[ip] == 0x45 and buffer.startswith(marker, start + at) and not buffer[ip + 33] & SYN
        if buffer[ip] >> 4 != 6 or buffer[ip + 6] != TCP or buffer[ip + 8 : ip + 44] not in self.skip:
            return False
        return not int.from_bytes(buffer[ip + 53 : ip + 54]) & SYN  # the frame may end in front of that

    def packet(self, link: int, frame: bytes, when: float) -> Packet | None:
        """The TCP segment in the frame counted last, where anybody needs it."""
        found = self.dissector.segment(link, frame)
        return None if found is None else self.needed(found, when)

    def needed(self, found: Segment, when: float) -> Packet | None:
        """The same of a segment that was found in it."""
        if found.flow in self.skip and not found.flags & SYN:
            return None
        return Packet(self.number, when, *found)

    def saw(self, when: float) -> None:
        """Frames were walked up to that time."""
        counts = self.source.counts
        counts.packets = self.number
        counts.last = when
        if counts.first is None:
            counts.first = when


def _waiting(source: Source, window: Window) -> Iterator[Tick]:
    """Read on; a Tick when a whole chunk was walked, and while nothing comes."""
    began = time.monotonic()
    came = window.more()
    while not came and not window.ended:
        if source.counts.last is not None:
            yield Tick(source.counts.last + time.monotonic() - began)
        elif source.format == "live":
            yield Tick(time.time())
        came = window.more()
    source.counts.bytes = window.before + len(window.buffer)
    if source.counts.last is not None:
        yield Tick(source.counts.last)


def walked(frames: Frames, window: Window, whole: Callable[[], Iterator[Packet]]) -> Iterator[Packet | Tick]:
    """The `whole` packets of the window, and of what comes behind it, to its end or to where it cannot be read on."""
    while True:
        yield from whole()
        if frames.broken:
            return
        yield from _waiting(frames.source, window)
        if window.ended:
            return
