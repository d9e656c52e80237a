"""The walk over pcapng: a file of sections, interfaces and packets, each a block (draft-ietf-opsawg-pcapng)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from struct import Struct, error
from typing import NamedTuple

from tracer.packets.chunks import Window
from tracer.packets.link import SHORTCUTS, TCP
from tracer.packets.scapy_layers import known
from tracer.packets.source import SYN, Packet, Source, Tick
from tracer.packets.walk import Frames, Glance, glance, walked

LONGEST_BLOCK = 64 << 20  # a longer one is taken for damage
SECTION = bytes.fromhex("0a0d0d0a")
BYTE_ORDERS = {bytes.fromhex("4d3c2b1a"): "<", bytes.fromhex("1a2b3c4d"): ">"}
INTERFACE, PACKET, SIMPLE, STATISTICS, ENHANCED, SECRETS = 1, 2, 3, 5, 6, 10
TLS_KEY_LOG = 0x544C534B


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


def pcapng(source: Source, window: Window) -> Iterator[Packet | Tick]:
    """The packets of a file or stream of blocks, of which `window` shows the beginning."""
    frames = Frames(source)
    yield from walked(frames, window, partial(_blocks, frames, window, _Section("<")))
    left = len(window.buffer) - window.at
    if left and not frames.broken:
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
            order = BYTE_ORDERS.get(bytes(buffer[at + 8 : at + 12]))
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
            packet = OTHER_BLOCKS[kind](frames, section, bytes(buffer[at + 8 : at + length - 4]))
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
    except error:  # the next one is not whole yet
        pass
    if at > len(buffer):  # the last one is not whole yet
        passed, at, last = passed - 1, last, before
    window.at = at
    if passed:
        number, high, low, _, _ = section.enhanced(buffer, last + 8)
        frames.number += passed
        frames.saw(section.interfaces[number].time(high, low))


def _enhanced(frames: Frames, section: _Section, buffer: bytes | bytearray, at: int, stop: int) -> Packet | None:
    number, high, low, captured, length = section.enhanced(buffer, at + 8)
    frames.number += 1
    if number >= len(section.interfaces) or at + 28 + captured > stop:
        frames.damage(f"damaged: packet {frames.number} names no interface of its section or is too long")
        return None
    interface = section.interfaces[number]
    when = interface.time(high, low)
    frames.saw(when)
    frame = bytes(buffer[at + 28 : at + 28 + captured])
    if frames.source.record is not None:
        frames.source.record(interface.name, interface.link, interface.nanoseconds(high << 32 | low), frame, length)
    return frames.packet(interface.link, frame, when)


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
