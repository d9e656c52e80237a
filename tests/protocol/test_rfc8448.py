"""RFC 8448: every record of its five traces opens and holds what the RFC says."""

from __future__ import annotations

import hashlib
import hmac
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests import wire
from tracer.protocol.fields import every, first, number
from tracer.protocol.keys import Keys, expand_label
from tracer.trace import Trace

TRACES: dict[str, dict[str, Any]] = tomllib.loads((Path(__file__).parent / "rfc8448.toml").read_text())
KEYS = [  # §3: key and iv derived from a traffic secret
    ("SERVER_HANDSHAKE_TRAFFIC_SECRET", "3fce516009c21727d0f2e4e86ee403bc", "5d313eb2671276ee13000b30"),
    ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "dbfaa693d1762c5b666af5d950258d01", "5bd3c71b836e0b76bb73265f"),
    ("SERVER_TRAFFIC_SECRET_0", "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984"),
]
DATA = bytes(range(50))  # what both sides say in each trace that says anything


def keys(name: str) -> Keys:
    random = bytes.fromhex(TRACES[name]["said"][0]["bytes"])[11:43]
    return Keys({random: {label: bytes.fromhex(secret) for label, secret in TRACES[name]["secrets"].items()}})


def said(name: str) -> list[wire.Say]:
    return [(say["sender"], bytes.fromhex(say["bytes"])) for say in TRACES[name]["said"]]


def followed(name: str) -> Trace:
    return wire.follow(wire.packets(said(name)), keys(name))


def kinds(trace: Trace, sender: str) -> str:
    return " ".join(m.kind for m in trace.messages if m.sender == sender)


CLIENT = {
    "simple": "ClientHello Finished Unread Alert",
    "resumed": "ClientHello EarlyData EndOfEarlyData Finished Unread Alert",
    "retry": "ClientHello ClientHello Finished Alert",
    "client_authentication": "ClientHello Certificate CertificateVerify Finished Alert",
    "compatibility": "ClientHello ChangeCipherSpec Finished Alert",
}
FLIGHT = "EncryptedExtensions Certificate CertificateVerify Finished"
SERVER = {
    "simple": f"ServerHello {FLIGHT} NewSessionTicket Unread Alert",
    "resumed": "ServerHello EncryptedExtensions Finished Unread Alert",
    "retry": f"HelloRetryRequest ServerHello {FLIGHT} Alert",
    "client_authentication": (
        "ServerHello EncryptedExtensions CertificateRequest Certificate CertificateVerify Finished Alert"
    ),
    "compatibility": f"ServerHello ChangeCipherSpec {FLIGHT} Alert",
}


@pytest.mark.parametrize("name", TRACES)
def test_every_message(name: str) -> None:
    """Each record opens, to the messages that the RFC lists and in their order; nothing else has a problem."""
    trace = followed(name)
    assert (kinds(trace, "client"), kinds(trace, "server")) == (CLIENT[name], SERVER[name])
    assert [m.kind for m in trace.messages if m.problem and m.kind != "Unread"] == []
    assert trace.tls is not None
    assert (trace.tls.keys, trace.tls.version) == ("all", "TLS 1.3")


@pytest.mark.parametrize("name", TRACES)
def test_every_record(name: str) -> None:
    """The records of the RFC, one by one, are those of the trace, and each carries a message."""
    trace = followed(name)
    for sender in ("client", "server"):
        stream = b"".join(data for who, data in said(name) if who == sender)
        found = trace.records[sender]
        assert b"".join(stream[record.start : record.stop] for record in found) == stream
        spans = [span for m in trace.messages if m.sender == sender for span in m.spans]
        for record in found:
            assert any(start < record.stop and stop > record.start for start, stop in spans)


@pytest.mark.parametrize("name", TRACES)
def test_both_finished(name: str) -> None:
    """The plaintext of both Finished is the RFC's."""
    trace = followed(name)
    for sender, verify_data in TRACES[name]["finished"].items():
        assert trace.of("Finished", sender).data.hex() == "14000020" + verify_data


@pytest.mark.parametrize("name", ["simple", "resumed"])
def test_what_both_said(name: str) -> None:
    """Fifty bytes from each, and in front of the handshake's end six bytes of early data."""
    trace = followed(name)
    assert [m.data for m in trace.every("Unread")] == [DATA, DATA]
    assert [m.data for m in trace.every("EarlyData")] == ([b"ABCDEF"] if name == "resumed" else [])


