"""What a live capture asks the kernel for: TCP over IPv4 and IPv6, with and without VLAN tags, and perhaps of some ports.

`program` is that as classic BPF for a packet socket, `expression` as libpcap's text. Fragments behind the first, and
extension headers of IPv6, show no port: they are let through. So is a loopback's traffic once: each packet there goes out
and comes in. Offsets count from the network header, so one program fits the interfaces of all link types.
Source: the Linux kernel's Documentation/networking/filter.rst and include/uapi/linux/filter.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

from tracer.errors import TracerError
from tracer.packets.link import EXTENSION_HEADERS, IPV4, IPV6, TCP, VLANS

MOST_PORTS = 100  # a program has at most 4096 instructions
KEPT = 1 << 18  # bytes of a frame

LOAD_BYTE, LOAD_HALF, LOAD_WORD, LOAD_HALF_AT_X, HEADER_TO_X = 0x30, 0x28, 0x20, 0x48, 0xB1
EQUAL, ANY_BIT, GO, AND, RETURN = 0x15, 0x45, 0x05, 0x54, 0x06
NETWORK, ANCILLARY = -0x100000, -0x1000  # SKF_NET_OFF, SKF_AD_OFF
PROTOCOL, PACKET_TYPE, HARDWARE = ANCILLARY, ANCILLARY + 4, ANCILLARY + 28
LOOPBACK, OUTGOING, FRAGMENT = 772, 4, 44  # ARPHRD_LOOPBACK, PACKET_OUTGOING, and IPv6's fragment header
MAY_FOLLOW = sorted(EXTENSION_HEADERS | {FRAGMENT})

Step = tuple[int, int] | tuple[int, int, str] | str  # an instruction, a jump to a label when it holds, or a label


def program(ports: Sequence[int] = ()) -> bytes:
    """The instructions, as a packet socket takes them. Raises `TracerError`."""
    return b"".join(struct.pack("=HBBI", *each) for each in assembled([*_steps(checked(ports))]))


def expression(ports: Sequence[int] = (), *, tags: bool = True) -> str:
    """The same for libpcap; without `tags` for the link types of which it knows no VLAN. Raises `TracerError`."""
    headers = " or ".join(f"ip6[6] == {header}" for header in MAY_FOLLOW)
    tcp = "tcp"
    if checked(ports):
        some = " or ".join(f"port {port}" for port in ports)
        tcp = f"(tcp and ({some})) or (ip proto {TCP} and ip[6:2] & 0x1fff != 0)"
    text = f"({tcp} or (ip6 and ({headers})))"
    return f"{text} or (vlan and {text})" if tags else text


def checked(ports: Sequence[int]) -> Sequence[int]:
    if len(ports) > MOST_PORTS:
        raise TracerError(f"{len(ports)} ports are too many", f"at most {MOST_PORTS}; without --port all are looked at")
    if wrong := [port for port in ports if not 0 < port < 1 << 16]:
        raise TracerError(f"{wrong[0]} is no port", "ports are numbers from 1 to 65535")
    return ports


def assembled(steps: Iterable[Step]) -> Iterator[tuple[int, int, int, int]]:
    """Labels resolved. A jump that holds skips nothing and meets a long jump; else it skips that one."""
    steps = list(steps)
    labels, at = {}, 0
    for step in steps:
        if isinstance(step, str):
            labels[step] = at
        else:
            at += 1 if len(step) == 2 or step[0] == GO else 2
    at = 0
    for step in steps:
        if isinstance(step, str):
            continue
        code, k = step[:2]
        if len(step) == 3 and code != GO:
            yield code, 0, 1, k
            at += 1
        if len(step) == 3:
            code, k = GO, labels[step[2]] - at - 1
        yield code, 0, 0, k & 0xFFFFFFFF
        at += 1


def _steps(ports: Sequence[int]) -> Iterator[Step]:
    yield from ((LOAD_WORD, HARDWARE), (EQUAL, LOOPBACK, "loopback"), (GO, 0, "protocol"))
    yield from ("loopback", (LOAD_WORD, PACKET_TYPE), (EQUAL, OUTGOING, "drop"))
    yield from ("protocol", (LOAD_WORD, PROTOCOL), (EQUAL, IPV4, "4 at 0"), (EQUAL, IPV6, "6 at 0"))
    yield from ((EQUAL, tag, "tag") for tag in sorted(VLANS))
    yield from ((RETURN, 0), "tag")
    # A tag that the kernel has not taken off: in front of the network header, or as if it was one
    yield from ((LOAD_HALF, NETWORK + 2), (EQUAL, IPV4, "4 at 4"), (EQUAL, IPV6, "6 at 4"))
    yield from ((LOAD_BYTE, NETWORK), (AND, 0xF0), (EQUAL, 0x40, "4 at 0"), (EQUAL, 0x60, "6 at 0"))
    yield from ("drop", (RETURN, 0))
    for at in (0, 4):
        yield from _ipv4(at, ports)
        yield from _ipv6(at, ports)


def _ipv4(at: int, ports: Sequence[int]) -> Iterator[Step]:
    base, name = NETWORK + at, f"4 at {at}"
    yield from (name, (LOAD_BYTE, base + 9), (EQUAL, TCP, f"{name} tcp"), (RETURN, 0), f"{name} tcp")
    if ports:
        yield from ((LOAD_HALF, base + 6), (ANY_BIT, 0x1FFF, f"{name} kept"), (HEADER_TO_X, base))
        for end in (0, 2):
            yield (LOAD_HALF_AT_X, base + end)
            yield from ((EQUAL, port, f"{name} kept") for port in ports)
        yield (RETURN, 0)
    yield from (f"{name} kept", (RETURN, KEPT))


def _ipv6(at: int, ports: Sequence[int]) -> Iterator[Step]:
    base, name = NETWORK + at, f"6 at {at}"
    yield from (name, (LOAD_BYTE, base + 6), (EQUAL, TCP, f"{name} tcp"))
    yield from ((EQUAL, header, f"{name} kept") for header in MAY_FOLLOW)
    yield from ((RETURN, 0), f"{name} tcp")
    if ports:
        for end in (40, 42):
            yield (LOAD_HALF, base + end)
            yield from ((EQUAL, port, f"{name} kept") for port in ports)
        yield (RETURN, 0)
    yield from (f"{name} kept", (RETURN, KEPT))
