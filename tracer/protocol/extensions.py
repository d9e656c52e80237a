"""TLS extensions: one function per extension, a table at the bottom. Others are named and kept as bytes.

An extension can mean different bytes in different messages (RFC 8446 §4.2): the table is by message and number.
"""

from __future__ import annotations

from collections.abc import Callable

from tracer.distinguished import written
from tracer.protocol.fields import Reader, registered
from tracer.protocol.numbers import (
    CERTIFICATE_COMPRESSION_ALGORITHMS,
    CERTIFICATE_STATUS_TYPES,
    EC_POINT_FORMATS,
    EXTENSIONS,
    GROUPS,
    PSK_KEY_EXCHANGE_MODES,
    SERVER_NAME_TYPES,
    SIGNATURE_SCHEMES,
    VERSIONS,
)

HEADER = 4  # type and length


def extensions(r: Reader, message: str) -> None:
    """The list of extensions that ends a hello, or stands in a message of TLS 1.3 (RFC 8446 §4.2)."""
    with r.vector("extensions", 2):
        while r:
            extension(r, message)


def extension(r: Reader, message: str) -> None:
    r.again(HEADER + int.from_bytes(r.data[r.at + 2 : r.at + HEADER], "big"), _extension, message)


def _extension(r: Reader, message: str) -> None:
    number = int.from_bytes(r.data[r.at : r.at + 2], "big")
    with r.struct("extension", registered(EXTENSIONS, number, 2) if r.left() >= 2 else ""):
        r.uint("extension_type", 2, EXTENSIONS)
        with r.vector("extension_data", 2):
            read = READERS.get((message, number)) or READERS.get(("", number))
            if read is not None and r:
                read(r)
            elif r:
                r.rest("data")


def text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def protocol(data: bytes) -> str:
    """A protocol's name; two bytes of GREASE are called that (RFC 8701 §2)."""
    grease = len(data) == 2 and data[0] == data[1] and data[0] & 0x0F == 0x0A
    return f"GREASE 0x{data.hex()}" if grease else text(data)


# READERS


def server_name(r: Reader) -> None:  # RFC 6066 §3
    with r.vector("server_name_list", 2):
        while r:
            with r.struct("server_name"):
                r.uint("name_type", 1, SERVER_NAME_TYPES)
                r.opaque("host_name", 2, text)


def supported_groups(r: Reader) -> None:  # RFC 8446 §4.2.7
    with r.vector("named_group_list", 2):
        r.uints("named_group", 2, GROUPS)


def ec_point_formats(r: Reader) -> None:  # RFC 8422 §5.1.2
    with r.vector("ec_point_format_list", 1):
        r.uints("ec_point_format", 1, EC_POINT_FORMATS)


def srp(r: Reader) -> None:  # RFC 5054 §2.8.1
    r.opaque("srp_I", 1, text)


def signature_algorithms(r: Reader) -> None:  # RFC 8446 §4.2.3
    with r.vector("supported_signature_algorithms", 2):
        r.uints("signature_scheme", 2, SIGNATURE_SCHEMES)


def alpn(r: Reader) -> None:  # RFC 7301 §3.1
    with r.vector("protocol_name_list", 2):
        while r:
            r.opaque("protocol_name", 1, protocol)


def status_request(r: Reader) -> None:  # RFC 6066 §8
    r.uint("status_type", 1, CERTIFICATE_STATUS_TYPES)
    r.opaque("responder_id_list", 2)
    r.opaque("request_extensions", 2)


def status_request_v2(r: Reader) -> None:  # RFC 6961 §2.2
    with r.vector("certificate_status_req_list", 2):
        while r:
            with r.struct("certificate_status_req_item"):
                r.uint("status_type", 1, CERTIFICATE_STATUS_TYPES)
                with r.vector("request", 2):
                    r.opaque("responder_id_list", 2)
                    r.opaque("request_extensions", 2)


def supported_versions(r: Reader) -> None:  # RFC 8446 §4.2.1, in a ClientHello
    with r.vector("versions", 1):
        r.uints("version", 2, VERSIONS)


def selected_version(r: Reader) -> None:
    r.uint("selected_version", 2, VERSIONS)


def key_share_client(r: Reader) -> None:  # RFC 8446 §4.2.8
    with r.vector("client_shares", 2):
        while r:
            key_share_entry(r)


def key_share_entry(r: Reader) -> None:
    with r.struct("key_share_entry"):
        r.uint("group", 2, GROUPS)
        name = r.fields[-1].text
        r.opaque("key_exchange", 2)
    r.describe(name)


def key_share_retry(r: Reader) -> None:
    r.uint("selected_group", 2, GROUPS)


def cookie(r: Reader) -> None:  # RFC 8446 §4.2.2
    r.opaque("cookie", 2)


def psk_key_exchange_modes(r: Reader) -> None:  # RFC 8446 §4.2.9
    with r.vector("ke_modes", 1):
        r.uints("ke_mode", 1, PSK_KEY_EXCHANGE_MODES)


def pre_shared_key_client(r: Reader) -> None:  # RFC 8446 §4.2.11
    with r.vector("identities", 2):
        while r:
            with r.struct("psk_identity"):
                r.opaque("identity", 2)
                r.uint("obfuscated_ticket_age", 4)
    with r.vector("binders", 2):
        while r:
            r.opaque("binder", 1)


def pre_shared_key_server(r: Reader) -> None:
    r.uint("selected_identity", 2)


def early_data_ticket(r: Reader) -> None:  # RFC 8446 §4.2.10
    r.uint("max_early_data_size", 4)


def renegotiation_info(r: Reader) -> None:  # RFC 5746 §3.2
    r.opaque("renegotiated_connection", 1)


