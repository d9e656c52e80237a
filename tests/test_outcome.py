"""How connections end, from what was said."""

from __future__ import annotations

import ssl

import pytest

from tests import wire
from tests.wire import CANCEL, SSL_REQUEST, STARTUP, WELCOME, Tls, follow, packets, spoken

ERROR = b"E\0\0\0\x13SFATAL\0C28000\0\0"
GSSENC_REQUEST = bytes.fromhex("0000000804d21630")
ALERT = bytes.fromhex("15030300020230")


@pytest.mark.parametrize(
    ("said", "close", "kind", "where"),
    [
        ([("client", STARTUP), ("server", WELCOME)], "fin", "plaintext", "before_tls"),
        (
            [("client", SSL_REQUEST), ("server", b"N"), ("client", STARTUP), ("server", WELCOME)],
            "fin",
            "plaintext",
            "before_tls",
        ),
        ([("client", SSL_REQUEST), ("server", b"N")], "fin", "refused_by_client", "before_tls"),
        ([("client", SSL_REQUEST), ("server", ERROR)], "fin", "refused_by_server", "before_tls"),
        ([("client", SSL_REQUEST), ("server", b"X")], "fin", "closed", "before_tls"),
        ([("client", SSL_REQUEST)], "", "incomplete", "before_tls"),
        ([("client", SSL_REQUEST), ("server", b"S")], "fin", "refused_by_client", "before_tls"),
        ([("client", SSL_REQUEST), ("server", b"S")], "", "incomplete", "before_tls"),
        ([("client", SSL_REQUEST), ("server", b"S")], "server", "closed", "in_handshake"),
        ([("client", STARTUP), ("server", ERROR)], "fin", "refused_by_server", "before_tls"),
        ([("client", CANCEL)], "fin", "closed", None),
        ([("client", GSSENC_REQUEST), ("server", b"G")], "fin", "refused_by_client", "before_tls"),
        ([("client", GSSENC_REQUEST), ("server", b"G")], "", "incomplete", "before_tls"),
        ([("client", GSSENC_REQUEST), ("server", b"G"), ("client", b"token")], "fin", "established", "before_tls"),
    ],
)
def test_in_front_of_tls(said, close: str, kind: str, where: str | None) -> None:
    """Each ending in front of TLS is called what it is."""
    outcome = spoken(*said, close=close).outcome
    assert (outcome.kind, outcome.where, outcome.inferred) == (kind, where, False)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session(version: ssl.TLSVersion) -> None:
    """Opened it is established; sealed it is read off the sizes, and says so."""
    made = Tls(version).run()
    opened = follow(packets(made.preambled()), made.keys()).outcome
    sealed = follow(packets(made.preambled())).outcome
    assert (opened.kind, opened.inferred) == ("established", False)
    assert (sealed.kind, sealed.inferred) == ("established", True)


def test_cancelling_inside_tls() -> None:
    """A request to cancel has come as far as a session would: the client has not refused the server."""
    made = Tls(talk=(("client", CANCEL), ("server", WELCOME))).run()
    outcome = follow(packets(made.preambled()), made.keys()).outcome
    assert (outcome.kind, outcome.where) == ("established", "after_handshake")
    assert "cancel" in outcome.because


def test_something_else_inside_tls() -> None:
    """Who speaks of something else inside TLS has not refused the server either."""
    made = Tls(talk=(("client", b"ping"), ("server", WELCOME))).run()
    outcome = follow(packets(made.said), made.keys()).outcome
    assert (outcome.kind, outcome.where, outcome.inferred) == ("established", "after_handshake", False)


@pytest.mark.parametrize("sender", ["client", "server"])
def test_a_fatal_alert_in_clear(sender: str) -> None:
    """Whoever sends it refused."""
    made = Tls().run()
    said = [*made.preambled()[:4], (sender, ALERT)]
    outcome = follow(packets(said)).outcome
    assert (outcome.kind, outcome.where) == (f"refused_by_{sender}", "in_handshake")
    assert outcome.alert is not None
    assert (outcome.alert.description, outcome.alert.code, outcome.alert.sender) == ("unknown_ca", 48, sender)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_closing_behind_the_handshake(version: ssl.TLSVersion) -> None:
    """A client that completes the handshake and leaves refused behind it."""
    made = Tls(version).run()
    said = made.preambled()[:-2]  # without startup and welcome
    outcome = follow(packets(said, close="client"), made.keys()).outcome
    assert (outcome.kind, outcome.where) == ("refused_by_client", "after_handshake")


def test_a_server_that_leaves_in_the_handshake() -> None:
    """It closed without a word."""
    made = Tls().run()
    given = wire.packets(made.preambled()[:3], close="")
    last = given[-1]
    fin = last._replace(number=99, flow=wire.reverse(last.flow), seq=last.ack, payload=b"", flags=wire.FIN | wire.ACK)
    outcome = follow([*given, fin]).outcome
    assert (outcome.kind, outcome.where) == ("closed", "in_handshake")
    assert "server" in outcome.because
