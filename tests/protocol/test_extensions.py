"""Extensions: those that are read, and those that are kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.protocol import extensions
from tracer.protocol.fields import every, leaves, parse


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
]


@pytest.mark.parametrize(("message", "number", "data", "field", "texts"), CASES)
def test_what_an_extension_says(message: str, number: int, data: str, field: str, texts: list[str]) -> None:
    """To its last field."""
    fields, problem = one(message, number, bytes.fromhex(data))
    assert problem is None
    assert [f.text for f in every(fields, field)] == texts


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
