"""One direction of TCP, segment by segment."""

from __future__ import annotations

from tests.counted import calls
from tests.wire import CLIENT
from tracer.packets.source import ACK, FIN, SYN, URG, Packet
from tracer.segments import MOST_MOVES, Direction, Rewrite, Stream


def stream(*sent: tuple[int, bytes] | tuple[int, bytes, int] | tuple[int, bytes, int, int]) -> Stream:
    """What one side sent: sequence number from 1, payload, flags, bytes cut off."""
    side, other = Direction(CLIENT), Direction(CLIENT)
    side.add(Packet(1, 1.0, CLIENT, 0, 0, SYN, b""))
    for number, (seq, payload, *rest) in enumerate(sent, 2):
        flags, cut = (*rest, ACK, 0)[:2] if len(rest) != 1 else (rest[0], 0)
        packet = Packet(number, float(number), CLIENT, seq, 0, flags, payload, cut)
        if not side.keeps_alive(packet):
            side.add(packet)
    return side.stream(other)


def test_other_bytes_in_a_retransmission() -> None:
    """The first copy stays, and the second is remembered with its packet."""
    found = stream((1, b"hello"), (3, b"LLo world"))
    assert found.data == b"hello world"
    assert found.rewrites == (Rewrite(2, 5, 3),)


def test_other_bytes_while_a_segment_waits() -> None:
    """Also where neither copy had its turn yet."""
    found = stream((4, b"def"), (4, b"xyz"), (1, b"abc"))
    assert found.data == b"abcdef"
    assert found.rewrites == (Rewrite(3, 6, 3),)


def test_a_plain_retransmission() -> None:
    """The same bytes again are nothing to remember."""
    assert stream((1, b"hello"), (1, b"hello"), (1, b"hel"), (1, b"hello you")).rewrites == ()


def test_many_rewrites_are_bounded() -> None:
    """A flood of them is remembered in part."""
    assert len(stream((1, b"hello"), *[(1, b"HELLO")] * 100).rewrites) == 16


def test_a_keep_alive_says_nothing() -> None:
    """Its one byte may be anything, and stands where one was before."""
    found = stream((1, b"hello"), (5, b"\0"), (6, b" you"))
    assert (found.data, found.rewrites) == (b"hello you", ())


def test_urgent_data() -> None:
    """It stays in the stream, and its place is known."""
    found = stream((1, b"he"), (3, b"llo", ACK | URG))
    assert (found.data, found.urgent) == (b"hello", 5)


def test_what_the_capture_cut_off() -> None:
    """Is a gap of its length, in the middle and at the end."""
    found = stream((1, b"he", ACK, 3), (6, b" y", ACK | FIN, 2))
    assert found.data == b"he\0\0\0 y\0\0"
    assert (found.gaps, found.cut, found.closed) == (((2, 5), (7, 9)), 5, "fin")


def backwards(count: int) -> Direction:
    """A side without its SYN, whose every segment begins in front of all those before."""
    side = Direction(CLIENT)
    for number in range(count):
        side.add(Packet(number + 1, 1.0, CLIENT, 100_000 - number, 0, ACK, b"x"))
    return side


def test_a_beginning_that_moves_without_end() -> None:
    """Each move handles all that is there: after `MOST_MOVES` of them the beginning stays where it is."""
    assert len(backwards(MOST_MOVES + 1).data) == MOST_MOVES + 1
    assert len(backwards(5 * MOST_MOVES).data) == MOST_MOVES + 1
    assert calls(lambda: backwards(4000)) < 3 * calls(lambda: backwards(2000))
