"""Reading pcap and pcapng, from a file or from a stream as it grows.

Both formats are walked in chunks of a few MB. Of a packet whose flow is dead nothing is made: its headers are looked at
in place. What a damaged file still holds is read, and the damage is one line in `Source.problems`.
Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import os
import select
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import Struct
from typing import BinaryIO, NamedTuple

from tracer.errors import TracerError
from tracer.packets.link import LINKS, SHORTCUTS, Shortcut, segment
from tracer.packets.source import SYN, Packet, Source, Tick

CHUNK = 4 << 20  # bytes
LONGEST_BLOCK = 64 << 20  # a longer one is taken for damage
LONGEST_PACKET = 1 << 24
PATIENCE = 0.25  # seconds without news from a stream until a Tick

MAGIC = {
    bytes.fromhex("d4c3b2a1"): ("<", 1e-6),
    bytes.fromhex("a1b2c3d4"): (">", 1e-6),
    bytes.fromhex("4d3cb2a1"): ("<", 1e-9),
    bytes.fromhex("a1b23c4d"): (">", 1e-9),
}
SECTION = bytes.fromhex("0a0d0d0a")
BYTE_ORDERS = {bytes.fromhex("4d3c2b1a"): "<", bytes.fromhex("1a2b3c4d"): ">"}
INTERFACE, SIMPLE, ENHANCED, SECRETS = 1, 3, 6, 10
TLS_KEY_LOG = 0x544C534B

Buffer = bytes
Items = Iterator[Packet | Tick]


def open_capture(path: str | os.PathLike[str]) -> Source:
    """The packets of a pcap or pcapng file; `-` reads standard input as it arrives. Raises `TracerError`."""
    name = os.fspath(path)
    if name == "-":
        import sys

        return read_stream(sys.stdin.buffer, "-")
    try:
        file = Path(name).open("rb", buffering=0)  # noqa: SIM115 (the walk closes it at its end)
    except FileNotFoundError:
        raise TracerError(f"{name}: no such file", "- reads a capture from standard input") from None
    except IsADirectoryError:
        raise TracerError(f"{name} is a folder", "name the capture files in it, for example *.pcapng") from None
    except OSError as error:
        raise TracerError(f"{name}: {(error.strerror or str(error)).lower()}", "may you read it?") from None
    return read_stream(file, name)


def read_stream(file: BinaryIO, name: str) -> Source:
    """The packets of an open capture. Its first bytes are read at once, to know the format. Raises `TracerError`."""
    chunks = _chunks(file)
    start = b""
    for chunk in chunks:
        start += chunk or b""
        if len(start) >= 4:
            break
    if not start:
        raise TracerError(f"{name} is empty", "tcpdump writes its file when it stops, or at once with -U")
    if start[:4] in MAGIC:
        return Source(name, lambda source: _pcap(source, _Window(start, chunks)), "pcap")
    if start[:4] == SECTION:
        return Source(name, lambda source: _pcapng(source, _Window(start, chunks)), "pcapng")
    raise TracerError(f"{name} is neither pcap nor pcapng", _hint(start))


def _hint(start: bytes) -> str:
    if start[:2] == b"\x1f\x8b":
        return "it is compressed: gunzip it first"
    return "write one with: tcpdump -w capture.pcap port 5432"


def _chunks(file: BinaryIO) -> Iterator[bytes | None]:
    """What the file holds, in chunks; None while a pipe has nothing new."""
    regular = _is_regular(file)
    while True:
        if not regular and not select.select([file], [], [], PATIENCE)[0]:
            yield None
            continue
        chunk = os.read(file.fileno(), CHUNK) if not regular else file.read(CHUNK)
        if not chunk:
            return
        yield chunk


def _is_regular(file: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except (OSError, ValueError):
        return True  # no descriptor: an in-memory file


class _Window:
    """A buffer over the stream: the walk moves `at` and asks for `more` when a record does not fit."""

    def __init__(self, start: bytes, chunks: Iterator[bytes | None]) -> None:
        self.buffer = start
        self.at = 0
        self.before = 0  # bytes of the stream in front of the buffer
        self.chunks = chunks
        self.idle = 0.0

    def more(self) -> bool | None:
        """Drop what was walked and read on. False at the end, None when nothing came."""
        chunk = next(self.chunks, b"")
        if not chunk:
            return None if chunk is None else False
        self.before += self.at
        self.buffer = self.buffer[self.at :] + chunk
        self.at = 0
        return True

    def position(self) -> int:
        return self.before + self.at


class _Frames:
    """Frames to packets, for the interfaces of one source; counts them, and skips those of dead flows."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.number = 0
        self.broken = False

    def damage(self, text: str) -> None:
        """From here on the file cannot be read."""
        self.source.problems.append(text)
        self.broken = True

    def dead(self, shortcut: Shortcut, buffer: Buffer, start: int) -> bool:
        """Whether the frame at `start` is an IPv4 segment of a dead flow, and no SYN."""
        at, marker, ip = shortcut
        ip += start
        return (
            buffer[ip + 12 : ip + 24] in self.source.skip
            and buffer[ip] == 0x45
            and buffer.startswith(marker, start + at)
            and not buffer[ip + 33] & SYN
        )

    def packet(self, link: int, frame: bytes, when: float) -> Packet | None:
        found = segment(link, frame) if link in LINKS else None
        if found is None or (found.flow in self.source.skip and not found.flags & SYN):
            return None
        return Packet(self.number, when, *found)

    def saw(self, when: float) -> None:
        counts = self.source.counts
        counts.packets = self.number
        counts.last = when
        if counts.first is None:
            counts.first = when


