"""Connection strings: libpq's own answers to the same strings."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import libpq
from tests.conftest import find, need
from tracer.conninfo import parse, recognised
from tracer.errors import TracerError
from tracer.parameters import PARAMETERS

WORD = st.text(st.sampled_from("ab=' \\\t%@:/?,[]&é2F0"), max_size=12)
NAME = st.sampled_from(["host", "port", "sslmode", "requiressl", "service", "ssl", "wrong", "", "SSLMODE", "password"])
PIECE = st.one_of(
    WORD,
    st.builds(lambda name, space, value: f"{name}{space}={space}{value} ", NAME, st.sampled_from(["", " "]), WORD),
    st.builds(lambda name, value: f"{name}='{value}' ", NAME, WORD),
)
PAIRS = st.lists(PIECE, max_size=4).map("".join)
QUERY = st.lists(
    st.one_of(WORD, st.builds("{}={}".format, NAME, WORD), st.just("ssl=true"), st.just("sslmode=%76erify-full")),
    max_size=3,
)
HOST = st.one_of(WORD, st.sampled_from(["db.example", "[::1]", "[fe80::1%25eth0]", "%2Fvar%2Frun", "10.0.0.1:5433"]))
URI = st.builds(
    lambda scheme, user, hosts, path, query: f"{scheme}{user}{','.join(hosts)}{path}" + (f"?{'&'.join(query)}" * bool(query)),
    st.sampled_from(["postgresql://", "postgres://"]),
    st.one_of(st.just(""), st.builds("{}@".format, WORD), st.builds("{}:{}@".format, WORD, WORD)),
    st.lists(HOST, min_size=1, max_size=3),
    st.one_of(st.just(""), st.builds("/{}".format, WORD)),
    QUERY,
)  # fmt: skip


@pytest.fixture(scope="module")
def library() -> Any:
    """Libpq 18."""
    need("libpq-18")
    return libpq.load(find("libpq-18") or "")


@given(text=st.one_of(PAIRS, URI))
@example(text="postgresql://[é/]0")
@example(text="postgresql://[::1]é")
@example(text="postgresql://% 0@")
@settings(max_examples=3000)
def test_it_reads_what_libpq_reads(library: Any, text: str) -> None:
    """Any string gives libpq's settings, or libpq's error in its own words."""
    theirs, words = libpq.parse(library, text)
    if theirs is None:
        with pytest.raises(TracerError) as caught:
            parse(text)
        assert str(caught.value) == words
    else:
        assert parse(text) == theirs


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("host=db.example  port = 5433", {"host": "db.example", "port": "5433"}),
        (r"password='it\'s' user=a\ b", {"password": "it's", "user": "a b"}),
        ("requiressl=1", {"sslmode": "require"}),
        ("host=a host=b", {"host": "b"}),
        ("postgresql://", {}),
        ("postgres://me:secret@[::1]:5433,b/db?ssl=true", {"user": "me", "password": "secret", "host": "::1,b", "port": "5433,", "dbname": "db", "sslmode": "require"}),
        ("postgresql://%2Fvar%2Frun/db", {"host": "/var/run", "dbname": "db"}),
        ("postgresql://a,b", {"host": "a,b", "port": ","}),
    ],
)  # fmt: skip
def test_a_string_means(text: str, settings: dict[str, str]) -> None:
    """The shapes that people write."""
    assert parse(text) == settings


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ("sslmod=require", 'invalid connection option "sslmod"', "did you mean sslmode?"),
        ("db.example", 'missing "=" after "db.example" in connection info string', "write host=db.example"),
        ("postgresql://a?x", 'missing key/value separator "=" in URI query parameter: "x"', "write host="),
        ("postgresql://a?sslMode=require", 'invalid URI query parameter: "sslMode"', "did you mean sslmode?"),
        ("postgresql://a/b%", 'invalid percent-encoded token: "b%"', "%25"),
    ],
)
def test_a_mistake_is_named(text: str, words: str, hint: str) -> None:
    """Libpq's words are the error; what was probably meant is the hint."""
    with pytest.raises(TracerError) as caught:
        parse(text)
    assert str(caught.value) == words
    assert hint in caught.value.hints[0]


def test_a_name_is_no_connection_string() -> None:
    """As for psql, a string without `=` is a name."""
    assert not recognised("db.example:5432")
    assert recognised("postgres://db.example")
    assert recognised("host=a")


@pytest.mark.parametrize("version", [*(pytest.param(v, marks=pytest.mark.slow) for v in range(12, 18)), 18])
def test_the_table_is_libpq_s(version: int) -> None:
    """Parameters, variables, defaults and first releases are those of the real libpq of each release."""
    need(f"libpq-{version}")
    found = libpq.load(find(f"libpq-{version}") or "").PQconndefaults()
    theirs, at = {}, 0
    while found[at].keyword:
        texts = (found[at].envvar, found[at].compiled)
        theirs[found[at].keyword.decode()] = tuple(None if text is None else text.decode() for text in texts)
        at += 1
    for gone in ("authtype", "tty"):  # obsolete, and gone with 14
        theirs.pop(gone, None)
    assert theirs == {name: row[:2] for name, row in PARAMETERS.items() if row.since <= version}
