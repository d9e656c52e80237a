"""IP packets out of their fragments (RFC 791 §3.2, RFC 8200 §4.5)."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST = 256  # packets that wait for the rest of their fragments
LARGEST = 65535  # bytes of an IP packet
FRAGMENT = 44  # the Fragment header of IPv6


@dataclass
class _Waiting:
    header: bytes = b""
    pieces: dict[int, bytes] = field(default_factory=dict)
    held: int = 0  # bytes of the pieces
    total: int | None = None

    def whole(self) -> bytes | None:
        """The packet's payload, when nothing is missing. Of bytes that come twice the first in order stays."""
        if self.total is None or not self.header or self.held < self.total:
            return None
        payload = bytearray()
        for offset in sorted(self.pieces):
            if offset > len(payload):
                return None
            payload += self.pieces[offset][len(payload) - offset :]
        return bytes(payload) if len(payload) >= self.total else None


class Fragments:
    """The fragments of the packets that are not whole yet; forgets the oldest when there are too many."""

    def __init__(self) -> None:
        self.waiting: dict[bytes, _Waiting] = {}

    def add(self, frame: bytes, at: int) -> bytes | None:
        """Take the IP packet at `at`; the whole packet that it completes, or None. No fragment: None too."""
        parts = _ipv4(frame, at) if frame[at] >> 4 == 4 else _ipv6(frame, at)
        if parts is None:
            return None
        key, offset, more, header, payload = parts
        waiting = self.waiting.setdefault(key, _Waiting())
        if offset + len(payload) <= LARGEST and offset not in waiting.pieces:
            waiting.pieces[offset] = payload
            waiting.held += len(payload)
        if offset == 0:
            waiting.header = header
        if not more:
            waiting.total = offset + len(payload)
        whole = waiting.whole()
        if whole is not None:
            del self.waiting[key]
            return _joined(waiting.header, whole[: waiting.total])
        if waiting.held > 2 * LARGEST:
            del self.waiting[key]  # its parts lie over each other, as no sender's do
        elif len(self.waiting) > MOST:
            del self.waiting[next(iter(self.waiting))]
        return None


Parts = tuple[bytes, int, bool, bytes, bytes]  # key, offset, more to come, header, payload


def _ipv4(frame: bytes, at: int) -> Parts | None:
    if len(frame) < at + 20:
        return None
    place = int.from_bytes(frame[at + 6 : at + 8], "big")
    size = 4 * (frame[at] & 15)
    stop = at + int.from_bytes(frame[at + 2 : at + 4], "big")
    if not place & 0x3FFF or not at + size < stop <= len(frame):
        return None
    key = frame[at + 4 : at + 6] + frame[at + 9 : at + 10] + frame[at + 12 : at + 20]
    header = frame[at : at + 6] + b"\0\0" + frame[at + 8 : at + size]
    return key, 8 * (place & 0x1FFF), bool(place & 0x2000), header, frame[at + size : stop]


def _ipv6(frame: bytes, at: int) -> Parts | None:
    """The Fragment header right behind the IPv6 header, where senders put it."""
    stop = at + 40 + int.from_bytes(frame[at + 4 : at + 6], "big")
    if frame[at + 6 : at + 7] != bytes([FRAGMENT]) or not at + 48 < stop <= len(frame):
        return None
    place = int.from_bytes(frame[at + 42 : at + 44], "big")
    key = frame[at + 44 : at + 48] + frame[at + 8 : at + 40]
    header = frame[at : at + 6] + frame[at + 40 : at + 41] + frame[at + 7 : at + 40]
    return key, place & 0xFFF8, bool(place & 1), header, frame[at + 48 : stop]


def _joined(header: bytes, payload: bytes) -> bytes:
    """A packet of its own, with the length that it has now."""
    if header[0] >> 4 == 4:
        return header[:2] + min(len(header) + len(payload), LARGEST).to_bytes(2, "big") + header[4:] + payload
    return header[:4] + len(payload).to_bytes(2, "big") + header[6:] + payload
