"""Connection strings: libpq's own answers to the same strings."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import libpq
from tests.conftest import find, need
from tracer.client import told
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


HIDDEN = re.compile(r"(.*?)(?:… \(at character (\d+); not repeated, since it may hold a password\)(.*))?", re.DOTALL)


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
        said, at, end = HIDDEN.fullmatch(str(caught.value)).groups()
        assert words.startswith(said)
        assert words.endswith(end or "")
        assert (at is None and said == words) or int(at) <= len(text)
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
        (
            "PGSSLMODE=require PGHOST=db",
            'invalid connection option "PGSSLMODE"',
            "PGSSLMODE is a variable of the environment: set it in front of the command, or write sslmode=",
        ),
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


@pytest.mark.parametrize(
    ("text", "words", "at"),
    [
        ("postgresql://app:s3cr3tpw@[::1/?x", "looking for matching", 1),
        ("postgresql://app:s3cr3tpw@[]/", "may not be empty", 1),
        ("postgresql://app:s3cr3tpw@[::1]x", "unexpected character", 1),
        ("postgresql://app:s3cr3tpw%@h", "invalid percent-encoded token", 18),
        ("postgresql://app:s3cr3tpw%00@h", "forbidden value", 18),
        ("postgresql://app:s3cr3tpw two@h", "unexpected spaces found", 18),
        ("postgresql://app:a@s3cr3tpw%@h", "invalid percent-encoded token", 20),
        ("postgresql://app:a/s3cr3tpw%@h", "invalid percent-encoded token", 20),
        ("postgresql://app:a@b?s3cr3tpw@h", "missing key/value separator", 22),
        ("postgresql://h?password=s3cr3tpw%", "invalid percent-encoded token", 25),
        ("postgresql://h?password=a=s3cr3tpw", "extra key/value separator", 16),
        ("postgresql://h?password=a&s3cr3tpw", "missing key/value separator", 27),
        ("host=h password=my s3cr3tpw", 'missing "=" after', 20),
        ("password='it's3cr3tpw'", 'missing "=" after', 14),
        ("password=my s3cr3tpw=x host=h", "invalid connection option", 13),
        ("postgresql:/app:s3cr3tpw@h?sslmode=require", "invalid connection option", 1),
    ],
)
def test_a_password_is_not_repeated(text: str, words: str, at: int) -> None:
    """Libpq's words without what may be one, and where that stands."""
    with pytest.raises(TracerError) as caught:
        parse(text)
    said = " ".join((str(caught.value), *caught.value.hints))
    assert words in said
    assert f"(at character {at}; not repeated" in said
    assert "s3cr3t" not in said


@pytest.mark.parametrize("text", ["app:s3cr3tpw@db.example", "postgresql:/app:s3cr3tpw@db.example/mydb"])
def test_an_argument_that_is_no_connection_string_is_not_repeated(text: str) -> None:
    """Neither as a host nor as a port."""
    with pytest.raises(TracerError) as caught:
        told(text)
    assert "s3cr3t" not in str(caught.value)


def test_a_parameter_of_another_program() -> None:
    """As frameworks have it in their URLs."""
    with pytest.raises(TracerError, match='invalid URI query parameter: "schema"') as caught:
        parse("postgresql://db/app?schema=public&sslmode=require")
    assert caught.value.hints == ("a parameter of another program's, which libpq refuses: leave it out",)


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
