"""What people paste: read as it can only be meant, or one error that says what to write."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import find
from tests.differential import drivers
from tests.libpq import resolved
from tracer import conninfo
from tracer.client import told
from tracer.errors import TracerError
from tracer.pasted import Pasted, accepted, read
from tracer.settings import resolve


@pytest.mark.parametrize(
    ("text", "meant", "client"),
    [
        ("jdbc:postgresql://db/app?sslmode=require", "postgresql://db/app?sslmode=require", "pgjdbc"),
        ("jdbc:postgresql://db/app?password=a=b&sslmode=require", "postgresql://db/app?password=a%3Db&sslmode=require", "pgjdbc"),
        ("jdbc:postgresql://db/app?user=u&ssl=true&currentSchema=x", "postgresql://db/app?user=u&sslmode=verify-full", "pgjdbc"),
        ("jdbc:postgresql://db/app?ssl=false&sslNegotiation=direct", "postgresql://db/app?sslnegotiation=direct", "pgjdbc"),
        ("jdbc:postgresql://db/app?ssl&sslmode=prefer", "postgresql://db/app?sslmode=prefer", "pgjdbc"),
        ("postgresql+psycopg2://u:p@db/app?sslmode=require", "postgresql://u:p@db/app?sslmode=require", None),
        ("postgres+asyncpg://db/app?ssl=require", "postgresql://db/app?sslmode=require", "asyncpg"),
        ("postgresql+pg8000://db/app", "postgresql://db/app", "pg8000"),
        ("DATABASE_URL=postgres://u:p@db/app", "postgres://u:p@db/app", None),
        ('export DATABASE_URL="postgres://u:p@db/app";', "postgres://u:p@db/app", None),
        ("spring.datasource.url=jdbc:postgresql://db/app", "postgresql://db/app", "pgjdbc"),
        ("url: 'postgresql://db/app'", "postgresql://db/app", None),
        ("jdbc:postgresql://db/app?sslmode=VERIFY-FULL&sslresponsetimeout=5", "postgresql://db/app?sslmode=verify-full", "pgjdbc"),
        ("psql postgres://db/app", "postgres://db/app", None),
        ('psql "host=db sslmode=require"', "host=db sslmode=require", None),
        ('"host=db sslmode=require"', "host=db sslmode=require", None),
        ("'db.example:5432'", "db.example:5432", None),
        ("host=db sslmode=require;", "host=db sslmode=require", None),
        ("db.example/app", "postgresql://db.example/app", None),
        ('"postgres://u:p@db/app",', "postgres://u:p@db/app", None),
        ('"DATABASE_URL": "postgres://u:p@db/app",', "postgres://u:p@db/app", None),
        ("postgres://u:p@db/app?sslmode=require,", "postgres://u:p@db/app?sslmode=require", None),
        ("Host=db;Port=5433;SSL Mode=VerifyFull;Root Certificate=/ca.pem", "host='db' port='5433' sslmode='verify-full' sslrootcert='/ca.pem'", "npgsql"),
        ("Server=db; User Id=u; Password=u:p; Database=app; SslMode=require; Pooling=true;", "host='db' user='u' dbname='app' sslmode='require'", "npgsql"),
        ("host=db:5433,other;Username=u;SSL Mode=VerifyCA", "host='db,other' user='u' sslmode='verify-ca' port='5433,'", "npgsql"),
        ("HOST=::1;PASSWORD=\"u:p;Host=evil\";Root Certificate='C:\\it''s.pem'", r"host='::1' sslrootcert='C:\\it\'s.pem'", "npgsql"),
        ('"DefaultConnection": "Host=db;Port=1"', "host='db' port='1'", "npgsql"),
        ("host=db;port=1;database=app;username=u;password=u:p", "host='db' port='1' dbname='app' user='u'", "npgsql"),
        ("ConnectionStrings__Default=Host=db;Port=1", "host='db' port='1'", "npgsql"),
        ("Host=db;Server=other;SSL Mode=;Port=1", "host='other' port='1'", "npgsql"),
        ("Host=db;SSL Mode=Require;Trust Server Certificate=true", "host='db' sslmode='require'", "npgsql"),
        ("db.example:5433/app?sslmode=require", "postgresql://db.example:5433/app?sslmode=require", None),
    ],
)  # fmt: skip
def test_what_is_meant(text: str, meant: str, client: str | None) -> None:
    """Where it can only be one thing; how it was read is said, without what may be a password."""
    found = read(text)
    assert (found.text, found.client) == (meant, client)
    assert found.how
    assert "u:p" not in " ".join(found.how)
    assert conninfo.parse(found.text) if conninfo.recognised(found.text) else accepted(found.text)


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ("jdbc:mysql://db/app", "another kind", "jdbc:postgresql://HOST/DATABASE"),
        ("jdbc:postgresql:app", "another kind", "jdbc:postgresql://HOST/DATABASE"),
        ("jdbc:postgresql://db/app?ssl=true&sslfactory=org.postgresql.ssl.NonValidatingFactory", "sslfactory: what that class", "leave sslfactory out"),
        ("postgresql+asyncpg://db/app?ssl=true", "of a context nothing is known", "ssl=verify-full"),
        ("postgresql+aiopg2://db/app", "a driver that is not known here", "psycopg2"),
        ("jdbc:postgresql://db:5432?sslmode=require", "a / behind its host", "jdbc:postgresql://HOST/DATABASE"),
        ("jdbc:postgresql://u:p@db:5432/app", "no user in front of its host", "?user=NAME"),
        ("postgresql+asyncpg://db/app?sslmode=verify-full", "sslmode of that URL is handed on to asyncpg", "ssl=verify-full"),
        ("postgresql+pg8000://db/app?sslmode=require", "sslmode of that URL is handed on to pg8000", "connect_args"),
        ("postgresql+psycopg2://db/app?ssl=true", "ssl of that URL is handed on to psycopg2", "sslmode=verify-full"),
        ("postgresql+psycopg2:///app?host=a:5432&host=b:5433", "several hosts", "HOST:PORT,HOST:PORT"),
        ("Host=db;SSL Mode=verify-full;Password=u:p", "SSL Mode is none that Npgsql knows", "VerifyFull"),
        ("postgresql://me:u:p@rest@db.example/app", "an @ inside the password", "write its @ as %40"),
        ("db.example:5432:app:me:u:p", "is it a line of a password file", "host=db.example"),
        ("mysql://u:p@db/app", "mysql:// is no scheme", "pgtls is for PostgreSQL, whose URLs begin with postgresql:// or postgres://"),
        ("$DATABASE_URL", r"\$DATABASE_URL is a variable that no shell has filled in", '"$DATABASE_URL"'),
        ("'${DATABASE_URL}'", r"\$\{DATABASE_URL\} is a variable that no shell has filled in", "double quotes"),
        ("%DATABASE_URL%", "%DATABASE_URL% is a variable that no shell has filled in", "double quotes"),
        ("$env:DATABASE_URL", r"\$env:DATABASE_URL is a variable that no shell has filled in", "double quotes"),
        ("PGSSLMODE='require'", 'invalid connection option "PGSSLMODE"', "PGSSLMODE is a variable of the environment: set it in front of the command, or write sslmode="),
        ("'pgsql://db/app'", "pgsql:// is no scheme", "postgresql://"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(text: str, words: str, hint: str) -> None:
    """One error, and what to write."""
    with pytest.raises(TracerError, match=words) as caught:
        told(read(text).text)
    assert hint in caught.value.hints[0]
    assert "u:p" not in f"{caught.value} {caught.value.hints}"


def test_what_npgsql_does_not_look_at() -> None:
    """Said, since people believe in it."""
    assert read("Host=db;Trust Server Certificate=true").how[-1].startswith("Trust Server Certificate does nothing")


def test_another_word_for_the_mode() -> None:
    """What was read as sslmode is said."""
    assert "ssl=true as sslmode=verify-full" in read("jdbc:postgresql://db/app?ssl=true").how
    assert "ssl=true as sslmode=verify-full" not in read("jdbc:postgresql://db/app?ssl=true&sslmode=require").how
    assert "its ssl as sslmode=require" in read("postgresql+asyncpg://db/app?ssl=require").how


def test_pgjdbc_reads_the_same(tmp_path: Path) -> None:
    """What the query part says of host, port and database, and a service, as the driver itself has them."""
    drivers.need("pgjdbc")
    urls = [f"jdbc:postgresql://{url}" for url in URLS]
    (tmp_path / "services").write_text("[s]\nhost=service.example\nport=7777\ndbname=its\nsslmode=verify-full\n")
    variables = {"PGSERVICEFILE": str(tmp_path / "services")}
    program = ["java", "-cp", str(drivers.JDBC), str(drivers.PROGRAMS / "Urls.java"), *urls]
    theirs = subprocess.run(program, check=True, capture_output=True, text=True, env=drivers.env(variables)).stdout
    ours = [resolve(told(read(url).text), variables, None) for url in urls]
    names = ("host", "port", "dbname", "sslmode")
    said = ["\t".join(found[name].value for name in names if name in found) for found in ours]
    assert "null" not in theirs.splitlines()
    assert said == [line if line[-1] != "\t" else f"{line}prefer" for line in theirs.splitlines()]


URLS = (
    "h/db",
    "h/db?host=x",
    "h:5433/db?host=x&sslmode=require",
    "h/db?port=99",
    "h/db?PGHOST=x&PGPORT=99&PGDBNAME=y",
    "h:1/db?PGPORT=2&port=3",
    "h:1/db?port=3&PGPORT=2",
    "/db?host=x",
    "h/db?dbname=y",
    "h/db?service=s",
    "/?service=s",
    "h:5433/?service=s&sslmode=require",
)


@pytest.mark.parametrize("text", ["db.example", "db:5432", "host=db password=a;password=b", "[::1]:5432", "/tmp", "host=a;port=3", "postgresql://db/app;", "host='a b'", ""])  # fmt: skip
def test_what_libpq_takes_stays(text: str) -> None:
    assert read(text) == Pasted(text)


@pytest.mark.needs("libpq-18")
@pytest.mark.parametrize("text", ["host=a;port=3", "dbname=postgres://db/app", "postgresql://db/app?sslmode=require", "host=a sslmode=require;"])  # fmt: skip
def test_libpq_decides_what_it_takes(text: str) -> None:
    """A string that libpq would connect with is never read as another."""
    _, words = resolved(find("libpq-18") or "", text, {"HOME": "/nonexistent", "PYTHONPATH": "."})
    assert (read(text) == Pasted(text)) is ("invalid" not in words)


@given(st.text(st.sampled_from("host=a;'\"/:@ jdbc+.?&%"), max_size=24))
def test_it_only_fails_in_words(text: str) -> None:
    """Any string is read as it is, as another, or refused in one line."""
    with suppress(TracerError):
        found = read(text)
        assert found.text == text or found.how
