"""npgsql cell by cell, as its source reads: nothing here was run."""

from __future__ import annotations

import pytest

from tests.verify.clients.driver_cells import BEHIND_N, CLEAR, OTHER, TLS, Cell, cell, verdict, without_tls

REFUSED: Cell = ("refuse", "alert|left|no_startup", "Exception while performing SSL handshake")


@pytest.mark.parametrize(
    ("mode", "file", "host", "said"),
    [
        ("disable", "good", "", CLEAR),
        ("prefer", "bad", OTHER, TLS),
        ("require", "bad", OTHER, TLS),
        ("verify-ca", "good", OTHER, TLS),
        ("verify-ca", "bad", "", REFUSED),
        ("verify-ca", "absent", "", ("cannot_tell", "alert|left|no_startup|session", None)),
        ("verify-full", "good", OTHER, REFUSED),
        ("verify-full", "good", "", TLS),
    ],
)
def test_a_server_with_tls(mode: str, file: str, host: str, said: Cell) -> None:
    """Only the two modes that verify look; how a refusal looks on the wire is not known."""
    assert cell("npgsql", mode, file, host or "my-rds.example.test") == said


def test_another_answer_than_s() -> None:
    text = "SSL connection requested. No SSL enabled connection from this host is configured."
    assert without_tls("npgsql", "prefer") == BEHIND_N
    assert without_tls("npgsql", "require") == ("refuse", "gave_up", text)
    assert without_tls("npgsql", "prefer", "E")[:2] == ("refuse", "gave_up")


def test_how_it_is_known() -> None:
    assert (verdict("npgsql", "require", "good").basis or "").startswith("read from source, not run: npgsql")
