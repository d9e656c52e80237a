"""How it ended: each finding on real bytes, and silence where all is well."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests import authority, openssl
from tests.findings.helpers import error, healthy, kinds, only, shake, story
from tests.wire import SSL_REQUEST, Say, Tls, follow, packets, spoken
from tracer.findings import explain
from tracer.packets.source import URG
from tracer.protocol.keys import Keys
from tracer.trace import Trace

TOO_MANY = error("53300", "sorry, too many clients already")
TLS_1_3 = ssl.TLSVersion.TLSv1_3


def alert(number: int) -> bytes:
    return bytes([21, 3, 3, 0, 2, 2, number])


def handshake(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> Tls:
    return shake(authority.server(), authority.subordinate(), version=version)


def test_an_error_in_front_of_tls() -> None:
    """Nobody vouches for its text, so it is not repeated."""
    finding = only("error_before_tls", spoken(("client", SSL_REQUEST), ("server", TOO_MANY)))
    assert "sorry" not in finding.text
    assert "error_before_tls" not in kinds(healthy(), *story("no-tls-require"))


def test_the_server_leaves() -> None:
    """Behind the request, and inside the handshake; a client that leaves behind N is no such case."""
    said = handshake().preambled()
    for words in (said[:1], said[:3]):
        trace = follow(packets(words, close="server"))
        assert "server_closed" in kinds(trace)
    assert "server_closed" not in kinds(healthy(), *story("no-tls-require"), *story("wrong-root"))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, TLS_1_3])
def test_the_client_leaves(version: ssl.TLSVersion) -> None:
    """Behind the server's certificates and without an alert, as asyncpg does it."""
    said = handshake(version).preambled()[:4]
    assert said[-1][0] == "server"
    assert "asyncpg" in only("client_closed", follow(packets(said))).text
    assert "client_closed" not in kinds(healthy(), *story("wrong-root"), *story("sibling-verify-full"))


def test_a_server_without_direct_tls() -> None:
    """PostgreSQL 15 takes a ClientHello for nonsense: that, and not "closed without a word"."""
    hello = handshake().said[0]
    found = kinds(follow(packets([hello], close="server")))
    assert "no_direct_tls" in found
    assert "server_closed" not in found
    assert "no_direct_tls" not in kinds(*story("direct-tls"))


def test_no_client_hello() -> None:
    """S, and the client goes: something in its own files."""
    said: list[Say] = [("client", SSL_REQUEST), ("server", b"S")]
    assert "names the file" in only("no_client_hello", follow(packets(said))).advice
    assert "no_client_hello" not in kinds(*story("no-tls-require"), healthy())


# ALERTS


def test_a_client_alert_without_certificates() -> None:
    """Sealed certificates: what the alert can mean. With certificates the replay knows better."""
    said = [*handshake(TLS_1_3).preambled()[:4], ("client", alert(48))]
    assert "an intermediate that nobody sent" in only("client_alert", follow(packets(said))).text
    assert "client_alert" not in kinds(*story("wrong-root"), healthy())


def test_an_alert_about_something_else() -> None:
    """decode_error is not about certificates."""
    said = [*handshake(TLS_1_3).preambled()[:4], ("client", alert(50))]
    assert "client_alert" not in kinds(follow(packets(said)))


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (40, "nothing_in_common", "ssl_ciphers"),
        (70, "nothing_in_common", "ssl_min_protocol_version"),
        (120, "no_alpn", "ALPN postgresql"),
    ],
)
def test_a_server_that_refuses_the_hello(number: int, kind: str, words: str) -> None:
    """No cipher, no version, no protocol in common."""
    said = [*handshake().preambled()[:3], ("server", alert(number))]
    finding = only(kind, follow(packets(said)))
    assert words in finding.advice
    assert kind not in kinds(healthy())


@pytest.mark.needs("openssl")
def test_nothing_in_common_with_a_real_server(tmp_path: Path) -> None:
    """A server of TLS 1.3 only, and a client of TLS 1.2 only."""
    with openssl.server(tmp_path, "-tls1_3") as port:
        said, _ = openssl.connect(port, "-tls1_2")
    assert "no version of TLS in common" in only("nothing_in_common", follow(packets(said))).text


@pytest.mark.needs("openssl")
def test_a_client_certificate_that_is_refused(tmp_path: Path) -> None:
    """The server knows no CA of it. An alert of the same number without a client certificate is about something else."""
    crt, key = authority.files(authority.server("somebody"))
    with openssl.server(tmp_path, "-Verify", "1", "-verify_return_error") as port:
        said, log = openssl.connect(port, "-tls1_2", "-cert", crt, "-key", key)
    keys = Keys()
    keys.add(log)
    assert "ssl_ca_file" in only("client_certificate", follow(packets(said), keys)).advice
    unasked = [*handshake().preambled()[:4], ("server", alert(48))]
    assert "client_certificate" not in kinds(follow(packets(unasked)))


