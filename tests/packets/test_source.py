"""The values that edges hand to the core."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tracer.packets import source
from tracer.packets.source import Address, Skip, address, moment, reverse

V4 = bytes([10, 0, 0, 1, 10, 0, 0, 2]) + (40000).to_bytes(2, "big") + (5432).to_bytes(2, "big")
V6 = bytes(15) + b"\1" + bytes(15) + b"\2" + V4[-4:]


def test_an_address_is_the_senders() -> None:
    """A flow key begins with the source."""
    assert address(V4) == Address("10.0.0.1", 40000)
    assert str(address(reverse(V4))) == "10.0.0.2:5432"
    assert str(address(V6)) == "[::1]:40000"


@given(st.sampled_from((12, 36)).flatmap(lambda size: st.binary(min_size=size, max_size=size)))
def test_there_and_back(flow: bytes) -> None:
    """The reverse of the reverse is the flow itself."""
    assert reverse(reverse(flow)) == flow


def test_skip_is_bounded(monkeypatch) -> None:
    """It forgets the oldest flow, and never holds more than its bound."""
    monkeypatch.setattr(source, "SKIPPED_FLOWS", 3)
    skip = Skip()
    for number in range(5):
        skip.add(bytes([number]))
    assert list(skip) == [b"\2", b"\3", b"\4"]


@given(st.floats(allow_nan=False))
def test_any_clock_is_a_moment(seconds: float) -> None:
    """A capture may claim any time: the moment is aware, and between 1970 and 9999."""
    assert datetime(1970, 1, 1, tzinfo=UTC) <= moment(seconds) <= datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)
