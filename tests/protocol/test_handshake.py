"""Handshake messages, from real ones and from bytes written by hand."""

from __future__ import annotations

import ssl

import pytest

from tests.wire import Tls, follow, packets
from tracer.protocol import handshake
from tracer.protocol.fields import content, every, first, parse


def test_a_real_client_hello() -> None:
    """Name, versions, and every byte accounted for."""
    data = Tls().run().said[0][1][5:]
    kind, read = handshake.message(data, None, "")
    fields, problem = parse(read, data)
    assert (kind, problem) == ("ClientHello", None)
    assert [f.text for f in every(fields, "host_name")] == ["db.example"]
    assert [f.text for f in every(fields, "version")] == ["TLS 1.3"]
    assert "TLS_AES_128_GCM_SHA256" in [f.text for f in every(fields, "cipher_suite")]


@pytest.mark.parametrize(
    ("version", "kinds"),
    [
        (
            ssl.TLSVersion.TLSv1_2,
            (
                "ClientHello ServerHello Certificate ServerKeyExchange ServerHelloDone ClientKeyExchange ChangeCipherSpec "
                "Finished NewSessionTicket ChangeCipherSpec Finished"
            ),
        ),
        (
            ssl.TLSVersion.TLSv1_3,
            (
                "ClientHello ServerHello ChangeCipherSpec EncryptedExtensions Certificate CertificateVerify Finished "
                "ChangeCipherSpec Finished NewSessionTicket NewSessionTicket"
            ),
        ),
    ],
)
def test_the_messages_of_a_handshake(version: ssl.TLSVersion, kinds: str) -> None:
    """In order, none with a problem."""
    made = Tls(version).run()
    trace = follow(packets(made.preambled()), made.keys())
    assert [m.kind for m in trace.messages if m.layer == "tls"] == kinds.split()
    assert [m.problem for m in trace.messages if m.problem] == []


def test_a_retry_is_told_by_its_random() -> None:
    """RFC 8446 §4.1.3."""
    body = b"\3\3" + handshake.RETRY + b"\0\x13\1\0" + b"\0\6\0\x33\0\2\0\x17"
    data = b"\2" + len(body).to_bytes(3, "big") + body
    kind, read = handshake.message(data, None, "")
    fields, problem = parse(read, data)
    assert (kind, problem) == ("HelloRetryRequest", None)
    group = first(fields, "selected_group")
    assert group is not None
    assert group.text == "secp256r1"


def test_certificates_of_both_versions() -> None:
    """TLS 1.3 puts a context in front and extensions behind each."""
    old = b"\0\0\6" + b"\0\0\3abc"
    new = b"\0" + b"\0\0\x08" + b"\0\0\3abc" + b"\0\0"
    for version, body in ((0x0303, old), (0x0304, new)):
        data = b"\x0b" + len(body).to_bytes(3, "big") + body
        fields, problem = parse(handshake.message(data, version, "")[1], data)
        assert problem is None
        assert [content(f) for f in every(fields, "cert_data")] == [b"abc"]


@pytest.mark.parametrize(
    ("suite", "field"),
    [
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ecdh_Yc"),
        ("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "dh_Yc"),
        ("TLS_RSA_WITH_AES_128_GCM_SHA256", "encrypted_pre_master_secret"),
        ("TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256", "body"),
    ],
)
def test_the_key_exchange_goes_by_the_suite(suite: str, field: str) -> None:
    """What the client sends is read by what was agreed."""
    body = b"\2xy" if field == "ecdh_Yc" else b"\0\2xy"
    data = b"\x10" + len(body).to_bytes(3, "big") + body
    fields, problem = parse(handshake.message(data, 0x0303, suite)[1], data)
    assert problem is None
    assert first(fields, field) is not None


def test_an_unknown_message_is_kept() -> None:
    """By its number, as bytes."""
    kind, read = handshake.message(b"\x63\0\0\2ab", 0x0303, "")
    fields, problem = parse(read, b"\x63\0\0\2ab")
    assert (kind, problem) == ("unknown handshake message 99", None)
    assert fields[-1].value == b"ab"