def test_a_client_certificate_that_is_not_given() -> None:
    """Asked for, not given, and all is well: a note."""
    finding = only("client_certificate", healthy(ask=True))
    assert finding.weight == "note"
    assert "client_certificate" not in kinds(healthy())


def test_a_client_certificate_that_may_be_missed() -> None:
    """Asked for, not given, refused: a warning that does not say more than it knows."""
    refusal = error("28000", "connection requires a valid client certificate")
    startup = Tls().talk[0]
    finding = only("client_certificate", healthy(ask=True, talk=(startup, ("server", refusal))))
    assert finding.weight == "warning"
    assert "may insist" in finding.text
    wrong_password = error("28P01", "password authentication failed")
    assert "client_certificate" not in kinds(healthy(ask=True, talk=(startup, ("server", wrong_password))))


def test_an_alert_of_the_server_later_on() -> None:
    """Behind its ServerHello the same number is about something else."""
    said = [*handshake().preambled()[:4], ("server", alert(40))]
    assert "nothing_in_common" not in kinds(follow(packets(said)))


def test_a_client_that_left_before_it_could_give_one() -> None:
    """Asked for, and refused by the client in the same moment: nobody knows whether it had a certificate."""
    made = shake(authority.server(), authority.subordinate(), ask=True)
    assert "client_certificate" not in kinds(follow(packets([*made.preambled()[:4], ("client", alert(48))])))


def test_a_client_that_left_after_it_gave_none() -> None:
    """As verify-full does when the name is another: the client certificate is no matter then."""
    made = shake(authority.server(), authority.subordinate(), ask=True)
    assert "client_certificate" not in kinds(follow(packets(made.preambled()[:6]), made.keys()))


# WHAT IS NOT THERE


def test_gaps() -> None:
    """Three of a side are told, not more; and none where none is."""
    made = handshake()
    given = packets(made.preambled(), size=20)
    server = [p for p in given if p.payload and p.flow != given[0].flow]
    holes = server[5:40:5]
    trace: Trace = follow([p for p in given if p not in holes])
    assert len(trace.connection.server_stream.gaps) > 3
    assert kinds(trace).count("gap") == 3
    assert "gap" not in kinds(healthy())


def test_packets_that_were_cut() -> None:
    """What the capture did not keep is a gap, and the advice says how to keep it."""
    given = [
        p._replace(payload=p.payload[:40], cut=max(len(p.payload) - 40, 0)) for p in packets(handshake().preambled())
    ]
    gaps = [f for f in explain(follow(given)) if f.kind == "gap"]
    assert gaps
    assert all("-s 0" in f.advice for f in gaps)


def test_other_bytes_in_a_second_copy() -> None:
    """The packet is named, and what is shown is the first copy."""
    given = packets(handshake().preambled())
    hello = next(p for p in given if p.payload[:1] == b"\x16")
    second = hello._replace(number=900, payload=hello.payload[:9] + b"\0" + hello.payload[10:])
    trace = follow([q for p in given for q in ((p, second) if p is hello else (p,))])
    (found,) = (f for f in explain(trace) if f.kind == "rewritten")
    assert "Packet 900 repeats bytes 8 to" in found.text
    assert "rewritten" not in kinds(healthy())


def test_urgent_data() -> None:
    """Its place is told."""
    given = packets(handshake().preambled())
    marked = [p._replace(flags=p.flags | URG) if p.payload else p for p in given]
    assert kinds(follow(marked)).count("urgent") == 2
    assert "urgent" not in kinds(healthy())


HTTP = b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([("client", SSL_REQUEST), ("server", HTTP)], 'begins with "HTTP/1.1 400 Bad Request": a web server'),
        (
            [("client", SSL_REQUEST), ("server", alert(10))],
            "begins with 15 03 03 00 02 02 0a: an alert of a TLS server",
        ),
        ([("client", SSL_REQUEST), ("server", b"\x00\xff?")], "nothing that PostgreSQL says"),
    ],
)
def test_something_else_answers(said: list[tuple[str, bytes]], words: str) -> None:
    """A web server in the place of PostgreSQL, a load balancer that ends TLS itself, and what nobody knows."""
    trace = spoken(*said)
    assert words in only("not_postgres", trace).text
    assert "server_closed" not in kinds(trace)


def test_something_else_answers_the_hello() -> None:
    """Behind an S that somebody else said."""
    said = [*handshake().preambled()[:3], ("server", HTTP)]
    finding = only("not_postgres", follow(packets(said)))
    assert 'in the place of TLS begins with "HTTP/1.1 400' in finding.text
    assert "not_postgres" not in kinds(
        healthy(), *story("error-answer"), *story("bytes-behind-s"), *story("no-tls-require")
    )
