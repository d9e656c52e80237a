"""The reader remembers where everything was, and fails in one way only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.protocol import fields
from tracer.protocol.fields import (
    REMEMBERED_FIELD,
    Field,
    Malformed,
    Reader,
    content,
    every,
    first,
    leaves,
    number,
    parse,
    registered,
)


def sample(r: Reader) -> None:
    r.uint("kind", 1, {1: "one"})
    r.opaque("name", 1)
    with r.vector("list", 2):
        while r:
            with r.struct("entry"):
                r.uint("id", 2)
                r.string("text")
    r.secret("password", r.left())


GOOD = b"\1" + b"\3abc" + b"\0\x0a" + b"\0\1hi\0" + b"\0\2yo\0" + b"hunter2"


def test_fields_and_their_places() -> None:
    """Values by name, with the bytes they came from."""
    fields, problem = parse(sample, GOOD)
    assert problem is None
    assert (number(first(fields, "kind")), fields[0].text) == (1, "one")
    assert content(first(fields, "name")) == b"abc"
    assert [f.value for f in every(fields, "id")] == [1, 2]
    assert [GOOD[f.start : f.stop] for f in every(fields, "text")] == [b"hi\0", b"yo\0"]
    assert fields[-1].secret
    assert fields[-1].value is None


@given(st.binary(max_size=9), st.sampled_from([1, 2, 3]))
def test_a_list_of_numbers_is_one_number_after_the_other(data: bytes, size: int) -> None:
    """Read in one go or each for itself: the same fields, and the same problem where the last one is cut."""

    def each(r: Reader) -> None:
        while r:
            r.uint("number", size, {1: "one"})

    assert parse(lambda r: r.uints("number", size, {1: "one"}), data) == parse(each, data)


@given(st.binary(max_size=9), st.sampled_from([1, 2, 3]))
def test_opaque_is_a_vector_of_bytes(data: bytes, size: int) -> None:
    """The same fields, and the same problem where its length is not true."""

    def vector(r: Reader) -> None:
        with r.vector("name", size):
            r.rest("data")

    assert parse(lambda r: r.opaque("name", size), data) == parse(vector, data)


@given(st.binary(max_size=60))
def test_every_field_is_found_by_its_name(data: bytes) -> None:
    """At any depth, in the order of the bytes, also among the parts of one."""
    fields, _ = parse(sample, data)

    def walked(of: tuple[Field, ...]) -> Iterator[Field]:
        for field in of:
            yield field
            yield from walked(field.parts)

    for name in ("kind", "name", "list", "length", "data", "entry", "id", "text", "password", "unread"):
        assert list(every(fields, name)) == [field for field in walked(fields) if field.name == name]
        for field in fields:
            assert list(every(field.parts, name)) == [part for part in walked(field.parts) if part.name == name]


@given(st.binary(max_size=60))
def test_whatever_comes_it_tiles(data: bytes) -> None:
    """Leaves follow each other without gap, and a problem is a text."""
    fields, problem = parse(sample, data)
    at = 0
    for leaf in leaves(fields):
        assert leaf.start == at
        at = leaf.stop
    assert at == len(data)
    assert problem is None or problem


@given(st.integers(0, len(GOOD)))
def test_nothing_behind_a_gap_is_read(captured: int) -> None:
    """Bytes that were not captured are one leaf named unread."""
    fields, problem = parse(sample, GOOD, captured)
    if captured < len(GOOD):
        assert problem
        assert fields[-1].name == "unread"


@pytest.mark.parametrize(
    ("data", "field"), [(b"", "kind"), (b"\1\5ab", "name"), (b"\1\0\0\5ab", "list"), (b"\1\0\0\3\0\1h", "text")]
)
def test_a_problem_names_the_field(data: bytes, field: str) -> None:
    """And the offset."""
    _, problem = parse(sample, data)
    assert problem is not None
    assert problem.startswith(f"{field} at byte ")


def test_only_what_is_short_is_remembered() -> None:
    """Memory is not for a stranger to fill."""

    def list_of(r: Reader) -> None:
        with r.vector("list", 2):
            r.uints("a", 2, {})

    fields._again.cache_clear()
    for size in (REMEMBERED_FIELD - 2, REMEMBERED_FIELD):
        reader = Reader(size.to_bytes(2, "big") + bytes(size))
        reader.again(size + 2, list_of)
        assert len(reader.fields[0].parts) == 1 + size // 2
    assert fields._again.cache_info().currsize == 1


def test_a_vector_must_be_used_up() -> None:
    """What is left over is malformed."""

    def half(r: Reader) -> None:
        with r.vector("list", 1):
            r.uint("a", 1)

    with pytest.raises(Malformed, match="1 bytes left over"):
        half(Reader(b"\2ab"))


@pytest.mark.parametrize(
    ("value", "size", "name"),
    [(1, 1, "one"), (0x2A2A, 2, "GREASE 0x2a2a"), (0x2A3A, 2, "unknown 0x2a3a"), (7, 1, "unknown 0x07")],
)
def test_names_of_numbers(value: int, size: int, name: str) -> None:
    """Registered, GREASE or unknown."""
    assert registered({1: "one"}, value, size) == name
