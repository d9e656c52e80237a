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

    if explicit_curve(spki):
        return _on_explicit_curve(spki)
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
    key = public_key(spki)
    if key is None and key_kind(spki) == "RSA":
        return _rsa_modulus(spki).bit_length()
    return int(getattr(key, "key_size", {"Ed25519": 256, "Ed448": 456}.get(key_kind(spki), 0)))


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
    """The strength of a key in bits, as OpenSSL counts it (rsa_lib.c, bn_lib.c: BN_security_bits, ec_kmgmt.c)."""
    kind, bits = key_kind(spki), key_bits(spki)
    if kind in ("RSA", "RSA-PSS"):
        return RSA_BITS.get(bits) or _sieve_bits(bits)
    if kind == "DSA":
        return min(_at_least(bits, DSA_BITS), _subgroup_bits(spki) // 2)
    if kind == "EC":
        return _at_least(bits, EC_BITS) or bits // 2
    return {"Ed25519": 128, "Ed448": 224}.get(kind, 0)


def _at_least(bits: int, table: tuple[tuple[int, int], ...]) -> int:
    return next((strength for size, strength in table if bits >= size), 0)


def _sieve_bits(bits: int) -> int:
    """What it costs to factor a number of that size, to a multiple of 8 (ossl_ifc_ffc_compute_security_bits)."""
    if bits < 8:
        return 0
    x = bits * math.log(2)
    cost = (1.923 * (x * math.log(x) ** 2) ** (1 / 3) - 4.69) / math.log(2)
    return min(int(cost + 4) // 8 * 8, 192 if bits <= 7680 else 256 if bits <= 15360 else 1200)


def _subgroup_bits(spki: bytes) -> int:
    key = public_key(spki)
    return int(key.parameters().parameter_numbers().q.bit_length()) if key is not None else 0


@lru_cache(maxsize=4096)
def readable(spki: bytes) -> bool:
    """Whether OpenSSL gets a key out of it: it takes RSA moduli of any size and explicit curves, too."""
    if public_key(spki) is not None:
        return True
    return key_kind(spki) == "RSA" and _rsa_modulus(spki) > 0


def _rsa_modulus(spki: bytes) -> int:
    try:
        data = der.content(spki, der.sequence(spki)[1])[1:]
        modulus, _ = der.sequence(data)
        return der.integer(data, modulus)
    except (DerError, ValueError, IndexError):
        return 0


def explicit_curve(spki: bytes) -> bool:
    """Whether an EC key spells its curve out instead of naming it (check_curve in x509_vfy.c)."""
    return key_kind(spki) == "EC" and _curve_parameters(spki)[:1] == b"\x30"


def _curve_parameters(spki: bytes) -> bytes:
    try:
        algorithm = der.children(spki, der.sequence(spki)[0])
        return der.whole(spki, algorithm[1])
    except (DerError, IndexError):
        return b""


def _on_explicit_curve(spki: bytes) -> Any:  # noqa: ANN401 (one of the library's key types)
    """The key on the named curve that has the order of the explicit one."""
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        parameters = _curve_parameters(spki)
        order = der.integer(parameters, der.sequence(parameters)[4])
        curve = next(
            c for c in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()) if c.group_order == order
        )
        point = der.content(spki, der.sequence(spki)[1])[1:]
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except (DerError, IndexError, ValueError, StopIteration):
        return None


def digest_bits(certificate: Certificate, *, old: bool = False) -> int:
    """The strength of the digest that a certificate is signed with, as OpenSSL 3 (1.1.1) counts it; 0 when not known."""
    kind, digest = SIGNATURES.get(certificate.signature_oid, ("", ""))
    if kind == "RSA-PSS":
        digest = pss_parameters(certificate.signature_parameters)[0]
    bits = OLD_DIGEST_BITS if old else DIGEST_BITS
    return bits.get(digest, {"Ed25519": 128, "Ed448": 224}.get(kind, 0))


def is_signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's key made the certificate's signature (X509_verify). False too where it cannot be told."""
    if certificate.tbs_algorithm != certificate.algorithm:
        return False
    return verifies(certificate.algorithm, certificate.signature, certificate.unused_bits, certificate.tbs, issuer.spki)


@lru_cache(maxsize=4096)
def verifies(algorithm: bytes, signature: bytes, unused_bits: int, signed: bytes, spki: bytes) -> bool:
    """Whether a key made a signature, of a certificate or of a revocation list (ASN1_item_verify)."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    key, kind, digest, parameters = public_key(spki), *algorithm_of(algorithm)
    if key is None or unused_bits & 7 or not fits(kind, key_kind(spki)):
        return False
    try:
        if kind == "RSA-PSS":
            digest, mask, salt = pss_parameters(parameters)
            if not _pss_allowed(spki, digest, mask, salt):
                return False
            key.verify(signature, signed, padding.PSS(padding.MGF1(_hash(mask)), salt), _hash(digest))
        elif kind in ("Ed25519", "Ed448"):
            if parameters:
                return False
            key.verify(signature, signed)
        elif kind == "RSA":
            key.verify(signature, signed, padding.PKCS1v15(), _hash(digest))
        else:
            made = _hash(digest)
            key.verify(signature, signed, *((ec.ECDSA(made),) if kind == "ECDSA" else (made,)))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, AttributeError, KeyError):
        return False
    return True


