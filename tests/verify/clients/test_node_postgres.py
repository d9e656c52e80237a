"""node-postgres 8 and 9 cell by cell; tests/differential has the driver itself."""

from __future__ import annotations

import pytest

from tests.verify.clients.driver_cells import CLEAR, OTHER, TLS, Cell, cell, verdict, without_tls

UNKNOWN = "self-signed certificate in certificate chain"
NAMELESS = (
    f"Hostname/IP does not match certificate's altnames: Host: {OTHER}. is not in the cert's altnames: "
    "DNS:my-rds.example.test"
)
MISSING = "ENOENT: no such file or directory, open '/etc/roots.pem'"


@pytest.mark.parametrize("mode", ["allow", "prefer", "require", "verify-ca", "verify-full"])
def test_8_knows_one_mode_with_tls(mode: str) -> None:
    """Whatever the mode is called: chain and name, and never plaintext."""
    assert cell("node-postgres-8", mode, "good") == TLS
    assert cell("node-postgres-8", mode, "good", OTHER) == ("refuse", "left", NAMELESS)
    assert cell("node-postgres-8", mode, "bad") == ("refuse", "left", UNKNOWN)
    assert cell("node-postgres-8", mode, "") == ("cannot_tell", "left|session", None)
    assert cell("node-postgres-8", mode, "absent") == ("refuse", "nothing", MISSING)
    assert cell("node-postgres-8", mode, "garbage") == ("refuse", "left", UNKNOWN)
    text = "The server does not support SSL connections"
    assert without_tls("node-postgres-8", mode) == ("refuse", "gave_up", text)


@pytest.mark.parametrize(("file", "host"), [("good", OTHER), ("bad", ""), ("", OTHER), ("garbage", "")])
def test_8_has_a_mode_of_its_own(file: str, host: str) -> None:
    """no-verify: TLS, and nothing is looked at but whether the root file is there."""
    assert cell("node-postgres-8", "no-verify", file, host or "my-rds.example.test") == TLS
    assert cell("node-postgres-8", "no-verify", "absent") == ("refuse", "nothing", MISSING)
    assert without_tls("node-postgres-8", "no-verify")[:2] == ("refuse", "gave_up")


def test_disable_reads_the_root_file_too() -> None:
    assert cell("node-postgres-8", "disable", "good") == CLEAR
    assert cell("node-postgres-8", "disable", "absent") == ("refuse", "nothing", MISSING)


@pytest.mark.parametrize(
    ("version", "wire"), [("TLS 1.2", "no_startup"), ("TLS 1.3", "left"), (None, "left|no_startup")]
)
def test_what_is_on_the_wire_depends_on_the_version(version: str | None, wire: str) -> None:
    """In TLS 1.2 the client's Finished is gone before Node looks."""
    assert cell("node-postgres-8", "require", "bad", version=version)[1] == wire


@pytest.mark.parametrize(
    ("mode", "file", "host", "said"),
    [
        ("prefer", "bad", OTHER, TLS),
        ("require", "", OTHER, TLS),
        ("require", "good", OTHER, TLS),
        ("require", "bad", "", ("refuse", "left", UNKNOWN)),
        ("verify-ca", "good", OTHER, TLS),
        ("verify-full", "good", OTHER, ("refuse", "left", NAMELESS)),
        ("no-verify", "good", OTHER, ("refuse", "left", NAMELESS)),  # which it does not know, as allow
    ],
)
def test_9_means_what_libpq_means(mode: str, file: str, host: str, said: Cell) -> None:
    assert cell("node-postgres-9", mode, file, host or "my-rds.example.test") == said


def test_9_wants_a_root_file_for_verify_ca() -> None:
    outcome, wire, text = cell("node-postgres-9", "verify-ca", "")
    assert (outcome, wire) == ("refuse", "nothing")
    assert (text or "").startswith("SECURITY WARNING: Using sslmode=verify-ca requires specifying a CA")


def test_how_it_is_known() -> None:
    assert (verdict("node-postgres-8", "require", "good").basis or "").startswith("run: pg 8.23.1")
    assert (verdict("node-postgres-9", "require", "good").basis or "").startswith("read from source, not run")
