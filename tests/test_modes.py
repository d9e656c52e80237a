"""What one connection string means to each client: CLIENT-CHECKS D, asked of the profiles."""

from __future__ import annotations

import pytest

from tracer.client import told
from tracer.modes import Mode, explain_mode
from tracer.render.modes import lines
from tracer.settings import resolve, trust


def mode(client: str, conninfo: str, tmp_path) -> Mode:
    """That connection string for somebody whose home folder is empty."""
    settings = resolve(told(conninfo) if conninfo else {}, {}, tmp_path)
    return explain_mode(client, trust(settings, tmp_path), settings)


def outcomes(found: Mode) -> tuple[str, ...]:
    return tuple(getattr(found, one).outcome for one in ("no_tls", "stranger", "sibling", "missing"))


@pytest.mark.parametrize(
    ("client", "no_tls", "stranger", "sibling", "missing"),
    [
        ("libpq", "refuse", "refuse", "accept", "accept"),
        ("pgjdbc", "refuse", "accept", "accept", "accept"),
        ("pgx-4", "refuse", "refuse", "accept", "accept"),
        ("lib-pq", "refuse", "refuse", "refuse", "accept"),
        ("node-postgres-8", "refuse", "refuse", "refuse", "cannot_tell"),
        ("node-postgres-9", "refuse", "refuse", "accept", "accept"),
        ("asyncpg", "refuse", "refuse", "accept", "accept"),
        ("pg8000", "refuse", "accept", "accept", "accept"),
    ],
)
def test_require(client: str, no_tls: str, stranger: str, sibling: str, missing: str, tmp_path) -> None:
    """The same word: nothing, the chain where a file happens to exist, or everything."""
    found = mode(client, "postgresql://db.example/?sslmode=require", tmp_path)
    assert outcomes(found) == (no_tls, stranger, sibling, missing)


@pytest.mark.parametrize(
    ("client", "sslmode"),
    [("libpq", "prefer"), ("lib-pq", "require"), ("node-postgres-8", "disable"), ("pgjdbc", "prefer")],
)
def test_the_default_is_each_client_s_own(client: str, sslmode: str, tmp_path) -> None:
    found = mode(client, "postgresql://db.example/", tmp_path)
    assert (found.sslmode, found.told) == (sslmode, False)


def test_when_each_check_happens(tmp_path) -> None:
    """The name of libpq behind the handshake, pgx's inside, and all of lib/pq's verify-ca behind."""
    full = "postgresql://db.example/?sslmode=verify-full"
    assert mode("libpq", full, tmp_path).looks("name") == "after_handshake"
    assert mode("pgx-4", full, tmp_path).looks("name") == "in_handshake"
    assert mode("pgjdbc", full, tmp_path).looks("chain") == "in_handshake"
    assert mode("lib-pq", "postgresql://db.example/?sslmode=verify-ca", tmp_path).looks("chain") == "after_handshake"
    assert mode("pgjdbc", "postgresql://db.example/?sslmode=require", tmp_path).looks("chain") is None


@pytest.mark.parametrize("sslmode", ["require", "verify-full"])
def test_a_file_that_cannot_be_used(sslmode: str, tmp_path) -> None:
    """It is not a missing one: libpq stops in front of its hello, under every mode."""
    (tmp_path / "garbage").write_text("hello\n")
    found = mode("libpq", f"host=db.example sslmode={sslmode} sslrootcert={tmp_path}/garbage", tmp_path)
    assert found.unusable is not None
    assert found.unusable.outcome == "refuse"
    assert (found.unusable.prints or "").startswith("could not read root certificate file")
    assert lines(found)["with it as it is"][0].startswith("refuses: could not read root certificate file")
    assert "with it as it is" not in lines(mode("libpq", f"host=db.example sslmode={sslmode}", tmp_path))


def test_an_address_alone(tmp_path) -> None:
    """verify-full has no name to verify, whatever the server shows."""
    found = mode("libpq", "hostaddr=10.0.0.1 sslmode=verify-full", tmp_path)
    assert found.good.prints == "host name must be specified for a verified SSL connection"
    assert lines(found)["any server with TLS"][0] == f"refuses: {found.good.prints}"
    assert mode("libpq", "hostaddr=10.0.0.1 sslmode=verify-ca", tmp_path).good.outcome == "accept"


def test_which_file_and_whether_it_is_there(tmp_path) -> None:
    """A file that was named, the one in the home folder, and none at all."""
    named = mode("pgx-4", f"host=db.example sslmode=require sslrootcert={tmp_path}/none.crt", tmp_path)
    assert (named.file, named.there, named.missing.outcome) == (f"{tmp_path}/none.crt", False, "refuse")
    assert mode("libpq", "host=db.example", tmp_path).file == str(tmp_path / ".postgresql" / "root.crt")
    assert mode("lib-pq", "host=db.example", tmp_path).there is None  # it does not look there
