"""What only scapy can read."""

from __future__ import annotations

from tracer.packets.scapy_layers import known, network

RADIO = bytes.fromhex("0000080000000000")  # a RadioTap header of no fields


def test_what_is_known() -> None:
    """Our own link types, and those that scapy has a layer for."""
    assert known(1)
    assert known(105)
    assert not known(9999)


def test_what_holds_no_packet() -> None:
    """Junk and unknown link types give nothing, and raise nothing."""
    assert network(105, b"\x08junk") is None
    assert network(127, RADIO) is None
    assert network(9999, b"junk") is None
