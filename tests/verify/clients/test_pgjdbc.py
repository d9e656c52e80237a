"""pgjdbc cell by cell: what it checks, where, and what it prints; tests/differential has the driver itself."""

from __future__ import annotations

import pytest

from tests.verify.clients.driver_cells import CLEAR, OTHER, TLS, Cell, cell, verdict, without_tls

NO_WAY = (
    "SSL error: (certificate_unknown) PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: "
    "unable to find valid certification path to requested target"
)
LATE = (
    "SSL error: (certificate_expired) PKIX path validation failed: "
    "java.security.cert.CertPathValidatorException: validity check failed"
)
NAMELESS = f"The hostname {OTHER} could not be verified by hostnameverifier PgjdbcHostnameVerifier."
MISSING = "Could not open SSL root certificate file /etc/roots.pem."
GARBAGE = "Loading the SSL root certificate /etc/roots.pem into a TrustManager failed."


@pytest.mark.parametrize(
    ("mode", "file", "host", "late", "said"),
    [
        ("disable", "good", "", False, CLEAR),
        ("allow", "bad", "", False, ("plaintext", "unasked|session", None)),
        ("prefer", "bad", OTHER, True, TLS),
        ("require", "bad", OTHER, True, TLS),
        ("require", "absent", "", False, TLS),
        ("verify-ca", "good", OTHER, False, TLS),
        ("verify-ca", "bad", "", False, ("refuse", "alert:46", NO_WAY)),
        ("verify-ca", "good", "", True, ("refuse", "alert:45|alert:46", LATE)),
        ("verify-ca", "absent", "", False, ("refuse", "no_hello", MISSING)),
        (
            "verify-ca",
            "",
            "",
            False,
            ("refuse", "no_hello", MISSING.replace("/etc/roots.pem", "~/.postgresql/root.crt")),
        ),
        ("verify-ca", "system", "", False, ("refuse", "no_hello", MISSING.replace("/etc/roots.pem", "system"))),
        ("verify-ca", "garbage", "", False, ("refuse", "no_hello", GARBAGE)),
        ("verify-ca", "unknown", "", False, ("cannot_tell", "no_hello|alert|session", None)),
        ("verify-full", "good", "", False, TLS),
        ("verify-full", "good", OTHER, False, ("refuse", "no_startup", NAMELESS)),
        ("verify-full", "bad", OTHER, False, ("refuse", "alert:46", NO_WAY)),
    ],
)
def test_a_server_with_tls(mode: str, file: str, host: str, late: bool, said: Cell) -> None:
    """The chain inside the handshake, the name behind it, and neither without a mode that verifies."""
    assert cell("pgjdbc", mode, file, host or "my-rds.example.test", late=late) == said


def test_the_alert_of_a_certificate_that_has_ended() -> None:
    """In TLS 1.3 an older Java has one for all faults: a capture with that one speaks for pgjdbc, too."""
    assert cell("pgjdbc", "verify-ca", "good", late=True, version="TLS 1.2")[1] == "alert:45"
    says = verdict("pgjdbc", "verify-ca", "good", late=True, version="TLS 1.3").on_the_wire
    assert "certificate_expired (45)" in says
    assert "of Java 17.0.15 in TLS 1.3 certificate_unknown (46)" in says


@pytest.mark.parametrize(
    ("mode", "answer", "said"),
    [
        ("prefer", "N", ("plaintext", "plaintext", None)),
        ("prefer", "E", ("plaintext", "gave_up,unasked", None)),
        ("prefer", "other", ("refuse", "gave_up", "An error occurred while setting up the SSL connection.")),
        ("prefer", None, ("refuse", "gave_up", "The connection attempt failed.")),
        ("require", "N", ("refuse", "gave_up", "The server does not support SSL.")),
        ("verify-full", "E", ("refuse", "gave_up", "The server does not support SSL.")),
    ],
)
def test_another_answer_than_s(mode: str, answer: str | None, said: Cell) -> None:
    """Prefer goes on in plaintext behind N, and comes back in plaintext behind E."""
    assert without_tls("pgjdbc", mode, answer) == said


def test_a_refused_login_is_tried_again() -> None:
    """In plaintext once more, and what is printed is the first refusal."""
    assert without_tls("pgjdbc", "prefer", refused=True) == ("refuse", "plaintext,unasked", "FATAL: no encryption")


def test_how_it_is_known() -> None:
    assert verdict("pgjdbc", "require", "good").basis == "run: pgjdbc 42.5.5, Java 17.0.15 to 17.0.21"
