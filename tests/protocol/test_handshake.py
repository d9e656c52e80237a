"""Handshake messages, from real ones and from bytes written by hand."""

from __future__ import annotations

import ssl
import zlib

import pytest

from tests import wire
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
        ("TLS_RSA_PSK_WITH_AES_128_GCM_SHA256", "psk_identity"),
        ("TLS_KRB5_WITH_RC4_128_SHA", "body"),
    ],
)
def test_the_key_exchange_goes_by_the_suite(suite: str, field: str) -> None:
    """What the client sends is read by what was agreed."""
    body = {"ecdh_Yc": b"\2xy", "psk_identity": b"\0\2xy\0\1z"}.get(field, b"\0\2xy")
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


def test_a_hello_in_the_format_of_ssl_2() -> None:
    """It is named and read, and what the server answers is TLS."""
    hello = bytes.fromhex("802e 01 0301 0015 0000 0010") + bytes.fromhex("00002f") * 7 + b"c" * 16
    server_hello = message(2, b"\3\1" + b"s" * 32 + b"\0" + b"\0\x2f" + b"\0")
    record = b"\x16\3\1" + len(server_hello).to_bytes(2, "big") + server_hello
    trace = wire.spoken(("client", wire.SSL_REQUEST), ("server", b"S"), ("client", hello), ("server", record))
    kinds = [m.kind for m in trace.messages]
    assert kinds == ["SSLRequest", "SSLResponse", "SSLv2ClientHello", "ServerHello"]
    assert [m.problem for m in trace.messages] == [None] * 4
    assert trace.tls.version == "TLS 1.0"
    assert [f.text for f in every(trace.messages[2].fields, "cipher_spec")] == ["TLS_RSA_WITH_AES_128_CBC_SHA"] * 7


def test_a_compressed_certificate() -> None:
    """The certificates come out, and a bomb does not (RFC 8879 §4)."""
    inside = b"\0" + b"\0\0\x0a" + b"\0\0\5" + b"\x30\3abc" + b"\0\0"
    packed = zlib.compress(inside)
    whole = message(25, b"\0\1" + len(inside).to_bytes(3, "big") + len(packed).to_bytes(3, "big") + packed)
    kind, read = handshake.message(whole, 0x0304, "")
    fields, problem = parse(read, whole)
    assert (kind, problem) == ("CompressedCertificate", None)
    assert first(fields, "algorithm").text == "zlib"
    unpacked = handshake.decompressed(whole)
    found, problem = parse(handshake.certificate_message, unpacked)
    assert (content(first(found, "cert_data")), problem) == (b"\x30\3abc", None)
    bomb = zlib.compress(bytes(1 << 20))
    short = message(25, b"\0\1" + (100).to_bytes(3, "big") + len(bomb).to_bytes(3, "big") + bomb)
    assert handshake.decompressed(short) is None
    assert handshake.decompressed(whole[:4] + b"\0\2" + whole[6:]) is None
    assert handshake.decompressed(whole[:-6] + b"broken") is None


def message(number: int, body: bytes) -> bytes:
    return bytes([number]) + len(body).to_bytes(3, "big") + body


MESSAGES = [  # number, body, version, what it is called, a field and what it says
    (13, "02 01 40 0002 0804 0004 0002 3000", 0x0303, "CertificateRequest", "signature_scheme", "rsa_pss_rsae_sha256"),
    (13, "02 01 40 0004 0002 3000", 0x0302, "CertificateRequest", "certificate_type", "rsa_sign"),
    (13, "00 0008 000d 0004 0002 0804", 0x0304, "CertificateRequest", "signature_scheme", "rsa_pss_rsae_sha256"),
    (15, "0804 0001 aa", 0x0303, "CertificateVerify", "algorithm", "rsa_pss_rsae_sha256"),
    (22, "01 000001 aa", 0x0303, "CertificateStatus", "status_type", "ocsp"),
    (24, "01", 0x0304, "KeyUpdate", "request_update", "update_requested"),
]


@pytest.mark.parametrize(("number", "body", "version", "kind", "field", "text"), MESSAGES)
def test_a_message_by_its_version(number: int, body: str, version: int, kind: str, field: str, text: str) -> None:
    """The same number, other fields."""
    data = message(number, bytes.fromhex(body))
    called, read = handshake.message(data, version, "")
    fields, problem = parse(read, data)
    assert (called, problem) == (kind, None)
    assert first(fields, field).text == text


def test_a_signature_before_tls_12() -> None:
    """Its algorithm goes without saying."""
    data = message(15, bytes.fromhex("0002 abcd"))
    fields, problem = parse(handshake.message(data, 0x0302, "")[1], data)
    assert [f.name for f in fields[2:]] == ["signature"]
    assert (content(fields[2]), problem) == (b"\xab\xcd", None)


