"""The small DER reader: what it reads, and that it raises `DerError` and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer import der
from tracer.der import DerError


def read_oid(text: str) -> str:
    return der.oid(bytes.fromhex(text))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("550403", "2.5.4.3"),
        ("2a864886f70d01010b", "1.2.840.113549.1.1.11"),
        ("883703", "2.999.3"),
        ("2b6570", "1.3.101.112"),
    ],
)
def test_object_identifiers(data: str, text: str) -> None:
    """Dotted form, also where the first two arcs take two bytes."""
    assert read_oid(data) == text


@pytest.mark.parametrize(
    "data",
    ["", "30", "3080", "3005020101", "30850000000001", "0201"],
    ids=["empty", "tag", "indefinite", "short", "long", "cut"],
)
def test_what_does_not_fit(data: str) -> None:
    """A value that goes past its end, or has no length, is no value."""
    with pytest.raises(DerError):
        der.sequence(bytes.fromhex(data))


@pytest.mark.parametrize(("data", "number"), [("020100", 0), ("02017f", 127), ("02020080", 128), ("0201ff", -1)])
def test_integers(data: str, number: int) -> None:
    """Integers have a sign."""
    raw = bytes.fromhex(data)
    assert der.integer(raw, der.node(raw, 0)) == number


@pytest.mark.parametrize(
    ("tag", "text", "moment"),
    [
        (23, "491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (23, "500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
        (24, "20500101000000Z", datetime(2050, 1, 1, tzinfo=UTC)),
        (24, "20500101000000.5Z", None),
        (23, "4912312359Z", None),
        (23, "491331235959Z", None),
        (4, "491231235959Z", None),
    ],
)
def test_times(tag: int, text: str, moment: datetime | None) -> None:
    """RFC 5280's two forms and no other; 50 is 1950."""
    data = bytes([tag, len(text)]) + text.encode()
    assert der.time(data, der.node(data, 0)) == moment


@given(st.binary(max_size=200))
def test_nothing_else_is_raised(data: bytes) -> None:
    """Junk is read inside its bounds, or refused with `DerError`."""
    try:
        members = der.sequence(data)
    except DerError:
        return
    assert all(2 <= member.body <= member.stop <= len(data) for member in members)
