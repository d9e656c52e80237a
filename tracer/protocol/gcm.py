"""GCM over any cipher of 16-byte blocks (NIST SP 800-38D), for the ciphers that no library at hand has in this mode.

Blocks are integers here. Multiplying by a fixed element is a linear map of 128 bits, and such a map is sixteen tables: one
for each byte of what goes in.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

Tables = tuple[tuple[int, ...], ...]
BLOCK = 16
REDUCTION = 0xE1 << 120  # x^128 = x^7 + x^2 + x + 1, with the bits in GCM's order
LOW_32 = 0xFFFFFFFF


def linear(images: Iterable[int]) -> Tables:
    """The tables of a linear map, from what it makes of each bit; the most significant bit comes first."""
    of_bits = list(images)
    return tuple(_table(of_bits[at : at + 8]) for at in range(0, len(of_bits), 8))


def _table(of_bits: list[int]) -> tuple[int, ...]:
    made = [0]
    for image in reversed(of_bits):
        made += [image ^ other for other in made]
    return tuple(made)


def apply(tables: Tables, value: int) -> int:
    """What the map makes of a block."""
    out = 0
    for table, byte in zip(tables, value.to_bytes(BLOCK, "big"), strict=True):
        out ^= table[byte]
    return out


@dataclass(slots=True)
class Gcm:
    """Opens what was sealed in GCM; `encrypt` is the block cipher with its key."""

    encrypt: Callable[[int], int]
    tables: Tables = field(init=False)

    def __post_init__(self) -> None:
        self.tables = linear(_powers(self.encrypt(0)))

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """The plaintext, for a nonce of 12 bytes; raises `ValueError` where the tag is another."""
        sealed, tag = data[:-BLOCK], data[-BLOCK:]
        first = int.from_bytes(nonce, "big") << 32 | 1
        wanted = self._hash(associated_data or b"", sealed) ^ self.encrypt(first)
        if not hmac.compare_digest(wanted.to_bytes(BLOCK, "big"), tag):
            raise ValueError("another tag")
        return b"".join(self._counted(first, sealed))

    def _hash(self, associated: bytes, sealed: bytes) -> int:  # §6.4
        lengths = len(associated) * 8 << 64 | len(sealed) * 8
        value = 0
        for block in (*_blocks(associated), *_blocks(sealed), lengths):
            value = apply(self.tables, value ^ block)
        return value

    def _counted(self, counter: int, sealed: bytes) -> Iterator[bytes]:  # §6.5
        for at in range(0, len(sealed), BLOCK):
            counter = counter & ~LOW_32 | (counter + 1) & LOW_32
            part = sealed[at : at + BLOCK]
            stream = self.encrypt(counter) >> 8 * (BLOCK - len(part))
            yield (int.from_bytes(part, "big") ^ stream).to_bytes(len(part), "big")


def _powers(element: int) -> Iterator[int]:
    """The element times 1, x, x², … x^127 (§6.3)."""
    for _ in range(8 * BLOCK):
        yield element
        element = element >> 1 ^ (REDUCTION if element & 1 else 0)


def _blocks(data: bytes) -> Iterator[int]:
    """Blocks of 16 bytes, the last one filled up with zeros."""
    for at in range(0, len(data), BLOCK):
        yield int.from_bytes(data[at : at + BLOCK].ljust(BLOCK, b"\0"), "big")
