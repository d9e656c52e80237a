"""The strict readers: what they take, what they refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.pki import cn, name, oid, seq, tlv
from tracer.der import DerError, node
from tracer.verify import syntax


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (syntax.basic_constraints, b"\x30\4\1\2\0\0"),
        (syntax.basic_constraints, b"\x30\4\2\2\0\1"),
        (syntax.basic_constraints, b"\x30\6\2\1\0\1\1\xff"),
        (syntax.key_usage, b"\3\2\x08\x80"),
        (syntax.key_usage, b"\3\0"),
        (syntax.purposes, seq(b"\6\0")),
        (syntax.purposes, seq(b"\6\2\x2a\x80")),
        (syntax.purposes, seq(b"\6\3\x2a\x80\1")),
        (syntax.alternative_names, seq(tlv(0xA2, b"x"))),
        (syntax.alternative_names, seq(tlv(0x89, b"x"))),
        (syntax.alternative_names, seq(tlv(0xA4, cn("a") + cn("b")))),
        (syntax.proxy, seq()),
        (syntax.system_numbers, seq(tlv(0xA0, seq(tlv(4, b"x"))))),
        (syntax.address_blocks, seq(seq(tlv(4, b"\0\1")))),
    ],
)
def test_refused(read, data: bytes) -> None:
    """Each of these makes OpenSSL refuse the certificate."""
    with pytest.raises(DerError):
        read(data)


def test_bytes_behind_the_value_do_not_count() -> None:
    """X509V3_EXT_d2i does not look at them."""
    assert syntax.basic_constraints(b"\x30\3\1\1\xff" + b"junk") == (True, None)


def test_same_names() -> None:
    """Case, runs of space and the kind of string do not count; order and number do."""
    assert syntax.same_name(cn(" DB  Example "), cn("db example", 19))
    assert not syntax.same_name(name(("2.5.4.10", "a"), ("2.5.4.3", "b")), name(("2.5.4.3", "b"), ("2.5.4.10", "a")))
    assert not syntax.same_name(cn("a"), seq())


def test_indefinite_lengths() -> None:
    """BER's indefinite lengths become definite, and one without an end is refused."""
    assert syntax.purposes(syntax.definite(b"\x30\x80" + oid("1.2.3") + b"\0\0")) == {"1.2.3"}
    with pytest.raises(DerError):
        syntax.definite(b"\x30\x80" + oid("1.2.3"))


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    """Every reader gives a value or `DerError`."""
    for read in (syntax.definite, syntax.basic_constraints, syntax.key_usage, syntax.purposes, syntax.alternative_names,
                 syntax.name_constraints, syntax.distribution_points, syntax.proxy, syntax.address_blocks,
                 syntax.system_numbers, syntax.authority_key_id, syntax.canonical, lambda d: syntax.general_name(d, node(d, 0))):  # fmt: skip
        try:
            read(data)
        except (DerError, IndexError, ValueError):
            continue


def test_a_key_identifier_in_pieces() -> None:
    """BER may cut an OCTET STRING, and OpenSSL puts it together, five levels deep and no more."""
    pieces = b"\xa0\x06\x04\x01a\x04\x01b"
    assert syntax.authority_key_id(b"\x30" + bytes([len(pieces)]) + pieces).key_id == b"ab"
    deep = b"\x04\x01a"
    for _ in range(7):
        deep = b"\x24" + bytes([len(deep)]) + deep
    with pytest.raises(DerError):
        syntax.subject_key_id(deep)
    assert syntax.subject_key_id(deep[4:]) == b"a"
