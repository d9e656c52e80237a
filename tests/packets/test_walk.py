"""What every walk does with a frame: the same for a file's, a ring's and scapy's."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tracer.packets.link import ETHERNET, SHORTCUTS
from tracer.packets.source import ACK, SYN, Packet, Source
from tracer.packets.walk import Frames

FLOW = bytes([10, 0, 0, 1, 10, 0, 0, 2]) + struct.pack(">HH", 40000, 5432)


def nothing(_: Source) -> Iterator[Packet]:
    yield from ()


def frame(flags: int) -> bytes:
    """A segment of `FLOW` on Ethernet."""
    tcp = FLOW[8:] + struct.pack(">IIBBHHH", 1, 2, 5 << 4, flags, 0, 0, 0)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + FLOW[:8]
    return bytes(12) + b"\x08\0" + ip + tcp


def test_a_dead_flow_makes_no_packet() -> None:
    """It is seen in place, and also by whoever has found its segment already."""
    source = Source("x", nothing)
    frames = Frames(source)
    shortcut = SHORTCUTS[ETHERNET]
    assert not frames.dead(shortcut, frame(ACK), 0)
    assert frames.packet(ETHERNET, frame(ACK), 1.0) == Packet(0, 1.0, FLOW, 1, 2, ACK, b"")
    source.skip.add(FLOW)
    assert frames.dead(shortcut, frame(ACK), 0)
    assert frames.packet(ETHERNET, frame(ACK), 1.0) is None


def test_a_syn_revives_it() -> None:
    """Ports are reused."""
    source = Source("x", nothing)
    source.skip.add(FLOW)
    frames = Frames(source)
    assert not frames.dead(SHORTCUTS[ETHERNET], frame(SYN), 0)
    assert frames.packet(ETHERNET, frame(SYN), 1.0) is not None


FLOW6 = bytes(range(32)) + FLOW[8:]


def frame6(flags: int, flow: bytes = FLOW6, header: int = 6) -> bytes:
    """The same on IPv6."""
    tcp = flow[32:] + struct.pack(">IIBBHHH", 1, 2, 5 << 4, flags, 0, 0, 0)
    return bytes(12) + b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, 20, header, 64) + flow[:32] + tcp


def test_the_same_on_ipv6() -> None:
    """Behind an extension header it is looked at more closely; a frame that is cut short is nobody's."""
    source = Source("x", nothing)
    frames, shortcut = Frames(source), SHORTCUTS[ETHERNET]
    assert not frames.dead(shortcut, frame6(ACK), 0)
    assert frames.packet(ETHERNET, frame6(ACK), 1.0) == Packet(0, 1.0, FLOW6, 1, 2, ACK, b"")
    source.skip.add(FLOW6)
    assert frames.dead(shortcut, b"before" + frame6(ACK), 6)
    assert frames.packet(ETHERNET, frame6(ACK), 1.0) is None
    assert not frames.dead(shortcut, frame6(SYN), 0)
    assert not frames.dead(shortcut, frame6(ACK, FLOW6[:-1] + b"x"), 0)
    assert not frames.dead(shortcut, frame6(ACK, header=0), 0)
    assert frames.dead(shortcut, frame6(ACK)[:60], 0)
    assert not frames.dead(shortcut, frame6(ACK)[:54], 0)


def test_it_counts() -> None:
    """The first time stays, the last one moves."""
    source = Source("x", nothing)
    frames = Frames(source)
    for number, when in ((1, 5.0), (7, 6.0)):
        frames.number = number
        frames.saw(when)
    assert (source.counts.packets, source.counts.first, source.counts.last) == (7, 5.0, 6.0)
