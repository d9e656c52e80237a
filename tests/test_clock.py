"""A clock that is set while packets are captured."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracer.clock import BACK, LEAP, Clock


def at(*times: float) -> list[float]:
    """What the clock says behind each of these."""
    clock, said = Clock(), []
    for time in times:
        clock.advance(time)
        said.append(clock.now)
    return said


def test_it_goes_on() -> None:
    """With the packets, whose order may be another by a little."""
    assert at(1000.0, 1000.5, 1000.4, 1061.0) == [1000.0, 1000.5, 1000.5, 1061.0]


def test_a_step_back() -> None:
    """Is believed with the second packet, and from there time goes on at its own pace."""
    assert at(1000.0, 930.0, 930.5, 931.5) == [1000.0, 1000.0, 1000.0, 1001.0]


def test_a_packet_from_the_past() -> None:
    """A single one changes nothing."""
    assert at(1000.0, 930.0, 1000.5, 930.5, 1001.0) == [1000.0, 1000.0, 1000.5, 1000.5, 1001.0]


def test_a_clock_that_was_wrong_for_a_while() -> None:
    """Set back and set right again: the seventy seconds of the second step did not pass."""
    assert at(1000.0, 930.0, 930.5, 1001.0, 1001.5) == [1000.0, 1000.0, 1000.0, 1001.0, 1001.5]


def test_a_leap() -> None:
    """A day ahead is believed with the second packet, a minute at once."""
    assert at(1000.0, 1000.0 + LEAP, 1001.0) == [1000.0, 1000.0, 1001.0]
    assert at(1000.0, 1000.0 + LEAP, 1001.0 + LEAP) == [1000.0, 1000.0, 1001.0 + LEAP]
    assert at(1000.0, 1070.0) == [1000.0, 1070.0]


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=30))
def test_never_back(times: list[float]) -> None:
    """Whatever the packets say."""
    said = at(*times)
    assert said == sorted(said)
    assert BACK > 0
