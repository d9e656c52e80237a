"""The uses that a TRUSTED CERTIFICATE lists. The random chains ask OpenSSL the same."""

from __future__ import annotations

import pytest

from tests.verify.pki import Plan, basic, certificate, cn, keys, oid, seq, tlv
from tracer.certificates import Certificate
from tracer.verify.uses import readable_aux, trusted_for_tls, uses

SERVER, CLIENT, ANY = map(oid, ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0"))
KEY = keys()[0]
ROOT = certificate(Plan(cn("root"), cn("root"), KEY, KEY, extensions=(basic(True),)))


@pytest.mark.parametrize(
    ("aux", "said"),
    [
        (b"", None),
        (seq(), None),
        (seq(seq(SERVER)), "trusted"),
        (seq(seq(CLIENT, ANY)), "trusted"),
        (seq(seq(CLIENT)), "rejected"),
        (seq(seq()), "rejected"),
        (seq(tlv(0xA0, SERVER)), "rejected"),
        (seq(seq(SERVER), tlv(0xA0, ANY)), "rejected"),
        (seq(tlv(0xA0, CLIENT), tlv(12, b"a name"), tlv(4, b"id")), None),
    ],
)
def test_what_is_said_of_tls_servers(aux: bytes, said: str | None) -> None:
    """Rejected wins; a list without this use rejects it; a name and a key identifier say nothing."""
    assert trusted_for_tls(Certificate.trusted(ROOT + aux)) == said


def test_another_certificate_than_the_plain_one() -> None:
    """What is remembered of one must not answer for the other."""
    assert Certificate.trusted(ROOT) == Certificate.from_der(ROOT)
    assert Certificate.trusted(ROOT + seq(seq(CLIENT))) != Certificate.from_der(ROOT)


@pytest.mark.parametrize(("aux", "good"), [(b"x", False), (seq(tlv(1, b"x")), False), (seq(seq(SERVER)), True)])
def test_what_cannot_be_read(aux: bytes, good: bool) -> None:
    """It spoils the whole file."""
    assert readable_aux(Certificate.trusted(ROOT + aux)) is good
    assert uses(seq()) == (None, frozenset())
