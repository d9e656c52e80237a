"""Where records begin and end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracer.protocol.records import is_header, records


def test_records_follow_each_other() -> None:
    """Each with its type, version and place; the last one cut."""
    data = b"S" + bytes.fromhex("1603010002 abcd 1503030002 0228 1703030005 00")
    found = list(records(data, 1))
    assert [(r.type, r.version, r.start, r.stop, r.cut) for r in found] == [
        (22, 0x0301, 1, 8, False),
        (21, 0x0303, 8, 15, False),
        (23, 0x0303, 15, 21, True),
    ]
    assert (found[0].body, found[0].length) == (6, 2)


def test_what_is_no_record_ends_them() -> None:
    """Another type, another version, an impossible length."""
    for header in ("1303030001", "1602030001", "1603030001"[:-4] + "ffff", "160305 0001"):
        assert not is_header(bytes.fromhex(header), 0)
    assert list(records(b"hello", 0)) == []


@given(st.binary(max_size=200))
def test_records_tile(data: bytes) -> None:
    """Whatever the bytes: one record begins where the other ends."""
    at = 0
    for record in records(data, 0):
        assert record.start == at
        at = record.stop
    assert at <= len(data)
