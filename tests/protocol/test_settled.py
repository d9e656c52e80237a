"""What reassembly asks."""

from __future__ import annotations

import pytest

from tests.wire import SSL_REQUEST, STARTUP, WELCOME, Tls
from tracer.protocol.settled import ends_in_alert, is_postgres, spoke_both_ways

HELLO = Tls().run().said[0][1]


@pytest.mark.parametrize(
    ("said", "other", "found"),
    [
        (SSL_REQUEST, b"", "client"),
        (SSL_REQUEST[:5], b"", "more"),
        (STARTUP, b"", "client"),
        (bytes.fromhex("0000000804d21630"), b"", "client"),
        (bytes.fromhex("0000001004d2162e0000000100000002"), b"", "client"),
        (b"GET / HTTP/1.1", b"", None),
        (b"SSH-2.0-x", b"", None),
        (b"", b"", None),
        (b"S", b"", "more"),
        (b"S\x16\x03\x03\0\x05", b"", "server"),
        (HELLO, b"", None),
        (HELLO, b"S", "client"),
        (HELLO[:50], b"", "more"),
    ],
)
def test_recognised_by_what_is_said(said: bytes, other: bytes, found: str | None) -> None:
    """On any port."""
    assert is_postgres(said, other, all_tls=False) == found


def test_all_tls_takes_every_hello() -> None:
    """When asked for."""
    assert is_postgres(HELLO, b"", all_tls=True) == "client"


def test_a_fatal_alert_at_the_end() -> None:
    """In clear and fatal; a warning is none."""
    assert ends_in_alert(b"xx" + bytes.fromhex("15030300020230"))
    assert not ends_in_alert(bytes.fromhex("15030300020100"))
    assert not ends_in_alert(b"")


def test_both_have_spoken() -> None:
    """Plaintext: ReadyForQuery. TLS: application data both ways."""
    assert spoke_both_ways(STARTUP, WELCOME)
    assert not spoke_both_ways(STARTUP, WELCOME[:9])
    made = Tls().run().preambled()
    sides = {name: b"".join(data for sender, data in made if sender == name) for name in ("client", "server")}
    assert spoke_both_ways(sides["client"], sides["server"])
    assert not spoke_both_ways(SSL_REQUEST + HELLO, sides["server"])


def test_a_request_in_front_of_the_request() -> None:
    """GSSENCRequest and its N are passed over to find the records."""
    made = Tls().run().preambled()
    sides = {name: b"".join(data for sender, data in made if sender == name) for name in ("client", "server")}
    assert spoke_both_ways(bytes.fromhex("0000000804d21630") + sides["client"], sides["server"])
    assert not spoke_both_ways(SSL_REQUEST + b"junk" * 9, b"S" + sides["server"][1:])
