"""What a trace shows of its server."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests import openssl
from tests.wire import SSL_REQUEST, STARTUP, Tls, certificate, follow, packets, spoken
from tracer.certificates import Presented
from tracer.outcome import Ended
from tracer.packets.source import ACK, FIN, reverse
from tracer.protocol.keys import Keys

FIELDS = (b"SFATAL", b"C28000", b"Mno entry", b"Dfor you", b"Hask somebody", b"Fauth.c")
CONTENT = b"".join(field + b"\0" for field in FIELDS) + b"\0"
ERROR = b"E" + (len(CONTENT) + 4).to_bytes(4, "big") + CONTENT
PRINTED = "FATAL:  no entry\nDETAIL:  for you\nHINT:  ask somebody"


@pytest.mark.needs("openssl")
def test_a_server_that_shows_no_certificate(tmp_path: Path) -> None:
    """Both know a key already: in TLS 1.2 its flight ends in clear, and without keys that is seen, too."""
    with openssl.server(tmp_path) as port:
        said, log = openssl.connect(port, "-tls1_2", "-cipher", "PSK-AES128-GCM-SHA256")
    keys = Keys()
    keys.add(log)
    for trace in (follow(packets(said), keys), follow(packets(said))):
        assert (trace.presented.certificates, trace.presented.absent) == (None, "the server sent no certificate")


def test_of_an_opened_connection() -> None:
    """Certificates, answer, and the messages behind which the checks stand."""
    made = Tls().run()
    trace = follow(packets(made.preambled()), made.keys())
    shown = trace.presented
    assert shown.certificates is not None
    assert [c.short for c in shown.certificates] == ["db.example"]
    assert (shown.answer, shown.version, shown.direct, shown.injected) == ("S", "TLS 1.3", False, False)
    assert {step: trace.messages[at].kind for step, at in shown.seen.items()} == {
        "request": "SSLRequest",
        "answer": "SSLResponse",
        "chain": "Certificate",
        "name": "Finished",
        "authentication": "AuthenticationOk",
        "admitted": "AuthenticationOk",
    }


@pytest.mark.parametrize(
    ("version", "offered"),
    [(ssl.TLSVersion.TLSv1_2, ("TLS 1.2",)), (ssl.TLSVersion.TLSv1_3, ("TLS 1.3",))],
)
def test_what_the_client_offers(version: ssl.TLSVersion, offered: tuple[str, ...]) -> None:
    """supported_versions, where there is one; an old hello names its newest version and no other."""
    shown = follow(packets(Tls(version).run().preambled()[:3])).presented
    assert shown.offered == offered


def test_what_was_spoken_was_offered() -> None:
    """A capture without the ClientHello: who came to the end of a handshake had offered its version."""
    made = Tls(ssl.TLSVersion.TLSv1_2).run()
    given = [packet for packet in packets(made.preambled()) if packet.payload[5:6] != b"\1"]
    shown = follow(given, made.keys())
    assert shown.of("ClientHello", "client") is None
    assert (shown.outcome.where, shown.presented.offered) == ("after_handshake", ("TLS 1.2",))


def test_of_a_sealed_one() -> None:
    """What is sealed is None, and not an empty list."""
    shown = follow(packets(Tls().run().preambled())).presented
    assert shown.certificates is None
    assert shown.authentication is None


def test_of_an_answer_that_is_none() -> None:
    """The byte itself is kept."""
    shown = spoken(("client", SSL_REQUEST), ("server", b"X")).presented
    assert (shown.answer, shown.answer_byte) == ("other", b"X")


def test_of_a_file() -> None:
    """PEM text, leaf first."""
    from pathlib import Path

    shown = Presented.from_pem(Path(certificate()[0]).read_text())
    assert shown.certificates is not None
    assert shown.certificates[0].names[0].text == "db.example"


@pytest.mark.parametrize(
    ("said", "close", "how", "where"),
    [
        ([("client", SSL_REQUEST)], "server", "closed", "before_tls"),
        ([("client", STARTUP), ("server", ERROR)], "fin", "error", "before_tls"),
        (
            [("client", SSL_REQUEST), ("server", b"N"), ("client", STARTUP), ("server", ERROR)],
            "fin",
            "error",
            "before_tls",
        ),
    ],
)
def test_how_a_server_ended_it(said, close: str, how: str, where: str) -> None:
    """Its close, or its error with the text that a client prints."""
    given = packets(said, close="" if close == "server" else close)
    if close == "server":
        last = given[-1]
        fin = last._replace(number=99, flow=reverse(last.flow), seq=last.ack, payload=b"", flags=FIN | ACK)
        given = [*given, fin]
    ended = follow(given).presented.ended
    assert ended is not None
    assert (ended.how, ended.where) == (how, where)
    assert ended.text == (PRINTED if how == "error" else None)


def test_an_alert_of_the_server() -> None:
    """By its number."""
    made = Tls().run()
    said = [*made.preambled()[:3], ("server", bytes.fromhex("15030300020228"))]
    assert follow(packets(said)).presented.ended == Ended("alert", "in_handshake", 40)


def test_a_session_has_not_ended() -> None:
    """What closes behind a session is no end of the server's, and it has let the client in."""
    made = Tls().run()
    shown = follow(packets(made.preambled()), made.keys()).presented
    assert (shown.ended, shown.admitted) == (None, True)


@pytest.mark.parametrize("error", [ERROR, b"Etoo early\n\0"])
def test_an_error_before_tls(error: bytes) -> None:
    """It is an answer, and no refusal of a session: no client shows its text (CVE-2024-10977)."""
    shown = spoken(("client", SSL_REQUEST), ("server", error)).presented
    assert (shown.answer, shown.ended) == ("E", None)


@pytest.mark.parametrize(("byte", "answer"), [(b"G", "G"), (b"N", None), (b"E", None), (b"X", None)])
def test_an_answer_about_gssapi(byte: bytes, answer: str | None) -> None:
    """A no to GSSENCRequest says nothing of TLS; behind a yes nobody asks for it."""
    shown = spoken(("client", bytes.fromhex("0000000804d21630")), ("server", byte)).presented
    assert shown.answer == answer


def test_why_there_is_no_certificate() -> None:
    """Sealed is not absent: a resumed session sends none, and a handshake that ended before sent none."""
    made = Tls().run()
    refused = [*made.preambled()[:3], ("server", bytes.fromhex("15030300020228"))]
    assert follow(packets(made.preambled())).presented.absent is None
    assert follow(packets(made.preambled()), made.keys()).presented.absent is None
    assert follow(packets(made.preambled()[:3], close="")).presented.absent is None
    assert "ended before" in (follow(packets(refused)).presented.absent or "")
    assert "no handshake began" in (spoken(("client", SSL_REQUEST), ("server", b"S")).presented.absent or "")
