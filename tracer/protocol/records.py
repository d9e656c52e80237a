"""TLS records: where each begins and ends in its side's stream (RFC 8446 §5.1, RFC 5246 §6.2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
HEADER = 5
TLS_1_2 = 0x0303  # what every record behind the first says, of TLS 1.3, too
LONGEST = 16384 + 2048  # TLSCiphertext of TLS 1.2, the longer one (RFC 5246 §6.2.3)


class Record(NamedTuple):
    """One record; `start` (of its header) and `stop` are offsets into the stream. `cut`: its end was not captured."""

    type: int
    version: int
    start: int
    stop: int
    cut: bool = False

    @property
    def body(self) -> int:
        """The offset of the first byte behind the header."""
        return self.start + HEADER

    @property
    def length(self) -> int:
        """Bytes behind the header."""
        return self.stop - self.start - HEADER


def is_header(data: bytes, at: int) -> bool:
    """Whether a record header can stand here. False also where there are too few bytes to tell."""
    return (
        len(data) >= at + HEADER
        and CHANGE_CIPHER_SPEC <= data[at] <= APPLICATION_DATA
        and data[at + 1] == 3
        and data[at + 2] <= 4
        and int.from_bytes(data[at + 3 : at + 5], "big") <= LONGEST
    )


def records(data: bytes, at: int) -> Iterator[Record]:
    """The records from offset `at` on, until the bytes end or are no record any more.

    A record whose end is missing comes last and is `cut`. What is left behind the last record is the caller's to account for.
    """
    while is_header(data, at):
        record = record_at(data, at)
        yield record
        at = record.stop


def record_at(data: bytes, at: int) -> Record:
    """The record whose header stands at offset `at`."""
    kind, version, length = RECORD_HEADER(data, at)
    stop = at + HEADER + length
    return Record(kind, version, at, min(stop, len(data)), stop > len(data))


RECORD_HEADER = Struct(">BHH").unpack_from
