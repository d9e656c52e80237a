"""One segment, in the frames of every link type."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.packets.link import LINKS, SHORTCUTS, segment

PAYLOAD = b"hello"
TCP = struct.pack(">HHIIBBHHH", 40000, 5432, 7, 9, 5 << 4, 0x18, 1000, 0, 0) + PAYLOAD
ADDRESSES4 = bytes([10, 0, 0, 1, 10, 0, 0, 2])
ADDRESSES6 = bytes(15) + b"\1" + bytes(15) + b"\2"
V4 = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(TCP), 0, 0x4000, 64, 6, 0) + ADDRESSES4 + TCP
V4_OPTIONS = struct.pack(">BBHHHBBH", 0x46, 0, 24 + len(TCP), 0, 0, 64, 6, 0) + ADDRESSES4 + bytes(4) + TCP
V6 = struct.pack(">IHBB", 6 << 28, len(TCP), 6, 64) + ADDRESSES6 + TCP
V6_EXTENSION = struct.pack(">IHBB", 6 << 28, 8 + len(TCP), 0, 64) + ADDRESSES6 + b"\6" + bytes(7) + TCP
MAC = bytes(12)
FRAMES = {
    "Ethernet": (1, MAC + b"\x08\0", MAC + b"\x86\xdd"),
    "VLAN": (1, MAC + b"\x81\0\0\5\x08\0", MAC + b"\x81\0\0\5\x86\xdd"),
    "QinQ": (1, MAC + b"\x88\xa8\0\5\x81\0\0\6\x08\0", MAC + b"\x88\xa8\0\5\x81\0\0\6\x86\xdd"),
    "SLL": (113, bytes(14) + b"\x08\0", bytes(14) + b"\x86\xdd"),
    "SLL2": (276, b"\x08\0" + bytes(18), b"\x86\xdd" + bytes(18)),
    "NULL": (0, b"\2\0\0\0", b"\x1e\0\0\0"),
    "LOOP": (108, b"\0\0\0\2", b"\0\0\0\x18"),
    "raw": (101, b"", b""),
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("ip", [V4, V4_OPTIONS, V6, V6_EXTENSION], ids=["4", "4 options", "6", "6 extension"])
def test_the_same_segment(name: str, ip: bytes) -> None:
    """Every link type and both versions of IP, with padding behind."""
    link, four, six = FRAMES[name]
    found = segment(link, (four if ip[0] >> 4 == 4 else six) + ip + b"\0\0\0")
    assert found is not None
    assert found.flow == (ADDRESSES4 if ip[0] >> 4 == 4 else ADDRESSES6) + TCP[:4]
    assert (found.seq, found.ack, found.flags, found.payload) == (7, 9, 0x18, PAYLOAD)


@pytest.mark.parametrize(
    "ip", [V4[:9] + b"\x11" + V4[10:], V4[:6] + b"\x20\0" + V4[8:], V4[:6] + b"\0\1" + V4[8:], V4[:30], b""]
)
def test_what_is_no_segment(ip: bytes) -> None:
    """UDP, fragments and cut headers."""
    assert segment(101, ip) is None


@pytest.mark.parametrize("link", SHORTCUTS)
def test_shortcuts_point_at_the_header(link: int) -> None:
    """Where the shortcut says, the reader finds the same addresses."""
    at, marker, ip = SHORTCUTS[link]
    frame = bytearray(ip) + V4
    frame[at : at + len(marker)] = marker
    found = segment(link, bytes(frame))
    assert found is not None
    assert frame[ip + 12 : ip + 24] == found.flow


@given(st.sampled_from(sorted(LINKS)), st.binary(max_size=120))
def test_any_bytes(link: int, frame: bytes) -> None:
    """Nothing is raised."""
    segment(link, frame)