def test_what_was_agreed() -> None:
    """Resumed, retried with another group, a client certificate: each in its own trace and in no other."""
    agreed = {name: followed(name).tls for name in TRACES}
    assert [name for name, tls in agreed.items() if tls.resumed] == ["resumed"]
    assert [name for name, tls in agreed.items() if tls.hello_retry_request] == ["retry"]
    assert [name for name, tls in agreed.items() if tls.group == "secp256r1"] == ["retry"]
    assert [name for name, tls in agreed.items() if tls.client_certificate == "sent"] == ["client_authentication"]


def test_the_ticket_comes_back() -> None:
    """The ticket of §3 is the identity that §4 resumes with, and it allows 1024 bytes of early data."""
    ticket = followed("simple").of("NewSessionTicket")
    hello = followed("resumed").of("ClientHello")
    assert number(first(ticket.fields, "max_early_data_size")) == 1024
    assert first(hello.fields, "identity").parts[1].value == first(ticket.fields, "ticket").parts[1].value
    assert [number(f) for f in every(hello.fields, "extension_type")][-1] == 41


def test_the_cookie_comes_back() -> None:
    """What the HelloRetryRequest of §5 says in its cookie, the second ClientHello says again."""
    trace = followed("retry")
    cookies = [first(m.fields, "cookie") for m in trace.messages[:3]]
    assert cookies[0] is None
    assert cookies[1].parts[1].parts == cookies[2].parts[1].parts
    assert cookies[1].parts[1].value == cookies[2].parts[1].value != b""


@pytest.mark.parametrize(("label", "key", "iv"), KEYS)
def test_keys(label: str, key: str, iv: str) -> None:
    """Key and iv of a traffic secret."""
    secret = bytes.fromhex(TRACES["simple"]["secrets"][label])
    assert expand_label("sha256", secret, b"key", 16).hex() == key
    assert expand_label("sha256", secret, b"iv", 12).hex() == iv


@pytest.mark.parametrize("name", TRACES)
def test_the_servers_finished_proves_the_bytes(name: str) -> None:
    """The hash over all messages in front of it, made here, is what the server's Finished says (RFC 8446 §4.4.4)."""
    trace = followed(name)
    secret = bytes.fromhex(TRACES[name]["secrets"]["SERVER_HANDSHAKE_TRAFFIC_SECRET"])
    heard = [m for m in trace.messages if m.layer == "tls" and m.kind not in ("ChangeCipherSpec", "EarlyData")]
    heard = heard[: heard.index(trace.of("Finished", "server"))]
    said_so_far = [m.data for m in heard]
    if heard[1].kind == "HelloRetryRequest":  # RFC 8446 §4.4.1
        said_so_far[0] = b"\xfe\0\0\x20" + hashlib.sha256(said_so_far[0]).digest()
    proof = hmac.digest(
        expand_label("sha256", secret, b"finished", 32), hashlib.sha256(b"".join(said_so_far)).digest(), "sha256"
    )
    assert trace.of("Finished", "server").data[4:] == proof


def test_without_the_early_secret_the_rest_opens() -> None:
    """Early data that stays sealed takes no number from the records of the handshake."""
    some = keys("resumed")
    for secrets in some.secrets.values():
        del secrets["CLIENT_EARLY_TRAFFIC_SECRET"]
    trace = wire.follow(wire.packets(said("resumed")), some)
    assert kinds(trace, "client") == "ClientHello Sealed Sealed Finished Unread Alert"
    assert trace.tls is not None
    assert trace.tls.keys == "some"


def test_a_second_hello_behind_early_data() -> None:
    """A retry refuses early data: the second ClientHello comes in clear behind it (RFC 8446 §4.1.2)."""
    first_hello, *others = said("retry")
    trace = wire.follow(wire.packets([first_hello, ("client", wire.sealed(bytes(32), b"early\x17", 0)), *others]))
    assert kinds(trace, "client") == "ClientHello Sealed ClientHello Sealed Sealed"
    hellos = list(trace.every("ClientHello"))
    assert [m.problem for m in hellos] == [None, None]
    assert hellos[1].data == others[1][1][5:]
