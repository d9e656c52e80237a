"""Extensions: those that are read, and those that are kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.protocol import extensions
from tracer.protocol.fields import Parsed, Reader, content, every, first, leaves, parse
from tracer.protocol.numbers import EXTENSIONS


def one(message: str, number: int, data: bytes):
    body = number.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data
    whole = len(body).to_bytes(2, "big") + body
    return parse(lambda r: extensions.extensions(r, message), whole)


CASES = [
    ("ClientHello", 0, "000d 00 000a 64622e6578616d706c65", "host_name", ["db.example"]),
    ("ClientHello", 10, "0004 001d 0017", "named_group", ["x25519", "secp256r1"]),
    ("ClientHello", 11, "01 00", "ec_point_format", ["uncompressed"]),
    ("ClientHello", 13, "0002 0804", "signature_scheme", ["rsa_pss_rsae_sha256"]),
    ("ClientHello", 16, "000b 0a 706f737467726573716c", "protocol_name", ["postgresql"]),
    ("ClientHello", 43, "04 0304 0303", "version", ["TLS 1.3", "TLS 1.2"]),
    ("ServerHello", 43, "0304", "selected_version", ["TLS 1.3"]),
    ("HelloRetryRequest", 51, "0017", "selected_group", ["secp256r1"]),
    ("ServerHello", 51, "001d 0002 abcd", "key_share_entry", ["x25519"]),
    ("ClientHello", 45, "01 01", "ke_mode", ["psk_dhe_ke"]),
    ("ClientHello", 45, "03 0b e4 01", "ke_mode", ["GREASE 0x0b", "GREASE 0xe4", "psk_dhe_ke"]),
    ("ClientHello", 16, "0006 02 1a1a 02 6832", "protocol_name", ["GREASE 0x1a1a", "h2"]),
    ("ClientHello", 10, "0006 3a3a 11ec 0201", "named_group", ["GREASE 0x3a3a", "X25519MLKEM768", "MLKEM768"]),
    ("ClientHello", 43, "04 dada 0304", "version", ["GREASE 0xdada", "TLS 1.3"]),
    ("ClientHello", 13, "0004 0a0a 0403", "signature_scheme", ["GREASE 0x0a0a", "ecdsa_secp256r1_sha256"]),
    ("ClientHello", 51, "0005 2a2a 0001 00", "key_share_entry", ["GREASE 0x2a2a"]),
    ("ClientHello", 5, "01 0000 0000", "status_type", ["ocsp"]),
    ("Certificate", 5, "01 000002 abcd", "status_type", ["ocsp"]),
    ("ClientHello", 17, "000e 02 0004 0000 0000 01 0004 0000 0000", "status_type", ["ocsp_multi_RESERVED", "ocsp"]),
    ("ClientHello", 1, "04", "max_fragment_length", ["4096 bytes"]),
    ("ClientHello", 15, "02", "mode", ["peer_not_allowed_to_send"]),
    ("ClientHello", 19, "02 02 00", "certificate_type", ["Raw Public Key", "X.509"]),
    ("EncryptedExtensions", 20, "02", "certificate_type", ["Raw Public Key"]),
    ("ClientHello", 27, "04 0002 0003", "algorithm", ["brotli", "zstd"]),
    ("Certificate", 34, "00000e10 0403 000001 aa 0804 0001 bb", "algorithm", ["rsa_pss_rsae_sha256"]),
    ("ClientHello", 65037, "00 0001 0003 07 0001 ee 0002 abcd", "aead_id", ["ChaCha20Poly1305"]),
    ("ClientHello", 65037, "01", "type", ["inner"]),
    ("Certificate", 18, "0003 0001 07", "sct_version", ["unknown 0x07"]),
    ("ClientHello", 12, "02 6d65", "srp_I", ["me"]),
    ("ClientHello", 47, "0012 0010 300e310c300a0603550403 0c 03 43410a", "distinguished_name", ["CN=CA\n"]),
    ("ClientHello", 50, "0002 0403", "signature_scheme", ["ecdsa_secp256r1_sha256"]),
    ("EncryptedExtensions", 10, "0002 001d", "named_group", ["x25519"]),
    ("EncryptedExtensions", 16, "000b 0a 706f737467726573716c", "protocol_name", ["postgresql"]),
    ("CertificateRequest", 27, "02 0001", "algorithm", ["zlib"]),
    ("ClientHello", 34, "0002 0403", "signature_scheme", ["ecdsa_secp256r1_sha256"]),
    ("Certificate", 34, "00000e10 0403 000001 aa 0804 0001 bb", "dc_cert_verify_algorithm", ["ecdsa_secp256r1_sha256"]),
    ("ClientHello", 65037, "00 0001 0003 07 0001 ee 0002 abcd", "kdf_id", ["HKDF-SHA256"]),
]

VALUES = [
    ("ClientHello", 28, "4001", "record_size_limit", 16385),
    ("ClientHello", 58, "02 01", "new_session_count", 2),
    ("ClientHello", 58, "02 01", "resumption_count", 1),
    ("NewSessionTicket", 42, "00000400", "max_early_data_size", 1024),
    ("ServerHello", 41, "0001", "selected_identity", 1),
    ("ClientHello", 41, "0008 0002 abcd 00000005 0003 02 eeee", "obfuscated_ticket_age", 5),
    ("Certificate", 34, "00000e10 0403 000001 aa 0804 0001 bb", "valid_time", 3600),
    ("ClientHello", 65037, "00 0001 0003 07 0001 ee 0002 abcd", "config_id", 7),
]
OPAQUES = [
    ("HelloRetryRequest", 44, "0002 abcd", "cookie", ["abcd"]),
    ("CertificateRequest", 47, "0008 0002 3000 0002 3001", "distinguished_name", ["3000", "3001"]),
    ("CertificateRequest", 48, "0005 01 55 0001 aa", "certificate_extension_values", ["aa"]),
    ("ClientHello", 41, "0008 0002 abcd 00000005 0003 02 eeee", "binder", ["eeee"]),
    ("ClientHello", 41, "0008 0002 abcd 00000005 0003 02 eeee", "identity", ["abcd"]),
    ("ServerHello", 51, "001d 0002 abcd", "key_exchange", ["abcd"]),
    ("ClientHello", 51, "000c 11ec 0002 abcd 001d 0002 ef01", "key_exchange", ["abcd", "ef01"]),
    ("ClientHello", 5, "01 0002 aabb 0001 cc", "responder_id_list", ["aabb"]),
    ("ClientHello", 5, "01 0002 aabb 0001 cc", "request_extensions", ["cc"]),
    ("CertificateRequest", 48, "0005 01 55 0001 aa", "certificate_extension_oid", ["55"]),
    ("Certificate", 34, "00000e10 0403 000001 aa 0804 0001 bb", "subject_public_key_info", ["aa"]),
    ("ClientHello", 65037, "00 0001 0003 07 0001 ee 0002 abcd", "enc", ["ee"]),
    ("ClientHello", 65281, "00", "renegotiated_connection", [""]),
    ("ServerHello", 65281, "02 abcd", "renegotiated_connection", ["abcd"]),
    ("ClientHello", 65037, "00 0001 0003 07 0001 ee 0002 abcd", "payload", ["abcd"]),
    ("Certificate", 34, "00000e10 0403 000001 aa 0804 0001 bb", "signature", ["bb"]),
    ("Certificate", 5, "01 000002 abcd", "response", ["abcd"]),
]


@pytest.mark.parametrize(("message", "number", "data", "field", "texts"), CASES)
def test_what_an_extension_says(message: str, number: int, data: str, field: str, texts: list[str]) -> None:
    """To its last field."""
    fields, problem = one(message, number, bytes.fromhex(data))
    assert problem is None
    assert [f.text for f in every(fields, field)] == texts


@pytest.mark.parametrize(("message", "number", "data", "field", "value"), VALUES)
def test_a_number_in_an_extension(message: str, number: int, data: str, field: str, value: int) -> None:
    """As it stands there."""
    fields, problem = one(message, number, bytes.fromhex(data))
    assert problem is None
    assert [f.value for f in every(fields, field)] == [value]


@pytest.mark.parametrize(("message", "number", "data", "field", "values"), OPAQUES)
def test_bytes_in_an_extension(message: str, number: int, data: str, field: str, values: list[str]) -> None:
    """Behind their length."""
    fields, problem = one(message, number, bytes.fromhex(data))
    assert problem is None
    assert [content(f).hex() for f in every(fields, field)] == values


def test_a_certificate_timestamp() -> None:
    """Each of its fields (RFC 6962 §3.2)."""
    one_sct = "00" + "ab" * 32 + "0000019000000000" + "0000" + "0403" + "0002 3000"
    size = len(bytes.fromhex(one_sct))
    data = bytes.fromhex(f"{size + 2:04x} {size:04x} {one_sct}")
    for message in ("Certificate", "ServerHello"):
        fields, problem = one(message, 18, data)
        assert problem is None
        assert first(fields, "sct_version").text == "v1"
        assert first(fields, "log_id").value == b"\xab" * 32
        assert first(fields, "timestamp").value == 0x19000000000
        assert first(fields, "algorithm").text == "ecdsa_secp256r1_sha256"
        assert content(first(fields, "signature")) == b"\x30\x00"


@pytest.mark.parametrize("number", [22, 23, 42, 49])
def test_an_extension_without_content(number: int) -> None:
    """Nothing may stand in it; where something does, it is kept and said."""
    assert one("ClientHello", number, b"")[1] is None
    fields, problem = one("ClientHello", number, b"x")
    assert problem == "extension_data at byte 6: 1 bytes left over"
    assert fields[-1].value == b"x"


@pytest.mark.parametrize(("number", "field"), [(21, "padding"), (35, "ticket")])
def test_an_extension_that_is_all_content(number: int, field: str) -> None:
    """Padding and tickets have no length of their own."""
    fields, problem = one("ClientHello", number, b"abc")
    assert (first(fields, field).value, problem) == (b"abc", None)


def test_an_extension_that_is_cut() -> None:
    """What was read before its end stays; nothing is described that is not there."""
    fields, problem = parse(lambda r: extensions.extensions(r, "ClientHello"), b"\0\1\0")
    assert problem == "extension_type at byte 2: needs 2 bytes, 1 are there"
    assert [f.value for f in every(fields, "unread")] == [b"\0"]


@pytest.mark.parametrize("number", sorted(EXTENSIONS))
def test_every_registered_extension_has_its_name(number: int) -> None:
    """IANA's registry, whatever the content."""
    fields, _ = one("ClientHello", number, b"\0")
    assert first(fields, "extension_type").text == EXTENSIONS[number] == first(fields, "extension").text