def certificate_authorities(r: Reader) -> None:  # RFC 8446 §4.2.4
    with r.vector("authorities", 2):
        while r:
            r.opaque("distinguished_name", 2, written)


def signed_certificate_timestamp(r: Reader) -> None:  # RFC 6962 §3.3
    with r.vector("sct_list", 2):
        while r:
            with r.vector("serialized_sct", 2):
                sct(r)


def sct(r: Reader) -> None:  # RFC 6962 §3.2
    if r.uint("sct_version", 1, {0: "v1"}) != 0:
        r.rest("body")
        return
    r.bytes("log_id", 32)
    r.uint("timestamp", 8)
    r.opaque("sct_extensions", 2)
    r.uint("algorithm", 2, SIGNATURE_SCHEMES)
    r.opaque("signature", 2)


def record_size_limit(r: Reader) -> None:  # RFC 8449 §4
    r.uint("record_size_limit", 2)


def max_fragment_length(r: Reader) -> None:  # RFC 6066 §4
    r.uint("max_fragment_length", 1, {1: "512 bytes", 2: "1024 bytes", 3: "2048 bytes", 4: "4096 bytes"})


def stapled(r: Reader) -> None:  # RFC 8446 §4.4.2.1
    r.uint("status_type", 1, CERTIFICATE_STATUS_TYPES)
    r.opaque("response", 3)


def heartbeat(r: Reader) -> None:  # RFC 6520 §2
    r.uint("mode", 1, {1: "peer_allowed_to_send", 2: "peer_not_allowed_to_send"})


def certificate_types(r: Reader) -> None:  # RFC 7250 §3
    with r.vector("certificate_types", 1):
        r.uints("certificate_type", 1, {0: "X.509", 2: "Raw Public Key"})


def certificate_type(r: Reader) -> None:
    r.uint("certificate_type", 1, {0: "X.509", 2: "Raw Public Key"})


def padding(r: Reader) -> None:  # RFC 7685 §3
    r.rest("padding")


def empty(r: Reader) -> None:
    r.end("extension_data")


def compress_certificate(r: Reader) -> None:  # RFC 8879 §3
    with r.vector("algorithms", 1):
        r.uints("algorithm", 2, CERTIFICATE_COMPRESSION_ALGORITHMS)


def delegated_credential(r: Reader) -> None:  # RFC 9345 §4
    r.uint("valid_time", 4)
    r.uint("dc_cert_verify_algorithm", 2, SIGNATURE_SCHEMES)
    r.opaque("subject_public_key_info", 3)
    r.uint("algorithm", 2, SIGNATURE_SCHEMES)
    r.opaque("signature", 2)


def session_ticket(r: Reader) -> None:  # RFC 5077 §3.2
    r.rest("ticket")


def oid_filters(r: Reader) -> None:  # RFC 8446 §4.2.5
    with r.vector("filters", 2):
        while r:
            with r.struct("filter"):
                r.opaque("certificate_extension_oid", 1)
                r.opaque("certificate_extension_values", 2)


def ticket_request(r: Reader) -> None:  # RFC 9149 §3
    r.uint("new_session_count", 1)
    r.uint("resumption_count", 1)


def encrypted_client_hello(r: Reader) -> None:  # draft-ietf-tls-esni §5
    if r.uint("type", 1, {0: "outer", 1: "inner"}) == 0:
        r.uint("kdf_id", 2, {1: "HKDF-SHA256", 2: "HKDF-SHA384", 3: "HKDF-SHA512"})
        r.uint("aead_id", 2, {1: "AES-128-GCM", 2: "AES-256-GCM", 3: "ChaCha20Poly1305"})
        r.uint("config_id", 1)
        r.opaque("enc", 2)
        r.opaque("payload", 2)


# TABLES

READERS: dict[tuple[str, int], Callable[[Reader], None]] = {
    ("", 0): server_name,
    ("", 1): max_fragment_length,
    ("", 10): supported_groups,
    ("", 11): ec_point_formats,
    ("", 12): srp,
    ("", 13): signature_algorithms,
    ("", 16): alpn,
    ("ClientHello", 5): status_request,
    ("Certificate", 5): stapled,
    ("", 15): heartbeat,
    ("Certificate", 18): signed_certificate_timestamp,
    ("ServerHello", 18): signed_certificate_timestamp,
    ("ClientHello", 19): certificate_types,
    ("", 19): certificate_type,
    ("ClientHello", 20): certificate_types,
    ("", 20): certificate_type,
    ("ClientHello", 17): status_request_v2,
    ("", 21): padding,
    ("", 22): empty,
    ("", 23): empty,
    ("", 27): compress_certificate,
    ("ClientHello", 18): signed_certificate_timestamp,
    ("", 28): record_size_limit,
    ("ClientHello", 34): signature_algorithms,
    ("Certificate", 34): delegated_credential,
    ("", 35): session_ticket,
    ("ClientHello", 41): pre_shared_key_client,
    ("ServerHello", 41): pre_shared_key_server,
    ("ClientHello", 42): empty,
    ("EncryptedExtensions", 42): empty,
    ("NewSessionTicket", 42): early_data_ticket,
    ("ClientHello", 43): supported_versions,
    ("ServerHello", 43): selected_version,
    ("HelloRetryRequest", 43): selected_version,
    ("", 44): cookie,
    ("", 45): psk_key_exchange_modes,
    ("", 49): empty,
    ("", 48): oid_filters,
    ("ClientHello", 58): ticket_request,
    ("ClientHello", 65037): encrypted_client_hello,
    ("", 47): certificate_authorities,
    ("", 50): signature_algorithms,
    ("ClientHello", 51): key_share_client,
    ("ServerHello", 51): key_share_entry,
    ("HelloRetryRequest", 51): key_share_retry,
    ("", 65281): renegotiation_info,
}
