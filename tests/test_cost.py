"""What a connection cost."""

from __future__ import annotations

import pytest

from tests.wire import SSL_REQUEST, STARTUP, WELCOME, Tls, follow, packets, spoken
from tracer.cost import cost
from tracer.protocol.keys import Keys


def test_plaintext() -> None:
    """One turn for the startup, one for TCP, up to the first word about authentication; the packets are a millisecond apart."""
    found = cost(spoken(("client", STARTUP), ("server", WELCOME)))
    assert (found.round_trips, found.bytes_client, found.bytes_server) == (2, len(STARTUP), 9)
    assert found.seconds["connect"] == pytest.approx(0.002)
    assert found.seconds["negotiate"] == 0
    assert found.seconds["handshake"] is None
    assert found.seconds["authenticate"] == pytest.approx(0.001)
    assert found.total == pytest.approx(0.003)


def test_what_comes_behind_the_request_does_not_count() -> None:
    """The password exchange is the same in every mode."""
    request = bytes.fromhex("52 0000000c 00000005 01020304")
    answer = b"p" + (4 + 36).to_bytes(4, "big") + b"md5" + b"0" * 32 + b"\0"
    found = cost(spoken(("client", STARTUP), ("server", request), ("client", answer), ("server", WELCOME)))
    assert (found.round_trips, found.bytes_client, found.bytes_server) == (2, len(STARTUP), len(request))


def test_tls_takes_more_turns() -> None:
    """Request, hello, startup: each waits for an answer."""
    made = Tls().run()
    opened = cost(follow(packets(made.preambled()), made.keys()))
    assert opened.round_trips == 4
    assert all(seconds is not None and seconds > 0 for seconds in opened.seconds.values())


def test_what_was_not_seen_is_none() -> None:
    """Of a connection that said one thing."""
    found = cost(spoken(("client", SSL_REQUEST), syn=False, close=""))
    assert dict(found.seconds) == {"connect": None, "negotiate": None, "handshake": None, "authenticate": None}


def test_a_handshake_that_is_half_opened() -> None:
    """With the server's keys alone nobody knows when the client was done."""
    made = Tls().run()
    keys = Keys()
    keys.add(b"\n".join(line for line in made.log.splitlines() if not line.startswith(b"CLIENT_")))
    trace = follow(packets(made.preambled()), keys)
    assert trace.of("Finished", "server") is not None
    assert trace.of("Finished", "client") is None
    seconds = cost(trace).seconds
    assert (seconds["handshake"], seconds["authenticate"]) == (None, None)
    assert cost(trace).total is None
    assert seconds["negotiate"] is not None
