"""Keys and signatures of certificates: what they are called, how strong they are, and whether a signature is good."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tracer import der
from tracer.der import DerError

if TYPE_CHECKING:
    from tracer.certificates import Certificate


@lru_cache(maxsize=4096)
def public_key(spki: bytes) -> Any:  # noqa: ANN401 (one of the library's key types)
    """The library's key object, or None when it cannot be read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        return load_der_public_key(spki)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def key_kind(spki: bytes) -> str:
    """The key's algorithm by its OID: "RSA", "RSA-PSS", "EC", "Ed25519", "Ed448", "DSA", or the OID; "" if unreadable."""
    try:
        algorithm = der.sequence(spki)[0]
        name = der.oid(der.content(spki, der.children(spki, algorithm)[0]))
    except (DerError, IndexError):
        return ""
    return KEYS.get(name, name)


def key_bits(spki: bytes) -> int:
    """The size of the key as people name it; 0 when it is not known."""
    if explicit_curve(spki):  # an uncompressed point is two coordinates
        return (len(der.content(spki, der.sequence(spki)[1])) - 2) * 4
    key = public_key(spki)
    return int(getattr(key, "key_size", {"Ed25519": 256, "Ed448": 456}.get(key_kind(spki), 0)))


@lru_cache(maxsize=4096)
def explicit_curve(spki: bytes) -> bool:
    """Whether an EC key spells its curve out instead of naming it (x509_vfy.c, check_curve)."""
    if key_kind(spki) != "EC":
        return False
    algorithm = der.sequence(spki)[0]
    parts = der.children(spki, algorithm)
    return len(parts) > 1 and parts[1].tag == der.SEQUENCE


def describe_key(spki: bytes) -> str:
    kind = key_kind(spki)
    curve = getattr(getattr(public_key(spki), "curve", None), "name", "")
    bits = key_bits(spki)
    return (
        f"EC {curve}"
        if curve
        else f"{kind} {bits}"
        if bits and kind in ("RSA", "RSA-PSS", "DSA")
        else kind or "unreadable"
    )


def describe_signature(oid: str, parameters: bytes) -> str:
    kind, digest = SIGNATURES.get(oid, (oid, ""))
    if kind == "RSA-PSS":
        digest = pss_parameters(parameters)[0]
    return f"{kind} with {digest.upper()}" if digest else kind


def security_bits(spki: bytes) -> int:
    """The strength of a key in bits, as OpenSSL counts it (crypto/bn: BN_security_bits, crypto/ec: group order / 2)."""
    kind, bits = key_kind(spki), key_bits(spki)
    if kind in ("RSA", "RSA-PSS"):
        return _factoring_bits(bits)
    if kind == "DSA":
        return next((strength for size, strength in DSA_BITS if bits >= size), 0)
    return {"Ed25519": 128, "Ed448": 224}.get(kind, bits // 2)


@lru_cache(maxsize=64)
def _factoring_bits(size: int) -> int:
    """What a modulus of that size is worth: NIST's formula, in steps of eight (ossl_ifc_ffc_compute_security_bits)."""
    if size in FACTORING_BITS:
        return FACTORING_BITS[size]
    if size < 8:
        return 0
    x = size * math.log(2)
    strength = (1.923 * (x * math.log(x) ** 2) ** (1 / 3) - 4.69) / math.log(2)
    return min(int(strength + 4) & ~7, 1200)


def digest_bits(certificate: Certificate, openssl: tuple[int, int] = (3, 0)) -> int:
    """The strength of the digest that a certificate is signed with, as that OpenSSL counts it."""
    kind, digest = SIGNATURES.get(certificate.signature_oid, ("", ""))
    if kind == "RSA-PSS":
        digest = pss_parameters(certificate.signature_parameters)[0]
    if openssl < (3, 0) and digest in HALF:
        return HALF[digest]  # 1.1.1 knew of no attacks: half of the bits
    return DIGEST_BITS.get(digest, {"Ed25519": 128, "Ed448": 224}.get(kind, 0))


def is_signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's key made the certificate's signature. False too where it cannot be told."""
    return is_signed(
        certificate.signature_oid, certificate.signature_parameters, certificate.signature, certificate.tbs, issuer.spki
    )


@lru_cache(maxsize=4096)
def is_signed(oid: str, parameters: bytes, signature: bytes, tbs: bytes, spki: bytes) -> bool:
    """Whether a signature over `tbs` was made by the key of `spki`. False too where it cannot be told."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    key = public_key(spki)
    kind, digest = SIGNATURES.get(oid, ("", ""))
    if key is None or not fits(kind, key_kind(spki)):
        return False
    try:
        if kind == "RSA-PSS":
            digest, salt = pss_parameters(parameters)
            algorithm = getattr(hashes, digest.upper())()
            key.verify(signature, tbs, padding.PSS(padding.MGF1(algorithm), salt), algorithm)
        elif kind in ("Ed25519", "Ed448"):
            key.verify(signature, tbs)
        else:
            algorithm = getattr(hashes, digest.upper().replace("-", "_"))()
            arguments = {"RSA": (padding.PKCS1v15(), algorithm), "ECDSA": (ec.ECDSA(algorithm),), "DSA": (algorithm,)}[
                kind
            ]
            key.verify(signature, tbs, *arguments)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, AttributeError, KeyError):
        return False
    return True


