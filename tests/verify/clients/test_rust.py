"""tokio-postgres and sqlx cell by cell, as their source reads: nothing here was run."""

from __future__ import annotations

import pytest

from tests.verify.clients.driver_cells import BEHIND_N, CLEAR, OTHER, TLS, Cell, cell, verdict, without_tls

NO_MODE = "invalid value for option `sslmode`"


@pytest.mark.parametrize(
    ("client", "mode", "file", "host", "late", "said"),
    [
        ("tokio-postgres-rustls", "disable", "good", "", False, CLEAR),
        ("tokio-postgres-rustls", "verify-full", "good", "", False, ("refuse", "nothing", NO_MODE)),
        ("tokio-postgres-rustls", "require", "good", "", False, TLS),
        ("tokio-postgres-rustls", "prefer", "bad", "", False, ("refuse", "alert:48", None)),
        ("tokio-postgres-rustls", "prefer", "good", OTHER, False, ("refuse", "alert:42", None)),
        ("tokio-postgres-rustls", "require", "bad", OTHER, True, ("refuse", "alert:45", None)),
        ("tokio-postgres-native-tls", "require", "bad", OTHER, True, ("refuse", "alert:48", None)),
        ("tokio-postgres-native-tls", "require", "good", OTHER, True, ("refuse", "alert:42", None)),
        ("sqlx", "allow", "good", "", False, CLEAR),
        ("sqlx", "require", "bad", OTHER, True, TLS),
        ("sqlx", "verify-ca", "good", OTHER, False, TLS),
        ("sqlx", "verify-ca", "bad", "", False, ("cannot_tell", "alert|session", None)),
        ("sqlx", "verify-ca", "absent", "", False, ("refuse", "no_hello", None)),
        ("sqlx", "verify-full", "good", OTHER, False, ("refuse", "alert:42", None)),
        ("sqlx", "verify-full", "good", "", True, ("refuse", "alert:45", None)),
    ],
)
def test_a_server_with_tls(client: str, mode: str, file: str, host: str, late: bool, said: Cell) -> None:
    """The connector of tokio-postgres verifies under every mode; sqlx under the two that say so, with more roots than the file's."""
    assert cell(client, mode, file, host or "my-rds.example.test", late=late) == said


def test_another_answer_than_s() -> None:
    """tokio-postgres takes any other byte for N, sqlx does not."""
    assert without_tls("tokio-postgres-rustls", "prefer") == without_tls("sqlx", "prefer") == BEHIND_N
    assert without_tls("tokio-postgres-rustls", "prefer", "E") == ("plaintext", "gave_up|plaintext", None)
    assert without_tls("sqlx", "prefer", "E") == ("refuse", "gave_up", None)
    assert without_tls("sqlx", "require") == ("refuse", "gave_up", "server does not support TLS")


@pytest.mark.parametrize("client", ["tokio-postgres-rustls", "tokio-postgres-native-tls", "sqlx"])
def test_how_it_is_known(client: str) -> None:
    assert (verdict(client, "require", "good").basis or "").startswith("read from source, not run")