def test_messages_without_a_body() -> None:
    """An unknown one, and those in which nothing may stand."""
    for number in (0, 5, 14, 99):
        assert parse(handshake.message(message(number, b""), 0x0303, "")[1], message(number, b""))[1] is None
    for number in (0, 5, 14):
        data = message(number, b"x")
        assert parse(handshake.message(data, 0x0303, "")[1], data)[1] == "message at byte 4: 1 bytes left over"


EXCHANGES = [  # number, suite, version, body, fields
    (12, "TLS_ECDHE_RSA_WITH_X", 0x0303, "03 001d 01 aa 0804 0001 bb", ["public", "algorithm", "signature"]),
    (12, "TLS_ECDHE_RSA_WITH_X", 0x0302, "03 001d 01 aa 0001 bb", ["public", "signature"]),
    (12, "TLS_DHE_RSA_WITH_X", 0x0303, "0001 aa 0001 02 0001 cc 0804 0001 bb", ["dh_p", "dh_g", "dh_Ys", "signature"]),
    (12, "TLS_DHE_PSK_WITH_X", 0x0303, "0000 0001 aa 0001 02 0001 cc", ["psk_identity_hint", "dh_p", "dh_g", "dh_Ys"]),
    (16, "TLS_ECDHE_PSK_WITH_X", 0x0303, "0001 aa 01 bb", ["psk_identity", "ecdh_Yc"]),
    (16, "TLS_PSK_WITH_X", 0x0303, "0001 aa", ["psk_identity"]),
    (12, "TLS_SRP_SHA_WITH_X", 0x0303, "0001 aa 0001 bb 01 cc 0001 dd", ["srp_N", "srp_g", "srp_s", "srp_B"]),
    (
        12,
        "TLS_SRP_SHA_RSA_WITH_X",
        0x0303,
        "0001 aa 0001 bb 01 cc 0001 dd 0804 0001 ee",
        ["srp_B", "algorithm", "signature"],
    ),
    (16, "TLS_SRP_SHA_DSS_WITH_X", 0x0303, "0001 aa", ["srp_A"]),
    (16, "TLS_ECDH_RSA_WITH_X", 0x0303, "01 aa", ["ecdh_Yc"]),
    (16, "TLS_DH_DSS_WITH_X", 0x0303, "0001 aa", ["dh_Yc"]),
    (16, "TLS_RSA_WITH_X", 0x0300, "abcd", ["encrypted_pre_master_secret"]),
    (16, "TLS_RSA_WITH_X", 0x0301, "0002 abcd", ["encrypted_pre_master_secret"]),
    (16, "TLS_RSA_WITH_X", None, "0002 abcd", ["body"]),
]


@pytest.mark.parametrize(("number", "suite", "version", "body", "names"), EXCHANGES)
def test_a_key_exchange(number: int, suite: str, version: int | None, body: str, names: list[str]) -> None:
    """By suite and version; with nothing known of the version it is kept as bytes."""
    data = message(number, bytes.fromhex(body))
    fields, problem = parse(handshake.message(data, version, suite)[1], data)
    assert problem is None
    assert [f.name for f in fields if f.name in names] == names
    assert sum(f.stop - f.start for f in fields) == len(data)


def test_a_curve_that_is_no_named_one() -> None:
    """RFC 8422 §5.4 leaves nothing else."""
    data = message(12, bytes.fromhex("01 aabb"))
    fields, problem = parse(handshake.message(data, 0x0303, "TLS_ECDHE_RSA_WITH_X")[1], data)
    assert problem == "curve_type at byte 4: only named curves are in use"
    assert fields[-1].value == b"\xaa\xbb"


@pytest.mark.parametrize(
    ("data", "clear"),
    [("0228", True), ("02", True), ("02280100", True), ("", False), ("28", False), ("02" * 18, False)],
)
def test_an_alert_in_clear(data: str, clear: bool) -> None:
    """Whole, half, two in one record; one that is as long as a sealed one is none."""
    assert handshake.alert_record(bytes.fromhex(data)) == clear


def test_the_protocols_of_a_hello() -> None:
    """By ALPN; none where the hello offers none."""
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0"
    assert handshake.alpn_names(message(1, body)) == []
    offered = bytes.fromhex("000f 0010 000b 0009 08") + b"postgres"
    assert handshake.alpn_names(message(1, body + offered)) == ["postgres"]


def test_a_compressed_certificate_that_is_damaged() -> None:
    """What is no zlib at all gives nothing and raises nothing."""
    broken = message(25, b"\0\1" + (100).to_bytes(3, "big") + (4).to_bytes(3, "big") + b"\xff" * 4)
    assert handshake.decompressed(broken) is None
