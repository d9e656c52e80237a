"""What a capture allows: the client's behaviour, the modes it rules out, and the versions that its hello tells."""

from __future__ import annotations

import ssl

import pytest

import tracer
from tests.test_outcome import ALERT, ERROR
from tests.wire import SSL_REQUEST, STARTUP, WELCOME, Tls, follow, packets, spoken
from tracer.verify import SSLMODES, agrees, consistent_with, evidence, observed
from tracer.verify.evidence import BEHAVIOUR

STRONG = ["require", "verify-ca", "verify-full"]
GSSENC_REQUEST = bytes.fromhex("0000000804d21630")


@pytest.mark.parametrize(
    ("said", "seen", "modes"),
    [
        ([("client", STARTUP), ("server", WELCOME)], "unasked", ["disable", "allow", "prefer"]),
        (
            [("client", SSL_REQUEST), ("server", b"N"), ("client", STARTUP), ("server", WELCOME)],
            "plaintext",
            ["allow", "prefer"],
        ),
        ([("client", SSL_REQUEST), ("server", b"N")], "gave_up", ["allow", *STRONG]),
        ([("client", SSL_REQUEST), ("server", ERROR)], "gave_up", ["allow", "prefer", *STRONG]),
        ([("client", SSL_REQUEST), ("server", b"X")], "gave_up", ["allow", "prefer", *STRONG]),
        ([("client", SSL_REQUEST), ("server", b"S")], "no_hello", ["allow", "prefer", *STRONG]),
        (
            [("client", GSSENC_REQUEST), ("server", b"N"), ("client", STARTUP), ("server", WELCOME)],
            "unasked",
            ["disable", "allow", "prefer"],
        ),
        ([("client", GSSENC_REQUEST), ("server", b"G"), ("client", b"\0\0\0\1x")], "gss", list(SSLMODES)),
        ([("client", GSSENC_REQUEST), ("server", b"N")], "gave_up", list(SSLMODES)),
        ([("client", GSSENC_REQUEST), ("server", b"G")], "gave_up", list(SSLMODES)),
        ([("client", SSL_REQUEST), ("server", b"G")], "gave_up", ["allow", "prefer", *STRONG]),
    ],
)
def test_in_front_of_tls(said, seen: str, modes: list[str]) -> None:
    """Without any knowledge of its files, what a client did rules modes out."""
    trace = spoken(*said)
    assert observed(trace) == seen
    assert consistent_with({}, trace) == modes


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("opened", [True, False])
def test_behind_a_handshake(version: ssl.TLSVersion, opened: bool) -> None:
    """A session is every mode's but disable's; a close without a word is verify-full's alone."""
    made = Tls(version).run()
    keys = made.keys() if opened else None
    session = follow(packets(made.preambled()), keys)
    closed = follow(packets(made.preambled()[:-2], close="client"), keys)
    assert (observed(session), observed(closed)) == ("session", "no_startup")
    assert consistent_with({}, session) == ["allow", "prefer", *STRONG]
    assert consistent_with({}, closed) == ["verify-full"]


def test_direct_tls() -> None:
    """Who begins with TLS has a strong mode."""
    made = Tls().run()
    trace = follow(packets(made.said), made.keys())
    assert trace.preamble == "direct"
    assert consistent_with({}, trace) == STRONG


def test_an_alert_about_certificates() -> None:
    """It says that there is a root file, and another alert does not."""
    made = Tls().run()
    for code, kind in ((48, "certificate_alert"), (80, "alert")):
        alert = ALERT[:-1] + bytes([code])
        trace = follow(packets([*made.preambled()[:4], ("client", alert)]))
        assert observed(trace) == f"alert:{code}"
        assert kind in [found.kind for found in evidence({}, trace)]


def test_what_a_hello_tells() -> None:
    """SNI, ALPN and the versions date a client; the message is named."""
    made = Tls().run()
    trace = follow(packets(made.preambled()))
    found = {one.kind: one for one in evidence({}, trace)}
    assert "db.example" in found["server_name"].text
    assert "16 or older" in found["alpn"].text
    assert "versions" not in found
    assert trace.messages[found["alpn"].message or 0].kind == "ClientHello"


@pytest.mark.parametrize(
    ("roots", "ruled_out"),
    [
        (
            tracer.UNKNOWN,
            ["verify-ca", "verify-full"],
        ),  # the clock of the packets stands in 1970: no root file helps the leaf
        (None, ["verify-ca", "verify-full"]),
        ((), ["allow", "prefer", *STRONG]),
    ],
)
def test_verdicts_rule_out_the_rest(roots, ruled_out: list[str]) -> None:
    """A mode whose client would have left something else is out, and the evidence says what that is."""
    made = Tls().run()
    trace = follow(packets(made.preambled()), made.keys())
    table = tracer.table(trace, tracer.Trust(host="db.example", roots=roots, time=trace.time))
    replayed = [one for one in evidence(table, trace) if one.kind == "replay"]
    assert [mode for one in replayed for mode in one.rules_out] == ruled_out
    assert all(mode in one.text for one in replayed for mode in one.rules_out)
    assert not set(ruled_out) & set(consistent_with(table, trace))


def test_a_verdict_that_cannot_tell() -> None:
    """It neither agrees nor, as long as what was seen is among what may be, disagrees."""
    made = Tls().run()
    session = follow(packets(made.preambled()), made.keys())
    closed = follow(packets(made.preambled()[:-2], close="client"), made.keys())
    trust = tracer.Trust(host="db.example", sslmode="require", time=session.time)
    verdict = tracer.replay(session, trust)
    assert verdict.outcome == "cannot_tell"
    assert (agrees(verdict, session), agrees(verdict, closed)) == (None, False)


@pytest.mark.parametrize("kind", BEHAVIOUR)
def test_every_behaviour_is_some_mode_s(kind: str) -> None:
    """No row rules out everything, and each is a sentence."""
    text, modes = BEHAVIOUR[kind]
    assert set(modes) <= set(SSLMODES)
    assert modes
    assert text.endswith(".")


def test_an_alert_that_says_nothing_about_the_mode() -> None:
    """illegal_parameter is about the server's hello: whatever a replay of the chain predicts, no mode is ruled out by it."""
    made = Tls().run()
    trace = follow(packets([*made.preambled()[:4], ("client", ALERT[:6] + b"\x2f")]), made.keys())
    verdicts = tracer.table(trace, tracer.Trust(host="db.example", roots=None, time=trace.time))
    assert observed(trace) == "alert:47"
    assert {agrees(verdict, trace) for verdict in verdicts.values()} == {None}
    assert consistent_with(verdicts, trace) == ["allow", "prefer", *STRONG]
