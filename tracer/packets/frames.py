"""Packets of our own as a file that Wireshark opens: pcapng with raw IP frames, and the keys in front of them.

`write` is all that is asked of a writer: where frames go, what they are, and the key log.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from tracer.errors import TracerError
from tracer.packets.link import RAW, TCP
from tracer.packets.source import ACK, Packet
from tracer.protocol.keys import Keys

Frame = tuple[float, bytes]  # seconds since the epoch, and the bytes

# draft-ietf-opsawg-pcapng: block types, and the secrets type of an NSS key log
SECTION, INTERFACE, PACKET, SECRETS, NSS_KEY_LOG = 0x0A0D0D0A, 1, 6, 0x0A, 0x544C534B
WINDOW, HOPS = 65535, 64


def frames(packets: Iterable[Packet]) -> list[Frame]:
    """Each packet as an IP packet with its checksums."""
    return [(packet.time, ip(packet)) for packet in packets]


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


def write(path: str, captured: Iterable[Frame], keys: bytes) -> None:
    """A pcapng file of its own. Raises `TracerError`."""
    blocks = [
        _block(SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
        _block(INTERFACE, struct.pack("<HHI", RAW, 0, 0)),
    ]
    if keys:
        blocks.append(_block(SECRETS, struct.pack("<II", NSS_KEY_LOG, len(keys)) + keys))
    for when, frame in captured:
        stamp = round(when * 1e6)
        head = struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
        blocks.append(_block(PACKET, head + frame))
    try:
        Path(path).write_bytes(b"".join(blocks))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise TracerError(f"cannot write {path}: {why}", "name a file in a folder that is yours") from None


def _block(kind: int, body: bytes) -> bytes:
    body += b"\0" * (-len(body) % 4)
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length
