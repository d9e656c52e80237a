"""IP packets in fragments, in any order."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.counted import calls
from tracer.packets import fragments
from tracer.packets.dissect import Dissector
from tracer.packets.fragments import Fragments
from tracer.packets.link import RAW, segment

TCP = struct.pack(">HHIIBBHHH", 40000, 5432, 7, 9, 5 << 4, 0x18, 1000, 0, 0) + bytes(range(100))
V4 = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(TCP), 7, 0, 64, 6, 0) + bytes([10, 0, 0, 1, 10, 0, 0, 2]) + TCP
V6 = struct.pack(">IHBB", 6 << 28, len(TCP), 6, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + TCP


def four(ident: int, start: int, stop: int) -> bytes:
    place = start // 8 | (0x2000 if stop < len(TCP) else 0)
    return V4[:2] + struct.pack(">HHH", 20 + stop - start, ident, place) + V4[8:20] + TCP[start:stop]


def six(ident: int, start: int, stop: int) -> bytes:
    place = start | (stop < len(TCP))
    header = struct.pack(">BBHI", 6, 0, place, ident)
    return V6[:4] + struct.pack(">HB", 8 + stop - start, 44) + V6[7:40] + header + TCP[start:stop]


@pytest.mark.parametrize(("cut", "whole"), [(four, V4), (six, V6)], ids=["IPv4", "IPv6"])
@given(cuts=st.sets(st.sampled_from(range(8, len(TCP), 8)), min_size=1), data=st.data())
def test_any_order(cut, whole: bytes, cuts: set[int], data: st.DataObject) -> None:
    """However a packet is cut, in whatever order and how often its parts come: its segment is found, once it is whole."""
    edges = [0, *sorted(cuts), len(TCP)]
    parts = [cut(7, a, b) for a, b in pairwise(edges)]
    order = data.draw(st.permutations(parts))
    dissector = Dissector(set())
    found = [dissector.segment(RAW, part) for part in [order[0], *order]]
    assert found == [None] * len(order) + [segment(RAW, whole)]
    assert dissector.unwrapped == {"IP fragments"}


def test_two_packets_do_not_mix() -> None:
    """Fragments belong together by their identification."""
    waiting = Fragments()
    assert waiting.add(four(1, 0, 40), 0) is None
    assert waiting.add(four(2, 40, len(TCP)), 0) is None
    assert waiting.add(four(1, 40, len(TCP)), 0) is not None


def test_the_oldest_are_forgotten(monkeypatch) -> None:
    """Fragments without an end do not fill the memory."""
    monkeypatch.setattr(fragments, "MOST", 3)
    waiting = Fragments()
    for ident in range(10):
        waiting.add(four(ident, 0, 40), 0)
    assert len(waiting.waiting) == 3


@given(st.binary(min_size=1, max_size=80))
def test_any_bytes(frame: bytes) -> None:
    """Nothing is raised."""
    Fragments().add(frame, 0)


def tiny(place: int, *, more: bool, size: int = 8) -> bytes:
    """A fragment of a packet of TCP that is as long as one can be."""
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 7, place // 8 | (0x2000 if more else 0), 64, 6, 0)
    return header + bytes(8) + bytes(size)


def test_many_pieces_are_not_put_together_at_each() -> None:
    """The last one first, then thousands of 8 bytes: what each costs does not grow with those that wait."""

    def work(count: int) -> int:
        waiting = Fragments()
        waiting.add(tiny(65000, more=False), 0)
        return calls(lambda: [waiting.add(tiny(8 * n, more=True), 0) for n in range(count)])

    assert work(2000) < 3 * work(1000)


def test_pieces_that_overlap_do_not_fill_the_memory() -> None:
    """A packet is 64 kB at most: of one whose parts are more than twice that, nothing is kept."""
    waiting = Fragments()
    for place in range(8, 60000, 8):
        waiting.add(tiny(place, more=True, size=5000), 0)
    held = sum(len(piece) for one in waiting.waiting.values() for piece in one.pieces.values())
    assert held <= 2 * fragments.LARGEST
