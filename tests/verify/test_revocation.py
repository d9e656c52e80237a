"""Revocation lists: whatever they say and whoever signed them, the answer is OpenSSL's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.forge import A_CA, BASIC_CONSTRAINTS, DAY, NOW, called, certificate, key, openssl, ours
from tracer.verify.revocation import RevocationList

ROOT = certificate("root", "root", A_CA)
INTER = certificate("inter", "root", A_CA, serial=7)
MUTE = certificate(
    "inter",
    "root",
    {BASIC_CONSTRAINTS: A_CA[BASIC_CONSTRAINTS], "2.5.29.15": (True, bytes.fromhex("03020204"))},
    serial=7,
)
LEAF = certificate("leaf", "inter", {}, serial=9)
POINT = certificate(
    "leaf",
    "inter",
    {"2.5.29.31": (False, bytes.fromhex("30103 00ea00ca00a8608687474703a2f2f78".replace(" ", "")))},
    serial=9,
)


def crl(
    issuer: str, signer: str, last: int, following: int | None, revoked: list[tuple[int, str | None]], extensions=()
) -> bytes:
    """A list of that issuer; `last` and `following` in seconds from now."""
    builder = x509.CertificateRevocationListBuilder(
        called(issuer), NOW + timedelta(seconds=last), NOW + timedelta(seconds=following or 999999)
    )
    for serial, reason in revoked:
        entry = x509.RevokedCertificateBuilder(serial, NOW - DAY)
        if reason:
            entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags(reason)), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key(signer), hashes.SHA256()).public_bytes(Encoding.DER)


def distribution(name: str | None = None, *, users: bool = False, cas: bool = False, indirect: bool = False):
    names = [x509.UniformResourceIdentifier(name)] if name else None
    return x509.IssuingDistributionPoint(names, None, users, cas, None, indirect, False)


EXTENSIONS = [
    (x509.CRLNumber(5), False),
    (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True),
    (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), False),
    (distribution(users=True), True),
    (distribution(cas=True), True),
    (distribution("http://x"), True),
    (distribution("http://y"), True),
    (distribution("http://x", indirect=True), True),
    (x509.AuthorityKeyIdentifier(b"abc", None, None), False),
    (x509.DeltaCRLIndicator(3), True),
]
LISTS = st.builds(
    crl,
    issuer=st.sampled_from(["root", "inter", "inter", "root", "stranger"]),
    signer=st.sampled_from(["root", "inter", "inter", "root"]),
    last=st.sampled_from([-86400, -3600, 0, 60]),
    following=st.sampled_from([3600, 1, 0, None]).map(lambda s: s if s is None or s > 0 else 61),
    revoked=st.lists(
        st.tuples(st.sampled_from([7, 9, 11]), st.sampled_from([None, "keyCompromise", "removeFromCRL"])), max_size=2
    ),
    extensions=st.lists(st.sampled_from(EXTENSIONS), max_size=1),
)


def whole(*more: bytes) -> list[bytes]:
    """Good lists of every level, and others."""
    return [crl("root", "root", -60, 3600, []), crl("inter", "inter", -60, 3600, []), *more]


@pytest.mark.needs("openssl")
@settings(max_examples=120)
@given(lists=st.lists(LISTS, max_size=4), good=st.booleans(), mute=st.booleans())
def test_openssl_says_the_same(lists: list[bytes], good: bool, mute: bool) -> None:
    """Missing, late, early, of somebody else, for others, with a wrong signature, or of an issuer that may not."""
    every = whole(*lists) if good else lists
    inter = MUTE if mute else INTER
    assert ours([LEAF, POINT], [inter], [ROOT], every) == openssl([LEAF, POINT], [inter], [ROOT], every)


CASES = {
    "good": (whole(), None),
    "no list at all": ([], (3, 0)),
    "a list for the leaf only": ([crl("inter", "inter", -60, 3600, [])], (3, 1)),
    "revoked": ([whole()[0], crl("inter", "inter", -60, 3600, [(9, None)])], (23, 0)),
    "its CA revoked": ([whole()[1], crl("root", "root", -60, 3600, [(7, None)])], (23, 1)),
    "expired": ([whole()[0], crl("inter", "inter", -7200, -3600, [])], (12, 0)),
    "not yet valid": ([whole()[0], crl("inter", "inter", 60, 3600, [])], (11, 0)),
    "a wrong signature": ([whole()[0], crl("inter", "root", -60, 3600, [])], (8, 0)),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    """The codes of CLIENT-CHECKS C.2."""
    lists, answer = CASES[name]
    assert ours([LEAF], [INTER], [ROOT], lists) == [answer]


@given(st.binary(max_size=200) | st.integers(0, 150).map(lambda at: CASES["revoked"][0][1][:at]))
def test_any_bytes(data: bytes) -> None:
    """A list, or None; nothing is raised."""
    found = RevocationList.from_der(data)
    assert found is None or found.der
