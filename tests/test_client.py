"""A connection string as a connection: where to, and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import authority
from tests.conftest import find
from tests.libpq import resolved
from tracer.client import conduct, endpoints, startup_message, told
from tracer.errors import TracerError
from tracer.packets.probe import Conduct, Endpoint
from tracer.settings import Setting, resolve


@pytest.mark.parametrize(
    ("text", "mode", "origin"),
    [
        ("postgres://db/app?ssl=true", "require", "ssl=true in the connection string"),
        ("postgres://db/app?user=me&ssl=true", "require", "ssl=true in the connection string"),
        (
            "postgres://db/app?sslmode=verify-full&ssl=true",
            "require",
            "ssl=true behind sslmode= in the connection string",
        ),
        ("postgres://db/app?ssl=true&sslmode=verify-full", "verify-full", "the connection string"),
        ("host=db requiressl=1", "require", "requiressl=1 in the connection string"),
        ("host=db sslmode=require", "require", "the connection string"),
    ],
)
def test_who_says_the_sslmode(text: str, mode: str, origin: str) -> None:
    """Another word for it is named, since nobody finds sslmode in that string."""
    assert told(text)["sslmode"] == Setting(mode, origin)


def places(text: str) -> list[Endpoint]:
    return endpoints(resolve(told(text), {}, None))


def behaviour(text: str, home: Path | None = None) -> Conduct:
    return conduct(resolve(told(text), {}, home), home)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("db.example", [("db.example", "db.example", 5432)]),
        ("db.example:5433", [("db.example", "db.example", 5433)]),
        ("[::1]:5433", [("::1", "::1", 5433)]),
        ("[::1]", [("::1", "::1", 5432)]),
        ("fe80::1", [("fe80::1", "fe80::1", 5432)]),
        ("host=db.example hostaddr=10.0.0.1", [("db.example", "10.0.0.1", 5432)]),
        ("hostaddr=10.0.0.1", [(None, "10.0.0.1", 5432)]),
        ("postgresql://a,b:5433/db", [("a", "a", 5432), ("b", "b", 5433)]),
        ("host=a,b port=1", [("a", "a", 1), ("b", "b", 1)]),
        ("host=a,b hostaddr=10.0.0.1,10.0.0.2", [("a", "10.0.0.1", 5432), ("b", "10.0.0.2", 5432)]),
    ],
)
def test_where_to(text: str, found: list[tuple[str | None, str, int]]) -> None:
    """Hosts, addresses and ports belong together as in libpq; HOST:PORT alone is understood, too."""
    assert [(e.host, e.address, e.port) for e in places(text)] == found


@pytest.mark.parametrize("text", ["host=/tmp", "host=@abstract", "sslmode=require", "postgresql:///db"])
def test_a_unix_socket_is_refused(text: str) -> None:
    """There is no TLS on it, and the reason is said."""
    with pytest.raises(TracerError, match="a Unix socket has no TLS"):
        places(text)


@pytest.mark.needs("libpq-18")
@pytest.mark.parametrize(
    "text",
    [
        "host=a,b hostaddr=10.0.0.1",
        "host=a,b port=1,2,3",
        "host=a port=seventy",
        "host=a port=0",
        "host=a sslnegotiation=direct",
        "host=a sslrootcert=system sslmode=require",
    ],
)
def test_what_libpq_refuses(text: str) -> None:
    """The words are libpq's own."""
    _, words = resolved(find("libpq-18") or "", text, {"HOME": "/nonexistent", "PYTHONPATH": "."})
    with pytest.raises(TracerError) as caught:
        assert not (places(text), behaviour(text))
    assert str(caught.value) == words.rstrip("\n")


def test_it_behaves_as_it_was_told(tmp_path: Path) -> None:
    """Files, versions and times are the settings' own, or the defaults of the home folder."""
    given = behaviour(
        "host=a sslsni=0 ssl_max_protocol_version=TLSv1.2 connect_timeout=3 sslcertmode=disable", tmp_path
    )
    assert (given.sni, given.minimum, given.maximum, given.timeout) == (False, "TLSv1.2", "TLSv1.2", 3.0)
    assert given.sslrootcert == str(tmp_path / ".postgresql" / "root.crt")
    assert given.sslcert == ""
    assert given.startup is None
    assert behaviour("host=a sslcert=x sslkey=y").sslcert == "x"


def test_the_name_is_looked_at_with_verify_full_only() -> None:
    """Behind the handshake, as libpq does it."""
    leaf = authority.server("db.example").der
    roots, _ = authority.files(authority.server())
    strict = behaviour(f"host=db.example sslmode=verify-full sslrootcert={roots}").accept
    assert strict(leaf, "db.example")
    assert not strict(leaf, "other.example")
    assert not strict(leaf, None)
    assert behaviour(f"host=a sslmode=verify-ca sslrootcert={roots}").accept(leaf, "other.example")


def test_a_root_file_that_is_missing() -> None:
    """We look at the certificates all the same, and say nothing inside."""
    settings = resolve(told("host=a sslmode=verify-full sslrootcert=/nonexistent"), {}, None)
    found = conduct(settings, None, startup=True)
    assert found.accept(authority.server("db.example").der, "a")
    assert found.startup is None


def test_the_startup_message_holds_no_password() -> None:
    """User and database are sent, the password never is."""
    sent = startup_message(resolve(told("user=me password=secret dbname=db host=a"), {"PGPASSWORD": "secret2"}, None))
    assert b"user\0me\0database\0db\0" in sent
    assert b"secret" not in sent
    assert len(sent) == int.from_bytes(sent[:4], "big")


def test_versions_in_small_letters() -> None:
    """Libpq takes them in any case."""
    made = conduct(
        resolve(told("host=db ssl_min_protocol_version=tlsv1.2 ssl_max_protocol_version=TLSV1.3"), {}, None), None
    )
    assert (made.minimum, made.maximum) == ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("hello", "the argument, taken as a host name"),
        ("verify-full", "the argument, taken as a host name"),
        ("hello:5433", "the argument, taken as a host and a port"),
        ("host=hello", "the connection string"),
    ],
)
def test_what_an_argument_was_taken_for(text: str, taken: str) -> None:
    """One word is a host, and a slip of the pen would be one, too: what was understood is said."""
    assert told(text)["host"].origin == taken
