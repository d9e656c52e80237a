"""What a capture allows: the client's behaviour, the modes it rules out, and the versions that its hello tells."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import pytest

import tracer
from tests.test_outcome import ALERT, ERROR
from tests.wire import SSL_REQUEST, STARTUP, WELCOME, Tls, follow, packets, spoken
from tracer.certificates import from_pem
from tracer.verify import SSLMODES, agrees, consistent_with, evidence, observed
from tracer.verify.clients.libpq_texts import weak_for_direct
from tracer.verify.evidence import BEHAVIOUR

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
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


@pytest.mark.parametrize("code", [10, 20, 40, 47, 50, 51, 70, 80, 86, 109])
@pytest.mark.parametrize("roots", [tracer.UNKNOWN, None])
def test_an_alert_that_says_nothing_of_the_mode(code: int, roots) -> None:
    """A record that cannot be read, a parameter that does not fit: it stops a client of every mode that speaks TLS."""
    made = Tls().run()
    trace = follow(packets([*made.preambled()[:4], ("client", ALERT[:-1] + bytes([code]))]))
    table = tracer.table(trace, tracer.Trust(host="db.example", roots=roots, time=trace.time))
    assert agrees(table["require"], trace) is None
    assert {"prefer", "require"} <= set(consistent_with(table, trace))
    out = {"disable"} | ({"verify-ca", "verify-full"} if roots is None else set())  # they close in front of their hello
    assert {mode for mode, verdict in table.items() if agrees(verdict, trace) is False} <= out
    assert set(consistent_with(table, trace)) >= set(SSLMODES) - out - {"verify-ca", "verify-full"}
    assert not out & set(consistent_with(table, trace))


def test_a_certificate_alert_of_a_client_without_a_root_file() -> None:
    """It refuses no chain; sealed, the certificate may be one that it could not even read."""
    made = Tls().run()
    told = tracer.Trust(host="db.example", roots=None)
    for code, modes in ((48, []), (42, ["allow", "prefer", "require"])):
        trace = follow(packets([*made.preambled()[:4], ("client", ALERT[:-1] + bytes([code]))]))
        assert consistent_with(tracer.table(trace, told), trace) == modes


@pytest.mark.parametrize(
    ("client", "agreed", "modes"),
    [
        ("libpq", None, ["allow", "prefer"]),
        ("libpq-18", False, ["prefer"]),
        ("libpq-16", True, ["allow", "prefer"]),
    ],
)
def test_plaintext_behind_n(client: str, agreed: bool | None, modes: list[str]) -> None:
    """Up to libpq 16 allow's second attempt looks like that: where the version was not told it is not out."""
    trace = spoken(("client", SSL_REQUEST), ("server", b"N"), ("client", STARTUP), ("server", WELCOME))
    table = tracer.table(trace, tracer.Trust(host="db.example", roots=None, time=trace.time), client)
    assert agrees(table["allow"], trace) is agreed
    assert consistent_with(table, trace) == modes


def test_a_close_behind_s_with_a_good_root_file() -> None:
    """A certificate or key of the client's own that cannot be read does that under every mode that uses TLS."""
    trace = spoken(("client", SSL_REQUEST), ("server", b"S"), close="client")
    roots = from_pem((CAPTURES / "verify-full/roots.pem").read_bytes())
    table = tracer.table(trace, tracer.Trust(host="db.example", roots=roots, time=trace.time))
    assert [agrees(table[mode], trace) for mode in SSLMODES] == [False, None, None, None, None, None]
    assert consistent_with(table, trace) == ["allow", "prefer", *STRONG]


def test_a_revocation_list_that_was_not_named() -> None:
    """Libpq looks for one beside its root file: certificate_revoked says that there was one."""
    source = tracer.read(CAPTURES / "revoked/capture.pcapng")
    trace = next(tracer.follow(connection, source.keys) for connection in tracer.reassemble(source))
    roots = from_pem((CAPTURES / "revoked/roots.pem").read_bytes())
    told = tracer.Trust(host="my-rds.example.test", roots=roots, time=trace.time)
    table = tracer.table(trace, told)
    assert observed(trace) == "alert:44"
    assert [agrees(table[mode], trace) for mode in SSLMODES] == [False, None, None, None, None, None]
    assert consistent_with(table, trace) == ["allow", "prefer", *STRONG]
    without = tracer.table(trace, replace(told, roots=None))
    assert consistent_with(without, trace) == []


@pytest.mark.parametrize(
    ("client", "modes"),
    [
        ("pgjdbc", ["disable", "allow", "prefer"]),
        ("pgx-4", ["disable", "allow", "prefer"]),
        ("asyncpg", ["disable", "allow", "prefer"]),
        ("lib-pq", ["disable"]),
        ("pg8000", ["disable"]),
    ],
)
@pytest.mark.parametrize("roots", [tracer.UNKNOWN, None])
def test_a_driver_that_never_asked(client: str, modes: list[str], roots) -> None:
    """Plaintext without an SSLRequest is no mode's that asks for TLS on every connection that it makes."""
    trace = spoken(("client", STARTUP), ("server", WELCOME))
    table = tracer.table(trace, tracer.Trust(host="db.example", roots=roots, time=trace.time), client)
    assert consistent_with(table, trace) == modes


def test_the_server_says_why() -> None:
    """Its alert is named, and rules out no mode that speaks TLS."""
    made = Tls().run()
    trace = follow(packets([*made.preambled()[:3], ("server", ALERT[:-1] + bytes([40]))], close="server"))
    stopped = next(one for one in evidence({}, trace) if one.kind == "stopped")
    assert "handshake_failure (40)" in stopped.text
    assert stopped.rules_out == ("disable",)


def test_direct_tls_without_an_answer() -> None:
    """The weak modes may not ask for it, and whether the server takes it nobody has seen."""
    made = Tls().run()
    trace = follow(packets(made.said[:1]))
    table = tracer.table(trace, tracer.Trust(host="db.example", roots=None, time=trace.time))
    assert table["prefer"].prints == weak_for_direct("prefer")
    assert table["require"].outcome == "cannot_tell"
    gone = follow(packets(made.said[:1], close="server"))
    table = tracer.table(gone, tracer.Trust(host="db.example", roots=None, time=gone.time))
    assert (table["require"].outcome, table["require"].wire) == ("refuse", "stopped")


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


def test_plaintext_that_was_refused() -> None:
    """Nobody asked for TLS: what a mode that does would find is not known; prefer's second connection looks like that too."""
    trace = spoken(("client", STARTUP), ("server", ERROR))
    table = tracer.table(trace, tracer.Trust(host="db.example", roots=None, time=trace.time))
    assert table["disable"].outcome == "refuse"
    assert agrees(table["disable"], trace) is True
    for mode in ("allow", "prefer", *STRONG):
        assert table[mode].outcome == "cannot_tell", mode
        assert table[mode].prints is None
        assert agrees(table[mode], trace) is None
    assert "TLS was not asked for here" in str(table["prefer"].checks)
    assert consistent_with(table, trace) == ["disable", "allow", "prefer"]


@pytest.mark.parametrize("answer", [[], [("server", b"S")], [("server", b"N")]])
def test_asking_for_tls_rules_out_disable(answer) -> None:
    """Also where the capture ends behind it."""
    trace = spoken(("client", SSL_REQUEST), *answer, close="")
    assert observed(trace) is None
    assert consistent_with({}, trace) == ["allow", "prefer", *STRONG]


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