def test_others_are_named_and_kept() -> None:
    """An unknown one, and GREASE."""
    for number, name in ((25, "cached_info"), (0x1A1A, "GREASE 0x1a1a"), (0xFEFE, "unknown 0xfefe")):
        fields, problem = one("ClientHello", number, b"abc")
        assert problem is None
        assert [f.text for f in every(fields, "extension")] == [name]
        assert [f.value for f in every(fields, "data")] == [b"abc"]


def test_an_empty_one_is_well() -> None:
    """A server acknowledges server_name with nothing."""
    assert one("ServerHello", 0, b"")[1] is None


@given(
    st.sampled_from(["ClientHello", "ServerHello", "HelloRetryRequest", "NewSessionTicket"]),
    st.sampled_from(sorted({number for _, number in extensions.READERS})),
    st.binary(max_size=40),
)
def test_any_content_tiles(message: str, number: int, data: bytes) -> None:
    """Nothing is raised and no byte is lost."""
    fields, _ = one(message, number, data)
    assert sum(leaf.stop - leaf.start for leaf in leaves(fields)) == len(data) + 6


@given(st.integers(0, 3), st.sampled_from([0, 10, 16, 43, 51, 23, 9999]), st.binary(max_size=12), st.integers(-3, 3))
def test_what_is_said_again_is_read_the_same(before: int, number: int, data: bytes, more: int) -> None:
    """Remembered or not, wherever it stands, and with a length that is not true: the same fields, and the same problem."""
    body = bytes(before) + number.to_bytes(2, "big") + max(len(data) + more, 0).to_bytes(2, "big") + data

    def read(one) -> Parsed:
        def whole(r: Reader) -> None:
            r.bytes("before", before)
            one(r, "ClientHello")

        return parse(whole, body)

    expected = read(extensions._extension)
    assert read(extensions.extension) == expected
    assert read(extensions.extension) == expected
