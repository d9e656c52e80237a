"""Keys and signatures: their names, their strength, and whether a signature is good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tracer.certificates import from_pem
from tracer.signatures import describe_key, fits, is_signed_by, key_bits, key_kind, pss_parameters, security_bits

ROOTS = Path(__file__).resolve().parent.parent / "captures" / "verify-full" / "roots.pem"
KEYS = {
    "RSA 1024": (lambda: rsa.generate_private_key(65537, 1024), "RSA", 1024, 80),  # noqa: S505 (that is the point)
    "RSA 2048": (lambda: rsa.generate_private_key(65537, 2048), "RSA", 2048, 112),
    "EC secp256r1": (lambda: ec.generate_private_key(ec.SECP256R1()), "EC", 256, 128),
    "EC secp384r1": (lambda: ec.generate_private_key(ec.SECP384R1()), "EC", 384, 192),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate, "Ed25519", 256, 128),
    "Ed448": (ed448.Ed448PrivateKey.generate, "Ed448", 456, 224),
}


@pytest.mark.parametrize("name", KEYS)
def test_keys(name: str) -> None:
    """Name, kind, size and strength of a key, as OpenSSL counts it."""
    make, kind, bits, strength = KEYS[name]
    spki = make().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert describe_key(spki) == name
    assert (key_kind(spki), key_bits(spki), security_bits(spki)) == (kind, bits, strength)


def test_an_unreadable_key() -> None:
    """What is no key has no kind and no strength."""
    assert (key_kind(b""), key_bits(b""), security_bits(b""), describe_key(b"")) == ("", 0, 0, "unreadable")


def test_a_good_signature_and_damaged_ones() -> None:
    """A root signed itself; with any part changed it did not."""
    root = from_pem(ROOTS.read_bytes())[0]
    assert is_signed_by(root, root)
    assert not is_signed_by(replace(root, tbs=root.tbs + b"\0"), root)
    assert not is_signed_by(replace(root, signature=root.signature[:-1] + bytes([root.signature[-1] ^ 1])), root)
    assert not is_signed_by(replace(root, algorithm=root.algorithm[:-2]), root)
    assert not is_signed_by(replace(root, unused_bits=1), root)
    assert not is_signed_by(root, replace(root, spki=b""))


@pytest.mark.parametrize(
    ("signature", "key", "can"),
    [
        ("RSA", "RSA", True),
        ("RSA-PSS", "RSA", True),
        ("RSA", "RSA-PSS", False),
        ("ECDSA", "EC", True),
        ("ECDSA", "RSA", False),
    ],
)
def test_which_key_makes_which_signature(signature: str, key: str, can: bool) -> None:
    """An RSA key makes both kinds, an RSA-PSS key only its own."""
    assert fits(signature, key) is can


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("3000", ("sha1", "sha1", 20)),
        ("3005a203020120", ("sha1", "sha1", 32)),
        ("3005a303020102", ("unknown", "unknown", 0)),
        ("", ("unknown", "unknown", 0)),
        ("30", ("unknown", "unknown", 0)),
    ],
)
def test_parameters_of_pss(data: str, found: tuple[str, str, int]) -> None:
    """What is left out has RFC 4055's defaults; what cannot be read is unknown."""
    assert pss_parameters(bytes.fromhex(data)) == found
