"""One real connection, in every link type, wrapping and file format: the same trace from each."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import scapy.all as scapy
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.mpls import MPLS

import tracer
from tracer.packets.dissect import Dissector
from tracer.packets.link import LINKS as READ
from tracer.trace import Trace

STORY = Path(__file__).resolve().parents[2] / "captures" / "verify-full-tls12" / "capture.pcapng"
ETHER = scapy.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")  # without these scapy would ask the network
OUTER = ETHER / scapy.IP(src="192.0.2.1", dst="192.0.2.2")
VXLAN = scapy.UDP(sport=54321, dport=4789) / scapy.VXLAN(vni=7) / ETHER
Said = list[tuple[str, str, bytes]]
Framed = Callable[[bytes], bytes]


@cache
def story() -> tuple[list[tuple[float, bytes, bytes]], tracer.Keys]:
    """Time, IPv4 packet and the same as IPv6 of each frame of the story."""
    frames = []
    for frame in scapy.rdpcap(str(STORY)):
        four = frame[scapy.IP]
        six = scapy.IPv6(src="2001:db8::1", dst="2001:db8::1") / four[scapy.TCP].copy()
        del six[scapy.TCP].chksum
        frames.append((float(frame.time), bytes(four), bytes(six)))
    source = tracer.read(STORY)
    list(tracer.reassemble(source))
    return frames, source.keys


def ethertype(packet: bytes) -> bytes:
    return b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd"


def inside(wrapping: scapy.Packet) -> Framed:
    """What scapy writes around a packet."""
    return lambda packet: bytes(wrapping / (scapy.IP(packet) if packet[0] >> 4 == 4 else scapy.IPv6(packet)))


def ppp(packet: bytes) -> bytes:
    return (b"\0\x21" if packet[0] >> 4 == 4 else b"\0\x57") + packet


def mpls(packet: bytes) -> bytes:
    return bytes(12) + b"\x88\x47" + bytes(MPLS(label=16, s=1, ttl=64)) + packet


LINKS: dict[str, tuple[int, Framed]] = {
    "NULL": (0, lambda p: struct.pack("<I", 2 if p[0] >> 4 == 4 else 30) + p),
    "LOOP": (108, lambda p: struct.pack(">I", 2 if p[0] >> 4 == 4 else 24) + p),
    "Ethernet": (1, lambda p: bytes(12) + ethertype(p) + p),
    "Ethernet, padded": (1, lambda p: bytes(12) + ethertype(p) + p + bytes(6)),
    "VLAN": (1, lambda p: bytes(12) + b"\x81\0\0\7" + ethertype(p) + p),
    "QinQ": (1, lambda p: bytes(12) + b"\x88\xa8\0\7\x81\0\0\7" + ethertype(p) + p),
    "PPPoE": (1, lambda p: bytes(12) + b"\x88\x64\x11\0\0\1" + struct.pack(">H", len(p) + 2) + ppp(p)),
    "PPP": (9, ppp),
    "PPP in HDLC": (9, lambda p: b"\xff\3" + ppp(p)),
    "PPP_HDLC": (50, lambda p: b"\xff\3" + ppp(p)),
    "PPP_ETHER": (51, lambda p: b"\x11\0\0\1" + struct.pack(">H", len(p) + 2) + ppp(p)),
    "C_HDLC": (104, lambda p: b"\x0f\0" + ethertype(p) + p),
    "C_HDLC, multicast": (104, lambda p: b"\x8f\0" + ethertype(p) + p),
    "raw 12": (12, bytes),
    "raw 101": (101, bytes),
    "raw 228 or 229": (228, bytes),
    "SLL": (113, lambda p: bytes(14) + ethertype(p) + p),
    "SLL2": (276, lambda p: ethertype(p) + bytes(18) + p),
    "MPLS": (1, mpls),
    "GRE": (1, inside(OUTER / scapy.GRE())),
    "IP in IP": (1, inside(OUTER)),
    "VXLAN": (1, inside(OUTER / VXLAN)),
    "GENEVE": (1, inside(OUTER / scapy.UDP(sport=54321, dport=6081) / GENEVE() / ETHER)),
    "GTP": (1, inside(OUTER / scapy.UDP(sport=54321, dport=2152) / GTP_U_Header(teid=1))),
    "GRE, numbered": (1, inside(OUTER / scapy.GRE(key_present=1, key=7, seqnum_present=1))),
    "MPLS in GRE": (1, inside(OUTER / scapy.GRE() / MPLS(label=16, s=0, ttl=64) / MPLS(label=17, s=1, ttl=64))),
    "ERSPAN": (1, inside(OUTER / scapy.GRE(seqnum_present=1) / ERSPAN_II() / ETHER)),
    "ERSPAN III": (1, inside(OUTER / scapy.GRE(seqnum_present=1) / ERSPAN_III() / ETHER)),
    "VXLAN in GRE": (1, inside(OUTER / scapy.GRE() / OUTER[scapy.IP] / VXLAN)),
    "RadioTap": (127, inside(scapy.RadioTap() / scapy.Dot11(type=2) / scapy.LLC() / scapy.SNAP())),
    "802.11": (105, inside(scapy.Dot11(type=2) / scapy.LLC() / scapy.SNAP())),
}
FAMILIES = {"IPv4": 1, "IPv6": 2}
UNWRAPPED = {name: {name} for name in ("MPLS", "GRE", "IP in IP", "VXLAN", "GENEVE", "GTP", "ERSPAN", "802.11")} | {
    "MPLS in GRE": {"MPLS"},
    "VXLAN in GRE": {"VXLAN", "GRE"},
    "ERSPAN III": {"ERSPAN"},
    "RadioTap": {"RadioTap"},
}


def pcap(order: str, magic: int, ticks: float, extra: bytes = b"") -> Callable[[int, list[tuple[float, bytes]]], bytes]:
    def write(link: int, frames: list[tuple[float, bytes]]) -> bytes:
        out = io.BytesIO()
        out.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 1 << 18, link))
        for when, frame in frames:
            part = round((when - int(when)) * ticks)
            out.write(struct.pack(order + "IIII", int(when), part, len(frame), len(frame)) + extra + frame)
        return out.getvalue()

    return write


def pcapng(order: str) -> Callable[[int, list[tuple[float, bytes]]], bytes]:
    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = struct.pack(order + "I", len(body) + 12)
        return struct.pack(order + "I", kind) + size + body + size

    def write(link: int, frames: list[tuple[float, bytes]]) -> bytes:
        half = len(frames) // 2
        out = b""
        for part in (
            frames[:half],
            frames[half:],
        ):  # two sections, each with its own interface, and a block nobody knows
            out += block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
            out += block(1, struct.pack(order + "HHI", link, 0, 0)) + block(
                0xBAD, struct.pack(order + "I", 1) + b"ours"
            )
            for when, frame in part:
                ticks = round(when * 1e6)
                stamp = struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
                out += block(6, stamp + frame)
        return out

    return write


FORMATS: dict[str, Callable[[int, list[tuple[float, bytes]]], bytes]] = {
    "pcap": pcap("<", 0xA1B2C3D4, 1e6),
    "pcap, big-endian": pcap(">", 0xA1B2C3D4, 1e6),
    "pcap, ns": pcap("<", 0xA1B23C4D, 1e9),
    "pcap, ns, big-endian": pcap(">", 0xA1B23C4D, 1e9),
    "pcap, modified": pcap("<", 0xA1B2CD34, 1e6, bytes(8)),
    "pcapng": pcapng("<"),
    "pcapng, big-endian": pcapng(">"),
    "zstd": lambda link, frames: zstandard.compress(pcapng("<")(link, frames)),
    "gzip": lambda link, frames: gzip.compress(pcap("<", 0xA1B2C3D4, 1e6)(link, frames)),
    "gzip, two members": lambda link, frames: (
        gzip.compress((whole := pcapng("<")(link, frames))[:1000]) + gzip.compress(whole[1000:])
    ),
}


def said(trace: Trace) -> Said:
    assert [m for m in trace.messages if m.problem] == []
    return [(m.sender, m.kind, m.data) for m in trace.messages]


@cache
def expected() -> tuple[Said, str]:
    source = tracer.read(STORY)
    (connection,) = tracer.reassemble(source)
    trace = tracer.follow(connection, source.keys)
    return said(trace), trace.outcome.because


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("link", LINKS)
def test_the_trace_is_the_same(link: str, family: str, form: str, tmp_path: Path) -> None:
    """Whatever the link, the family and the file: the same messages, the same bytes, the same end."""
    frames, keys = story()
    number, framed = LINKS[link]
    packets = [(frame[0], framed(frame[FAMILIES[family]])) for frame in frames]
    file = tmp_path / "capture"
    file.write_bytes(FORMATS[form](number, packets))
    source = tracer.read(file)
    (connection,) = tracer.reassemble(source)
    trace = tracer.follow(connection, keys)
    assert source.problems == []
    assert source.unwrapped == UNWRAPPED.get(link, {"GRE"} if link == "GRE, numbered" else set())
    assert (said(trace), trace.outcome.because) == expected()


@given(st.sampled_from(sorted({*READ, 105, 9999})), st.binary(max_size=120))
def test_any_bytes(link: int, frame: bytes) -> None:
    """Nothing is raised, whatever stands in a frame."""
    Dissector(set()).segment(link, frame)


@given(st.sampled_from(sorted(LINKS)), st.data())
def test_any_damage(link: str, data: st.DataObject) -> None:
    """A frame that is cut, or has other bytes in it, raises nothing."""
    number, framed = LINKS[link]
    frame = bytearray(framed(story()[0][3][1]))
    frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    Dissector(set()).segment(number, bytes(frame[: data.draw(st.integers(0, len(frame)))]))
