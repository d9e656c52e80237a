"""Reading pcap and pcapng, from a file or from a stream as it grows.

Both formats are walked in chunks. Of a packet whose flow is dead nothing is made: its headers are looked at
in place. What a damaged file still holds is read, and the damage is one line in `Source.problems`.
Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Container, Iterator
from struct import Struct
from struct import error as OutOfBytes  # noqa: N812 (here it says that)
from typing import BinaryIO, NamedTuple

from tracer.errors import TracerError
from tracer.packets.chunks import Window, beginning, chunks, open_file, unpacked
from tracer.packets.link import SHORTCUTS, TCP
from tracer.packets.scapy_layers import known
from tracer.packets.source import SYN, Packet, Source, Tick
from tracer.packets.walk import Frames, Glance, glance

LONGEST_BLOCK = 64 << 20  # a longer one is taken for damage
LONGEST_PACKET = 1 << 24

# Byte order, seconds of a tick, bytes of a record's header: the last two are Kuznetzov's, with more in each header.
MAGIC = {
    bytes.fromhex("d4c3b2a1"): ("<", 1e-6, 16),
    bytes.fromhex("a1b2c3d4"): (">", 1e-6, 16),
    bytes.fromhex("4d3cb2a1"): ("<", 1e-9, 16),
    bytes.fromhex("a1b23c4d"): (">", 1e-9, 16),
    bytes.fromhex("34cdb2a1"): ("<", 1e-6, 24),
    bytes.fromhex("a1b2cd34"): (">", 1e-6, 24),
}
SECTION = bytes.fromhex("0a0d0d0a")
BYTE_ORDERS = {bytes.fromhex("4d3c2b1a"): "<", bytes.fromhex("1a2b3c4d"): ">"}
INTERFACE, PACKET, SIMPLE, STATISTICS, ENHANCED, SECRETS = 1, 2, 3, 5, 6, 10
TLS_KEY_LOG = 0x544C534B

Buffer = bytes
Items = Iterator[Packet | Tick]


def open_capture(path: str | os.PathLike[str]) -> Source:
    """The packets of a pcap or pcapng file; `-` reads standard input as it arrives. Raises `TracerError`."""
    name = os.fspath(path)
    return read_stream(open_file(name), name)


def read_stream(file: BinaryIO, name: str) -> Source:
    """The packets of an open capture. Its first bytes are read at once, to know the format. Raises `TracerError`."""
    problems: list[str] = []
    rest = chunks(file)
    start = beginning(rest)
    if not start:
        raise TracerError(f"{name} is empty", "tcpdump writes its file when it stops, or at once with -U")
    unpacked_ = unpacked(name, start, rest, problems)
    if unpacked_ is not None:
        start, rest = unpacked_
    if start[:4] not in MAGIC and start[:4] != SECTION:
        raise TracerError(f"{name} is neither pcap nor pcapng", *_hints(name, start))
    walk, form = (_pcap, "pcap") if start[:4] in MAGIC else (_pcapng, "pcapng")
    return Source(
        name,
        lambda source: walk(source, Window(start, rest)),
        form,
        problems=problems,
        packed=unpacked_ is not None,
    )


def _hints(name: str, start: bytes) -> tuple[str, ...]:
    if start.startswith((b"CLIENT_", b"SERVER_", b"# SSL/TLS", b"# TLS")):
        return (f"it looks like a key log: pgtls read CAPTURE --keylog {name}",)
    return (
        "write one with: tcpdump -w capture.pcap port 5432",
        f"a format of another program, that Wireshark opens: pgtls read --via wireshark {name}",
    )


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


# PCAP


def _pcap(source: Source, window: Window) -> Items:
    while len(window.buffer) < 24:
        if not window.more() and window.ended:
            source.problems.append("cut short inside the file's header")
            return
    order, unit, size = MAGIC[window.buffer[:4]]
    link = Struct(order + "I").unpack_from(window.buffer, 20)[0] & 0x0FFFFFFF
    if not known(link):
        source.problems.append(f"link type {link} is not known to pgtls")
        return
    header = Struct(order + "IIII").unpack_from
    look = glance(f"{order}8xI{size - 12}x", SHORTCUTS[link]) if link in SHORTCUTS else None
    frames = Frames(source)
    window.at = 24
    while True:
        yield from _pcap_chunk(frames, window, header, size, unit, link, look)
        if frames.broken:
            return
        yield from _waiting(source, window)
        if window.ended:
            break
    if window.at < len(window.buffer):
        left = len(window.buffer) - window.at
        source.problems.append(f"cut short: packet {frames.number + 1} ends after {left} bytes of its record")


def _pcap_chunk(
    frames: Frames,
    window: Window,
    header: Callable[..., tuple[int, ...]],
    size: int,
    unit: float,
    link: int,
    look: Glance | None,
) -> Iterator[Packet]:
    """The packets that are whole in the window."""
    buffer, at, end = window.buffer, window.at, len(window.buffer)
    last = None
    while at + size <= end:
        if look is not None and frames.number:
            passed, at, last = _dead_records(look, frames.skip, buffer, at, size, last)
            frames.number += passed
            if at + size > end:
                break
        seconds, fraction, captured, _ = header(buffer, at)
        start = at + size
        stop = start + captured
        if stop > end:
            if captured > LONGEST_PACKET:
                frames.damage(f"damaged at byte {window.before + at}: a packet of {captured} bytes")
            break
        frames.number += 1
        last, at = at, stop
        when = seconds + fraction * unit
        if frames.source.counts.first is None:
            frames.saw(when)
        packet = frames.packet(link, buffer[start:stop], when)
        if packet is not None:
            yield packet
    window.at = at
    if last is not None:
        seconds, fraction, _, _ = header(buffer, last)
        frames.saw(seconds + fraction * unit)


def _dead_records(
    look: Glance, skip: Container[bytes], buffer: Buffer, at: int, size: int, last: int | None
) -> tuple[int, int, int | None]:
    """Pass over the records of dead flows, from `at` on: how many, where the next one stands, and where the last."""
    ipv4, ipv6, marker, least4, least6 = look
    passed, before = 0, last
    try:
        while True:
            captured, marked, first, key, flags = ipv4(buffer, at)
            if first != 0x45:
                if first >> 4 != 6:
                    break
                captured, _, _, protocol, key, flags = ipv6(buffer, at)
                if protocol != TCP or captured < least6:
                    break
            elif marked != marker or captured < least4:
                break
            if key not in skip or flags & SYN:
                break
            passed += 1
            before, last, at = last, at, at + size + captured
    except OutOfBytes:
        pass
    if last is not None and at > len(buffer):  # that one is not whole yet
        return passed - 1, last, before
    return passed, at, last


# PCAPNG


class _Interface(NamedTuple):
    link: int
    unit: float
    offset: int  # seconds
    snaplen: int
    name: str

    def time(self, high: int, low: int) -> float:
        """Seconds since 1970."""
        return (high << 32 | low) * self.unit + self.offset

    def nanoseconds(self, ticks: int) -> int:
        """A time of this interface since 1970; exact where its unit is some nanoseconds."""
        unit = 1e9 * self.unit
        whole = round(unit)
        exact = whole > 0 and abs(unit - whole) < 1e-6 * unit
        return (ticks * whole if exact else int(ticks * unit)) + self.offset * 1_000_000_000


def _pcapng(source: Source, window: Window) -> Items:
    frames = Frames(source)
    section = _Section("<")
    while True:
        yield from _blocks(frames, window, section)
        if frames.broken:
            return
        yield from _waiting(source, window)
        if window.ended:
            break
    if window.at < len(window.buffer):
        left = len(window.buffer) - window.at
        source.problems.append(f"cut short: the block behind packet {frames.number} ends after {left} bytes")


class _Section:
    """What the blocks of a section refer to."""

    def __init__(self, order: str) -> None:
        self.interfaces: list[_Interface] = []
        self.dropped: dict[int, int] = {}  # by interface
        self.dropped_before = 0
        self.use(order)

    def use(self, order: str) -> None:
        self.order = order
        self.block = Struct(order + "II").unpack_from
        self.enhanced = Struct(order + "IIIII").unpack_from
        self.interfaces.clear()
        self.look: Glance | None = None
        self.dropped_before += sum(self.dropped.values())
        self.dropped.clear()

    def add(self, interface: _Interface) -> None:
        """One more interface; there is a glance while all have the same link type."""
        self.interfaces.append(interface)
        links = {each.link for each in self.interfaces}
        alike = len(links) == 1 and interface.link in SHORTCUTS
        self.look = glance(f"{self.order}III8xI4x", SHORTCUTS[interface.link]) if alike else None


def _blocks(frames: Frames, window: Window, section: _Section) -> Iterator[Packet]:
    """The packets of the blocks that are whole in the window."""
    buffer, end = window.buffer, len(window.buffer)
    while True:
        if section.look is not None and frames.number and frames.source.record is None:
            _dead_blocks(section.look, frames, section, window)
        at = window.at
        if at + 12 > end:
            return
        if buffer[at : at + 4] == SECTION:
            order = BYTE_ORDERS.get(buffer[at + 8 : at + 12])
            if order is None:
                frames.damage(f"damaged at byte {window.position()}: a section of no byte order")
                return
            section.use(order)
        kind, length = section.block(buffer, at)
        if length < 12 or length % 4 or length > LONGEST_BLOCK:
            frames.damage(f"damaged at byte {window.position()}: a block of {length} bytes")
            return
        if at + length > end:
            return
        window.at = at + length
        if kind == ENHANCED and length >= 32:
            packet = _enhanced(frames, section, buffer, at, at + length - 4)
            if packet is not None:
                yield packet
        elif kind in OTHER_BLOCKS:
            packet = OTHER_BLOCKS[kind](frames, section, buffer[at + 8 : at + length - 4])
            if packet is not None:
                yield packet
        if frames.broken:
            return


def _dead_blocks(look: Glance, frames: Frames, section: _Section, window: Window) -> None:
    """Pass over the blocks of dead flows that stand in front."""
    ipv4, ipv6, marker, least4, least6 = look
    buffer, at, skip = window.buffer, window.at, frames.skip
    passed, before, last, interfaces = 0, at, at, len(section.interfaces)
    try:
        while True:
            kind, length, number, captured, marked, first, key, flags = ipv4(buffer, at)
            if first != 0x45:
                if first >> 4 != 6:
                    break
                *_, protocol, key, flags = ipv6(buffer, at)
                if protocol != TCP or captured < least6:
                    break
            elif marked != marker or captured < least4:
                break
            if key not in skip or flags & SYN or kind != ENHANCED or number >= interfaces:
                break
            if length % 4 or length < 32 + captured:
                break
            passed += 1
            before, last, at = last, at, at + length
    except OutOfBytes:
        pass
    if at > len(buffer):  # the last one is not whole yet
        passed, at, last = passed - 1, last, before
    window.at = at
    if passed:
        number, high, low, _, _ = section.enhanced(buffer, last + 8)
        frames.number += passed
        frames.saw(section.interfaces[number].time(high, low))


def _enhanced(frames: Frames, section: _Section, buffer: Buffer, at: int, stop: int) -> Packet | None:
    number, high, low, captured, length = section.enhanced(buffer, at + 8)
    frames.number += 1
    if number >= len(section.interfaces) or at + 28 + captured > stop:
        frames.damage(f"damaged: packet {frames.number} names no interface of its section or is too long")
        return None
    interface = section.interfaces[number]
    when = interface.time(high, low)
    frames.saw(when)
    if frames.source.record is not None:
        stamp, frame = interface.nanoseconds(high << 32 | low), buffer[at + 28 : at + 28 + captured]
        frames.source.record(interface.name, interface.link, stamp, frame, length)
    return frames.packet(interface.link, buffer[at + 28 : at + 28 + captured], when)


def _obsolete(frames: Frames, section: _Section, body: bytes) -> Packet | None:
    """A Packet Block, as it was before there were Enhanced ones."""
    if len(body) < 20:
        return None
    number = Struct(section.order + "H").unpack_from(body)[0]
    return _enhanced(frames, section, Struct(section.order + "I").pack(number) + body[4:], -8, len(body))


def _simple(frames: Frames, section: _Section, body: bytes) -> Packet | None:
    """A Simple Packet Block has no time: the last one known is its."""
    frames.number += 1
    if not section.interfaces or len(body) < 4:
        frames.damage(f"damaged: packet {frames.number} has no interface")
        return None
    interface = section.interfaces[0]
    length = Struct(section.order + "I").unpack_from(body)[0]
    captured = min(length, interface.snaplen or length, len(body) - 4)
    when = frames.source.counts.last or 0.0
    frames.saw(when)
    return frames.packet(interface.link, body[4 : 4 + captured], when)


def _interface(frames: Frames, section: _Section, body: bytes) -> None:
    if len(body) < 8:
        frames.damage("damaged: an interface description of too few bytes")
        return
    link, _, snaplen = Struct(section.order + "HHI").unpack_from(body)
    if not known(link):
        frames.source.problems.append(f"packets of link type {link} are not known to pgtls")
    unit, offset, name = 1e-6, 0, ""
    for code, value in _options(section.order, body[8:]):
        if code == 2:  # if_name
            name = value.decode(errors="replace")
        elif code == 9 and value:  # if_tsresol
            unit = 2.0 ** -(value[0] & 0x7F) if value[0] & 0x80 else 10.0 ** -value[0]
        elif code == 14 and len(value) == 8:  # if_tsoffset
            offset = Struct(section.order + "q").unpack(value)[0]
    section.add(_Interface(link, unit, offset, snaplen, name))


def _options(order: str, data: bytes) -> Iterator[tuple[int, bytes]]:
    at, header = 0, Struct(order + "HH").unpack_from
    while at + 4 <= len(data):
        code, length = header(data, at)
        if code == 0:
            return
        yield code, data[at + 4 : at + 4 + length]
        at += 4 + (length + 3 & ~3)


def _statistics(frames: Frames, section: _Section, body: bytes) -> None:
    """What an interface lost, as whoever captured has counted it so far."""
    for code, value in _options(section.order, body[12:]):
        if code == 5 and len(value) == 8:  # isb_ifdrop
            number = Struct(section.order + "I").unpack_from(body)[0]
            section.dropped[number] = Struct(section.order + "Q").unpack(value)[0]
    if section.dropped:
        frames.source.counts.dropped = section.dropped_before + sum(section.dropped.values())


def _secrets(frames: Frames, section: _Section, body: bytes) -> None:
    if len(body) >= 8:
        kind, length = Struct(section.order + "II").unpack_from(body)
        if kind == TLS_KEY_LOG:
            frames.source.keys.add(body[8 : 8 + length])


OTHER_BLOCKS: dict[int, Callable[[Frames, _Section, bytes], Packet | None]] = {
    INTERFACE: _interface,
    PACKET: _obsolete,
    SIMPLE: _simple,
    STATISTICS: _statistics,
    SECRETS: _secrets,
}
