"""Names, as OpenSSL compares them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.forge import der
from tracer.x500 import attributes, general_names, rdns, same_name, texts

CN = bytes.fromhex("0603550403")


def name(value: bytes, tag: int = 12) -> bytes:
    return der(0x30, der(0x31, der(0x30, CN, der(tag, value))))


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (name(b"Example"), name(b"example"), True),
        (name(b" two  words "), name(b"two words", 19), True),
        (name(b"x"), name("x".encode("utf-16-be"), 30), True),
        (name(b"x"), name(b"y"), False),
        (name(b"x", 4), name(b"X", 4), False),  # an OCTET STRING is no text
        (der(0x30), name(b""), False),
    ],
)
def test_what_is_the_same_name(a: bytes, b: bytes, same: bool) -> None:
    """Case, type and blanks of strings do not count; other types are compared as they are."""
    assert same_name(a, b) is same


def test_the_order_within_a_set_does_not_count() -> None:
    """But that of the sets does."""
    one, two = der(0x30, CN, der(12, b"a")), der(0x30, bytes.fromhex("060355040a"), der(12, b"b"))
    assert same_name(der(0x30, der(0x31, one, two)), der(0x30, der(0x31, two, one)))
    assert not same_name(der(0x30, der(0x31, one), der(0x31, two)), der(0x30, der(0x31, two), der(0x31, one)))
    assert texts(der(0x30, der(0x31, one), der(0x31, two))) == [("CN", "a"), ("O", "b")]


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    """What cannot be read is not there."""
    assert attributes(data) == [] or rdns(data)


def test_general_names() -> None:
    """Each with RFC 5280's word for its kind."""
    from tracer.der import node

    data = der(0x30, der(0x82, b"a.b"), der(0x87, bytes([10, 0, 0, 1])))
    assert [(n.kind, n.text) for n in general_names(data, node(data, 0))] == [
        ("dNSName", "a.b"),
        ("iPAddress", "10.0.0.1"),
    ]
