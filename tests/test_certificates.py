"""Certificates as plain values: the same as the library reads, and no exception on junk."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

import tracer
from tracer.certificates import Certificate, from_pem

CAPTURES = Path(__file__).resolve().parent.parent / "captures"


def chain() -> list[Certificate]:
    source = tracer.read(CAPTURES / "verify-full" / "capture.pcapng")
    trace = next(tracer.follow(connection, source.keys) for connection in tracer.reassemble(source))
    return list(trace.presented.certificates or ())


def test_the_same_as_the_library() -> None:
    """Numbers, dates, encoded names, keys and signatures of a real chain are those that cryptography reads."""
    found = chain()
    assert len(found) == 3
    for ours in found:
        theirs = x509.load_der_x509_certificate(ours.der)
        assert (ours.serial, ours.version) == (theirs.serial_number, theirs.version.value + 1)
        assert (ours.not_before, ours.not_after) == (theirs.not_valid_before_utc, theirs.not_valid_after_utc)
        assert ours.subject_der == theirs.subject.public_bytes()
        assert ours.issuer_der == theirs.issuer.public_bytes()
        assert (ours.signature, ours.tbs) == (theirs.signature, theirs.tbs_certificate_bytes)
        assert ours.signature_oid == theirs.signature_algorithm_oid.dotted_string
        assert set(ours.extensions) == {extension.oid.dotted_string for extension in theirs.extensions}
        assert ours.broken is None


def test_the_names() -> None:
    """The leaf names the host of the story."""
    assert "my-rds.example.test" in [name.text for name in chain()[0].names if name.kind == "dNSName"]


def test_there_and_back() -> None:
    """PEM and back is the same certificate, and text between the blocks does not matter."""
    found = chain()
    assert from_pem("some words\n".join(certificate.pem for certificate in found)) == found


def test_from_pem_without_certificates() -> None:
    """Garbage holds no certificate."""
    assert from_pem("garbage") == []
    assert from_pem("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n") == []


@pytest.mark.parametrize("data", [b"", b"0", b"0\0", b"\xff" * 40])
def test_what_is_none(data: bytes) -> None:
    """What is no certificate is an empty one that says so."""
    assert (Certificate.from_der(data).broken or "").startswith("not a certificate")


@given(st.data())
def test_damage_raises_nothing(data: st.DataObject) -> None:
    """Any damaged byte of a leaf leaves a value that can be looked at."""
    whole = bytearray(chain()[0].der)
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    found = Certificate.from_der(bytes(whole))
    looked = (found.names, found.basic_constraints, found.key_usage, found.extended_key_usage)
    assert len(looked) == 4
    assert all(isinstance(text, str) for text in (found.subject, found.issuer, found.public_key, found.signature_name))
