"""What OpenSSL says first of a certificate's signature that is wrong: libpq prints that, and not "certificate verify failed".

libpq prints the oldest error of the queue (SSLerrmessage), and what a verification leaves there depends on how far it
came: crypto/rsa/rsa_pk1.c, RSA_padding_check_PKCS1_type_1; crypto/rsa/rsa_pss.c; crypto/ec/ecdsa_ossl.c. Measured with
OpenSSL 1.1.1, 3.0 and 3.5.
"""

from __future__ import annotations

from tracer import der
from tracer.certificates import Certificate
from tracer.der import DerError
from tracer.signatures import key_kind, public_key, signature_kind


def wrong_signature(certificate: Certificate | None, issuer: Certificate, openssl: tuple[int, ...]) -> str | None:
    """The reason that is printed for a signature which the issuer's key does not verify; None where it is not known.

    `certificate` is None where only its issuer is known.
    """
    if certificate is None:
        return _mismatch(openssl) if key_kind(issuer.spki) in ("EC", "Ed25519", "Ed448") else None
    kind = signature_kind(certificate.signature_oid)
    if not certificate.signature and openssl >= (3, 2):
        return "passed a null parameter"
    if kind in ("RSA", "RSA-PSS"):
        return _rsa(certificate.signature, issuer, pss=kind == "RSA-PSS")
    if kind == "ECDSA":
        return _ecdsa(certificate.signature, issuer, openssl)
    return _mismatch(openssl) if kind in ("Ed25519", "Ed448") else None


def _mismatch(openssl: tuple[int, ...]) -> str:
    """A verification that leaves no error of its own: what stands there is that of the caller, ASN1_item_verify."""
    return "EVP lib" if openssl < (3, 2) else "provider signature failure"


def _rsa(signature: bytes, issuer: Certificate, *, pss: bool) -> str | None:
    key = public_key(issuer.spki)
    numbers = getattr(key, "public_numbers", None)
    if numbers is None:
        return None
    modulus, exponent = numbers().n, numbers().e
    size = (modulus.bit_length() + 7) // 8
    if len(signature) != size:
        return "wrong signature length"
    if modulus.bit_length() > LONGEST_MODULUS:
        return "modulus too large"
    if exponent >= modulus or (modulus.bit_length() > SMALL_MODULUS and exponent.bit_length() > LONGEST_EXPONENT):
        return "bad e value"
    value = int.from_bytes(signature, "big")
    if value >= modulus:
        return "data too large for modulus"
    encoded = pow(value, exponent, modulus).to_bytes(size, "big")
    return _pss(encoded, modulus.bit_length()) if pss else _pkcs1(encoded)


def _pkcs1(encoded: bytes) -> str:
    """RFC 8017 §9.2: 00 01 FF … FF 00 and the digest; "bad signature" is a digest of something else."""
    if encoded[0] != 0:
        return "invalid padding"
    if encoded[1] != 1:
        return "block type is not 01"
    padding, zero, _ = encoded[2:].partition(b"\0")
    if padding.strip(b"\xff"):
        return "bad fixed header decrypt"
    if not zero:
        return "null before block missing"
    return "bad pad byte count" if len(padding) < 8 else "bad signature"


def _pss(encoded: bytes, bits: int) -> str:
    """RFC 8017 §9.1.2: the unused bits in front are zero, the last byte is BC. What is masked between them is taken for good."""
    unused = 8 * len(encoded) - (bits - 1)
    if encoded[0] >> (8 - unused) if unused < 8 else encoded[0]:
        return "first octet invalid"
    return "bad signature" if encoded[-1] == 0xBC else "last octet invalid"


def _ecdsa(signature: bytes, issuer: Certificate, openssl: tuple[int, ...]) -> str | None:
    order = ORDERS.get(getattr(getattr(public_key(issuer.spki), "curve", None), "name", ""))
    try:
        halves = [der.integer(signature, node) for node in der.sequence(signature)]
        whole = len(halves) == 2 and der.node(signature, 0).stop == len(signature)
    except (DerError, IndexError, ValueError):
        # OpenSSL 1.1.1 says what its decoder stumbled on
        return "EVP lib" if openssl >= (3, 0) else None
    if not whole:
        return "EVP lib"
    if order is None:
        return None
    return _mismatch(openssl) if all(0 < half < order for half in halves) else "bad signature"


# TABLES

# bits: rsa.h, OPENSSL_RSA_MAX_MODULUS_BITS, _SMALL_MODULUS_BITS and _MAX_PUBEXP_BITS, held by rsa_ossl_public_decrypt (rsa_ossl.c)
LONGEST_MODULUS, SMALL_MODULUS, LONGEST_EXPONENT = 16384, 3072, 64
# SEC 2 §2.4: the order of each curve's base point
ORDERS = {
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    "secp521r1": (1 << 521) - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
}
