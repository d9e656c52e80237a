"""pg8000 cell by cell; tests/differential has the driver itself."""

from __future__ import annotations

import pytest

from tests.verify.clients.driver_cells import CLEAR, OTHER, TLS, Cell, cell, verdict, without_tls

FAILED = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "


@pytest.mark.parametrize(
    ("mode", "file", "host", "late", "said"),
    [
        ("disable", "absent", "", False, CLEAR),
        ("allow", "good", "", False, ("refuse", "nothing", "'allow'")),
        ("prefer", "bad", OTHER, True, TLS),
        ("require", "bad", OTHER, True, TLS),
        ("verify-ca", "good", OTHER, False, TLS),
        (
            "verify-ca",
            "bad",
            "",
            False,
            ("refuse", "alert:48", FAILED + "self-signed certificate in certificate chain"),
        ),
        ("verify-ca", "good", "", True, ("refuse", "alert:45", FAILED + "certificate has expired")),
        ("verify-ca", "", "", False, ("cannot_tell", "alert|session", None)),
        ("verify-full", "absent", "", False, ("refuse", "nothing", "[Errno 2] No such file or directory")),
        (
            "verify-full",
            "good",
            OTHER,
            False,
            ("refuse", "alert:42", FAILED + f"Hostname mismatch, certificate is not valid for '{OTHER}'."),
        ),
    ],
)
def test_a_server_with_tls(mode: str, file: str, host: str, late: bool, said: Cell) -> None:
    """Without a context of the caller's nobody looks."""
    assert cell("pg8000", mode, file, host or "my-rds.example.test", late=late) == said


def test_another_answer_than_s() -> None:
    assert without_tls("pg8000", "prefer") == ("plaintext", "plaintext", None)
    assert without_tls("pg8000", "require") == ("refuse", "gave_up", "Server refuses SSL")


def test_how_it_is_known() -> None:
    assert (verdict("pg8000", "require", "good").basis or "").startswith("run: pg8000 1.31.6")
