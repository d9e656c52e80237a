"""Where the inner packet begins. Whole connections through every tunnel are in test_dissect.py."""

from __future__ import annotations

import pytest

from tracer.packets.link import ETHERNET, RAW
from tracer.packets.tunnels import Inner, inside, labels


def ip(protocol: int, payload: str) -> bytes:
    return bytes([0x45, *bytes(8), protocol, *bytes(10)]) + bytes.fromhex(payload)


def udp(port: int, payload: str) -> bytes:
    return ip(17, f"d431 {port:04x} 0000 0000 {payload}")


CASES = {
    "GRE of ARP": (ip(47, "00000806") + bytes(28), None),
    "GRE of Ethernet": (ip(47, "00006558") + bytes(20), Inner("GRE", ETHERNET, 24)),
    "GRE with checksum, key and number": (ip(47, "b0000800") + bytes(20), Inner("GRE", RAW, 36)),
    "ERSPAN of type I": (ip(47, "000088be") + bytes(20), Inner("ERSPAN", ETHERNET, 24)),
    "ERSPAN III with its subheader": (
        ip(47, "100022eb 00000001 00000000 00000000 00000001") + bytes(20),
        Inner("ERSPAN", ETHERNET, 48),
    ),
    "GENEVE with options": (udp(6081, "02006558 00000700 0000000000000000"), Inner("GENEVE", ETHERNET, 44)),
    "GTP with extension headers": (udp(2152, "34ff0010 00000001 00000085 01100000 45"), Inner("GTP", RAW, 44)),
    "GTP that carries no packet": (udp(2152, "30010000 00000001"), None),
    "another port of UDP": (udp(53, "00000000"), None),
    "a label stack of pseudowires": (ip(137, "00010140 00000000"), None),
    "cut inside the header": (ip(47, "b000"), None),
    "TCP": (ip(6, "00" * 20), None),
}


@pytest.mark.parametrize("name", CASES)
def test_where_the_inner_packet_begins(name: str) -> None:
    """By the flags and lengths that each header has."""
    frame, expected = CASES[name]
    assert inside(frame, 0) == expected


def test_labels_without_an_end() -> None:
    """A stack that never comes to its bottom holds nothing."""
    assert labels(bytes(40), 14) is None
