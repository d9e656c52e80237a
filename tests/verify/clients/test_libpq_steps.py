"""Each check of a connection alone: what fails it, what is printed, what is left on the wire, whether prefer comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import tracer
from tracer.outcome import Ended
from tracer.verify.clients import libpq_steps as steps
from tracer.verify.clients import libpq_texts as texts
from tracer.verify.clients.libpq_versions import libpq

NEWEST = libpq("libpq")
OPEN = tracer.Presented(None, version="TLS 1.3")


def trust(**how: Any) -> tracer.Trust:
    return tracer.Trust(**{"host": "db", "sslmode": "require", "roots": None, **how})


@pytest.mark.parametrize(
    ("version", "how", "text"),
    [
        (12, {"channel_binding": "require"}, 'invalid connection option "channel_binding"'),
        (15, {"sslcertmode": "disable"}, 'invalid connection option "sslcertmode"'),
        (15, {"require_auth": "none"}, 'invalid connection option "require_auth"'),
        (16, {"require_auth": "oauth"}, 'invalid require_auth value: "oauth"'),
        (16, {"sslnegotiation": "direct"}, 'invalid connection option "sslnegotiation"'),
        (17, {"sslnegotiation": "direct", "sslmode": "allow"}, texts.weak_for_direct("allow")),
        (17, {"sslnegotiation": "direct", "sslmode": "prefer", "roots": "system"}, texts.weak_for_direct("prefer")),
        (16, {"roots": "system"}, texts.weak_for_system("require")),
        (12, {"ssl_max_protocol_version": "TLSv1.2"}, 'invalid connection option "ssl_max_protocol_version"'),
        (13, {"ssl_max_protocol_version": "TLSv1.1"}, "invalid SSL protocol version range"),
        (18, {"ssl_min_protocol_version": "tlsv1.3", "ssl_max_protocol_version": "TLSv1.2"}, texts.VERSION_RANGE),
    ],
)
def test_options_that_end_it(version: int, how: dict[str, Any], text: str) -> None:
    """An option of a newer version, or one that a mode is too weak for, ends it before any packet."""
    step = steps.options(libpq(f"libpq-{version}"), trust(**how))
    assert step is not None
    assert (step.prints, step.wire, step.retry) == (text, "nothing", False)


@pytest.mark.parametrize(
    ("version", "how"),
    [
        (13, {"channel_binding": "require"}),
        (16, {"sslcertmode": "require"}),
        (17, {"sslnegotiation": "direct"}),
        (12, {}),
        (13, {"ssl_min_protocol_version": "", "ssl_max_protocol_version": "TLSv1"}),
        (13, {"ssl_min_protocol_version": "TLSv1.3", "ssl_max_protocol_version": ""}),
        (18, {"roots": "system", "sslmode": "verify-full"}),
    ],
)
def test_options_that_go_together(version: int, how: dict[str, Any]) -> None:
    """What a version knows does not end it."""
    assert steps.options(libpq(f"libpq-{version}"), trust(**how)) is None


@pytest.mark.parametrize(
    ("ended", "text"),
    [
        (Ended("closed", "in_handshake"), texts.end_of_file(NEWEST)),
        (Ended("reset", "in_handshake"), texts.reset(NEWEST)),
        (Ended("not_tls", "in_handshake"), texts.not_tls(NEWEST)),
        (Ended("alert", "in_handshake", 40), texts.server_alert(NEWEST, 40)),
    ],
)
def test_a_server_that_ends_the_handshake(ended: Ended, text: str) -> None:
    """Before it has shown a certificate nothing else was checked, and prefer comes back."""
    shown = tracer.Presented(None, ended=ended)
    first, *rest = steps.handshake(NEWEST, shown, trust(roots=()))
    assert (first.prints, first.wire, first.retry) == (text, "stopped", True)
    assert [step.check.outcome for step in rest] == ["not_done", "not_done"]
    after = [step.check.step for step in steps.handshake(NEWEST, replace(shown, version="TLS 1.3"), trust(roots=()))]
    assert after == ["chain", "validity", "server"]


@pytest.mark.parametrize(("version", "fails"), [(12, False), (13, True), (18, True)])
def test_tls_1_1(version: int, fails: bool) -> None:
    """Only 12 takes it."""
    shown = tracer.Presented(None, version="TLS 1.1")
    found = [step.check.step for step in steps.handshake(libpq(f"libpq-{version}"), shown, trust())]
    assert ("version" in found) is fails


def test_a_late_alert() -> None:
    """The client believes that it is connected: no way back."""
    step = steps.late_alert(NEWEST, replace(OPEN, ended=Ended("alert", "after_handshake", 116)), trust())
    assert step is not None
    assert (step.wire, step.retry) == ("session", False)


@pytest.mark.parametrize("host", [None, ""])
def test_no_host_to_verify(host: str | None) -> None:
    """An empty name is no name."""
    step = steps.name(NEWEST, OPEN, trust(host=host, sslmode="verify-full"))
    assert (step.check.outcome, step.prints) == ("failed", texts.NO_HOST)


def test_direct_tls_of_a_server_that_was_asked() -> None:
    """Whether it takes that is not known, unless its ALPN says that it is new enough."""
    told = trust(sslnegotiation="direct")
    assert steps.inside_tls(NEWEST, OPEN, told)[0].check.outcome == "cannot_tell"
    assert steps.inside_tls(NEWEST, replace(OPEN, alpn="postgresql"), told)[0].check.step != "negotiation"


@pytest.mark.parametrize(
    ("version", "host", "fails"),
    [
        (14, "a" * 256, True),
        (13, "a" * 256, False),
        (18, "a" * 255, False),
        (18, "1" * 256, False),
        (18, ":" * 256, False),
    ],
)
def test_a_name_that_is_too_long_for_sni(version: int, host: str, fails: bool) -> None:
    """It ends the client before its ClientHello, under every mode."""
    step = steps.server_name(libpq(f"libpq-{version}"), OPEN, trust(host=host))
    assert (step is not None) is fails
    assert step is None or (step.prints, step.wire, step.retry) == (texts.LONG_NAME, "no_hello", True)
