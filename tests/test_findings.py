"""What is worth saying."""

from __future__ import annotations

from pathlib import Path

import tracer
from tests.wire import SSL_REQUEST, STARTUP, WELCOME, Tls, follow, packets, spoken

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
PASSWORD = b"R\0\0\0\x08\0\0\0\3"


def kinds(*traces: tracer.Trace) -> list[str]:
    return [finding.kind for finding in tracer.explain(*traces)]


def test_bytes_behind_the_answer() -> None:
    """What stands between S and the first record, and where."""
    made = Tls().run()
    said = made.preambled()
    said[1] = ("server", b"S" + b"E\0\0\0\x0cinjected")
    trace = follow(packets(said), made.keys())
    (finding,) = [f for f in tracer.explain(trace) if f.kind == "bytes_behind_answer"]
    assert finding.message is not None
    assert trace.messages[finding.message].data == b"E\0\0\0\x0cinjected"
    assert trace.of("Certificate", "server") is not None
    assert trace.tls is not None
    assert trace.tls.keys == "all"


def test_bytes_that_were_lost_are_not_injected() -> None:
    """A hole behind S may have been TLS: a gap is what is said."""
    made = Tls().run()
    given = packets(made.preambled(), size=100)
    hole = next(
        p for p in given if p.payload.startswith(b"\x16\x03\x03") and p.flow[-4:-2] == (5432).to_bytes(2, "big")
    )
    found = kinds(follow([p for p in given if p is not hole]))
    assert "bytes_behind_answer" not in found
    assert "gap" in found


def test_on_in_plaintext() -> None:
    """After N, and a password in clear."""
    said = [("client", SSL_REQUEST), ("server", b"N"), ("client", STARTUP), ("server", PASSWORD)]
    assert kinds(spoken(*said)) == ["plaintext", "password_in_clear"]


def test_a_quiet_connection_has_none() -> None:
    """TLS, opened and in order."""
    made = Tls().run()
    assert kinds(follow(packets(made.preambled()), made.keys())) == []


def test_coming_back_in_plaintext() -> None:
    """The two connections of prefer's retry are named together, and only when they follow each other."""
    source = tracer.read(CAPTURES / "prefer-wrong-root" / "capture.pcapng")
    refused, back = [tracer.follow(c, source.keys) for c in tracer.reassemble(source)]
    (finding,) = [f for f in tracer.explain(refused, back) if f.kind == "came_back_in_plaintext"]
    assert finding.connections == (1, 2)
    assert "came_back_in_plaintext" not in kinds(refused, spoken(("client", STARTUP), ("server", WELCOME)))