def _waiting(source: Source, window: _Window) -> Iterator[Tick]:
    """Read on; a Tick when a whole chunk was walked, and while nothing comes."""
    began = time.monotonic()
    while True:
        got = window.more()
        source.counts.bytes = window.before + len(window.buffer)
        last = source.counts.last
        if last is not None:
            yield Tick(last + (time.monotonic() - began if got is None else 0.0))
        if got is not None:
            window.idle = 0.0 if got else -1.0
            return


# PCAP


def _pcap(source: Source, window: _Window) -> Items:
    while len(window.buffer) < 24:
        if window.more() is False:
            source.problems.append("cut short inside the file's header")
            return
    order, unit = MAGIC[window.buffer[:4]]
    link = Struct(order + "I").unpack_from(window.buffer, 20)[0] & 0x0FFFFFFF
    if link not in LINKS:
        source.problems.append(f"link type {link} is not known to pgtls")
        return
    header = Struct(order + "IIII").unpack_from
    shortcut = SHORTCUTS.get(link)
    frames = _Frames(source)
    window.at = 24
    while True:
        yield from _pcap_chunk(frames, window, header, unit, link, shortcut)
        if frames.broken:
            return
        yield from _waiting(source, window)
        if window.idle < 0:
            break
    if window.at < len(window.buffer):
        left = len(window.buffer) - window.at
        source.problems.append(f"cut short: packet {frames.number + 1} ends after {left} bytes of its record")


def _pcap_chunk(
    frames: _Frames,
    window: _Window,
    header: Callable[..., tuple[int, ...]],
    unit: float,
    link: int,
    shortcut: Shortcut | None,
) -> Iterator[Packet]:
    """The packets that are whole in the window."""
    buffer, at, end = window.buffer, window.at, len(window.buffer)
    number, dead = frames.number, frames.dead
    seconds = fraction = 0
    while at + 16 <= end:
        seconds, fraction, captured, _ = header(buffer, at)
        start = at + 16
        stop = start + captured
        if stop > end:
            if captured > LONGEST_PACKET:
                frames.damage(f"damaged at byte {window.before + at}: a packet of {captured} bytes")
            break
        number += 1
        at = stop
        if frames.source.counts.first is None:
            frames.saw(seconds + fraction * unit)
        if shortcut is not None and captured >= 54 and dead(shortcut, buffer, start):
            continue
        frames.number = number
        packet = frames.packet(link, buffer[start:stop], seconds + fraction * unit)
        if packet is not None:
            yield packet
    frames.number, window.at = number, at
    if number:
        frames.saw(seconds + fraction * unit)


