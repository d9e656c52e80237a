"""A mutator of our own: for where atheris is not, and for the short run in `make test`."""

from __future__ import annotations

import random
from collections.abc import Callable

Change = Callable[[random.Random, bytearray, list[bytes]], None]
NUMBERS = (b"\0", b"\1", b"\x7f", b"\x80", b"\xff", b"\0\0", b"\x7f\xff", b"\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0")


def mutated(chance: random.Random, pool: list[bytes]) -> bytes:
    """A seed with a few changes."""
    data = bytearray(chance.choice(pool))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        chance.choice(CHANGES)(chance, data, pool)
    return bytes(data)


def _place(chance: random.Random, data: bytearray) -> int:
    return chance.randrange(len(data) + 1)


def flip(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def put(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    at, number = _place(chance, data), chance.choice(NUMBERS)
    data[at : at + len(number)] = number


def junk(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    at = _place(chance, data)
    data[at:at] = chance.randbytes(chance.choice((1, 2, 4, 16)))


def drop(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    at = _place(chance, data)
    del data[at : at + chance.choice((1, 2, 4, 16, 200))]


def repeat(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    at, length = _place(chance, data), chance.choice((1, 4, 40, 400))
    data[at:at] = data[at : at + length] * chance.choice((1, 2, 8))


def cut(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    del data[_place(chance, data) :]


def cross(chance: random.Random, data: bytearray, pool: list[bytes]) -> None:
    other, at = chance.choice(pool), _place(chance, data)
    here = chance.randrange(len(other) + 1)
    data[at : at + 64] = other[here : here + 64]


CHANGES: tuple[Change, ...] = (flip, put, junk, drop, repeat, cut, cross)
