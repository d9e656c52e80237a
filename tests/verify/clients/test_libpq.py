"""libpq 18 cell by cell (CLIENT-CHECKS A.3, A.4, A.6), and on the stories what the real client did."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

import tracer
from tracer import rootfile
from tracer.certificates import from_pem
from tracer.verify import SSLMODES, consistent_with, observed
from tracer.verify.model import Roots

CAPTURES = Path(__file__).resolve().parents[3] / "captures"
STORIES = sorted(path.parent.name for path in CAPTURES.glob("*/case.toml"))
HOST = "my-rds.example.test"
PATH = "/etc/roots.pem"
GARBAGE = "no certificate or crl found"

Cell = tuple[str, str | None, str | None, str | None]  # outcome, prints, the step that refused, wire


@cache
def first(story: str) -> tracer.Trace:
    """The first connection of a story."""
    source = tracer.read(CAPTURES / story / "capture.pcapng")
    return next(tracer.follow(connection, source.keys) for connection in tracer.reassemble(source))


@cache
def shown() -> tracer.Presented:
    """What a good server shows."""
    return first("verify-full").presented


def trusted(kind: str) -> Roots:
    """A root file of that kind."""
    return {
        "unknown": tracer.UNKNOWN,
        "absent": None,
        "good": from_pem((CAPTURES / "verify-full" / "roots.pem").read_bytes()),
        "bad": from_pem((CAPTURES / "wrong-root" / "roots.pem").read_bytes()),
        "unusable": tracer.Unusable(GARBAGE),
        "system": "system",
    }[kind]


def replay(mode: str, roots: str, presented: tracer.Presented | None = None, **how: object) -> tracer.Verdict:
    presented = presented or shown()
    trust = tracer.Trust(host=HOST, sslmode=mode, roots=trusted(roots), root_path=PATH, time=first("verify-full").time)
    return tracer.replay(presented, replace(trust, **how), "libpq-18")


def cell(verdict: tracer.Verdict) -> Cell:
    return verdict.outcome, verdict.prints, verdict.refused_by and verdict.refused_by.step, verdict.wire


# THE ROOT FILE, behind the answer S

ABSENT = (
    f'root certificate file "{PATH}" does not exist\nEither provide the file, use the system\'s trusted roots with '
    "sslrootcert=system, or change sslmode to disable server certificate verification."
)
UNREADABLE = f'could not read root certificate file "{PATH}": {GARBAGE}'
FAILED = "SSL error: certificate verify failed"
TLS: Cell = ("accept", None, None, "session")
CLEAR: Cell = ("plaintext", None, None, "plaintext")
UNASKED: Cell = ("plaintext", None, None, "unasked")
UNSURE: Cell = ("cannot_tell", None, None, "no_hello|alert|session")
SYSTEM: Cell = ("cannot_tell", None, None, "alert|session")


def weak(mode: str) -> Cell:
    text = f'weak sslmode "{mode}" may not be used with sslrootcert=system (use "verify-full")'
    return "refuse", text, "options", "nothing"


ROOT_FILE: dict[tuple[str, str], Cell] = {
    **{("disable", roots): UNASKED for roots in ("unknown", "absent", "good", "bad", "unusable")},
    # allow comes back with TLS when plaintext was refused, and then does as require does
    **{
        ("allow", roots): ("plaintext", None, None, wire)
        for roots, wire in {
            "unknown": "unasked|no_hello|alert|session",
            "absent": "unasked|session",
            "good": "unasked|session",
            "bad": "unasked|alert:48",
            "unusable": "unasked|no_hello",
        }.items()
    },
    **{(mode, "unknown"): UNSURE for mode in ("prefer", "require", "verify-ca", "verify-full")},
    **{(mode, "absent"): TLS for mode in ("prefer", "require")},
    **{(mode, "absent"): ("refuse", ABSENT, "root_file", "no_hello") for mode in ("verify-ca", "verify-full")},
    **{(mode, "good"): TLS for mode in ("prefer", "require", "verify-ca", "verify-full")},
    **{(mode, "bad"): ("refuse", FAILED, "chain", "alert:48") for mode in ("require", "verify-ca", "verify-full")},
    ("prefer", "bad"): ("plaintext", None, "chain", "alert:48,unasked"),
    **{
        (mode, "unusable"): ("refuse", UNREADABLE, "root_file", "no_hello")
        for mode in ("require", "verify-ca", "verify-full")
    },
    ("prefer", "unusable"): ("plaintext", None, "root_file", "no_hello,unasked"),
    **{(mode, "system"): weak(mode) for mode in ("disable", "allow", "prefer", "require", "verify-ca")},
    ("verify-full", "system"): SYSTEM,
}


@pytest.mark.parametrize(("mode", "roots"), ROOT_FILE)
def test_root_file(mode: str, roots: str) -> None:
    """What a root file does under a mode is what libpq 18 did with it (A.4)."""
    assert cell(replay(mode, roots)) == ROOT_FILE[mode, roots]


def test_the_table_is_whole() -> None:
    """Every mode meets every kind of root file."""
    assert len(ROOT_FILE) == len(SSLMODES) * 6


@pytest.mark.parametrize("mode", SSLMODES)
def test_who_is_authenticated(mode: str) -> None:
    """Only verify-full knows the server; verify-ca knows some server of the CA."""
    assert replay(mode, "good").authenticated is (mode == "verify-full")


@pytest.mark.parametrize("mode", ["prefer", "require", "verify-ca"])
def test_another_name(mode: str) -> None:
    """A name that the certificate has not stops verify-full alone, behind the handshake."""
    text = f'server certificate for "{HOST}" does not match host name "other.example"'
    assert cell(replay("verify-full", "good", host="other.example")) == ("refuse", text, "name", "no_startup")
    assert cell(replay(mode, "good", host="other.example")) == TLS


@pytest.mark.parametrize("mode", ["prefer", "require", "verify-ca", "verify-full"])
def test_bytes_behind_the_answer(mode: str) -> None:
    """Bytes injected behind S end every mode, after the handshake: no retry in plaintext (A.3)."""
    found = cell(replay(mode, "good", replace(shown(), injected=True)))
    assert found == ("refuse", "received unencrypted data after SSL response", "injected", "no_startup")


def test_no_host() -> None:
    """Verify-full without a host name cannot pass (A.6)."""
    found = replay("verify-full", "good", host=None)
    assert found.prints == "host name must be specified for a verified SSL connection"
    assert (found.outcome, found.refused_by and found.refused_by.step) == ("refuse", "name")


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_direct_needs_a_strong_mode(mode: str) -> None:
    """Direct TLS refuses the weak modes before any packet (A.6)."""
    found = cell(replay(mode, "good", sslnegotiation="direct"))
    why = "may not be used with sslnegotiation=direct"
    text = f'weak sslmode "{mode}" {why} (use "require", "verify-ca", or "verify-full")'
    assert found == ("refuse", text, "options", "nothing")


# THE ANSWER

NO_TLS = "server does not support SSL, but SSL was required"
ERROR = "server sent an error response during SSL exchange"
STRONG = ("require", "verify-ca", "verify-full")
ANSWERS: dict[tuple[str, str], Cell] = {
    **{("allow", answer): ("plaintext", None, None, "unasked|gave_up") for answer in ("N", "E", "other")},
    **{("disable", answer): UNASKED for answer in ("N", "E", "other")},
    ("prefer", "N"): CLEAR,
    **{(mode, "N"): ("refuse", NO_TLS, "negotiation", "gave_up") for mode in STRONG},
    **{(mode, "E"): ("refuse", ERROR, "negotiation", "gave_up") for mode in ("prefer", *STRONG)},
    **{
        (mode, "other"): ("refuse", "received invalid response to SSL negotiation: X", "negotiation", "gave_up")
        for mode in ("prefer", *STRONG)
    },
}


@pytest.mark.parametrize("roots", ["unknown", "absent", "good", "bad", "unusable"])
@pytest.mark.parametrize(("mode", "answer"), ANSWERS)
def test_answer(mode: str, answer: str, roots: str) -> None:
    """Without S the root file plays no part, and only prefer behind N goes on in plaintext (A.3)."""
    presented = tracer.Presented(None, answer=answer, answer_byte=b"X" if answer == "other" else answer.encode())
    assert cell(replay(mode, roots, presented)) == ANSWERS[mode, answer]


UNBOUND = {
    "SCRAM-SHA-256": "channel binding required, but SSL not in use",
    "AuthenticationOk": "channel binding required, but server authenticated client without channel binding",
    "AuthenticationMD5Password": "channel binding required but not supported by server's authentication request",
}


@pytest.mark.parametrize("asked", UNBOUND)
def test_binding_without_tls(asked: str) -> None:
    """channel_binding=require goes on in plaintext behind N, and gives up when the server asks for a password."""
    presented = tracer.Presented(None, answer="N", answer_byte=b"N", authentication=(asked,))
    found = cell(replay("prefer", "absent", presented, channel_binding="require"))
    assert found == ("refuse", UNBOUND[asked], "channel_binding", "plaintext")


@pytest.mark.parametrize("asked", ["AuthenticationOk", "AuthenticationMD5Password"])
def test_binding_without_a_password_exchange(asked: str) -> None:
    """Inside TLS, too, what is no password exchange cannot bind."""
    presented = replace(shown(), authentication=(asked,))
    found = cell(replay("verify-full", "good", presented, channel_binding="require"))
    assert found == ("refuse", UNBOUND[asked], "channel_binding", "session")


# THE STORIES


def options(story: str) -> tuple[dict, tracer.Trust]:
    """The case of a story, and what its client was told."""
    case = tomllib.loads((CAPTURES / story / "case.toml").read_text())
    words = dict(word.split("=", 1) for word in case["conninfo"].split())
    roots = None if case["root"] == "absent" else rootfile.load(CAPTURES / story / case["root"])
    how = {key: words[key] for key in ("sslnegotiation", "channel_binding") if key in words}
    time = case["time"].astimezone(UTC)
    return case, tracer.Trust(host=case["host"], sslmode=case["sslmode"], roots=roots, time=time, **how)


@pytest.mark.parametrize(
    ("story", "seen", "modes"),
    [
        ("no-tls-prefer", "plaintext", ["allow", "prefer"]),
        ("no-tls-require", "gave_up", ["allow", "require", "verify-ca", "verify-full"]),
        ("wrong-root", "alert:48", ["allow", "prefer", "require", "verify-ca", "verify-full"]),
        ("sibling-verify-full", "no_startup", ["verify-full"]),
    ],
)
def test_what_a_capture_rules_out(story: str, seen: str, modes: list[str]) -> None:
    """What the client did leaves these modes, and no other."""
    assert observed(first(story)) == seen
    assert consistent_with(tracer.table(first(story), options(story)[1]), first(story)) == modes


def test_the_clock_is_the_case_s() -> None:
    """Judged before its certificate ended, the expired server passes: the time asked for is the time used."""
    _, trust = options("expired-server")
    earlier = replace(trust, time=datetime(2026, 2, 1, tzinfo=UTC))
    assert tracer.replay(first("expired-server"), earlier).outcome == "accept"


@pytest.mark.parametrize(
    ("gssencmode", "outcome", "wire"),
    [("prefer", "accept", "gss"), ("require", "accept", "gss"), ("disable", "cannot_tell", None)],
)
def test_gssapi_encryption_comes_first(gssencmode: str, outcome: str, wire: str | None) -> None:
    """Where the server has agreed, no mode sees a certificate; who says disable has not made that connection."""
    verdict = replay("verify-full", "bad", first("gss-encrypted").presented, gssencmode=gssencmode)
    assert (verdict.outcome, verdict.wire or None) == (outcome, wire)


def test_gssapi_without_a_ticket() -> None:
    """The server has agreed, and the client closed: what it does next is on another connection."""
    trace = first("gssencrequest-agreed")
    verdict = replay("verify-full", "good", trace.presented, gssencmode="prefer")
    assert (verdict.outcome, verdict.wire) == ("cannot_tell", "gss|gave_up")
    assert tracer.agrees(verdict, trace) is None


def test_gssapi_or_nothing() -> None:
    """TLS is never asked for; whether this server has GSSAPI, its TLS does not say."""
    assert replay("require", "good", gssencmode="require").outcome == "cannot_tell"
    assert replay("require", "good", gssencmode="prefer").outcome == "accept"
