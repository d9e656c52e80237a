"""lib/pq cell by cell; tests/differential has the driver itself."""

from __future__ import annotations

import pytest

from tests.verify.clients.driver_cells import CLEAR, OTHER, TLS, Cell, cell, verdict, without_tls

UNKNOWN = "x509: certificate signed by unknown authority"
NAMELESS = f"x509: certificate is valid for my-rds.example.test, not {OTHER}"
NO_MODE = 'pq: unsupported sslmode "{}"; only "require" (default), "verify-full", "verify-ca", and "disable" supported'


@pytest.mark.parametrize(
    ("mode", "file", "host", "said"),
    [
        ("disable", "absent", "", CLEAR),
        ("allow", "good", "", ("refuse", "nothing", NO_MODE.format("allow"))),
        ("prefer", "good", "", ("refuse", "nothing", NO_MODE.format("prefer"))),
        ("require", "", OTHER, TLS),
        ("require", "absent", OTHER, TLS),
        ("require", "good", "", TLS),
        ("require", "good", OTHER, ("refuse", "no_startup", NAMELESS)),
        ("require", "bad", "", ("refuse", "no_startup", UNKNOWN)),
        ("require", "garbage", "", ("refuse", "nothing", "pq: couldn't parse pem in sslrootcert")),
        ("verify-ca", "absent", "", ("refuse", "nothing", "open /etc/roots.pem: no such file or directory")),
        ("verify-ca", "good", OTHER, ("refuse", "no_startup", NAMELESS)),
        ("verify-ca", "", "", ("cannot_tell", "no_startup|session", None)),
        ("verify-full", "good", OTHER, ("refuse", "alert:42", NAMELESS)),
        ("verify-full", "bad", "", ("refuse", "alert:42", UNKNOWN)),
    ],
)
def test_a_server_with_tls(mode: str, file: str, host: str, said: Cell) -> None:
    """Its verify-ca looks at the name, and so does its require where there is a root file."""
    assert cell("lib-pq", mode, file, host or "my-rds.example.test") == said


def test_an_address_is_no_name_to_verify_ca() -> None:
    """What Go does not send as SNI is not compared."""
    assert cell("lib-pq", "verify-ca", "good", "192.0.2.1") == TLS
    assert cell("lib-pq", "verify-full", "good", "192.0.2.1")[0] == "refuse"


def test_another_answer_than_s() -> None:
    assert without_tls("lib-pq", "require", "N") == ("refuse", "gave_up", "pq: SSL is not enabled on the server")
    assert without_tls("lib-pq", "require", None) == ("refuse", "gave_up", "EOF")


def test_how_it_is_known() -> None:
    assert verdict("lib-pq", "require", "good").basis == "run: lib/pq 1.10.7, Go 1.19"
