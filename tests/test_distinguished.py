"""Distinguished names, against the library that writes certificates."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from tracer.distinguished import attributes, written


def encoded(*named: tuple[x509.ObjectIdentifier, str]) -> bytes:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in named]).public_bytes()


def test_a_name() -> None:
    """In the order of its encoding, by the short names that people know."""
    name = encoded((NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, "Ä & Co"), (NameOID.COMMON_NAME, "a CA"))
    assert written(name) == "C=DE, O=Ä & Co, CN=a CA"
    assert attributes(name)[0] == ("2.5.4.6", b"DE")


def test_an_attribute_that_few_know() -> None:
    """By its number."""
    assert written(encoded((NameOID.GIVEN_NAME, "Ada"))) == "2.5.4.42=Ada"


@pytest.mark.parametrize(
    ("tag", "value", "text"),
    [
        (30, "00e40062", "äb"),  # BMPString
        (28, "000000e4", "ä"),  # UniversalString
        (20, "e4", "ä"),  # T61String
        (12, "c3a4", "ä"),  # UTF8String
        (12, "ff", "\\xff"),  # none
    ],
)
def test_strings_of_old(tag: int, value: str, text: str) -> None:
    """Each kind of string by its encoding."""
    data = bytes.fromhex(value)
    attribute = bytes.fromhex("0603550403") + bytes([tag, len(data)]) + data
    member = bytes([0x30, len(attribute)]) + attribute
    group = bytes([0x31, len(member)]) + member
    assert written(bytes([0x30, len(group)]) + group) == f"CN={text}"


@pytest.mark.parametrize(
    "name", ["", "3000", "30", "3003310102", "3004310230", "0400", "300431023000", "30063104300206"]
)
def test_what_is_no_name(name: str) -> None:
    """Nothing is written, and nothing raised."""
    assert written(bytes.fromhex(name)) == ""


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    """They raise nothing."""
    assert isinstance(written(data), str)
