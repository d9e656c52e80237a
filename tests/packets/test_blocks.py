"""What only pcapng says: keys, losses, the names of interfaces. What both formats say is in test_pcap."""

from __future__ import annotations

import io
import struct

import pytest

import tracer
from tests.packets.test_pcap import STORY, block, frames, pcapng
from tracer.packets.pcap import read_stream
from tracer.packets.source import Packet


def test_secrets_are_taken() -> None:
    """A decryption secrets block gives keys."""
    source = tracer.read(STORY)
    list(source)
    assert source.keys.secrets


def statistics(order: str, interface: int, dropped: int) -> bytes:
    """An interface statistics block with isb_ifrecv and isb_ifdrop."""
    options = struct.pack(order + "HHQHHQHH", 4, 8, 100, 5, 8, dropped, 0, 0)
    return block(order, 5, struct.pack(order + "III", interface, 0, 0) + options)


@pytest.mark.parametrize("order", ["<", ">"])
def test_what_the_capture_dropped_is_told(order: str) -> None:
    """The last word on each interface of each section counts; a file that says nothing leaves it unknown."""
    without = pcapng(order)
    said = without + statistics(order, 0, 3) + statistics(order, 1, 10) + statistics(order, 0, 5)
    for file, expected in ((without, None), (said, 15), (said + said, 30)):
        source = read_stream(io.BytesIO(file), "x")
        list(source)
        assert source.counts.dropped == expected
        assert not source.problems


@pytest.mark.parametrize("resolution", [None, 9, 3, 0x94])
def test_frames_are_handed_on_as_they_are(resolution: int | None) -> None:
    """Dead or alive, with the interface's name and the time in nanoseconds: for whoever writes them down."""
    file = pcapng("<", resolution)
    source, handed = read_stream(io.BytesIO(file), "x"), []
    source.record = lambda *frame: handed.append(frame)
    packets = [item for item in source if isinstance(item, Packet)]
    assert [frame for _, _, _, frame, _ in handed] == [frame for _, frame in frames()]
    assert {(name, link) for name, link, *_ in handed} == {("", 1)}
    times = {packet.number: packet.time for packet in packets}
    for number, (_, _, when, frame, length) in enumerate(handed, 1):
        assert length == len(frame)
        assert abs(when - times.get(number, when / 1e9) * 1e9) < 1000
