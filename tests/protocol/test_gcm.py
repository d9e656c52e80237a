"""GCM over a block cipher: AES, for which the library has the same."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from tracer.protocol.gcm import Gcm, apply, linear


def gcm(key: bytes) -> Gcm:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
    return Gcm(lambda block: int.from_bytes(encryptor.update(block.to_bytes(16, "big")), "big"))


@given(
    key=st.binary(min_size=16, max_size=16),
    nonce=st.binary(min_size=12, max_size=12),
    plaintext=st.binary(max_size=200),
    associated=st.none() | st.binary(max_size=40),
)
def test_any_record(key: bytes, nonce: bytes, plaintext: bytes, associated: bytes | None) -> None:
    """What the library seals is opened; of any length, with anything beside it."""
    sealed = AESGCM(key).encrypt(nonce, plaintext, associated)
    assert gcm(key).decrypt(nonce, sealed, associated) == plaintext


@given(at=st.integers(0, 35), bit=st.integers(0, 7))
def test_a_bit_that_was_changed(at: int, bit: int) -> None:
    """In what is sealed, or in its tag: nothing is opened."""
    sealed = bytearray(AESGCM(b"k" * 16).encrypt(b"n" * 12, b"p" * 20, b""))
    sealed[at] ^= 1 << bit
    with pytest.raises(ValueError, match="another tag"):
        gcm(b"k" * 16).decrypt(b"n" * 12, bytes(sealed), b"")


@pytest.mark.parametrize("size", [0, 1, 15])
def test_shorter_than_a_tag(size: int) -> None:
    """It opens nothing, and is no other error."""
    with pytest.raises(ValueError, match="another tag"):
        gcm(b"k" * 16).decrypt(b"n" * 12, bytes(size), b"")


@given(st.integers(0, (1 << 128) - 1), st.integers(0, 127))
def test_a_linear_map(value: int, turned: int) -> None:
    """A rotation, as tables."""
    tables = linear(1 << (127 - bit + turned) % 128 for bit in range(128))
    assert apply(tables, value) == (value << turned | value >> 128 - turned) & (1 << 128) - 1
