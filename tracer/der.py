"""Just enough DER to read certificates (X.690 §8, §10). cryptography refuses some that OpenSSL judges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID, SEQUENCE, SET = 1, 2, 3, 4, 6, 0x30, 0x31
UTC_TIME, GENERALIZED_TIME = 23, 24
INDEFINITE = b"\x30\x80"
LONGEST_OID = 1 << 10  # bytes: one number of more would take time with the square of its length


class DerError(ValueError):
    """Bytes that are not the DER that was expected."""


class Node(NamedTuple):
    """One value: its tag, where it starts, and where its content starts and stops."""

    tag: int
    start: int
    body: int
    stop: int


def node(data: bytes, at: int, stop: int | None = None) -> Node:
    """The value at `at`. Raises `DerError` when it does not fit."""
    end = len(data) if stop is None else stop
    if at + 2 > end:
        raise DerError(f"no value at byte {at}")
    length, body = data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        if not size or body + size > end:
            raise DerError(f"no length at byte {at + 1}")
        length = int.from_bytes(data[body : body + size], "big")
        body += size
    if body + length > end:
        raise DerError(f"a value at byte {at} is {length} bytes long, {end - body} are there")
    return Node(data[at], at, body, body + length)


def children(data: bytes, parent: Node) -> list[Node]:
    """The values inside a constructed one."""
    found, at = [], parent.body
    while at < parent.stop:
        found.append(node(data, at, parent.stop))
        at = found[-1].stop
    return found


def content(data: bytes, of: Node) -> bytes:
    return data[of.body : of.stop]


def whole(data: bytes, of: Node) -> bytes:
    return data[of.start : of.stop]


def outermost(data: bytes) -> tuple[list[Node], int]:
    """The members of the SEQUENCE that the bytes begin with, and where it stops; its length may be an indefinite one.

    OpenSSL reads that, too (X.690 §8.1.3.6): what is signed inside is as it stands there.
    """
    if data[:2] != INDEFINITE:
        return sequence(data), node(data, 0).stop
    found, at = [], 2
    while data[at : at + 2] != b"\0\0":
        found.append(node(data, at))
        at = found[-1].stop
    return found, at + 2


def sequence(data: bytes) -> list[Node]:
    """The members of the SEQUENCE that the bytes begin with."""
    top = node(data, 0)
    if top.tag != SEQUENCE:
        raise DerError("no SEQUENCE")
    return children(data, top)


def integer(data: bytes, of: Node) -> int:
    return int.from_bytes(content(data, of), "big", signed=True)


def oid(data: bytes) -> str:
    """Dotted form of the content of an OBJECT IDENTIFIER. One that is longer than any that somebody registered is written in hexadecimal."""
    if len(data) > LONGEST_OID:
        return f"0x{data.hex()}"
    arcs = list(_arcs(data))
    if not arcs:
        raise DerError("an empty OBJECT IDENTIFIER")
    top = min(arcs[0] // 40, 2)
    return ".".join(map(str, [top, arcs[0] - 40 * top, *arcs[1:]]))


def _arcs(data: bytes) -> Iterator[int]:
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            yield value
            value = 0


def time(data: bytes, of: Node) -> datetime | None:
    """UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 wants them; None for anything else."""
    text = content(data, of).decode("ascii", "replace")
    if not text[:-1].isascii() or not text[:-1].isdigit():
        return None
    try:
        if of.tag == UTC_TIME and len(text) == 13:
            year = int(text[:2])
            text = f"{1900 + year if year >= 50 else 2000 + year}{text[2:]}"
        elif of.tag != GENERALIZED_TIME or len(text) != 15:
            return None
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
