"""Packets of our own as a file that Wireshark opens: raw IP frames, and the keys in front of them."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from tracer.packets.link import RAW, TCP
from tracer.packets.pcapng import Writer
from tracer.packets.source import ACK, Packet
from tracer.protocol.keys import Keys

WINDOW, HOPS = 65535, 64


def write(path: str, packets: Iterable[Packet], keys: Keys) -> None:
    """A pcapng file of these packets and keys. Raises `TracerError`."""
    with Writer(path, private=bool(keys.secrets)) as file:
        if keys.secrets:
            file.secrets(key_log(keys))
        interface = file.interface(RAW)
        for packet in packets:
            file.packet(interface, round(packet.time * 1e6), ip(packet))


def ip(packet: Packet) -> bytes:
    """A packet as an IPv4 or IPv6 packet (RFC 791 §3.1, RFC 8200 §3)."""
    size = (len(packet.flow) - 4) // 2
    source, destination = packet.flow[:size], packet.flow[size : 2 * size]
    body = _tcp(packet, source + destination)
    if size == 16:
        return struct.pack(">IHBB", 6 << 28, len(body), TCP, HOPS) + source + destination + body
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), packet.number & 0xFFFF, 0x4000, HOPS, TCP, 0)
    head += source + destination
    return head[:10] + checksum(head) + head[12:] + body


def _tcp(packet: Packet, addresses: bytes) -> bytes:
    """RFC 9293 §3.1."""
    ack = packet.ack if packet.flags & ACK else 0
    head = packet.flow[-4:] + struct.pack(">IIBBHHH", packet.seq, ack, 5 << 4, packet.flags, WINDOW, 0, 0)
    body = head + packet.payload
    pseudo = addresses + struct.pack(">II", len(body), TCP)
    return body[:16] + checksum(pseudo + body) + body[18:]


def checksum(data: bytes) -> bytes:
    """The Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)


def key_log(keys: Keys) -> bytes:
    """The secrets as the lines of an NSS key log."""
    lines = (
        f"{label} {random.hex()} {secret.hex()}\n"
        for random, secrets in keys.secrets.items()
        for label, secret in secrets.items()
    )
    return "".join(lines).encode()
