"""TLS handshake messages: one function per message, in wire order, with the RFC's names; a table at the bottom.

A message begins with its type and length (RFC 8446 §4); the functions read what stands behind these four bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache, partial

from tracer.distinguished import written
from tracer.protocol.extensions import extensions
from tracer.protocol.fields import Malformed, Reader, content, every, first, number, parse
from tracer.protocol.numbers import (
    ALERT_LEVELS,
    ALERTS,
    CERTIFICATE_COMPRESSION_ALGORITHMS,
    CERTIFICATE_STATUS_TYPES,
    CIPHER_SUITES,
    CLIENT_CERTIFICATE_TYPES,
    COMPRESSION_METHODS,
    EC_CURVE_TYPES,
    GROUPS,
    HANDSHAKE_TYPES,
    KEY_UPDATE_REQUESTS,
    SIGNATURE_SCHEMES,
    VERSIONS,
)

HEADER = 4
LONGEST = 1 << 18  # of a message that we read; OpenSSL's own limit for a certificate chain is 100 kB
SSL_3_0, TLS_1_0, TLS_1_2, TLS_1_3 = 0x0300, 0x0301, 0x0303, 0x0304
SEALED_ALERT = 18  # bytes of the shortest: two, with 16 of MAC, or of nonce and tag
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # RFC 8446 §4.1.3

NAMED_CURVE, ZLIB, CERTIFICATE = 3, 1, 11

Read = Callable[[Reader], None]
Step = Callable[[Reader, int], None]


def handshake_header(r: Reader) -> None:
    r.uint("msg_type", 1, HANDSHAKE_TYPES)
    r.uint("length", 3)


def message(data: bytes, version: int | None, suite: str) -> tuple[str, Read]:
    """What a whole handshake message is called and how it is read, in a connection of that version and cipher suite."""
    number = data[0]
    kind = HANDSHAKE_TYPES.get(number, f"unknown handshake message {number}")
    if kind == "ServerHello" and data[6:38] == RETRY:
        kind = "HelloRetryRequest"
    before = READERS_BEFORE_12.get(kind) if version is not None and version < TLS_1_2 else None
    read = before or READERS.get((kind, version)) or READERS.get((kind, None), other)
    if kind in ("ServerKeyExchange", "ClientKeyExchange"):
        read = key_exchange(kind, suite, version)
    return kind, _whole(read)


@lru_cache(256)
def _whole(read: Read) -> Read:
    """With the header; the same function each time, so that what was read is known again."""

    def whole(r: Reader) -> None:
        handshake_header(r)
        read(r)

    return whole


def other(r: Reader) -> None:
    if r:
        r.rest("body")


def empty(r: Reader) -> None:
    r.end()


# HELLOS


def client_hello(r: Reader) -> None:  # RFC 8446 §4.1.2
    r.uint("legacy_version", 2, VERSIONS)
    r.bytes("random", 32)
    r.opaque("legacy_session_id", 1)
    r.again(2 + int.from_bytes(r.data[r.at : r.at + 2], "big"), _cipher_suites)
    with r.vector("legacy_compression_methods", 1):
        r.uints("compression_method", 1, COMPRESSION_METHODS)
    if r:
        extensions(r, "ClientHello")


def _cipher_suites(r: Reader) -> None:
    with r.vector("cipher_suites", 2):
        r.uints("cipher_suite", 2, CIPHER_SUITES)


def server_hello(r: Reader) -> None:  # RFC 8446 §4.1.3
    _server_hello(r, "ServerHello")


def hello_retry_request(r: Reader) -> None:  # RFC 8446 §4.1.4
    _server_hello(r, "HelloRetryRequest")


def _server_hello(r: Reader, kind: str) -> None:
    r.uint("legacy_version", 2, VERSIONS)
    r.bytes("random", 32)
    r.opaque("legacy_session_id_echo", 1)
    r.uint("cipher_suite", 2, CIPHER_SUITES)
    r.uint("legacy_compression_method", 1, COMPRESSION_METHODS)
    if r:
        extensions(r, kind)


def encrypted_extensions(r: Reader) -> None:  # RFC 8446 §4.3.1
    extensions(r, "EncryptedExtensions")


# CERTIFICATES


def certificate_12(r: Reader) -> None:  # RFC 5246 §7.4.2
    with r.vector("certificate_list", 3):
        while r:
            r.opaque("cert_data", 3)


def certificate_13(r: Reader) -> None:  # RFC 8446 §4.4.2
    r.opaque("certificate_request_context", 1)
    with r.vector("certificate_list", 3):
        while r:
            with r.struct("certificate_entry"):
                r.opaque("cert_data", 3)
                extensions(r, "Certificate")


def certificate_request_12(r: Reader) -> None:  # RFC 5246 §7.4.4
    with r.vector("certificate_types", 1):
        r.uints("certificate_type", 1, CLIENT_CERTIFICATE_TYPES)
    with r.vector("supported_signature_algorithms", 2):
        r.uints("signature_scheme", 2, SIGNATURE_SCHEMES)
    with r.vector("certificate_authorities", 2):
        while r:
            r.opaque("distinguished_name", 2, written)


def certificate_request_13(r: Reader) -> None:  # RFC 8446 §4.3.2
    r.opaque("certificate_request_context", 1)
    extensions(r, "CertificateRequest")


def certificate_verify(r: Reader) -> None:  # RFC 8446 §4.4.3, RFC 5246 §7.4.8
    r.uint("algorithm", 2, SIGNATURE_SCHEMES)
    r.opaque("signature", 2)


def certificate_status(r: Reader) -> None:  # RFC 6066 §8
    r.uint("status_type", 1, CERTIFICATE_STATUS_TYPES)
    r.opaque("response", 3)


def is_sslv2_client_hello(data: bytes, at: int) -> bool:
    """Whether a hello in the format of SSL 2.0 stands here that offers SSL 3.0 or TLS."""
    return len(data) >= at + 11 and data[at] & 0x80 == 0x80 and data[at + 2] == 1 and data[at + 3] == 3


def sslv2_client_hello(r: Reader) -> None:  # RFC 2246 §E.1
    r.uint("msg_length", 2)
    r.uint("msg_type", 1)
    r.uint("version", 2, VERSIONS)
    sizes = [r.uint(name, 2) for name in ("cipher_spec_length", "session_id_length", "challenge_length")]
    stop = r.at + sizes[0]
    with r.struct("cipher_specs"):
        while r.at < stop:
            r.uint("cipher_spec", 3, CIPHER_SUITES)  # those of SSL 2.0 have no name of ours
    r.bytes("session_id", sizes[1])
    r.bytes("challenge", sizes[2])


def certificate_request_before_12(r: Reader) -> None:  # RFC 2246 §7.4.4
    with r.vector("certificate_types", 1):
        r.uints("certificate_type", 1, CLIENT_CERTIFICATE_TYPES)
    with r.vector("certificate_authorities", 2):
        while r:
            r.opaque("distinguished_name", 2, written)


def certificate_verify_before_12(r: Reader) -> None:  # RFC 2246 §7.4.8
    r.opaque("signature", 2)


def compressed_certificate(r: Reader) -> None:  # RFC 8879 §4
    r.uint("algorithm", 2, CERTIFICATE_COMPRESSION_ALGORITHMS)
    r.uint("uncompressed_length", 3)
    r.opaque("compressed_certificate_message", 3)


def certificate_message(r: Reader) -> None:
    """A whole Certificate message of TLS 1.3."""
    handshake_header(r)
    certificate_13(r)


def decompressed(data: bytes) -> bytes | None:
    """The Certificate message inside a CompressedCertificate; None for an algorithm that is not at hand, or a bomb."""
    fields, _ = parse(message(data, TLS_1_3, "")[1], data)
    length = number(first(fields, "uncompressed_length")) or 0
    if number(first(fields, "algorithm")) != ZLIB or length > LONGEST:
        return None
    inflate = zlib.decompressobj()
    try:
        body = inflate.decompress(content(first(fields, "compressed_certificate_message")), length + 1)
    except zlib.error:
        return None
    return bytes([CERTIFICATE]) + length.to_bytes(3, "big") + body if len(body) == length else None


# KEY EXCHANGE


@lru_cache(256)
def key_exchange(kind: str, suite: str, version: int | None) -> Read:
    """How the key exchange is read depends on the cipher suite; an unknown one is kept as bytes."""
    if version is None:
        return other
    server = kind == "ServerKeyExchange"
    for fragment, on_server, on_client in KEY_EXCHANGES:
        if suite.startswith(fragment):
            steps = on_server if server else on_client
            return partial(_steps, steps, version)
    return other


def _steps(steps: tuple[Callable[[Reader, int], None], ...], version: int, r: Reader) -> None:
    for step in steps:
        step(r, version)


def server_ecdh(r: Reader, _version: int) -> None:  # RFC 8422 §5.4
    curve_type = r.uint("curve_type", 1, EC_CURVE_TYPES)
    if curve_type != NAMED_CURVE:
        raise Malformed("curve_type", r.at - 1, "only named curves are in use")
    r.uint("named_curve", 2, GROUPS)
    r.opaque("public", 1)


def server_dh(r: Reader, _version: int) -> None:  # RFC 5246 §7.4.3
    r.opaque("dh_p", 2)
    r.opaque("dh_g", 2)
    r.opaque("dh_Ys", 2)


def signed(r: Reader, version: int) -> None:
    """The signature over the parameters; in front of TLS 1.2 its algorithm goes without saying."""
    if version >= TLS_1_2:
        r.uint("algorithm", 2, SIGNATURE_SCHEMES)
    r.opaque("signature", 2)


def hint(r: Reader, _version: int) -> None:  # RFC 4279 §2
    r.opaque("psk_identity_hint", 2)


def identity(r: Reader, _version: int) -> None:
    r.opaque("psk_identity", 2)


def server_srp(r: Reader, _version: int) -> None:  # RFC 5054 §2.8.2
    r.opaque("srp_N", 2)
    r.opaque("srp_g", 2)
    r.opaque("srp_s", 1)
    r.opaque("srp_B", 2)


def client_srp(r: Reader, _version: int) -> None:
    r.opaque("srp_A", 2)


def client_ecdh(r: Reader, _version: int) -> None:  # RFC 8422 §5.7
    r.opaque("ecdh_Yc", 1)


def client_dh(r: Reader, _version: int) -> None:
    r.opaque("dh_Yc", 2)


def client_rsa(r: Reader, version: int) -> None:  # RFC 5246 §7.4.7.1; SSL 3.0 has no length
    if version < TLS_1_0:
        r.rest("encrypted_pre_master_secret")
    else:
        r.opaque("encrypted_pre_master_secret", 2)


# THE REST


def new_session_ticket_12(r: Reader) -> None:  # RFC 5077 §3.3
    r.uint("ticket_lifetime_hint", 4)
    r.opaque("ticket", 2)


def new_session_ticket_13(r: Reader) -> None:  # RFC 8446 §4.6.1
    r.uint("ticket_lifetime", 4)
    r.uint("ticket_age_add", 4)
    r.opaque("ticket_nonce", 1)
    r.opaque("ticket", 2)
    extensions(r, "NewSessionTicket")


def finished(r: Reader) -> None:  # RFC 8446 §4.4.4
    r.rest("verify_data")


def finished_ssl_3(r: Reader) -> None:  # RFC 6101 §5.6.9
    r.bytes("md5_hash", 16)
    r.bytes("sha_hash", 20)


def key_update(r: Reader) -> None:  # RFC 8446 §4.6.3
    r.uint("request_update", 1, KEY_UPDATE_REQUESTS)


def change_cipher_spec(r: Reader) -> None:  # RFC 5246 §7.1; RFC 8446 §D.4 keeps it as decoration
    r.uint("type", 1)


def alert(r: Reader) -> None:  # RFC 8446 §6
    r.uint("level", 1, ALERT_LEVELS)
    r.uint("description", 1, ALERTS)


def alert_record(data: bytes) -> bool:
    """Whether the body of an alert record is in clear, whole or not: a sealed alert is longer."""
    return 0 < len(data) < SEALED_ALERT and data[0] in ALERT_LEVELS


def whole_messages(data: bytes) -> bool:
    """Whether these bytes are handshake messages, one behind the other, as far as their types and lengths say."""
    at = 0
    while at + HEADER <= len(data) and data[at] in HANDSHAKE_TYPES:
        at += HEADER + int.from_bytes(data[at + 1 : at + HEADER], "big")
    return at == len(data) > 0


def alpn_names(hello: bytes) -> list[str]:
    """The protocols that a whole ClientHello message offers by ALPN."""
    _, read = message(hello, None, "")
    return [field.text for field in every(parse(read, hello)[0], "protocol_name")]


# TABLES

READERS: dict[tuple[str, int | None], Read] = {
    ("HelloRequest", None): empty,
    ("ClientHello", None): client_hello,
    ("ServerHello", None): server_hello,
    ("HelloRetryRequest", None): hello_retry_request,
    ("EncryptedExtensions", None): encrypted_extensions,
    ("Certificate", None): certificate_12,
    ("Certificate", TLS_1_3): certificate_13,
    ("CertificateRequest", None): certificate_request_12,
    ("CertificateRequest", TLS_1_3): certificate_request_13,
    ("CertificateVerify", None): certificate_verify,
    ("CertificateStatus", None): certificate_status,
    ("CompressedCertificate", None): compressed_certificate,
    ("ServerHelloDone", None): empty,
    ("NewSessionTicket", None): new_session_ticket_12,
    ("NewSessionTicket", TLS_1_3): new_session_ticket_13,
    ("Finished", None): finished,
    ("Finished", SSL_3_0): finished_ssl_3,
    ("KeyUpdate", None): key_update,
    ("EndOfEarlyData", None): empty,
}
READERS_BEFORE_12: dict[str, Read] = {
    "CertificateRequest": certificate_request_before_12,
    "CertificateVerify": certificate_verify_before_12,
}
KEY_EXCHANGES: tuple[tuple[str, tuple[Step, ...], tuple[Step, ...]], ...] = (
    ("TLS_ECDHE_PSK_", (hint, server_ecdh), (identity, client_ecdh)),
    ("TLS_DHE_PSK_", (hint, server_dh), (identity, client_dh)),
    ("TLS_PSK_DHE_", (hint, server_dh), (identity, client_dh)),
    ("TLS_RSA_PSK_", (hint,), (identity, client_rsa)),
    ("TLS_PSK_", (hint,), (identity,)),
    ("TLS_ECDHE_", (server_ecdh, signed), (client_ecdh,)),
    ("TLS_ECDH_anon_", (server_ecdh,), (client_ecdh,)),
    ("TLS_DHE_", (server_dh, signed), (client_dh,)),
    ("TLS_DH_anon_", (server_dh,), (client_dh,)),
    ("TLS_RSA_", (), (client_rsa,)),
    ("TLS_SRP_SHA_WITH_", (server_srp,), (client_srp,)),
    ("TLS_SRP_SHA_", (server_srp, signed), (client_srp,)),
    ("TLS_ECDH_", (), (client_ecdh,)),  # a static key of the certificate's, RFC 8422 §5.7
    ("TLS_DH_", (), (client_dh,)),
)