def fits(signature: str, key: str) -> bool:
    """Whether a key of that kind can make a signature of that kind."""
    return key in {"RSA": ("RSA",), "RSA-PSS": ("RSA", "RSA-PSS"), "ECDSA": ("EC",)}.get(signature, (signature,))


def signature_kind(oid: str) -> str:
    return SIGNATURES.get(oid, ("", ""))[0]


def pss_parameters(parameters: bytes) -> tuple[str, int]:
    """Digest and salt length of RSASSA-PSS; what is left out is SHA-1 and 20 (RFC 4055 §3.1)."""
    digest, salt = "sha1", 20
    try:
        for member in der.sequence(parameters):
            inner = der.children(parameters, member)[0]
            if member.tag == 0xA0:
                digest = DIGESTS.get(der.oid(der.content(parameters, der.children(parameters, inner)[0])), "unknown")
            elif member.tag == 0xA2:
                salt = der.integer(parameters, inner)
    except (DerError, IndexError):
        return "unknown", 0
    return digest, salt


# TABLES

FACTORING_BITS = {2048: 112, 3072: 128, 4096: 152, 6144: 176, 7680: 192, 8192: 200, 15360: 256}
DSA_BITS = ((15360, 256), (7680, 192), (3072, 128), (2048, 112), (1024, 80))

KEYS = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.10": "RSA-PSS",
    "1.2.840.10045.2.1": "EC",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "1.2.840.10040.4.1": "DSA",
}
SIGNATURES = {
    "1.2.840.113549.1.1.4": ("RSA", "md5"),
    "1.2.840.113549.1.1.5": ("RSA", "sha1"),
    "1.2.840.113549.1.1.14": ("RSA", "sha224"),
    "1.2.840.113549.1.1.11": ("RSA", "sha256"),
    "1.2.840.113549.1.1.12": ("RSA", "sha384"),
    "1.2.840.113549.1.1.13": ("RSA", "sha512"),
    "1.2.840.113549.1.1.10": ("RSA-PSS", ""),
    "1.2.840.10045.4.1": ("ECDSA", "sha1"),
    "1.2.840.10045.4.3.1": ("ECDSA", "sha224"),
    "1.2.840.10045.4.3.2": ("ECDSA", "sha256"),
    "1.2.840.10045.4.3.3": ("ECDSA", "sha384"),
    "1.2.840.10045.4.3.4": ("ECDSA", "sha512"),
    "1.2.840.10040.4.3": ("DSA", "sha1"),
    "2.16.840.1.101.3.4.3.1": ("DSA", "sha224"),
    "2.16.840.1.101.3.4.3.2": ("DSA", "sha256"),
    "1.3.101.112": ("Ed25519", ""),
    "1.3.101.113": ("Ed448", ""),
}
DIGESTS = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
HALF = {"md5": 64, "sha1": 80}
DIGEST_BITS = {"md5": 39, "sha1": 63, "sha224": 112, "sha256": 128, "sha384": 192, "sha512": 256}
