"""What one connection string means to each client: CLIENT-CHECKS D, asked of the profiles."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tracer import pipes
from tracer.client import told
from tracer.modes import Mode, explain_mode
from tracer.render.modes import answer, lines
from tracer.settings import resolve, trust
from tracer.verify import clients
from tracer.verify.model import SSLMODES

ROOTS = str(Path(__file__).parents[1] / "captures" / "verify-full" / "roots.pem")


def mode(client: str, conninfo: str, tmp_path) -> Mode:
    """That connection string for somebody whose home folder is empty."""
    own = clients.drivers()[client].modes if client in clients.drivers() else ()
    settings = resolve(told(conninfo) if conninfo else {}, {}, tmp_path, modes=own)
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


@pytest.mark.parametrize(
    ("client", "host", "prints"),
    [
        ("libpq", "db.prod", 'server certificate for "other.example" does not match host name "db.prod"'),
        ("pgx-4", "db.prod", "failed to write startup message (x509: certificate is valid for other.example, not db.prod)"),
        ("libpq", "db.example", 'server certificate for "other.example" does not match host name "db.example"'),
        ("libpq", "Other.Example.", 'server certificate for "other.example" does not match host name "db.example"'),
        ("libpq", "/tmp,db.prod,db", 'server certificate for "other.example" does not match host name "db.prod"'),
        ("libpq", "10.0.0.5", 'server certificate for "other.example" (and 1 other name) does not match host name "10.0.0.5"'),
    ],
)  # fmt: skip
def test_the_client_asks_for_the_host_that_it_was_given(client: str, host: str, prints: str, tmp_path) -> None:
    """And another server answers, with a name of its own."""
    found = mode(client, f"host={host} sslmode=verify-full sslrootcert={ROOTS}", tmp_path)
    assert (found.sibling.outcome, found.sibling.prints) == ("refuse", prints)
    assert lines(found)["another host's name"][0] == f"refuses: {prints}"


def test_a_server_without_tls_is_the_one_that_was_given(tmp_path) -> None:
    found = mode("asyncpg", "host=db.prod port=6432 sslmode=require", tmp_path)
    assert found.no_tls.prints == 'PostgreSQL server at "db.prod:6432" rejected SSL upgrade'


@pytest.mark.parametrize(
    ("client", "told_", "safe", "words"),
    [
        ("lib-pq", "host=10.0.0.5 sslmode=verify-full", True, "Yes. Chain, dates and name are checked: lib-pq connects to 10.0.0.5 "),
        ("lib-pq", "host=10.0.0.5 sslmode=verify-ca", False, "No. Chain and dates are checked, the name is not: "),
        ("lib-pq", "host=10.0.0.5 sslmode=require", False, "No. Chain and dates are checked, the name is not: "),
        ("pgjdbc", "host=10.0.0.5 sslmode=verify-full", True, "Yes."),
        ("node-postgres-8", "host=10.0.0.5 sslmode=require", True, "Yes."),
        ("asyncpg", "host=10.0.0.5 sslmode=verify-ca", False, "No. Chain and dates are checked, the name is not: "),
    ],
)  # fmt: skip
def test_a_driver_that_was_given_an_address(client: str, told_: str, safe: bool, words: str, tmp_path) -> None:
    """It looks for it among the certificate's addresses; lib/pq's require and verify-ca compare only what Go sends as SNI."""
    found = mode(client, f"{told_} sslrootcert={ROOTS}", tmp_path)
    assert (found.safe, found.good.outcome) == (safe, "accept")
    assert answer(found).startswith(words)


@pytest.mark.parametrize(
    ("client", "conninfo", "safe", "words"),
    [
        ("pgx-4", "hostaddr=10.0.0.1 sslmode=verify-full", None, "It cannot be told: hostaddr is a word of libpq's, and what pgx-4 makes of it"),
        ("libpq", "hostaddr=10.0.0.1 host=db sslmode=verify-full sslrootcert=" + ROOTS, True, "Yes."),
        ("sqlx", "postgresql://db/?ssl=true", None, "It cannot be told: ssl=true is a word of libpq's, and what sqlx makes of it"),
        ("sqlx", "requiressl=1", None, "It cannot be told: requiressl=1 is"),
        ("node-postgres-8", "postgresql://db/?sslmode=disable&ssl=true", None, "It cannot be told: ssl=true behind sslmode= is"),
        ("node-postgres-9", "postgresql://db/?ssl=true&sslmode=require", False, "No."),
        ("libpq", f"host=,db sslmode=verify-full sslrootcert={ROOTS}", False, "No. an empty host is a Unix socket"),
        ("libpq", f"host=/tmp hostaddr=10.0.0.1 sslmode=verify-ca sslrootcert={ROOTS}", False, "No. Chain and dates are checked, the name is not"),
        ("node-postgres-8", "postgresql://db/?ssl=true", True, "Yes."),
        ("node-postgres-9", "postgresql://db/?ssl=true", True, "Yes."),
        ("node-postgres-9", "postgresql://db/?sslmode=require", False, "No."),
        ("pgjdbc", f"postgresql://db/?ssl=true&sslrootcert={ROOTS}", True, "Yes."),
        ("libpq", "postgresql://db/?ssl=true", False, "No."),
        ("libpq", "host=db channel_binding=require", None, "Not by the certificate: any server may answer. But with channel_binding=require"),
        ("libpq", f"host=db sslmode=verify-full sslrootcert={ROOTS} channel_binding=require", True, "Yes."),
        ("pgx-5", "host=db sslmode=require channel_binding=require", False, "No."),
        ("libpq", "host=db sslmode=verify-full gssencmode=require", None, "It cannot be told: gssencmode=require asks db"),
    ],
)  # fmt: skip
def test_words_that_are_libpqs_alone(client: str, conninfo: str, safe: bool | None, words: str, tmp_path) -> None:
    """What a driver makes of ssl=true was looked at in two; channel binding keeps out whoever does not know the password."""
    found = mode(client, conninfo, tmp_path)
    assert found.safe is safe
    assert answer(found).startswith(words)


def test_the_real_words_of_lib_pq(tmp_path) -> None:
    """As lib/pq 1.10.7 on Go 1.19 said them to a server whose certificate has a name and no address."""
    found = mode("lib-pq", f"host=127.0.0.1 sslmode=verify-full sslrootcert={ROOTS}", tmp_path)
    says = "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"
    assert found.sibling.prints == says
    assert mode("lib-pq", f"host=10.0.0.5 sslmode=verify-ca sslrootcert={ROOTS}", tmp_path).mend == (
        "sslmode=verify-full",
    )


def test_which_file_and_whether_it_is_there(tmp_path) -> None:
    """A file that was named, the one in the home folder, and none at all."""
    named = mode("pgx-4", f"host=db.example sslmode=require sslrootcert={tmp_path}/none.crt", tmp_path)
    assert (named.file, named.there, named.missing.outcome) == (f"{tmp_path}/none.crt", False, "refuse")
    assert mode("libpq", "host=db.example", tmp_path).file == str(tmp_path / ".postgresql" / "root.crt")
    assert mode("lib-pq", "host=db.example", tmp_path).there is None  # it does not look there


@pytest.mark.parametrize(
    ("client", "conninfo", "safe", "mend"),
    [
        ("libpq", "host=db sslmode=require", False, "sslmode=verify-full sslrootcert=FILE"),
        ("libpq", f"host=db sslmode=require sslrootcert={ROOTS}", False, "sslmode=verify-full"),
        ("libpq", f"host=db sslmode=verify-full sslrootcert={ROOTS}", True, ""),
        ("libpq", "host=db sslmode=verify-full", None, "sslrootcert=FILE"),
        ("libpq", "host=db sslrootcert=system", True, ""),
        ("libpq", "hostaddr=10.0.0.1", False, "host=NAME sslmode=verify-full sslrootcert=FILE"),
        ("libpq", "host=/tmp sslmode=verify-full", None, ""),
        ("lib-pq", "host=db", False, "sslrootcert=FILE"),  # whose require checks the name, where a file is named
        ("pgx-5", "host=db sslmode=require", False, "sslmode=verify-full"),  # with the system's store
        ("node-postgres-8", "host=db sslmode=require", True, ""),
        ("tokio-postgres-rustls", "host=db sslmode=prefer", False, "sslmode=require"),
        ("tokio-postgres-rustls", "host=db sslmode=verify-full", None, "sslmode=require"),
        ("libpq", "hostaddr=10.0.0.1 sslmode=verify-full sslrootcert=" + ROOTS, None, "host=NAME"),
    ],
)
def test_is_it_safe(client: str, conninfo: str, safe: bool | None, mend: str, tmp_path) -> None:
    """Only where no other server is connected to; else the fewest parameters with which the replay says so."""
    found = mode(client, conninfo, tmp_path)
    assert (found.safe, " ".join(found.mend)) == (safe, mend)


def test_a_pipe_as_its_file(tmp_path, monkeypatch) -> None:
    """What it holds nobody knows: it is neither safe nor not, and a client that does not read it is none the wiser."""
    monkeypatch.setattr(pipes, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    found = mode("libpq", f"host=db sslmode=verify-full sslrootcert={tmp_path}/pipe", tmp_path)
    assert (found.safe, found.there, found.mend) == (None, None, ())
    assert answer(found).startswith(f"It cannot be told: {tmp_path}/pipe is a pipe")


@pytest.mark.parametrize("client", ["libpq", "pgjdbc", "pgx-5", "lib-pq", "asyncpg", "pg8000", "npgsql", "sqlx"])
@pytest.mark.parametrize("sslmode", SSLMODES)
def test_what_mends_it_makes_it_safe(client: str, sslmode: str, tmp_path) -> None:
    """The string with what was advised is safe."""
    start = f"host=db sslmode={sslmode}"
    advised = " ".join(mode(client, start, tmp_path).mend).replace("FILE", ROOTS)
    assert mode(client, f"{start} {advised}", tmp_path).safe is True


@pytest.mark.parametrize(
    ("client", "conninfo", "words"),
    [
        ("libpq", "host=db.example.test", "No. Nothing is checked: any server passes for db.example.test; without TLS libpq goes on in plaintext. Set"),
        ("libpq", f"host=db sslrootcert={ROOTS}", ("No. Chain and dates are checked, the name is not: any server with a certificate of that CA passes for db; "
         "without TLS or for a CA that it does not know libpq goes on in plaintext. Set sslmode=verify-full.")),
        ("libpq", f"host=db sslmode=verify-full sslrootcert={ROOTS}", "Yes. Chain, dates and name are checked: libpq connects to db and to no other server."),
        ("libpq", "host=a,b sslmode=verify-full sslrootcert=/nowhere", ('It does not connect at all. libpq says: root certificate file "/nowhere" does not exist. '
         "Set sslrootcert=FILE, where FILE holds the CA of a,b.")),
        ("libpq", "hostaddr=10.0.0.1 sslmode=verify-full sslrootcert=" + ROOTS, ("It does not connect at all. libpq says: host name must be specified for a "
         "verified SSL connection. Set host=NAME.")),
        ("sqlx", "host=db sslmode=verify-full sslrootcert=/nowhere", "It does not connect at all: the root file /nowhere does not exist. Set sslrootcert=FILE"),
        ("libpq", "host=db sslmode=disable", "No. libpq asks for no TLS: whoever is on the way to db can read and change everything. Set"),
        ("libpq", "host=/tmp", "There is no TLS: /tmp is a Unix socket"),
        ("npgsql", "host=db sslmode=require", "(and Root Certificate=FILE with the CA of db, where that is no public one)."),
        ("libpq", f"host=db sslmode=verify-full sslrootcert={ROOTS} sslcrl=/nowhere", "Yes."),
        ("libpq", f"host=db sslmode=verify-full sslrootcert={ROOTS} sslcrldir=/nowhere", ("It does not connect at all. libpq says: "
         "SSL error: certificate verify failed. It looks for revocation lists, and where it was told to there is none.")),
        ("libpq", f"host=db sslrootcert={ROOTS} sslcrldir=/nowhere", "No. libpq goes on in plaintext, as it is: whoever is on the way"),
        ("libpq", "host=db sslmode=require sslcrldir=/nowhere", "No. Nothing is checked: any server passes for db. Set sslmode=verify-full sslrootcert=FILE"),
        ("libpq", "host=db sslrootcert=system sslcrldir=/nowhere", "Yes."),  # no list is ever read then
        ("pgjdbc", f"host=db sslmode=verify-full sslrootcert={ROOTS} sslcrldir=/nowhere", "Yes."),
        ("node-postgres-8", "host=db sslmode=no-verify", "No. Nothing is checked: any server passes for db. Set sslmode=verify-full"),
        ("lib-pq", "host=db sslmode=prefer", "It does not connect at all: lib-pq does not take sslmode=prefer. Set sslmode="),
        ("tokio-postgres-rustls", "host=db sslmode=prefer", "No. Chain, dates and name of db are checked; without TLS tokio-postgres-rustls goes on in plaintext."),
    ],
)  # fmt: skip
def test_the_answer_in_words(client: str, conninfo: str, words: str, tmp_path) -> None:
    """It names the host, what is checked, what not, and what to set."""
    assert words in answer(mode(client, conninfo, tmp_path))


@pytest.mark.parametrize(
    "option",
    ["sslcertmode=require", "require_auth=scram-sha-256", "sslnegotiation=direct", "ssl_max_protocol_version=TLSv1.2"],
)  # fmt: skip
def test_what_else_is_asked_for_makes_nothing_safe(option: str, tmp_path) -> None:
    """Who is checked does not depend on it."""
    assert mode("libpq", f"host=db sslmode=require {option}", tmp_path).safe is False
    assert answer(mode("libpq", f"host=db sslmode=require {option}", tmp_path)).startswith("No. Nothing is checked")


@pytest.mark.parametrize(
    ("client", "told_", "safe", "words"),
    [
        ("libpq", "host=db,/tmp sslmode=verify-full sslrootcert=system", False, "No. /tmp is a Unix socket"),
        ("libpq", "host=/tmp,db sslmode=verify-full sslrootcert=system", False, "No. /tmp is a Unix socket"),
        ("libpq", "host=db sslmode=require gssencmode=require", None, "It cannot be told: gssencmode=require"),
        (
            "pgx-5",
            "host=/tmp,db sslmode=verify-full",
            None,
            "It cannot be told: /tmp is a Unix socket, and what pgx-5 does there",
        ),
        ("pgjdbc", "host=db sslmode=verify-full gssencmode=require", None, "It cannot be told: gssencmode=require"),
        (
            "libpq",
            "host=db sslmode=prefer sslnegotiation=direct",
            None,
            'It does not connect at all. libpq says: weak sslmode "prefer"',
        ),
        (
            "npgsql",
            "host=db sslmode=require",
            False,
            "No. Nothing is checked: any server passes for db. Set SSL Mode=VerifyFull (and Root Certificate=FILE",
        ),
        ("lib-pq", "host=2001:db8::5 sslmode=verify-ca", None, "It cannot be told: 2001:db8::5 is an IPv6 address"),
    ],
)
def test_what_the_example_does_not_show(client: str, told_: str, safe: bool | None, words: str, tmp_path) -> None:
    """A way without TLS beside the one that is checked; and an address, which some drivers do not look at."""
    found = mode(client, told_, tmp_path)
    assert found.safe is safe
    assert answer(found).startswith(words)