# PCAPNG


class _Interface(NamedTuple):
    link: int
    unit: float
    offset: int  # seconds
    snaplen: int


def _pcapng(source: Source, window: _Window) -> Items:
    frames = _Frames(source)
    section = _Section("<")
    while True:
        yield from _blocks(frames, window, section)
        if frames.broken:
            return
        yield from _waiting(source, window)
        if window.idle < 0:
            break
    if window.at < len(window.buffer):
        left = len(window.buffer) - window.at
        source.problems.append(f"cut short: the block behind packet {frames.number} ends after {left} bytes")


class _Section:
    """What the blocks of a section refer to."""

    def __init__(self, order: str) -> None:
        self.interfaces: list[_Interface] = []
        self.use(order)

    def use(self, order: str) -> None:
        self.order = order
        self.block = Struct(order + "II").unpack_from
        self.enhanced = Struct(order + "IIIII").unpack_from
        self.interfaces.clear()


def _blocks(frames: _Frames, window: _Window, section: _Section) -> Iterator[Packet]:
    """The packets of the blocks that are whole in the window."""
    buffer, end = window.buffer, len(window.buffer)
    while window.at + 12 <= end:
        at = window.at
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


def _enhanced(frames: _Frames, section: _Section, buffer: Buffer, at: int, stop: int) -> Packet | None:
    number, high, low, captured, _ = section.enhanced(buffer, at + 8)
    frames.number += 1
    if number >= len(section.interfaces) or at + 28 + captured > stop:
        frames.damage(f"damaged: packet {frames.number} names no interface of its section or is too long")
        return None
    interface = section.interfaces[number]
    when = (high << 32 | low) * interface.unit + interface.offset
    frames.saw(when)
    shortcut = SHORTCUTS.get(interface.link)
    if shortcut is not None and captured >= 54 and frames.dead(shortcut, buffer, at + 28):
        return None
    return frames.packet(interface.link, buffer[at + 28 : at + 28 + captured], when)


def _simple(frames: _Frames, section: _Section, body: bytes) -> Packet | None:
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


def _interface(frames: _Frames, section: _Section, body: bytes) -> None:
    if len(body) < 8:
        frames.damage("damaged: an interface description of too few bytes")
        return
    link, _, snaplen = Struct(section.order + "HHI").unpack_from(body)
    if link not in LINKS:
        frames.source.problems.append(f"packets of link type {link} are not known to pgtls")
    unit, offset = 1e-6, 0
    for code, value in _options(section.order, body[8:]):
        if code == 9 and value:  # if_tsresol
            unit = 2.0 ** -(value[0] & 0x7F) if value[0] & 0x80 else 10.0 ** -value[0]
        elif code == 14 and len(value) == 8:  # if_tsoffset
            offset = Struct(section.order + "q").unpack(value)[0]
    section.interfaces.append(_Interface(link, unit, offset, snaplen))


def _options(order: str, data: bytes) -> Iterator[tuple[int, bytes]]:
    at, header = 0, Struct(order + "HH").unpack_from
    while at + 4 <= len(data):
        code, length = header(data, at)
        if code == 0:
            return
        yield code, data[at + 4 : at + 4 + length]
        at += 4 + (length + 3 & ~3)


def _secrets(frames: _Frames, section: _Section, body: bytes) -> None:
    if len(body) >= 8:
        kind, length = Struct(section.order + "II").unpack_from(body)
        if kind == TLS_KEY_LOG:
            frames.source.keys.add(body[8 : 8 + length])


OTHER_BLOCKS: dict[int, Callable[[_Frames, _Section, bytes], Packet | None]] = {
    INTERFACE: _interface,
    SIMPLE: _simple,
    SECRETS: _secrets,
}
