"""The names of numbers, against the programs that send them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest

from tracer.protocol import numbers
from tracer.protocol.fields import registered

TABLES = {name: table for name, table in vars(numbers).items() if isinstance(table, dict) and name.isupper()}
OF_16_BITS = ["CIPHER_SUITES", "EXTENSIONS", "GROUPS", "SIGNATURE_SCHEMES", "VERSIONS"]
GREASE = [0x0A0A + 0x1010 * n for n in range(16)]  # RFC 8701 §2


def test_suites_are_called_what_openssl_calls_them(program: Callable[[str], str]) -> None:
    """Every suite that the OpenSSL of this machine knows has its standard name here."""
    command = [program("openssl"), "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = {int(a + b, 16): name for a, b, name in re.findall(r"0x(..),0x(..) - (TLS_\w+)", listed)}
    assert len(theirs) >= 30
    assert theirs == {number: numbers.CIPHER_SUITES.get(number) for number in theirs}


@pytest.mark.parametrize("name", TABLES)
def test_a_name_stands_for_one_number(name: str) -> None:
    names = list(TABLES[name].values())
    assert [each for each in names if names.count(each) > 1] == []


@pytest.mark.parametrize("name", OF_16_BITS)
def test_no_registry_names_a_grease_value(name: str) -> None:
    assert [registered(TABLES[name], n, 2) for n in GREASE] == [f"GREASE 0x{n:04x}" for n in GREASE]


@pytest.mark.parametrize(
    ("value", "size", "text"),
    [
        (0x0A1A, 2, "unknown 0x0a1a"),  # bytes that differ
        (0x0B0B, 2, "unknown 0x0b0b"),  # equal bytes, but not ?A
        (0x00FE, 2, "unknown 0x00fe"),
        (0x0A, 1, "unknown 0x0a"),  # GREASE of suites is 16 bits long
    ],
)
def test_what_no_registry_knows_is_unknown(value: int, size: int, text: str) -> None:
    assert registered(numbers.CIPHER_SUITES if size == 2 else numbers.SERVER_NAME_TYPES, value, size) == text


@pytest.mark.parametrize("name", [name for name in TABLES if name != "ERROR_FIELDS"])
def test_numbers_fit_their_field(name: str) -> None:
    assert all(0 <= number < (1 << 16 if name in OF_16_BITS else 1 << 8) for number in TABLES[name])


# IANA's registry of extensions, as RFCs and drafts up to the end of 2025 fill it; 40 and 46 are reserved and have no name.
# https://www.iana.org/assignments/tls-extensiontype-values
REGISTERED = {
    "RFC 6066": "0 server_name 1 max_fragment_length 2 client_certificate_url 3 trusted_ca_keys 4 truncated_hmac "
    "5 status_request",
    "RFC 4681": "6 user_mapping",
    "RFC 5878": "7 client_authz 8 server_authz",
    "RFC 6091": "9 cert_type",
    "RFC 8422, RFC 7919": "10 supported_groups 11 ec_point_formats",
    "RFC 5054": "12 srp",
    "RFC 8446": "13 signature_algorithms 41 pre_shared_key 42 early_data 43 supported_versions 44 cookie "
    "45 psk_key_exchange_modes 47 certificate_authorities 48 oid_filters 49 post_handshake_auth "
    "50 signature_algorithms_cert 51 key_share",
    "RFC 5764": "14 use_srtp",
    "RFC 6520": "15 heartbeat",
    "RFC 7301": "16 application_layer_protocol_negotiation",
    "RFC 6961": "17 status_request_v2",
    "RFC 6962": "18 signed_certificate_timestamp",
    "RFC 7250": "19 client_certificate_type 20 server_certificate_type",
    "RFC 7685": "21 padding",
    "RFC 7366": "22 encrypt_then_mac",
    "RFC 7627": "23 extended_master_secret",
    "RFC 8472": "24 token_binding",
    "RFC 7924": "25 cached_info",
    "draft-gutmann-tls-lts": "26 tls_lts",
    "RFC 8879": "27 compress_certificate",
    "RFC 8449": "28 record_size_limit",
    "RFC 8492": "29 pwd_protect 30 pwd_clear 31 password_salt",
    "RFC 8672": "32 ticket_pinning",
    "RFC 8773": "33 tls_cert_with_extern_psk",
    "RFC 9345": "34 delegated_credential",
    "RFC 5077": "35 session_ticket",
    "ETSI TS 103 523-2": "36 TLMSP 37 TLMSP_proxying 38 TLMSP_delegate",
    "RFC 8870": "39 supported_ekt_ciphers",
    "RFC 9162": "52 transparency_info",
    "RFC 9146": "54 connection_id",
    "RFC 8844": "55 external_id_hash 56 external_session_id",
    "RFC 9001": "57 quic_transport_parameters",
    "RFC 9149": "58 ticket_request",
    "RFC 9102": "59 dnssec_chain",
    "draft-pismenny-tls-dtls-plaintext-sequence-number": "60 sequence_number_encryption_algorithms",
    "draft-ietf-tls-dtls-rrc": "61 rrc",
    "draft-ietf-tls-tlsflags": "62 tls_flags",
    "RFC 9849": "64768 ech_outer_extensions 65037 encrypted_client_hello",
    "RFC 5746": "65281 renegotiation_info",
}


def test_extensions_are_called_what_iana_calls_them() -> None:
    """Each of them; beside them are one that was given back, and five that were never registered."""
    words = " ".join(REGISTERED.values()).split()
    registry = dict(zip(map(int, words[::2]), words[1::2], strict=True))
    assert {number: numbers.EXTENSIONS.get(number) for number in registry} == registry
    assert sorted(set(numbers.EXTENSIONS) - set(registry)) == [53, 13172, 17513, 17613, 30031, 30032]


# What Wireshark calls otherwise, or knows beside the registry: its field, the numbers, why.
WIRESHARK_DIFFERS = {
    "handshake.ciphersuite": {
        range(0x0060, 0x0062): "draft-ietf-tls-56-bit-ciphersuites, which ended without an RFC",
        range(0x001C, 0x001E): "Fortezza by its first name",
        range(0xC0FF, 0xC100): "of the Thread network, not registered",
        range(0xCC13, 0xCC16): "the drafts of ChaCha20, by the names of what came of them",
        range(0xE001, 0xE05B): "GM/T 0024, a protocol of its own",
        range(0xE410, 0xE420): "Salsa20, a draft",
        range(0xFF85, 0xFF86): "of OpenSSL's GOST engine, before the registry had another number",
        range(0xFFE0, 0xFFE2): "of Netscape, by the names of 0xFEFE and 0xFEFF",
    },
    "handshake.extension.type": {
        range(40, 41): "key_share of a draft",
        range(46, 47): "ticket_early_data_info of a draft",
        range(34, 35): "in the plural",
        range(53, 54): "without a word on its end",
        range(17513, 17514): "without a word on its end",
        range(0xFFA5, 0xFFA6): "QUIC of a draft",
        range(0xFFCE, 0xFFCF): "encrypted_server_name, what became encrypted_client_hello",
    },
    "handshake.extensions_supported_group": {
        range(0xFE30, 0xFE32): "drafts of Kyber, by numbers for private use",
        range(0x0200, 0x0250): "experiments of Open Quantum Safe, before the registry had names",
        range(0x2F00, 0x2F50): "the same, with a curve",
    },
    "handshake.sig_hash_alg": {range(0xFE00, 0x10000): "experiments of Open Quantum Safe"},
    "alert_message.desc": {range(1, 2): "end_of_early_data of a draft"},
}
AGAINST_WIRESHARK = {
    "handshake.ciphersuite": numbers.CIPHER_SUITES,
    "handshake.extension.type": numbers.EXTENSIONS,
    "handshake.extensions_supported_group": numbers.GROUPS,
    "handshake.sig_hash_alg": numbers.SIGNATURE_SCHEMES,
    "handshake.extensions_ec_point_format": numbers.EC_POINT_FORMATS,
    "handshake.server_curve_type": numbers.EC_CURVE_TYPES,
    "handshake.comp_method": numbers.COMPRESSION_METHODS,
    "compress_certificate.algorithm": numbers.CERTIFICATE_COMPRESSION_ALGORITHMS,
    "alert_message.desc": numbers.ALERTS,
}


@pytest.fixture(scope="module")
def wireshark() -> dict[str, dict[int, str]]:
    """What tshark calls the values of its fields."""
    listed = subprocess.run(["tshark", "-G", "values"], capture_output=True, text=True, check=True).stdout
    theirs: dict[str, dict[int, str]] = {}
    for field, number, name in re.findall(r"^V\ttls\.(\S+)\t(\S+)\t(.*)$", listed, re.MULTILINE):
        theirs.setdefault(field, {})[int(number, 0)] = name
    return theirs


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("field", AGAINST_WIRESHARK)
def test_what_wireshark_calls_them(wireshark: dict[str, dict[int, str]], field: str) -> None:
    """Every number that Wireshark knows has the same name here, but for spaces and capitals, or its reason above."""
    known = {number: plain(name) for number, name in wireshark[field].items() if "GREASE" not in name}
    ours = {number: plain(AGAINST_WIRESHARK[field].get(number, "")) for number in known}
    excused = [number for numbers in WIRESHARK_DIFFERS.get(field, {}) for number in numbers]
    assert len(known) > 2
    assert {number: name for number, name in known.items() if ours[number] != name and number not in excused} == {}


def plain(name: str) -> str:
    return re.sub(r"\(obsolete\)|[^a-z0-9]", "", name.lower())
