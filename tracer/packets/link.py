"""From a captured frame to its TCP segment.

`segment` reads any frame of a link type that it knows. `SHORTCUTS` says, for each link type, where an IPv4 header of
the usual shape stands, so that a reader can look at a frame of a dead flow without calling anything.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

IPV4, IPV6, TCP = 0x0800, 0x86DD, 6
ETHERNET = 1
VLANS = frozenset({0x8100, 0x88A8, 0x9100})
PPPOE, MPLS = 0x8864, frozenset({0x8847, 0x8848})
PPP_IPV4, PPP_IPV6 = 0x0021, 0x0057
RAW = 101
# Extension headers of IPv6: hop-by-hop, routing, authentication, destination options, mobility, HIP, shim6
EXTENSION_HEADERS, AUTHENTICATION = frozenset({0, 43, 51, 60, 135, 139, 140}), 51


class Segment(NamedTuple):
    """A TCP segment, by the names of `streams.Packet`."""

    flow: bytes
    seq: int
    ack: int
    flags: int
    payload: bytes
    cut: int  # bytes of its payload that the capture did not keep


class Shortcut(NamedTuple):
    """`marker` at offset `at` of the frame says that an IP header stands at offset `ip`."""

    at: int
    marker: bytes
    ip: int


def segment(link: int, frame: bytes) -> Segment | None:
    """The TCP segment in a frame, or None: another protocol, a fragment, too short. Raises nothing."""
    network = LINKS[link](frame) if link in LINKS else None
    if network is None or len(frame) <= network:
        return None
    version = frame[network] >> 4
    if version == 4:
        return _ipv4(frame, network)
    return _ipv6(frame, network) if version == 6 else None


def labelled(link: int, frame: bytes) -> int | None:
    """Where the MPLS labels stand in an Ethernet frame that has some."""
    if link == ETHERNET and int.from_bytes(frame[12:14], "big") in MPLS:
        return 14
    return None


def _ppp(frame: bytes) -> int | None:
    return _ppp_protocol(frame, 2 if frame[:2] == b"\xff\x03" else 0)


def _ppp_protocol(frame: bytes, at: int) -> int | None:  # RFC 1661 §2
    return at + 2 if int.from_bytes(frame[at : at + 2], "big") in (PPP_IPV4, PPP_IPV6) else None


def _hdlc(frame: bytes) -> int | None:  # LINKTYPE_C_HDLC: Cisco's framing, or that of PPP (RFC 1662 §3.1)
    return _ethertype(frame, 2) if frame[:2] in (b"\x0f\0", b"\x8f\0") else _ppp(frame)


def _pppoe(frame: bytes) -> int | None:
    return _ppp_protocol(frame, 6)


def _ethernet(frame: bytes) -> int | None:
    return _ethertype(frame, 12)


def _sll(frame: bytes) -> int | None:  # LINKTYPE_LINUX_SLL
    return _ethertype(frame, 14)


def _sll2(frame: bytes) -> int | None:  # LINKTYPE_LINUX_SLL2
    return 20 if int.from_bytes(frame[:2], "big") in (IPV4, IPV6) else None


def _null(frame: bytes) -> int | None:  # LINKTYPE_NULL and LOOP: the address family, in the byte order of its machine
    return 4 if frame[:4].strip(b"\0") in (b"\2", b"\x18", b"\x1c", b"\x1e", b"\x0a") else None


def _raw(_frame: bytes) -> int | None:
    return 0


def _ethertype(frame: bytes, at: int) -> int | None:
    """Where the network header stands behind an EtherType and any VLAN tags."""
    if frame.startswith(b"\x08\0", at):
        return at + 2
    for _ in range(3):
        kind = int.from_bytes(frame[at : at + 2], "big")
        if kind in (IPV4, IPV6):
            return at + 2
        if kind == PPPOE:
            return _ppp_protocol(frame, at + 8)  # RFC 2516 §4
        if kind not in VLANS:
            return None
        at += 4
    return None


def _ipv4(frame: bytes, at: int) -> Segment | None:
    if len(frame) < at + 20:
        return None
    first, total, place, protocol, addresses = IPV4_HEADER(frame, at)
    header = (first & 15) * 4
    if header < 20 or protocol != TCP or place & 0x3FFF:  # another protocol, or a fragment
        return None
    stop = at + total if total else len(frame)  # 0: segmentation offload, the frame is the packet
    return _tcp(frame, at + header, stop, addresses)


def _ipv6(frame: bytes, at: int) -> Segment | None:
    if len(frame) < at + 40:
        return None
    payload = int.from_bytes(frame[at + 4 : at + 6], "big")
    stop = at + 40 + payload if payload else len(frame)
    following, header = frame[at + 6], at + 40
    while following in EXTENSION_HEADERS and len(frame) > header + 8:
        units = frame[header + 1]
        size = 4 * (units + 2) if following == AUTHENTICATION else 8 * (units + 1)  # RFC 4302 §2.2, RFC 8200 §4.3
        following, header = frame[header], header + size
    return _tcp(frame, header, stop, frame[at + 8 : at + 40]) if following == TCP else None


def _tcp(frame: bytes, at: int, stop: int, addresses: bytes) -> Segment | None:
    if len(frame) < at + 20:
        return None
    ports, seq, ack, size, flags = TCP_HEADER(frame, at)
    header = (size >> 4) * 4
    if header < 20 or stop < at + header:
        return None
    payload = frame[at + header : stop]  # padding behind the IP packet is not the segment's
    cut = stop - max(len(frame), at + header) if stop > len(frame) else 0
    return Segment(addresses + ports, seq, ack, flags, payload, cut)


IPV4_HEADER = Struct(">BxH2xHxB2x8s").unpack_from
TCP_HEADER = Struct(">4sIIBB").unpack_from
LINKS: dict[int, Callable[[bytes], int | None]] = {
    0: _null,
    ETHERNET: _ethernet,
    9: _ppp,
    12: _raw,
    14: _raw,
    50: _hdlc,
    51: _pppoe,
    101: _raw,
    104: _hdlc,
    108: _null,
    113: _sll,
    228: _raw,
    229: _raw,
    276: _sll2,
}
SHORTCUTS = {
    0: Shortcut(0, b"\2\0\0\0", 4),
    1: Shortcut(12, b"\x08\x00", 14),
    101: Shortcut(0, b"", 0),
    108: Shortcut(0, b"\0\0\0\2", 4),
    113: Shortcut(14, b"\x08\x00", 16),
    276: Shortcut(0, b"\x08\x00", 20),
}
