"""OpenSSL's words for a wrong signature, as OpenSSL itself says them in this process."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from tests.differential.certificates import HOST, Issued, authority, forged, issue, key, leaf, name, signed_anew
from tracer.certificates import Certificate
from tracer.verify.clients.openssl_texts import wrong_signature

OLD, NEW = (3, 0), (3, 5)
RSA, OTHER_RSA, EC, ED = (authority("Root", own_key=key(kind)) for kind in ("rsa2048", "rsa2048", "p256", "ed25519"))
BY_RSA, BY_EC = leaf(HOST, by=RSA), leaf(HOST, by=EC)
SIZE = 256


def with_signature(issued: Issued, signature: bytes) -> Certificate:
    return replace(Certificate.from_der(issued.der), signature=signature)


def encoded(content: bytes) -> bytes:
    """A number that becomes `content` when the root's key is applied to it."""
    numbers = RSA.key.private_numbers()  # type: ignore[union-attr]
    value = pow(int.from_bytes(content, "big"), numbers.d, numbers.public_numbers.n)
    return value.to_bytes(SIZE, "big")


# what OpenSSL 1.1.1, 3.0 and 3.5 printed through libpq for signatures of these kinds
CASES = [
    ("of something else", RSA, RSA.key.sign(b"else", padding.PKCS1v15(), hashes.SHA256()), "bad signature"),
    ("of another key", RSA, OTHER_RSA.key.sign(b"x", padding.PKCS1v15(), hashes.SHA256()), None),
    ("no 00 in front", RSA, encoded(b"\1" + bytes(SIZE - 1)), "invalid padding"),
    ("no 01 behind it", RSA, encoded(b"\0\2" + b"\xff" * (SIZE - 2)), "block type is not 01"),
    ("other than FF", RSA, encoded(b"\0\1\xfe" + b"\xff" * (SIZE - 4) + b"\0"), "bad fixed header decrypt"),
    ("never a 00", RSA, encoded(b"\0\1" + b"\xff" * (SIZE - 2)), "null before block missing"),
    ("a short padding", RSA, encoded(b"\0\1\xff\0" + b"\1" * (SIZE - 4)), "bad pad byte count"),
    ("too short", RSA, bytes(SIZE - 1), "wrong signature length"),
    ("zero", RSA, bytes(SIZE), "block type is not 01"),
    ("above the modulus", RSA, b"\xff" * SIZE, "data too large for modulus"),
    ("of something else", EC, EC.key.sign(b"else", ec.ECDSA(hashes.SHA256())), ""),
    ("zeros", EC, bytes.fromhex("3006020100020100"), "bad signature"),
    ("a half that is too large", EC, bytes.fromhex("3026022100" + "ff" * 32 + "020101"), "bad signature"),
    ("no DER", EC, b"hello", "EVP lib"),
    ("something behind it", EC, bytes.fromhex("300602010102010100"), "EVP lib"),
    ("of something else", ED, bytes(64), ""),
]  # fmt: skip


@pytest.mark.parametrize(("why", "root", "signature", "text"), CASES, ids=[case[0] for case in CASES])
def test_the_first_error(why: str, root: Issued, signature: bytes, text: str | None) -> None:
    """Each way to be wrong has its own word; where a verification leaves none, it is the caller's, which 3.2 renamed."""
    signed = with_signature({RSA: BY_RSA, EC: BY_EC, ED: leaf(HOST, by=ED)}[root], signature)
    issuer = Certificate.from_der(root.der)
    said = [wrong_signature(signed, issuer, version) for version in (OLD, NEW)]
    if text is None:
        assert said[0] in ("invalid padding", "block type is not 01", "data too large for modulus")
    else:
        assert said == ([text, text] if text else ["EVP lib", "provider signature failure"])


def test_of_a_whole_certificate() -> None:
    """One bit turned over, a content that was changed, and a key that is another's."""
    issuer = Certificate.from_der(EC.der)
    for wrong in (forged(BY_EC), issue(name(HOST), EC, signed_with=key())):
        assert wrong_signature(Certificate.from_der(wrong.der), issuer, OLD) == "EVP lib"
    assert signed_anew(BY_EC, EC).der != BY_EC.der


def test_pss() -> None:
    """RSA-PSS is looked at from both its ends."""
    pss = Certificate.from_der(leaf(HOST, by=RSA, pss=True).der)
    issuer = Certificate.from_der(RSA.der)
    high, low = (encoded(content) for content in (b"\x7f" + bytes(SIZE - 1), b"\0" * (SIZE - 1) + b"\xbc"))
    assert wrong_signature(replace(pss, signature=high), issuer, NEW) == "last octet invalid"
    assert wrong_signature(replace(pss, signature=low), issuer, NEW) == "bad signature"


def test_what_is_not_known() -> None:
    """An algorithm that nobody measured has no text, nor has a CRL that an RSA key has signed; one signed with EC has."""
    unknown = replace(Certificate.from_der(BY_RSA.der), algorithm=bytes.fromhex("300406022a03"))
    assert wrong_signature(unknown, Certificate.from_der(RSA.der), NEW) is None
    assert wrong_signature(None, Certificate.from_der(RSA.der), NEW) is None
    assert wrong_signature(None, Certificate.from_der(EC.der), OLD) == "EVP lib"
    assert wrong_signature(with_signature(BY_EC, b"hello"), Certificate.from_der(EC.der), (1, 1)) is None
