"""ARIA, by the vectors of its RFC and against OpenSSL's."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.protocol.aria import S1, S2, aria

# https://www.rfc-editor.org/rfc/rfc5794#appendix-A
PLAINTEXT = 0x00112233445566778899AABBCCDDEEFF
VECTORS = [(16, 0xD718FBD6AB644C739DA95F3BE6451778), (32, 0xF92BD7C79FB72E2F2B8F80C1972D24FC)]


@pytest.mark.parametrize(("size", "ciphertext"), VECTORS)
def test_the_vectors(size: int, ciphertext: int) -> None:
    """A block, with a key of each size."""
    assert aria(bytes(range(size)))(PLAINTEXT) == ciphertext


def test_the_boxes() -> None:
    """Worked out, they are those that the RFC prints (§2.4.2): the first row of each, and each value once."""
    assert bytes(S1[:16]).hex() == "637c777bf26b6fc53001672bfed7ab76"
    assert bytes(S2[:16]).hex() == "e24e54fc94c24acc620d6a463c4d8bd1"
    assert sorted(S1) == sorted(S2) == list(range(256))


@pytest.mark.needs("openssl")
@settings(max_examples=20, deadline=None)
@given(size=st.sampled_from([16, 32]), data=st.data())
def test_any_block(size: int, data: st.DataObject) -> None:
    """As OpenSSL encrypts it."""
    key = data.draw(st.binary(min_size=size, max_size=size))
    blocks = data.draw(st.lists(st.integers(0, (1 << 128) - 1), min_size=1, max_size=20))
    command = ["openssl", "enc", f"-aria-{8 * size}-ecb", "-K", key.hex(), "-nopad"]
    whole = b"".join(block.to_bytes(16, "big") for block in blocks)
    theirs = subprocess.run(command, input=whole, capture_output=True, check=True).stdout
    encrypt = aria(key)
    assert b"".join(encrypt(block).to_bytes(16, "big") for block in blocks) == theirs
