"""The names of the faults are OpenSSL's own."""

from __future__ import annotations

import pytest

from tests.verify import pki
from tracer.verify.codes import OLD_TEXTS, TEXTS

THREE, ONE = pki.openssl3(), pki.openssl1()


@pytest.mark.skipif(THREE is None, reason="no OpenSSL 3")
def test_texts_of_openssl_3() -> None:
    """Each text is what X509_verify_cert_error_string gives."""
    assert THREE is not None
    assert {code: THREE.text(code) for code in TEXTS} == TEXTS


@pytest.mark.skipif(ONE is None, reason="no OpenSSL 1.1.1")
def test_texts_of_openssl_1() -> None:
    """The same for 1.1.1; it has no name for what it does not know."""
    assert ONE is not None
    known = OLD_TEXTS.keys() - {79, 94}
    assert {code: ONE.text(code) for code in known} == {code: OLD_TEXTS[code] for code in known}
