"""A chain from any file."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given
from hypothesis import strategies as st

import tracer
from tracer import chainfile
from tracer.certificates import Certificate
from tracer.errors import TracerError

CAPTURES = Path(__file__).resolve().parent.parent / "captures"


def sent() -> tuple[Certificate, ...]:
    source = tracer.read(CAPTURES / "verify-full-tls12" / "capture.pcapng")
    (connection,) = tracer.reassemble(source)
    certificates = tracer.follow(connection, source.keys).presented.certificates
    assert certificates is not None
    return certificates


CHAIN = sent()
LOADED = [x509.load_der_x509_certificate(c.der) for c in CHAIN]
FORMS = {
    "PEM": "".join(c.pem for c in CHAIN).encode(),
    "PEM among other text": b"subject=x\n" + b"\nissuer=y\n".join(c.pem.encode() for c in CHAIN),
    "DER": b"".join(c.der for c in CHAIN),
    "PKCS#7 in PEM": pkcs7.serialize_certificates(LOADED, Encoding.PEM),
    "PKCS#7 in DER": pkcs7.serialize_certificates(LOADED, Encoding.DER),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form(form: str, tmp_path: Path) -> None:
    """The same certificates; PKCS#7 holds a set, so their order is its own."""
    file = tmp_path / "chain"
    file.write_bytes(FORMS[form])
    found = chainfile.load(str(file))
    assert set(found) == set(CHAIN)
    assert found == CHAIN or "PKCS" in form


@pytest.mark.parametrize("data", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_no_certificate(data: bytes, tmp_path: Path) -> None:
    """The error says what is read, and where to get some."""
    file = tmp_path / "chain"
    file.write_bytes(data)
    with pytest.raises(TracerError, match="holds no certificate") as caught:
        chainfile.load(str(file))
    assert any("s_client" in hint for hint in caught.value.hints)


def test_no_file() -> None:
    """Is the user's mistake."""
    with pytest.raises(TracerError, match="no such file"):
        chainfile.load("/nowhere")


@given(st.binary(max_size=400) | st.binary(max_size=20).map(lambda junk: FORMS["PKCS#7 in DER"][:300] + junk))
def test_any_bytes(data: bytes) -> None:
    """Nothing but `TracerError` comes out."""
    assert isinstance(chainfile._pkcs7(data), list)
    assert isinstance(chainfile._der(data), list)