def _hash(digest: str) -> Any:  # noqa: ANN401 (one of the library's hashes)
    from cryptography.hazmat.primitives import hashes

    return getattr(hashes, digest.upper().replace("-", "_"))()


def algorithm_of(identifier: bytes) -> tuple[str, str, bytes]:
    """Kind, digest and parameters of an encoded AlgorithmIdentifier of a signature."""
    try:
        parts = der.sequence(identifier)
        kind, digest = SIGNATURES.get(der.oid(der.content(identifier, parts[0])), ("", ""))
        return kind, digest, der.whole(identifier, parts[1]) if len(parts) > 1 else b""
    except (DerError, IndexError):
        return "", "", b""


def fits(signature: str, key: str) -> bool:
    """Whether a key of that kind can make a signature of that kind."""
    return key in {"RSA": ("RSA",), "RSA-PSS": ("RSA", "RSA-PSS"), "ECDSA": ("EC",)}.get(signature, (signature,))


def _pss_allowed(spki: bytes, digest: str, mask: str, salt: int) -> bool:
    """A key of its own kind, RSASSA-PSS, may be tied to one digest and to a shortest salt (RFC 4055 §1.2, §3.3)."""
    parameters = _curve_parameters(spki) if key_kind(spki) == "RSA-PSS" else b""
    if not parameters:
        return True
    only, only_mask, least = pss_parameters(parameters)
    return (digest, mask) == (only, only_mask) and salt >= least


def signature_kind(oid: str) -> str:
    return SIGNATURES.get(oid, ("", ""))[0]


def pss_parameters(parameters: bytes) -> tuple[str, str, int]:
    """Digest, the mask's digest and salt length of RSASSA-PSS; what is left out is SHA-1 and 20 (RFC 4055 §3.1)."""
    digest, mask, salt = "sha1", "sha1", 20
    try:
        for member in der.sequence(parameters):
            inner = der.children(parameters, member)[0]
            if member.tag == 0xA0:
                digest = _digest(parameters, inner)
            elif member.tag == 0xA1:
                mask = _digest(parameters, der.children(parameters, inner)[1])
            elif member.tag == 0xA2:
                salt = der.integer(parameters, inner)
            elif der.integer(parameters, inner) != 1:  # trailerField
                return "unknown", "unknown", 0
    except (DerError, IndexError):
        return "unknown", "unknown", 0
    return digest, mask, max(salt, 0)


def _digest(data: bytes, algorithm: der.Node) -> str:
    return DIGESTS.get(der.oid(der.content(data, der.children(data, algorithm)[0])), "unknown")


# TABLES

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
    "2.16.840.1.101.3.4.3.13": ("RSA", "sha3-224"),
    "2.16.840.1.101.3.4.3.14": ("RSA", "sha3-256"),
    "2.16.840.1.101.3.4.3.15": ("RSA", "sha3-384"),
    "2.16.840.1.101.3.4.3.16": ("RSA", "sha3-512"),
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
DIGEST_BITS = {"md5": 39, "sha1": 63, "sha224": 112, "sha256": 128, "sha384": 192, "sha512": 256}
DIGEST_BITS |= {"sha3-224": 112, "sha3-256": 128, "sha3-384": 192, "sha3-512": 256}
OLD_DIGEST_BITS = DIGEST_BITS | {"md5": 64, "sha1": 80}
RSA_BITS = {2048: 112, 3072: 128, 4096: 152, 6144: 176, 7680: 192, 8192: 200, 15360: 256}
DSA_BITS = ((15360, 256), (7680, 192), (3072, 128), (2048, 112), (1024, 80))
EC_BITS = ((512, 256), (384, 192), (256, 128), (224, 112), (160, 80))
