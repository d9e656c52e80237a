"""One line for a message."""

from __future__ import annotations

from pathlib import Path

import pytest

import tracer
from tests.wire import CANCEL, SSL_REQUEST, spoken
from tracer.summaries import SUMMARIES, summary

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
STORY = CAPTURES / "verify-full" / "capture.pcapng"
SOURCE = tracer.read(STORY)
TRACE = next(tracer.follow(c, SOURCE.keys) for c in tracer.reassemble(SOURCE))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("SSLRequest", "may we speak TLS?"),
        ("SSLResponse", "S: yes, TLS"),
        ("ClientHello", "TLS 1.3/TLS 1.2, for my-rds.example.test, ALPN postgresql"),
        ("HelloRetryRequest", "once more, with secp256r1"),
        ("ServerHello", "TLS 1.3, TLS_AES_256_GCM_SHA384, secp256r1"),
        ("AuthenticationSASL", "one of SCRAM-SHA-256-PLUS, SCRAM-SHA-256"),
        ("Alert", "warning close_notify (0)"),
        ("SASLResponse", "proof withheld, bound to the certificate (tls-server-end-point)"),
        ("ReadyForQuery", "idle"),
    ],
)
def test_what_is_said(kind: str, text: str) -> None:
    """On a story."""
    message = TRACE.of(kind)
    assert message is not None
    assert message.summary == text


def test_an_error_of_the_oldest_kind() -> None:
    """A server that cannot start a process ends its text with a line break, which is none of the text."""
    trace = spoken(("client", SSL_REQUEST), ("server", b"Ecould not fork new process for connection: Try again\n\0"))
    message = trace.of("ErrorResponse")
    assert message is not None
    assert message.summary == "could not fork new process for connection: Try again"


@pytest.mark.parametrize("kind", [*SUMMARIES, "Unknown"])
def test_nothing_to_say_is_no_error(kind: str) -> None:
    """A message of which no field could be read."""
    assert isinstance(summary(kind, (), 0), str)


def test_a_key_is_withheld() -> None:
    """Whoever has it can cancel queries."""
    message = spoken(("client", CANCEL)).of("CancelRequest")
    assert message is not None
    assert message.summary == "process 1, key withheld"


def test_the_protocol_that_was_agreed_on() -> None:
    """PostgreSQL 17 and later answer ALPN."""
    source = tracer.read(CAPTURES / "direct-tls" / "capture.pcapng")
    (trace,) = [tracer.follow(connection, source.keys) for connection in tracer.reassemble(source)]
    message = trace.of("EncryptedExtensions")
    assert message is not None
    assert message.summary == "ALPN postgresql"
