"""What a libpq holds against the server behind its StartupMessage, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import tracer
from tracer.outcome import Ended
from tracer.verify.clients import libpq_authentication as steps
from tracer.verify.clients import libpq_texts as texts
from tracer.verify.clients.libpq_versions import libpq

NEWEST = libpq("libpq")
OPEN = tracer.Presented(None, version="TLS 1.3")


def trust(**how: Any) -> tracer.Trust:
    return tracer.Trust(**{"host": "db", "sslmode": "require", "roots": None, **how})


@pytest.mark.parametrize(
    ("admitted", "asked", "order", "retry"),
    [
        (False, None, ["server"], True),
        (False, ("SCRAM-SHA-256-PLUS",), ["require_auth", "channel_binding", "server"], True),
        (True, ("SCRAM-SHA-256-PLUS",), ["require_auth", "channel_binding", "sslcertmode", "server"], False),
        (True, ("AuthenticationOk",), ["sslcertmode", "require_auth", "channel_binding", "server"], False),
    ],
)
def test_the_order_of_authentication(
    admitted: bool, asked: tuple[str, ...] | None, order: list[str], retry: bool
) -> None:
    """Method and binding at the request, the certificate when the client is let in, and the server's error where it came."""
    error = Ended("error", "after_handshake", text="FATAL:  no")
    shown = replace(OPEN, ended=error, admitted=admitted, authentication=asked, client_certificate="none")
    told = trust(channel_binding="require", sslcertmode="require", require_auth="none")
    found = [s for s in steps.authentication(NEWEST, shown, told) if s]
    assert [step.check.step for step in found] == order
    assert (found[-1].prints, found[-1].retry) == ("FATAL:  no", retry)


@pytest.mark.parametrize(
    ("asked", "allowed", "outcome"),
    [
        (None, "none", "cannot_tell"),
        (("AuthenticationOk",), "none", "passed"),
        (("AuthenticationOk",), "scram-sha-256", "failed"),
        (("AuthenticationOk",), "", "passed"),
        (("SCRAM-SHA-256",), "", "failed"),
    ],
)
def test_a_method_that_is_required(asked: tuple[str, ...] | None, allowed: str, outcome: str) -> None:
    """It is held against the server's first request, where that can be read; the handshake is long over."""
    step = steps.required(NEWEST, replace(OPEN, authentication=asked), trust(require_auth=allowed))
    assert step is not None
    assert (step.check.outcome, step.check.when) == (outcome, "after_handshake")
    assert (step.prints is not None) is (outcome == "failed")


@pytest.mark.parametrize(
    ("answer", "asked", "outcome"),
    [
        ("N", ("AuthenticationMD5Password",), "refuse"),
        ("N", ("SCRAM-SHA-256",), "plaintext"),
        ("N", None, "cannot_tell"),
        ("S", ("SCRAM-SHA-256",), "cannot_tell"),  # what it asks for in plaintext is another line of its pg_hba.conf
    ],
)
def test_in_plaintext(answer: str, asked: tuple[str, ...] | None, outcome: str) -> None:
    """There it is the same, if the request is one that came in plaintext."""
    shown = tracer.Presented(None, answer=answer, authentication=asked, version="TLS 1.3" if answer == "S" else None)
    verdict = tracer.replay(shown, trust(sslmode="disable", require_auth="scram-sha-256"), "libpq-16")
    assert verdict.outcome == outcome
    words = 'authentication method requirement "scram-sha-256" failed: server requested a hashed password'
    assert verdict.prints == (words if outcome == "refuse" else None)


@pytest.mark.parametrize(
    ("sent", "outcome", "text"),
    [
        ("none", "failed", texts.NOT_ASKED_FOR_CERTIFICATE),
        ("requested", "failed", texts.NO_CERTIFICATE),
        ("sent", "passed", None),
        (None, "cannot_tell", None),
    ],
)
def test_a_certificate_that_must_be_asked_for(sent: str | None, outcome: str, text: str | None) -> None:
    """sslcertmode=require ends in one of two texts, or nobody knows."""
    step = steps.certificate_mode(replace(OPEN, client_certificate=sent), trust(sslcertmode="require"))
    assert step is not None
    assert (step.check.outcome, step.prints) == (outcome, text)
