"""Packets inside packets: where the inner one begins, of which link type it is, and what the outer one is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tracer.packets.link import ETHERNET, IPV4, IPV6, RAW

UDP = 17
BRIDGED, MPLS, ERSPAN_2, ERSPAN_3 = 0x6558, 0x8847, 0x88BE, 0x22EB  # EtherTypes that GRE and GENEVE use


class Inner(NamedTuple):
    """The inner packet: what carries it, its link type, and its offset in the frame."""

    name: str
    link: int
    at: int


def inside(frame: bytes, at: int) -> Inner | None:
    """The packet inside the IP packet at `at`, or None: it carries something else. Raises nothing."""
    try:
        protocol, payload = (
            (frame[at + 9], at + 4 * (frame[at] & 15)) if frame[at] >> 4 == 4 else (frame[at + 6], at + 40)
        )
        if protocol == UDP:
            read = PORTS.get(_uint(frame, payload + 2))
            return read(frame, payload + 8) if read else None
        return PROTOCOLS[protocol](frame, payload) if protocol in PROTOCOLS else None
    except IndexError:
        return None


def labels(frame: bytes, at: int) -> Inner | None:
    """The packet behind the MPLS labels at `at`. Raises nothing."""
    try:
        return _mpls(frame, at)
    except IndexError:
        return None


def _mpls(frame: bytes, at: int) -> Inner | None:  # RFC 3032 §2.1
    while not frame[at + 2] & 1:  # the bottom of the stack
        at += 4
    return Inner("MPLS", RAW, at + 4) if frame[at + 4] >> 4 in (4, 6) else None


def _ip(_frame: bytes, at: int) -> Inner | None:  # RFC 2003, RFC 2473
    return Inner("IP in IP", RAW, at)


def _gre(frame: bytes, at: int) -> Inner | None:  # RFC 2784 §2.1, RFC 2890 §2
    flags, kind = frame[at], _uint(frame, at + 2)
    numbered = bool(flags & 0x10)
    payload = at + 4 + 4 * (flags >> 7) + 4 * (flags >> 5 & 1) + 4 * numbered
    if kind == ERSPAN_2:  # draft-foschiano-erspan §4: type I has no header of its own
        return Inner("ERSPAN", ETHERNET, payload + 8 * numbered)
    if kind == ERSPAN_3:
        return Inner("ERSPAN", ETHERNET, payload + 12 + 8 * (frame[payload + 11] & 1))
    return _mpls(frame, payload) if kind == MPLS else _by_ethertype("GRE", kind, payload)


def _vxlan(_frame: bytes, at: int) -> Inner | None:  # RFC 7348 §5
    return Inner("VXLAN", ETHERNET, at + 8)


def _geneve(frame: bytes, at: int) -> Inner | None:  # RFC 8926 §3.4
    return _by_ethertype("GENEVE", _uint(frame, at + 2), at + 8 + 4 * (frame[at] & 0x3F))


def _gtp(frame: bytes, at: int) -> Inner | None:  # 3GPP TS 29.281 §5.1
    if frame[at + 1] != 0xFF:  # only a G-PDU carries a packet
        return None
    flags, at = frame[at], at + 8
    if flags & 7:
        following, at = frame[at + 3] if flags & 4 else 0, at + 4
        while following:
            length = 4 * max(frame[at], 1)
            following, at = frame[at + length - 1], at + length
    return Inner("GTP", RAW, at)


def _by_ethertype(name: str, kind: int, at: int) -> Inner | None:
    if kind in (IPV4, IPV6):
        return Inner(name, RAW, at)
    return Inner(name, ETHERNET, at) if kind == BRIDGED else None


def _uint(frame: bytes, at: int) -> int:
    return frame[at] << 8 | frame[at + 1]


# TABLES

Read = Callable[[bytes, int], Inner | None]
PROTOCOLS: dict[int, Read] = {4: _ip, 41: _ip, 47: _gre, 137: _mpls}
PORTS: dict[int, Read] = {2152: _gtp, 4789: _vxlan, 6081: _geneve, 8472: _vxlan}  # 8472: Linux's default for VXLAN
