"""Which extensions make a certificate invalid: whatever bytes stand in one, the answer is OpenSSL's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.forge import A_CA, certificate, der, openssl, ours
from tracer.certificates import Certificate
from tracer.verify.wellformed import SHAPES, is_invalid

NAME = der(0xA4, der(0x30, der(0x31, der(0x30, bytes.fromhex("0603550403"), der(0x0C, b"x")))))
GOOD = {
    "2.5.29.14": der(4, b"abc"),
    "2.5.29.15": bytes.fromhex("030205a0"),
    "2.5.29.17": der(0x30, der(0x82, b"a.b"), der(0x87, bytes(4)), NAME, der(0x88, b"\x2a\x03")),
    "2.5.29.19": bytes.fromhex("30060101ff020100"),
    "2.5.29.30": der(0x30, der(0xA0, der(0x30, der(0x82, b"b"), der(0x80, b"\0")))),
    "2.5.29.31": der(0x30, der(0x30, der(0xA0, der(0xA0, der(0x86, b"http://x"))))),
    "2.5.29.35": der(0x30, der(0x80, b"abc"), der(0xA1, NAME), der(0x82, b"\5")),
    "2.5.29.37": der(0x30, der(6, bytes.fromhex("2b06010505070301"))),
    "2.16.840.1.113730.1.1": bytes.fromhex("03020640"),
    "1.3.6.1.5.5.7.1.14": der(0x30, der(0x30, der(6, bytes.fromhex("2b0601050507150 1".replace(" ", ""))))),
}


@st.composite
def damaged(draw) -> tuple[str, bytes]:
    """An extension, with a byte or two of it changed, cut or put in."""
    oid = draw(st.sampled_from(sorted(GOOD)))
    value = bytearray(GOOD[oid])
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(value) - 1)) if value else 0
        change = draw(st.sampled_from(["set", "cut", "put"]))
        byte = draw(st.sampled_from([0, 1, 2, 3, 4, 5, 6, 0x30, 0x80, 0x82, 0xA0, 0xFF]) | st.integers(0, 255))
        if change == "put" or not value:
            value.insert(at, byte)
        elif change == "set":
            value[at] = byte
        else:
            del value[at]
    return oid, bytes(value)


@pytest.mark.needs("openssl")
@settings(max_examples=60)
@given(st.lists(damaged(), min_size=6, max_size=10))
def test_openssl_says_the_same(made: list[tuple[str, bytes]]) -> None:
    """In a leaf, below a root that is in the file."""
    root = certificate("root", "root", A_CA)
    leaves = [certificate("leaf", "root", {oid: (False, value)}) for oid, value in made]
    assert ours(leaves, [], [root]) == openssl(leaves, [], [root])


@pytest.mark.parametrize("oid", sorted(GOOD))
def test_what_is_well_formed(oid: str) -> None:
    """The examples are valid, and nothing is valid that is empty."""
    extensions = {oid: (False, GOOD[oid])}
    assert not is_invalid(Certificate.from_der(certificate("x", "x", extensions)))
    assert is_invalid(Certificate.from_der(certificate("y", "y", {oid: (False, b"")})))


def test_every_shape_has_an_example() -> None:
    """But for the two of RFC 3779, of which only the outermost tag is looked at."""
    assert set(SHAPES) - set(GOOD) == {"1.3.6.1.5.5.7.1.7", "1.3.6.1.5.5.7.1.8"}
