"""The requests in front of TLS, and what they settle. Whole connections are in test_trace.py."""

from __future__ import annotations

import pytest

from tests.wire import SSL_REQUEST, STARTUP, Say, Tls, follow, packets, spoken

GSSENC_REQUEST = bytes.fromhex("0000000804d21630")
HELLO = Tls().run().said


@pytest.mark.parametrize(
    ("said", "requests", "preamble", "transport"),
    [
        (
            [("client", SSL_REQUEST), ("server", b"N"), ("client", STARTUP)],
            [("SSLRequest", "N")],
            "SSLRequest",
            "plaintext",
        ),
        (
            [("client", GSSENC_REQUEST), ("server", b"N"), ("client", STARTUP)],
            [("GSSENCRequest", "N")],
            "GSSENCRequest",
            "plaintext",
        ),
        ([("client", SSL_REQUEST), ("server", b"S"), *HELLO], [("SSLRequest", "S")], "SSLRequest", "tls"),
        (HELLO, [], "direct", "tls"),
        ([("client", STARTUP)], [], "plaintext", "plaintext"),
        ([("client", SSL_REQUEST), ("server", b"?")], [("SSLRequest", "other")], "SSLRequest", None),
    ],
)
def test_what_settles_the_transport(said: list[Say], requests, preamble: str, transport: str | None) -> None:
    """Each request with its answer, in order."""
    trace = follow(packets(said))
    assert [(n.request, n.answer) for n in trace.negotiation] == requests
    assert (trace.preamble, trace.transport) == (preamble, transport)


def test_a_capture_that_begins_behind_the_answer() -> None:
    """Is not called direct TLS: what came before the hello is not known."""
    trace = follow(packets(HELLO, syn=False))
    assert (trace.preamble, trace.presented.answer, trace.presented.direct) == ("unknown", "S", False)


def test_an_answer_that_was_not_captured() -> None:
    """The hello behind the request says that it was S."""
    given = packets([("client", SSL_REQUEST), ("server", b"S"), *HELLO])
    trace = follow([packet for packet in given if packet.payload != b"S"])
    assert (trace.answer, trace.transport) == ("S", "tls")
    assert "not captured" in (trace.messages[1].problem or "")
    assert trace.of("ClientHello") is not None
    assert trace.of("ServerHello") is not None


def test_nobody_asked_for_tls() -> None:
    """An answer to GSSENCRequest is none to SSLRequest."""
    trace = spoken(("client", GSSENC_REQUEST), ("server", b"N"), ("client", STARTUP))
    assert (trace.asked_for_tls, trace.presented.answer) == (False, None)
    assert trace.outcome.because == "the client did not ask for TLS"


def test_requests_are_bounded() -> None:
    """Whoever asks for ever is not listened to for ever."""
    trace = spoken(*[("client", SSL_REQUEST), ("server", b"N")] * 100)
    assert len(trace.negotiation) == 16
