"""The block cipher ARIA (RFC 5794), which `cryptography` does not have. Only its encryption: GCM asks for no more.

A block is an integer of 128 bits. Substitution and diffusion are one look-up for each of its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tracer.protocol.gcm import BLOCK, Tables, apply

ROUNDS = {16: 12, 32: 16}  # by bytes of the key; TLS has no suite with one of 24
ALL = (1 << 128) - 1


def aria(key: bytes) -> Callable[[int], int]:
    """The encryption of one block with a key of 16 or 32 bytes."""
    *whitened, before_last, last = _round_keys(key)

    def encrypt(block: int) -> int:
        for number, round_key in enumerate(whitened):
            block = apply(ROUND[number % 2], block ^ round_key)
        return apply(SUBSTITUTION[1], block ^ before_last) ^ last

    return encrypt


def _round_keys(key: bytes) -> Iterator[int]:  # §2.2
    left, right = int.from_bytes(key[:BLOCK], "big"), int.from_bytes(key[BLOCK:].ljust(BLOCK, b"\0"), "big")
    start = len(key) // 8 - 2  # which constant comes first: 0 with 16 bytes, 2 with 32
    one, two, three = (CONSTANTS[(start + n) % 3] for n in range(3))
    w0 = left
    w1 = apply(ROUND[0], w0 ^ one) ^ right
    w2 = apply(ROUND[1], w1 ^ two) ^ w0
    w3 = apply(ROUND[0], w2 ^ three) ^ w1
    words = (w0, w1, w2, w3)
    for number in range(ROUNDS[len(key)] + 1):
        at = number % 4
        yield words[at] ^ _rotated(words[(at + 1) % 4], ROTATIONS[number // 4])


def _rotated(word: int, right: int) -> int:
    return (word >> right | word << 128 - right) & ALL


# TABLES


def _inverses() -> list[int]:
    """The inverse of each byte in the field of AES, from the powers of 3; zero has none and stays."""
    powers = [1]
    for _ in range(254):
        double = powers[-1] << 1
        powers.append(powers[-1] ^ double ^ (0x11B if double & 0x100 else 0))
    inverses = [0] * 256
    for at, value in enumerate(powers):
        inverses[value] = powers[-at]
    return inverses


def _box(columns: bytes, constant: int) -> list[int]:
    """An S-box: the inverse, a linear map (what it makes of each bit, the least significant first), a constant (§2.4.2)."""
    made = []
    for inverse in INVERSES:
        value = constant
        for bit, column in enumerate(columns):
            value ^= column if inverse >> bit & 1 else 0
        made.append(value)
    return made


def _turned(box: list[int]) -> list[int]:
    return [box.index(value) for value in range(256)]


def _diffused(position: int) -> int:
    """The bytes of a block that a byte goes to, each as a bit at that byte's low end (§2.4.3)."""
    return sum(1 << 8 * (BLOCK - 1 - to) for to in (int(digit, 16) for digit in DIFFUSION[position]))


INVERSES = _inverses()
S1 = _box(bytes.fromhex("1f3e7cf8f1e3c78f"), 0x63)
S2 = _box(bytes.fromhex("acfdc68326a7fb5f"), 0xE2)
# Which bytes each byte goes to, as hexadecimal digits. The map turns itself back, and these are the bytes it is made of, too.
DIFFUSION = [
    *("34689de", "25789cf", "146abcf", "057abde", "0258bef", "1349aef", "0279acd", "1368bcd"),
    *("0147adf", "0156bce", "23568df", "23479ce", "12679bc", "03678ad", "03459be", "12458af"),
]
# §2.4.1: odd rounds substitute with S1, S2 and their inverses, in this order; even rounds begin with the inverses.
ORDER = (S1, S2, _turned(S1), _turned(S2))
SUBSTITUTION: tuple[Tables, ...] = tuple(
    tuple(tuple(v << 8 * (BLOCK - 1 - i) for v in ORDER[(i + shift) % 4]) for i in range(BLOCK)) for shift in (0, 2)
)
ROUND: tuple[Tables, ...] = tuple(
    tuple(tuple(v * _diffused(i) for v in ORDER[(i + shift) % 4]) for i in range(BLOCK)) for shift in (0, 2)
)
ROTATIONS = (19, 31, 128 - 61, 128 - 31, 128 - 19)
# §2.2: 128 × 3 bits of 1/π behind the point.
CONSTANTS = (
    0x517CC1B727220A94FE13ABE8FA9A6EE0,
    0x6DB14ACC9E21C820FF28B1D5EF5DE2B0,
    0xDB92371D2126E9700324977504E8C90E,
)
