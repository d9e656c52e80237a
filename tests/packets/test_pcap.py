"""The same connection from every file format, and from damaged files."""

from __future__ import annotations

import io
import os
import struct
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracer
from tracer.errors import TracerError
from tracer.packets import chunks
from tracer.packets.link import ETHERNET, SHORTCUTS, segment
from tracer.packets.pcap import open_capture, read_stream
from tracer.packets.source import ACK, SYN, Packet, Tick

STORY = Path(__file__).resolve().parents[2] / "captures" / "verify-full" / "capture.pcapng"


def frames() -> list[tuple[int, bytes]]:
    """Time in microseconds and bytes of each frame of the story."""
    data, found, at = STORY.read_bytes(), [], 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 6:
            _, high, low, captured = struct.unpack_from("<IIII", data, at + 8)
            found.append((high << 32 | low, data[at + 28 : at + 28 + captured]))
        at += length
    return found


def pcap(order: str, nanoseconds: bool = False) -> bytes:
    scale = 1000 if nanoseconds else 1
    out = struct.pack(order + "IHHiIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for time, frame in frames():
        out += struct.pack(order + "IIII", time // 10**6, time % 10**6 * scale, len(frame), len(frame)) + frame
    return out


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = len(body) + 12
    return struct.pack(order + "II", kind, size) + body + struct.pack(order + "I", size)


def section(order: str) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def pcapng(order: str, resolution: int | None = None, simple: bool = False, sections: int = 1) -> bytes:
    """`resolution` is if_tsresol's byte."""
    units = 10**6 if resolution is None else 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    option = b"" if resolution is None else struct.pack(order + "HHB3xHH", 9, 1, resolution, 0, 0)
    out = b""
    every = frames()
    share = -(-len(every) // sections)
    for start in range(0, len(every), share):
        out += section(order) + block(order, 1, struct.pack(order + "HHI", 1, 0, 0) + option)
        for time, frame in every[start : start + share]:
            ticks = time * units // 10**6
            if simple:
                out += block(order, 3, struct.pack(order + "I", len(frame)) + frame)
            else:
                size = len(frame)
                out += block(
                    order, 6, struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, size, size) + frame
                )
    return out


def told(data: bytes) -> list[tuple[object, ...]]:
    source = read_stream(io.BytesIO(data), "test")
    found = [tracer.follow(c, source.keys) for c in tracer.reassemble(source)]
    assert source.problems == []
    return [(m.sender, m.kind, m.range, m.data) for trace in found for m in trace.messages]


FORMATS = {
    "pcap little": pcap("<"),
    "pcap big": pcap(">"),
    "pcap little ns": pcap("<", nanoseconds=True),
    "pcap big ns": pcap(">", nanoseconds=True),
    "pcapng little": pcapng("<"),
    "pcapng big": pcapng(">"),
    "pcapng ns": pcapng("<", 9),
    "pcapng 2^-20": pcapng("<", 0x80 | 20),
    "pcapng simple": pcapng("<", simple=True),
    "pcapng three sections": pcapng("<", sections=3),
    "pcapng two byte orders": pcapng("<") + section(">"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_the_same(name: str) -> None:
    """Byte order, time unit, block type and sections make no difference."""
    assert told(FORMATS[name]) == told(FORMATS["pcap little"])


@pytest.mark.parametrize("name", [name for name in FORMATS if "simple" not in name])
def test_times_are_the_same(name: str) -> None:
    """To the microsecond."""
    packets = [p for p in read_stream(io.BytesIO(FORMATS[name]), "t") if isinstance(p, Packet)]
    assert packets[0].time == pytest.approx(frames()[0][0] / 10**6, abs=2e-6)


@pytest.mark.parametrize("name", ["pcap little", "pcapng little"])
def test_cut_anywhere(name: str) -> None:
    """What was read stays a prefix, there is at most one problem, and nothing is raised."""
    data = FORMATS[name]
    whole = [p for p in read_stream(io.BytesIO(data), "t") if isinstance(p, Packet)]
    for at in range(4, len(data), 37):
        source = read_stream(io.BytesIO(data[:at]), "t")
        packets = [p for p in source if isinstance(p, Packet)]
        assert packets == whole[: len(packets)]
        assert len(source.problems) <= 1


@pytest.mark.parametrize("name", ["pcap little", "pcapng little"])
def test_damage_is_one_problem(name: str) -> None:
    """A length that cannot be ends the reading with a line that says where."""
    data = bytearray(FORMATS[name])
    at = 24 + 8 if name.startswith("pcap ") else 28 + 20 + 4
    data[at : at + 4] = b"\xff\xff\xff\x7f"
    source = read_stream(io.BytesIO(bytes(data)), "t")
    assert [p for p in source if isinstance(p, Packet)] == []
    assert len(source.problems) == 1
    assert "damaged" in source.problems[0]


def test_an_unknown_link_type_is_named() -> None:
    """Nothing is guessed about its frames."""
    data = bytearray(FORMATS["pcap little"])
    data[20:24] = (147).to_bytes(4, "little")
    source = read_stream(io.BytesIO(bytes(data)), "t")
    assert list(source) == []
    assert source.problems == ["link type 147 is not known to pgtls"]


@pytest.mark.parametrize("content", [b"", b"hello, world", b"\x1f\x8b" + bytes(20), b"\xa1"])
def test_what_is_no_capture(content: bytes, tmp_path: Path) -> None:
    """An error with a hint."""
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(TracerError) as caught:
        open_capture(tmp_path / "file")
    assert caught.value.hints


def test_a_pipe_that_grows() -> None:
    """A connection is there before the pipe is closed, and silence gives ticks."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as file:
        threading.Thread(target=os.write, args=(writing, FORMATS["pcap little"])).start()
        source = read_stream(file, "pipe")
        first = next(iter(tracer.reassemble(source)))
        assert first.client_stream.data
        assert any(isinstance(item, Tick) for item, _ in zip(source, range(3), strict=False))
        os.close(writing)


# DEAD FLOWS: what is passed over at a glance is what would have been skipped packet by packet

DEAD, ALIVE = b"\x0a\0\0\1\x0a\0\0\2" + b"\x9c\x40\x15\x38", b"\x0a\0\0\3\x0a\0\0\2" + b"\x9c\x40\x15\x38"
DEAD6, ALIVE6 = bytes(range(32)) + DEAD[8:], bytes(range(1, 33)) + DEAD[8:]


def ip_packet(flow: bytes, flags: int, payload: bytes, first: int) -> bytes:
    """A TCP segment behind an IP header; with `first` as the header's first byte, whatever that is."""
    tcp = flow[-4:] + struct.pack(">IIBBHHH", 1, 2, 5 << 4, flags, 0, 0, 0) + payload
    if len(flow) == 12:
        return struct.pack(">BBHHHBBH", first, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + flow[:8] + tcp
    return struct.pack(">IHBB", 6 << 28, len(tcp), 6, 64) + flow[:32] + tcp


def linked(link: int, packet: bytes, marker: bytes | None) -> bytes:
    """The packet in a frame of that link type, with what says IPv4 or with something else in that place."""
    at, ipv4, ip = SHORTCUTS[link]
    kind = ipv4 if marker is None else marker
    if marker is None and packet[0] >> 4 == 6:
        kind = {2: b"\x86\xdd", 4: ipv4}.get(len(ipv4), b"")
    return bytes(at) + kind + bytes(ip - at - len(kind)) + packet


PACKETS = st.builds(
    ip_packet,
    st.sampled_from([DEAD, DEAD, DEAD, ALIVE, DEAD6, DEAD6, ALIVE6]),
    st.sampled_from([ACK, ACK, ACK, SYN, SYN | ACK]),
    st.binary(max_size=30),
    st.sampled_from([0x45, 0x45, 0x45, 0x46, 0x05]),
)
CUTS = st.sampled_from([None, None, None, 20, 33, 34, 47, 48, 53, 54, 60, 67, 68])


@st.composite
def some_frames(draw, link: int) -> list[bytes]:
    """Frames of dead flows and of others, some cut short."""
    marker = st.sampled_from([None, None, None, b"\x08\x06"[: len(SHORTCUTS[link].marker)]])
    found = draw(st.lists(st.tuples(PACKETS, marker, CUTS), max_size=12))
    return [linked(link, packet, marker)[:cut] for packet, marker, cut in found]


def as_pcap(link: int, frames: list[bytes]) -> bytes:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    return head + b"".join(struct.pack("<IIII", 7 + at, 0, len(f), len(f)) + f for at, f in enumerate(frames))


def as_pcapng(link: int, frames: list[bytes]) -> bytes:
    head = section("<") + block("<", 1, struct.pack("<HHI", link, 0, 0))
    times = [divmod((7 + at) * 10**6, 1 << 32) for at in range(len(frames))]
    return head + b"".join(
        block("<", 6, struct.pack("<IIIII", 0, *time, len(f), len(f)) + f)
        for time, f in zip(times, frames, strict=True)
    )


@pytest.mark.parametrize("link", SHORTCUTS)
@pytest.mark.parametrize("written", [as_pcap, as_pcapng])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_dead_flows_are_passed_over(written, link: int, data) -> None:
    """All other packets come with their number and time, and all are counted, wherever the chunks end."""
    sent = data.draw(some_frames(link))
    found = [(number, segment(link, frame)) for number, frame in enumerate(sent, 1)]
    expected = [
        Packet(number, 6.0 + number, *seen)
        for number, seen in found
        if seen is not None and (seen.flags & SYN or seen.flow not in (DEAD, DEAD6))
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK", data.draw(st.sampled_from([50, 130, 1 << 16])))
        source = read_stream(io.BytesIO(written(link, sent)), "t")
        for flow in (DEAD, DEAD6):
            source.skip.add(flow)
        assert [item for item in source if isinstance(item, Packet)] == expected
    assert source.problems == []
    first, last = (7.0, 6.0 + len(sent)) if sent else (None, None)
    assert (source.counts.packets, source.counts.first, source.counts.last) == (len(sent), first, last)


def test_ports_that_are_used_again_are_seen() -> None:
    """A SYN among packets of a dead flow."""
    frames = [linked(ETHERNET, ip_packet(DEAD, flags, b"", 0x45), None) for flags in (ACK, SYN, ACK)]
    source = read_stream(io.BytesIO(as_pcap(ETHERNET, frames)), "t")
    source.skip.add(DEAD)
    assert [item.number for item in source if isinstance(item, Packet)] == [2]
