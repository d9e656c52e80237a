"""Everything that is said of one connection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import tracer
from tests.wire import SSL_REQUEST, Tls, follow, packets
from tracer.advice import advice
from tracer.report import report
from tracer.verify import SSLMODES, UNKNOWN, Trust

CAPTURES = Path(__file__).resolve().parents[1] / "captures"
MADE = Tls().run()
TRACE = follow(packets(MADE.preambled()), MADE.keys())
TRUST = Trust(sslmode="require", roots=None, time=TRACE.time)


def test_the_host_comes_from_the_hello() -> None:
    """When nobody told another, and that is said."""
    found = report(TRACE, TRUST)
    assert (found.trust.host, found.host_from_hello) == ("db.example", True)
    told = report(TRACE, replace(TRUST, host="other"))
    assert (told.trust.host, told.host_from_hello) == ("other", False)


def test_all_modes_the_asked_one_first() -> None:
    """Six verdicts."""
    modes = [v.sslmode for v in report(TRACE, TRUST).asked_first()]
    assert modes[0] == "require"
    assert sorted(modes) == sorted(SSLMODES)


def test_agreement_wants_the_clients_own() -> None:
    """Another time or an unknown root file cannot be held against the capture."""
    found = report(TRACE, TRUST)
    assert found.agreement(found.verdict) is True
    later = report(TRACE, TRUST, own_time=False)
    assert later.agreement(later.verdict) is None
    unknown = report(TRACE, replace(TRUST, roots=UNKNOWN))
    assert unknown.agreement(unknown.verdict) is None


def test_modes_that_the_capture_does_not_contradict() -> None:
    """A session inside TLS without a root file was none of the strict modes, and not disable."""
    assert report(TRACE, TRUST).consistent_with == ["allow", "prefer", "require"]


def test_a_probe_stops_on_purpose() -> None:
    """Our own connection that ends behind the handshake is whole; the same end in a capture is not."""
    made = Tls(talk=()).run()
    trace = follow(packets(made.preambled(), close="nothing"), made.keys())
    assert trace.outcome.kind == "incomplete"
    assert report(trace, TRUST, probed=True).stopped
    assert not report(trace, TRUST).stopped
    assert not report(TRACE, TRUST, probed=True).stopped


def test_what_a_probe_did_not_see_was_not_said() -> None:
    """A capture ends; a server that we ask falls silent."""
    trace = follow(packets([("client", SSL_REQUEST)], close="nothing"))
    assert report(trace, TRUST).because == "the capture ends behind SSLRequest"
    assert report(trace, TRUST, probed=True).because == "the server fell silent behind SSLRequest"


def test_where_a_probe_waits_in_vain_nothing_is_told() -> None:
    """A client would wait, too: no mode that asks for TLS is said to connect. A capture that was cut has only been cut."""
    silent = follow(packets(MADE.preambled()[:3], close="nothing"))
    assert (silent.outcome.kind, silent.outcome.where) == ("incomplete", "in_handshake")
    probed = report(silent, TRUST, probed=True)
    told = {mode: verdict.outcome for mode, verdict in probed.verdicts.items()}
    assert (told["disable"], told["prefer"], told["require"]) == ("plaintext", "cannot_tell", "cannot_tell")
    assert probed.verdict.checks[0].because == "the server fell silent inside the handshake"
    assert "falls silent" in (advice(probed) or "")
    assert report(silent, TRUST).verdict.outcome == "accept"


def test_tls_that_is_not_postgresql() -> None:
    """From the first byte, and no ALPN postgresql: nobody plays libpq there. What it says inside settles it."""
    said = follow(packets(Tls(talk=()).run().said))
    found = report(said, TRUST, asked=False)
    assert found.foreign
    assert not report(said, TRUST).foreign  # whoever asks about a mode is told
    assert (found.findings, found.consistent_with, found.evidence) == ([], [], [])
    inside = Tls().run()
    assert not report(follow(packets(inside.said), inside.keys()), TRUST, asked=False).foreign
    assert not report(TRACE, TRUST, asked=False).foreign


def test_the_first_byte_was_not_captured() -> None:
    """Another ALPN says that it is something else, and so does what was opened; without either nobody knows."""
    other = packets(Tls(talk=(), alpn="http/1.1").run().said)
    bare, talking = Tls(talk=()).run(), Tls(talk=(("client", b"GET / HTTP/1.1\r\n\r\n"),)).run()
    assert report(follow(other[2:]), TRUST, asked=False).foreign
    assert report(follow(packets(talking.said)[2:], talking.keys()), TRUST, asked=False).foreign
    assert not report(follow(packets(bare.said)[2:]), TRUST, asked=False).foreign


def test_what_the_client_presented() -> None:
    """A client that gave a certificate has a name, too; one that was not asked has none."""
    read = tracer.read(CAPTURES / "client-certificate-given" / "capture.pcapng")
    (given,) = [tracer.follow(connection, read.keys) for connection in tracer.reassemble(read)]
    shown = report(given, TRUST).client_certificates
    assert [c.short for c in shown] == ["app", "Example Company Clients CA"]
    assert report(TRACE, TRUST).client_certificates == ()
