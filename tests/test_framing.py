"""Records, and what was lost between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.framing import Lost, framed
from tracer.protocol.records import Record
from tracer.segments import Arrival, Stream


def record(kind: int, body: bytes, version: int = 3) -> bytes:
    return bytes([kind, 3, version]) + len(body).to_bytes(2, "big") + body


def stream(*segments: bytes, lose: tuple[int, ...] = ()) -> Stream:
    """What one side sent in these segments, some of which were not captured."""
    data, gaps, arrivals = b"", [], []
    for number, segment in enumerate(segments):
        start = len(data)
        data += bytes(len(segment)) if number in lose else segment
        if number in lose and gaps and gaps[-1][1] == start:
            gaps[-1] = (gaps[-1][0], len(data))
        elif number in lose:
            gaps.append((start, len(data)))
        arrivals.append(Arrival(len(data), number, float(number), 0))
    return Stream(data, tuple(gaps), tuple(arrivals))


def told(found: list[Record | Lost]) -> list[tuple[str, int, int]]:
    return [(type(piece).__name__, piece.start, piece.stop) for piece in found]


ONE, TWO, THREE = record(22, b"x" * 10), record(22, b"y" * 20), record(23, b"z" * 30)


def test_a_gap_inside_a_record() -> None:
    """The length of a record says where the next one begins."""
    found = framed(stream(ONE[:8], ONE[8:12], ONE[12:] + TWO, lose=(1,)), 0)
    assert told(found) == [("Record", 0, 15), ("Record", 15, 40)]


def test_a_lost_header() -> None:
    """Reading goes on at the next packet that begins with a record, and what was passed over is said."""
    found = framed(stream(ONE, TWO[:10], TWO[10:], THREE, lose=(1,)), 0)
    assert told(found) == [("Record", 0, 15), ("Lost", 15, 40), ("Record", 40, 75)]
    assert isinstance(found[1], Lost)
    assert found[1].problem == (
        "bytes 15 to 25 of the stream were not captured, a record's header among them, "
        "and the 15 bytes behind them are passed over: the next record is known to begin at 40"
    )


@pytest.mark.parametrize("size", [1, 4])
def test_a_header_of_which_a_part_was_lost(size: int) -> None:
    """Is no header: its length is not known."""
    found = framed(stream(ONE, TWO[:size], TWO[size:10], TWO[10:], THREE, lose=(2,)), 0)
    assert told(found) == [("Record", 0, 15), ("Lost", 15, 40), ("Record", 40, 75)]


def test_a_record_between_two_others() -> None:
    """With another header behind it, it is one; with anything else it is not."""
    assert told(framed(stream(ONE, TWO, THREE, THREE, lose=(1,)), 0))[2:] == [("Record", 40, 75), ("Record", 75, 110)]
    found = framed(stream(ONE, TWO, THREE + b"junk!", lose=(1,)), 0)
    assert told(found) == [("Record", 0, 15), ("Lost", 15, 80)]
    assert isinstance(found[1], Lost)
    assert "is not known" in found[1].problem


def test_what_only_looks_like_a_record() -> None:
    """Of another version, inside a packet, or longer than what is there."""
    old = record(23, b"z" * 30, version=1)
    for behind in (old, b"?" + THREE, THREE[:-1]):
        assert told(framed(stream(ONE, TWO, behind, lose=(1,)), 0))[-1][0] == "Lost"
    assert told(framed(stream(record(22, b"x", version=1), TWO, old, lose=(1,)), 0))[-1][0] == "Record"


@given(st.lists(st.sampled_from([ONE, TWO, THREE, b"junk"]), max_size=8), st.data())
def test_they_tile(parts: list[bytes], data) -> None:
    """Whatever is lost: one begins where the other ends."""
    lose = tuple(data.draw(st.sets(st.integers(0, max(len(parts) - 1, 0)))))
    at = 0
    for piece in framed(stream(*parts, lose=lose), 0):
        assert piece.start == at
        assert piece.stop > at
        at = piece.stop
