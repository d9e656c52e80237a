"""Reading a capture, from a file or from a stream as it grows: which format it has, and the walk over pcap.

Both formats are walked in chunks. Of a packet whose flow is dead nothing is made: its headers are looked at
in place. What a damaged file still holds is read, and the damage is one line in `Source.problems`.
Format: draft-ietf-opsawg-pcap; pcapng is walked in `blocks`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator
from functools import partial
from struct import Struct, error
from typing import BinaryIO

from tracer.errors import TracerError
from tracer.packets.blocks import SECTION, pcapng
from tracer.packets.chunks import Window, beginning, chunks, open_file, unpacked, window
from tracer.packets.link import SHORTCUTS, TCP
from tracer.packets.scapy_layers import known
from tracer.packets.source import SYN, Packet, Source, Tick
from tracer.packets.walk import Frames, Glance, glance, walked

LONGEST_PACKET = 1 << 24  # a longer one is taken for damage

# Byte order, seconds of a tick, bytes of a record's header: the last two are Kuznetzov's, with more in each header.
MAGIC = {
    bytes.fromhex("d4c3b2a1"): ("<", 1e-6, 16),
    bytes.fromhex("a1b2c3d4"): (">", 1e-6, 16),
    bytes.fromhex("4d3cb2a1"): ("<", 1e-9, 16),
    bytes.fromhex("a1b23c4d"): (">", 1e-9, 16),
    bytes.fromhex("34cdb2a1"): ("<", 1e-6, 24),
    bytes.fromhex("a1b2cd34"): (">", 1e-6, 24),
}


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
    packed = unpacked(name, start, rest, problems)
    if packed is not None:
        start, rest = packed
    if start[:4] not in MAGIC and start[:4] != SECTION:
        raise TracerError(f"{name} is neither pcap nor pcapng", *_hints(name, start))
    walk, form = (_pcap, "pcap") if start[:4] in MAGIC else (pcapng, "pcapng")
    return Source(
        name,
        lambda source: walk(source, window(start, rest, None if packed else file)),
        form,
        problems=problems,
        packed=packed is not None,
    )


def _hints(name: str, start: bytes) -> tuple[str, ...]:
    if start.startswith((b"CLIENT_", b"SERVER_", b"# SSL/TLS", b"# TLS")):
        return (f"it looks like a key log: pgtls read CAPTURE --keylog {name}",)
    return (
        "write one with: tcpdump -w capture.pcap port 5432",
        f"a format of another program, that Wireshark opens: pgtls read --via wireshark {name}",
    )


def _pcap(source: Source, window: Window) -> Iterator[Packet | Tick]:
    while len(window.buffer) < 24:
        if not window.more() and window.ended:
            source.problems.append("cut short inside the file's header")
            return
    order, unit, size = MAGIC[bytes(window.buffer[:4])]
    link = Struct(order + "I").unpack_from(window.buffer, 20)[0] & 0x0FFFFFFF
    if not known(link):
        source.problems.append(f"link type {link} is not known to pgtls")
        return
    header = Struct(order + "IIII").unpack_from
    look = glance(f"{order}8xI{size - 12}x", SHORTCUTS[link]) if link in SHORTCUTS else None
    frames = Frames(source)
    window.at = 24
    yield from walked(frames, window, partial(_pcap_chunk, frames, window, header, size, unit, link, look))
    left = len(window.buffer) - window.at
    if left and not frames.broken:
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
        packet = frames.packet(link, bytes(buffer[start:stop]), when)
        if packet is not None:
            yield packet
    window.at = at
    if last is not None:
        seconds, fraction, _, _ = header(buffer, last)
        frames.saw(seconds + fraction * unit)


def _dead_records(
    look: Glance, skip: Container[bytes], buffer: bytes | bytearray, at: int, size: int, last: int | None
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
    except error:  # the next one is not whole yet
        pass
    if last is not None and at > len(buffer):  # that one is not whole yet
        return passed - 1, last, before
    return passed, at, last
