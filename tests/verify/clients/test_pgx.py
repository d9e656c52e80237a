"""pgx 4 cell by cell; tests/differential has the driver itself."""

from __future__ import annotations

import pytest

from tests.verify.clients.driver_cells import CLEAR, OTHER, TLS, Cell, cell, verdict, without_tls

UNKNOWN = "failed to write startup message (x509: certificate signed by unknown authority)"
NAMELESS = f"failed to write startup message (x509: certificate is valid for my-rds.example.test, not {OTHER})"
MISSING = "failed to configure TLS (unable to read CA file: open /etc/roots.pem: no such file or directory)"
GARBAGE = "failed to configure TLS (unable to add CA to cert pool)"


@pytest.mark.parametrize(
    ("mode", "file", "host", "said"),
    [
        ("disable", "absent", "", CLEAR),
        ("allow", "bad", "", ("plaintext", "unasked|session", None)),
        ("allow", "absent", "", ("refuse", "nothing", MISSING)),
        ("prefer", "bad", OTHER, TLS),
        ("prefer", "garbage", "", ("refuse", "nothing", GARBAGE)),
        ("require", "", "", TLS),
        ("require", "good", OTHER, TLS),
        ("require", "bad", "", ("refuse", "alert:42", UNKNOWN)),
        ("require", "unknown", "", ("cannot_tell", "nothing|alert|session", None)),
        ("verify-ca", "good", OTHER, TLS),
        ("verify-ca", "", "", ("cannot_tell", "alert|session", None)),
        ("verify-full", "good", OTHER, ("refuse", "alert:42", NAMELESS)),
        ("verify-full", "bad", OTHER, ("refuse", "alert:42", NAMELESS)),
        ("verify-full", "good", "", TLS),
    ],
)
def test_a_server_with_tls(mode: str, file: str, host: str, said: Cell) -> None:
    """With a root file require is verify-ca; without one verify-ca asks the system. A wrong name comes before a wrong root."""
    assert cell("pgx-4", mode, file, host or "my-rds.example.test") == said


def test_the_dates_of_the_leaf_come_before_its_name() -> None:
    said = cell("pgx-4", "verify-full", "bad", OTHER, late=True)
    assert said[:2] == ("refuse", "alert:42")
    assert (said[2] or "").startswith(
        "failed to write startup message (x509: certificate has expired or is not yet valid"
    )


@pytest.mark.parametrize("answer", ["N", "E", "other", None])
def test_another_answer_than_s(answer: str | None) -> None:
    """Prefer opens a second connection in plaintext, whatever the first one was told; require does not."""
    text = f"tls error ({'server refused TLS connection' if answer else 'EOF'})"
    assert without_tls("pgx-4", "prefer", answer) == ("plaintext", "gave_up,unasked", None)
    assert without_tls("pgx-4", "require", answer) == ("refuse", "gave_up", text)


def test_allow_does_not_come_back() -> None:
    """A server that wants TLS refuses the login, and that is final: allow never gets to TLS there."""
    assert without_tls("pgx-4", "allow", refused=True)[:2] == ("refuse", "unasked")


def test_how_it_is_known() -> None:
    assert verdict("pgx-4", "require", "good").basis == "run: pgx 4.15.0, Go 1.19"


def test_5_knows_the_system_s_store() -> None:
    """And then every mode is verify-full: what the store says is not known here, and a wrong name is refused."""
    assert cell("pgx-5", "require", "system") == ("cannot_tell", "alert|session", None)
    assert cell("pgx-5", "require", "system", OTHER)[:1] == ("refuse",)
    assert cell("pgx-5", "disable", "system") == cell("pgx-5", "allow", "system") == cell("pgx-5", "require", "system")
    assert (verdict("pgx-5", "require", "good").basis or "").startswith("read from source, not run: pgx 5")
