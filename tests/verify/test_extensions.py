"""What makes a certificate invalid, and what is kept of a good one."""

from __future__ import annotations

import pytest

from tests.verify.pki import JUNK, KINDS, Plan, basic, bits, certificate, cn, extension, integer, keys, seq, tlv
from tracer.certificates import Certificate
from tracer.verify.extensions import KEY_CERT_SIGN, READERS, facts


def made(*extensions: bytes, issuer: bytes = cn("ca")) -> Certificate:
    key = keys()[0]
    return Certificate.from_der(certificate(Plan(cn("ca"), issuer, key, key, extensions=extensions)))


@pytest.mark.parametrize(
    ("found", "name"),
    [
        ((basic(True), basic(True)), "basic_constraints"),
        ((basic(True, -1),), "basic_constraints"),
        ((extension("2.5.29.15", bits(0)),), "key_usage"),
        ((extension("2.5.29.17", b"\x0c\1x"),), "names"),
        ((extension("2.5.29.31", seq(seq())),), "points"),
        ((extension("2.5.29.30", seq(tlv(0xA0, seq()))),), "constraints"),
        ((extension("2.5.29.14", b"\5\0"),), "subject_key_id"),
        ((basic(True), extension("1.3.6.1.5.5.7.1.14", seq(seq(b"\6\1\x2a")))), "a proxy certificate"),
    ],
)
def test_what_makes_a_certificate_invalid(found: tuple[bytes, ...], name: str) -> None:
    """One that cannot be read, or stands there twice, or contradicts another."""
    assert (facts(made(*found)).invalid or "").startswith(name)


def test_an_unknown_extension_twice_is_nothing() -> None:
    """Only those that OpenSSL reads can make a certificate invalid; a critical unknown one is remembered."""
    known = facts(made(*[extension("1.2.3.4", b"", critical=True)] * 2))
    assert known.invalid is None
    assert known.unknown_critical


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("junk", JUNK)
def test_junk_is_read_or_refused(kind: str, junk: bytes) -> None:
    """No bytes raise."""
    assert facts(made(extension(kind, junk))).invalid is None or kind in READERS


def test_a_good_ca() -> None:
    """Its flag, its path length, its usage; and it signed itself."""
    known = facts(made(basic(True, 3), extension("2.5.29.15", bits(6, unused=1))))
    assert (known.invalid, known.ca, known.path, known.allows(KEY_CERT_SIGN)) == (None, True, 3, True)
    assert known.self_issued
    assert known.self_signed
    assert not facts(made(issuer=cn("other"))).self_issued


def test_self_issued_is_not_self_signed() -> None:
    """An authority key identifier that contradicts its own serial number: somebody else of that name signed it."""
    known = facts(made(extension("2.5.29.35", seq(tlv(0x82, integer(7)[2:])))))
    assert known.self_issued
    assert not known.self_signed
