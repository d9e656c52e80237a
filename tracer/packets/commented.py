"""A capture once more, with comments on its packets: the same frames, order, times, interfaces and other blocks.

Of pcapng only the packets that are commented change, and the length of the section, which is not said any more. A
classic pcap becomes pcapng of one interface.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from tracer.packets.blocks import BYTE_ORDERS, ENHANCED, LONGEST_BLOCK, PACKET, SECRETS, SIMPLE
from tracer.packets.blocks import SECTION as SECTION_BYTES
from tracer.packets.chunks import Window, beginning, chunks, unpacked
from tracer.packets.pcap import LONGEST_PACKET, MAGIC
from tracer.packets.pcapng import COMMENT, SECTION, Blocks, Writer, block, comment, options, secrets_block

NOT_TO_BE_COPIED = 0x40000BAD  # §4.8: a custom block that says so
FIXED = 20  # bytes of a packet block in front of the frame


@dataclass
class Copied:
    """What was copied: packets, those with comments of ours, those that have no place for them, blocks of keys."""

    packets: int = 0
    commented: int = 0
    without_place: int = 0
    secrets: int = 0
    stripped: int = 0


def copy(
    capture: BinaryIO,
    out: str | BinaryIO,
    comments: Mapping[int, Sequence[str]],
    *,
    key_log: bytes = b"",
    strip: bool = False,
    private: bool = False,
) -> Copied:
    """Write a capture, from where the file stands, to `out` with `comments` by the number of the packet, from 1 on.

    `key_log` is put in front of the first packet; `strip` leaves out the blocks of secrets that are there. What is
    damaged ends the copy. Raises `TracerError` where `out` cannot be written.
    """
    rest = chunks(capture)
    start = beginning(rest)
    packed = unpacked(str(getattr(capture, "name", "capture")), start, rest, [])
    if packed is not None:
        start, rest = packed
    done = Copied()
    window = Window(start, rest)
    if start[:4] in MAGIC:
        with Writer(out, private=private) as writer:
            _from_pcap(window, writer, comments, key_log, done)
    else:
        with Blocks(out, private=private) as blocks:
            _from_pcapng(window, blocks, comments, key_log, done, strip=strip)
    return done


def _take(window: Window, size: int) -> bytes | None:
    """The next bytes; None where there are not so many."""
    while len(window.buffer) - window.at < size:
        if not window.more() and window.ended:
            return None
    window.at += size
    return bytes(window.buffer[window.at - size : window.at])


# PCAP


def _from_pcap(
    window: Window, out: Writer, comments: Mapping[int, Sequence[str]], key_log: bytes, done: Copied
) -> None:
    head = _take(window, 24)
    if head is None:
        return
    order, unit, size = MAGIC[head[:4]]
    snaplen, link = struct.unpack_from(order + "II", head, 16)
    if key_log:
        out.secrets(key_log)
        done.secrets += 1
    digits = 9 if unit == 1e-9 else 6
    interface = out.interface(link & 0xFFFF, snaplen=snaplen, digits=digits)
    while (header := _take(window, size)) is not None:
        seconds, fraction, captured, length = struct.unpack_from(order + "IIII", header)
        if captured > LONGEST_PACKET or (frame := _take(window, captured)) is None:
            return
        done.packets += 1
        said = comments.get(done.packets, ())
        done.commented += bool(said)
        out.packet(interface, seconds * 10**digits + fraction, frame, length=length, comments=said)


# PCAPNG


def _from_pcapng(
    window: Window,
    out: Blocks,
    comments: Mapping[int, Sequence[str]],
    key_log: bytes,
    done: Copied,
    *,
    strip: bool,
) -> None:
    for order, kind, whole in _blocks(window):
        if kind == SECTION:
            out.block(whole[:16] + b"\xff" * 8 + whole[24:])
            if key_log and not done.secrets:
                out.make_private()
                out.block(secrets_block(key_log, order))
                done.secrets += 1
        elif kind == NOT_TO_BE_COPIED or (kind == SECRETS and strip):
            done.stripped += kind == SECRETS
        elif kind in (ENHANCED, PACKET, SIMPLE):
            done.packets += 1
            said = comments.get(done.packets, ())
            changed = with_comments(whole, order, said) if said and kind != SIMPLE else None
            done.commented += changed is not None
            done.without_place += bool(said) and changed is None
            out.block(changed or whole)
        else:
            if kind == SECRETS:
                out.make_private()
                done.secrets += 1
            out.block(whole)


def _blocks(window: Window) -> Iterator[tuple[str, int, bytes]]:
    """Each whole block with the byte order of its section and its kind, up to the first that cannot be one."""
    order = ""
    while (head := _take(window, 12)) is not None:
        if head[:4] == SECTION_BYTES:
            order = BYTE_ORDERS.get(head[8:12], "")
        if not order:
            return
        kind, length = struct.unpack_from(order + "II", head)
        least = 28 if kind == SECTION else 12
        if length < least or length % 4 or length > LONGEST_BLOCK or (rest := _take(window, length - 12)) is None:
            return
        yield order, kind, head + rest


def with_comments(whole: bytes, order: str, said: Sequence[str]) -> bytes | None:
    """A packet's block with comments behind the options that it has; None where those cannot be read."""
    kind = struct.unpack_from(order + "I", whole)[0]
    body = whole[8:-4]
    captured = struct.unpack_from(order + "I", body, 12)[0] if len(body) >= FIXED else len(body)
    at = FIXED + captured + -captured % 4 if captured <= len(body) else len(body) + 1
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == 0:
            break
        at += 4 + length + -length % 4
    if at > len(body):
        return None
    ours = options(((COMMENT, comment(text)) for text in said), order)
    return block(kind, body[:at] + ours, order)
