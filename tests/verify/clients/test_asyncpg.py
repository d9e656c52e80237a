"""asyncpg cell by cell; tests/differential has the driver itself."""

from __future__ import annotations

import pytest

from tests.verify.clients.driver_cells import CLEAR, OTHER, TLS, Cell, cell, verdict, without_tls

FAILED = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
UNKNOWN = FAILED + "self-signed certificate in certificate chain"
NAMELESS = FAILED + f"Hostname mismatch, certificate is not valid for '{OTHER}'."
GARBAGE = "[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found"


@pytest.mark.parametrize(
    ("mode", "file", "host", "late", "said"),
    [
        ("disable", "absent", "", False, CLEAR),
        ("allow", "garbage", "", False, ("plaintext", "unasked|session", None)),
        ("prefer", "bad", OTHER, False, TLS),
        ("prefer", "absent", "", False, TLS),
        ("require", "", "", False, TLS),
        ("require", "absent", "", False, ("refuse", "nothing", "[Errno 2] No such file or directory")),
        ("require", "good", OTHER, False, TLS),
        ("require", "bad", "", False, ("refuse", "left", UNKNOWN)),
        ("require", "garbage", "", False, ("refuse", "nothing", GARBAGE)),
        ("verify-ca", "good", OTHER, False, TLS),
        ("verify-full", "good", "", False, TLS),
        ("verify-full", "good", OTHER, False, ("refuse", "left", NAMELESS)),
        ("verify-full", "bad", OTHER, False, ("refuse", "left", UNKNOWN)),
        ("verify-full", "good", OTHER, True, ("refuse", "left", NAMELESS)),
        ("verify-full", "unknown", "", False, ("cannot_tell", "nothing|left|session", None)),
    ],
)
def test_a_server_with_tls(mode: str, file: str, host: str, late: bool, said: Cell) -> None:
    """A wrong name comes behind a wrong root, and before a certificate that has ended."""
    assert cell("asyncpg", mode, file, host or "my-rds.example.test", late=late) == said


def test_the_default_root_file_is_missed_in_words() -> None:
    outcome, wire, text = cell("asyncpg", "verify-ca", "")
    assert (outcome, wire) == ("refuse", "nothing")
    assert (text or "").startswith('root certificate file "~/.postgresql/root.crt" does not exist')


@pytest.mark.parametrize(
    ("mode", "answer", "said"),
    [
        ("prefer", "N", ("plaintext", "plaintext", None)),
        (
            "prefer",
            "E",
            (
                "refuse",
                "gave_up",
                "server sent an error response during SSL exchange; check the server logs for details",
            ),
        ),
        ("prefer", None, ("refuse", "gave_up", "unexpected connection_lost() call")),
        ("require", "N", ("refuse", "gave_up", "rejected SSL upgrade")),
    ],
)
def test_another_answer_than_s(mode: str, answer: str | None, said: Cell) -> None:
    """Prefer goes on behind N, and behind nothing else."""
    outcome, wire, text = without_tls("asyncpg", mode, answer)
    assert (outcome, wire) == said[:2]
    assert (text or "").endswith(said[2] or "")


def test_how_it_is_known() -> None:
    assert (verdict("asyncpg", "require", "good").basis or "").startswith("run: asyncpg 0.32")
