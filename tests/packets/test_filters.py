"""What the kernel is asked for: the same as BPF and as libpcap's text.

`decides` is a BPF machine for the few instructions that are used; the real kernel's opinion is in test_ring.py.
"""

from __future__ import annotations

import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.errors import TracerError
from tracer.packets import filters
from tracer.packets.filters import KEPT, MOST_PORTS, expression, program

TCP = struct.pack(">8xBBHHH", 5 << 4, 16, 0, 0, 0)  # behind the ports
TCP_4 = bytes.fromhex("45000028 00000000 40060000 0a000001 0a000002") + struct.pack(">HH", 40000, 5432) + TCP
UDP_4 = TCP_4[:9] + b"\x11" + TCP_4[10:]
LATER = TCP_4[:6] + b"\x00\x10" + TCP_4[8:20] + bytes(20)  # a fragment: no ports there
LONG_HEADER = b"\x46\0\0\x2c" + TCP_4[4:20] + bytes(4) + TCP_4[20:]
TCP_6 = bytes.fromhex("60000000 0014 06 40") + bytes(32) + struct.pack(">HH", 5432, 40000) + TCP
UDP_6 = TCP_6[:6] + b"\x11" + TCP_6[7:]
HEADERS_6 = TCP_6[:6] + b"\x00" + TCP_6[7:]
ARP = bytes(28)
INNER_4, INNER_6 = b"\0\x05\x08\0", b"\0\x05\x86\xdd"  # a VLAN tag that still stands there

# what it is, EtherType, packet, kept without ports, kept with port 5432, kept with port 80
TABLE = [
    ("IPv4", 0x0800, TCP_4, True, True, False),
    ("IPv4 with options", 0x0800, LONG_HEADER, True, True, False),
    ("UDP", 0x0800, UDP_4, False, False, False),
    ("a later fragment", 0x0800, LATER, True, True, True),
    ("IPv6", 0x86DD, TCP_6, True, True, False),
    ("UDP over IPv6", 0x86DD, UDP_6, False, False, False),
    ("IPv6 with headers", 0x86DD, HEADERS_6, True, True, True),
    ("a tag, IPv4", 0x8100, INNER_4 + TCP_4, True, True, False),
    ("a tag, IPv6", 0x88A8, INNER_6 + TCP_6, True, True, False),
    ("a tag, UDP", 0x8100, INNER_4 + UDP_4, False, False, False),
    ("a tag in front of where the network begins", 0x8100, TCP_4, True, True, False),
    ("the same of IPv6", 0x8100, TCP_6, True, True, False),
    ("ARP", 0x0806, ARP, False, False, False),
]


@pytest.mark.parametrize(("_", "kind", "packet", "all_", "right", "wrong"), TABLE, ids=[row[0] for row in TABLE])
def test_what_is_kept(_: str, kind: int, packet: bytes, all_: bool, right: bool, wrong: bool) -> None:
    """TCP, of the ports that were named; what shows no port is let through."""
    kept = [decides(program(ports), kind, packet) for ports in ((), (5432,), (80, 443))]
    assert kept == [KEPT * all_, KEPT * right, KEPT * wrong]


def test_a_loopback_packet_is_kept_once() -> None:
    """It goes out and comes in; on a card both are packets of their own."""
    for hardware, out, expected in ((772, True, 0), (772, False, KEPT), (1, True, KEPT), (1, False, KEPT)):
        assert decides(program(), 0x0800, TCP_4, hardware=hardware, outgoing=out) == expected


@given(st.lists(st.integers(1, 65535), min_size=1, max_size=MOST_PORTS, unique=True), st.integers(1, 65535))
def test_any_ports(ports: list[int], other: int) -> None:
    """However many are named, those are kept and no other; no jump goes wrong."""
    instructions = program(ports)
    assert len(instructions) <= 4096 * 8
    for port in (ports[0], ports[-1], other):
        packet = TCP_4[:20] + struct.pack(">HH16x", 0, port)
        assert decides(instructions, 0x0800, packet) == KEPT * (port in ports)
        packet = TCP_6[:40] + struct.pack(">HH16x", port, 0)
        assert decides(instructions, 0x86DD, packet) == KEPT * (port in ports)


@pytest.mark.parametrize("ports", [[0], [65536], [-1], list(range(1, MOST_PORTS + 2))])
@pytest.mark.parametrize("of", [program, expression])
def test_no_such_ports(ports: list[int], of) -> None:
    """The user's mistake, whichever way in."""
    with pytest.raises(TracerError, match="port"):
        of(ports)


@pytest.mark.needs("tcpdump")
@pytest.mark.parametrize("ports", [(), (5432, 6432)])
def test_libpcap_understands_its_text(ports: tuple[int, ...]) -> None:
    """It compiles for Ethernet with tags, and for bare IP without."""
    for link, tags in (("EN10MB", True), ("EN10MB", False), ("RAW", False)):
        command = ["tcpdump", "-d", "-y", link, expression(ports, tags=tags)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "ret      #0" in done.stdout


def decides(instructions: bytes, kind: int, packet: bytes, *, hardware: int = 1, outgoing: bool = False) -> int:
    """How many bytes of a packet the program keeps. Out of the packet a load ends it with 0, as in the kernel."""
    known = {filters.PROTOCOL: kind, filters.PACKET_TYPE: 4 * outgoing, filters.HARDWARE: hardware}
    sizes = {filters.LOAD_BYTE: 1, filters.LOAD_HALF: 2, filters.LOAD_WORD: 4, filters.LOAD_HALF_AT_X: 2}
    steps = list(struct.iter_unpack("=HBBi", instructions))
    at = a = x = 0
    while True:
        code, yes, no, k = steps[at]
        at += 1
        if code in sizes and k in known:
            a = known[k]
        elif code in sizes:
            start = k - filters.NETWORK + (x if code == filters.LOAD_HALF_AT_X else 0)
            if start + sizes[code] > len(packet):
                return 0
            a = int.from_bytes(packet[start : start + sizes[code]], "big")
        elif code == filters.HEADER_TO_X:
            x = 4 * (packet[k - filters.NETWORK] & 15)
        elif code == filters.AND:
            a &= k
        elif code == filters.GO:
            at += k
        elif code == filters.EQUAL:
            at += yes if a == k else no
        elif code == filters.ANY_BIT:
            at += yes if a & k else no
        else:
            assert code == filters.RETURN
            return int(k)
