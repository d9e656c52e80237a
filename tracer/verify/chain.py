"""The chain of trust as OpenSSL 3 builds and checks it: crypto/x509/x509_vfy.c, with libpq's settings.

Trusted certificates first, no partial chain, purpose "SSL server", not strict. `judge` returns every fault in the order
in which OpenSSL comes upon them; a client whose callback does not forgive, as libpq's, sees the first only.
Each function names its counterpart there. The codes are the X509_V_ERR numbers of OpenSSL 3. What 1.1.1 does
otherwise is in `judge` and `is_self_signed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from tracer.certificates import Certificate, KeyId
from tracer.signatures import (
    digest_bits,
    explicit_curve,
    fits,
    is_signed_by,
    key_kind,
    public_key,
    security_bits,
    signature_kind,
)
from tracer.verify.constraints import constraint_fault
from tracer.verify.revocation import RevocationList, revocation_faults
from tracer.verify.validity import out_of_time, time_fault
from tracer.verify.wellformed import PROXY, is_invalid
from tracer.x500 import same_name

DEPTH = 100  # X509_VERIFY_PARAM default; libpq sets none
LEVEL_BITS = (0, 80, 112, 128, 192, 256)

TEXTS = {
    1: "unspecified certificate verification error",
    2: "unable to get issuer certificate",
    3: "unable to get certificate CRL",
    6: "unable to decode issuer public key",
    7: "certificate signature failure",
    8: "CRL signature failure",
    9: "certificate is not yet valid",
    10: "certificate has expired",
    11: "CRL is not yet valid",
    12: "CRL has expired",
    13: "format error in certificate's notBefore field",
    14: "format error in certificate's notAfter field",
    15: "format error in CRL's lastUpdate field",
    16: "format error in CRL's nextUpdate field",
    18: "self-signed certificate",
    19: "self-signed certificate in certificate chain",
    20: "unable to get local issuer certificate",
    21: "unable to verify the first certificate",
    22: "certificate chain too long",
    23: "certificate revoked",
    24: "invalid CA certificate",  # the number of OpenSSL 1.1.1 for 79
    25: "path length constraint exceeded",
    26: "unsuitable certificate purpose",
    32: "key usage does not include certificate signing",
    33: "unable to get CRL issuer certificate",
    34: "unhandled critical extension",
    35: "key usage does not include CRL signing",
    36: "unhandled critical CRL extension",
    40: "proxy certificates not allowed, please set the appropriate flag",
    44: "Different CRL scope",
    47: "permitted subtree violation",
    48: "excluded subtree violation",
    49: "name constraints minimum and maximum not supported",
    51: "unsupported name constraint type",
    53: "unsupported or invalid name syntax",
    66: "EE certificate key too weak",
    67: "CA certificate key too weak",
    68: "CA signature digest algorithm too weak",
    79: "invalid CA certificate",
    94: "Certificate public key has explicit ECC parameters",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a chain: OpenSSL's code, the depth (0 is the leaf) and the certificate there."""

    code: int
    depth: int
    certificate: Certificate

    @property
    def text(self) -> str:
        return TEXTS[self.code]


@dataclass(frozen=True, slots=True)
class Path:
    """The chain that was built, leaf first; those from `untrusted` on come from the root file."""

    certificates: tuple[Certificate, ...]
    untrusted: int
    trusted: bool
    faults: tuple[Fault, ...]

    @property
    def anchor(self) -> Certificate | None:
        """The root that ends a trusted chain."""
        return self.certificates[-1] if self.trusted else None


def judge(
    sent: Sequence[Certificate],
    roots: Sequence[Certificate],
    time: datetime,
    level: int = 2,
    *,
    crls: Sequence[RevocationList] | None = None,
    openssl: tuple[int, int] = (3, 0),
) -> Path:
    """Build the chain of `sent` (leaf first) towards `roots` and name its faults (X509_verify_cert, verify_chain).

    `level` is OpenSSL's security level; `crls` None means that revocation is not checked. A time counts in whole seconds.
    """
    second = time.replace(microsecond=0)
    return _judge(tuple(sent), tuple(roots), second, level, None if crls is None else tuple(crls), openssl)


@lru_cache(maxsize=4096)
def _judge(
    sent: tuple[Certificate, ...],
    roots: tuple[Certificate, ...],
    time: datetime,
    level: int,
    crls: tuple[RevocationList, ...] | None,
    openssl: tuple[int, int],
) -> Path:
    leaf = sent[0]
    weak_leaf = [Fault(66, 0, leaf)] if not strong_key(leaf, level) else []
    chain, untrusted, trusted = build(sent, list(dict.fromkeys(roots)), time)
    faults = [*weak_leaf]
    if not trusted:
        faults.append(_no_anchor(chain, untrusted))
    faults += extension_faults(chain)
    faults += level_faults(chain, level, openssl)
    if crls is not None:
        faults += (Fault(code, depth, chain[depth]) for code, depth in revocation_faults(chain, crls, time))
    faults += signature_and_time_faults(chain, time)
    faults += (Fault(code, depth, chain[depth]) for code, depth in constraint_fault(chain))
    if openssl < (3, 0):
        faults = [Fault(24 if f.code == 79 else f.code, f.depth, f.certificate) for f in faults]
        if trusted and len(chain) == 1 and leaf.key_usage is not None and "keyCertSign" not in leaf.key_usage:
            faults.insert(len(weak_leaf), Fault(20, 0, leaf))  # EXFLAG_SS there wants keyCertSign
    return Path(tuple(chain), untrusted, trusted, tuple(faults))


# BUILDING


def build(sent: Sequence[Certificate], roots: list[Certificate], time: datetime) -> tuple[list[Certificate], int, bool]:
    """The chain, how many of it are not from the root file, and whether it is trusted (build_chain, TRUSTED_FIRST)."""
    chain = [sent[0]]
    pool = list(sent[1:])
    untrusted, from_roots, from_pool = 1, True, True
    while from_roots or from_pool:
        if from_roots:
            found = find_issuer(chain[-1], roots, chain, time)
            if found is not None and _add_trusted(chain, found, untrusted):
                untrusted = min(untrusted, len(chain) - 1)
                from_pool = False
                if is_self_signed(chain[-1]):
                    return chain, untrusted, True
                if len(chain) <= DEPTH:
                    continue
            if not from_pool:
                break
        from_roots = True
        last = chain[-1]
        issuer = None if is_self_signed(last) or len(chain) > DEPTH else find_issuer(last, pool, chain, time)
        if issuer is None:
            from_pool = False
            # the root file was asked about this certificate just now
            break
        pool.remove(issuer)
        chain.append(issuer)
        untrusted += 1
    return chain, untrusted, False


def _add_trusted(chain: list[Certificate], found: Certificate, untrusted: int) -> bool:
    """Put an issuer from the root file on the chain; a self-signed top counts only if it *is* the one in the file."""
    if not is_self_signed(chain[-1]):
        chain.append(found)
        return True
    return len(chain) == untrusted and chain[-1].der == found.der


def find_issuer(
    subject: Certificate, candidates: Sequence[Certificate], chain: Sequence[Certificate], time: datetime
) -> Certificate | None:
    """The first candidate that is in its time, else the one that ended last (find_issuer, X509_STORE_CTX_get1_issuer)."""
    best: Certificate | None = None
    alone = len(chain) == 1 and subject.self_issued
    for candidate in candidates:
        if not may_issue(candidate, subject) or (candidate in chain and not alone):
            continue
        if not out_of_time(candidate, time):
            return candidate
        if best is None or (candidate.not_after and best.not_after and candidate.not_after > best.not_after):
            best = candidate
    return best


@lru_cache(maxsize=8192)
def may_issue(issuer: Certificate, subject: Certificate) -> bool:
    """By names and key identifiers, with no look at the signature (ossl_x509_likely_issued)."""
    return (
        same_name(issuer.subject_der, subject.issuer_der)
        and not is_invalid(issuer)
        and not is_invalid(subject)
        and key_id_fits(issuer, subject.authority_key_id)
        and fits(signature_kind(subject.signature_oid), key_kind(issuer.spki))
        and (public_key(issuer.spki) is not None or explicit_curve(issuer.spki))
    )


def key_id_fits(issuer: Certificate, wanted: KeyId | None) -> bool:
    """X509_check_akid: what an authority key identifier says must not contradict the issuer."""
    if wanted is None:
        return True
    if wanted.key_id is not None and issuer.subject_key_id is not None and wanted.key_id != issuer.subject_key_id:
        return False
    if wanted.serial is not None and wanted.serial != issuer.serial:
        return False
    return wanted.issuer is None or same_name(wanted.issuer, issuer.issuer_der)


def is_self_signed(certificate: Certificate) -> bool:
    """EXFLAG_SS: issued by itself by name, key identifier and kind of key; the signature is not looked at."""
    return may_issue(certificate, certificate)


def _no_anchor(chain: list[Certificate], untrusted: int) -> Fault:
    """What build_chain says when it ends without trust."""
    top = len(chain) - 1
    if top >= DEPTH:
        return Fault(22, top, chain[top])
    if is_self_signed(chain[top]):
        return Fault(18 if top == 0 else 19, top, chain[top])
    return Fault(2 if untrusted < len(chain) else 20, top, chain[top])


# CHECKING


def extension_faults(chain: list[Certificate]) -> Iterator[Fault]:
    """check_extensions: critical extensions, CA flag, curve, purpose and path length, from the leaf up."""
    below = 0  # intermediates that are not self-issued
    for depth, certificate in enumerate(chain):
        last = depth == len(chain) - 1
        if any(e.critical and oid not in KNOWN_EXTENSIONS for oid, e in certificate.extensions.items()):
            yield Fault(34, depth, certificate)
        if PROXY in certificate.extensions:
            yield Fault(40, depth, certificate)
        if depth > 0 and not may_be_ca(certificate, last=last):
            yield Fault(79, depth, certificate)
        if len(chain) > 1 and explicit_curve(certificate.spki):
            yield Fault(94, depth, certificate)
        if not serves_tls(certificate, ca=depth > 0):
            yield Fault(26, depth, certificate)
        constraints = certificate.basic_constraints
        if depth > 1 and constraints and constraints[1] is not None and below > constraints[1] >= 0:
            yield Fault(25, depth, certificate)
        if depth > 0 and not certificate.self_issued:
            below += 1


def may_be_ca(certificate: Certificate, *, last: bool) -> bool:
    """check_ca: keyCertSign if there is a key usage; then basicConstraints. Only the last one may do without those."""
    kind = _ca(certificate)
    return kind == BY_CONSTRAINTS or (last and kind is not None)


def _ca(certificate: Certificate) -> str | None:
    if certificate.key_usage is not None and "keyCertSign" not in certificate.key_usage:
        return None
    if is_invalid(certificate):
        return None
    if certificate.basic_constraints is not None:
        return BY_CONSTRAINTS if certificate.basic_constraints[0] else None
    if certificate.version == 1 and is_self_signed(certificate):
        return "version 1"
    if certificate.key_usage is not None:
        return "key usage"
    return "Netscape" if certificate.netscape_type is not None and certificate.netscape_type & ANY_CA else None


def serves_tls(certificate: Certificate, *, ca: bool) -> bool:
    """check_purpose_ssl_server: anyExtendedKeyUsage alone is not enough. An invalid certificate is let pass there."""
    if is_invalid(certificate):
        return True
    extended = certificate.extended_key_usage
    if extended is not None and not extended & SERVER_PURPOSES:
        return False
    netscape = certificate.netscape_type
    if ca:
        kind = _ca(certificate)
        return kind is not None and (kind != "Netscape" or bool((netscape or 0) & SSL_CA))
    if netscape is not None and not netscape & SSL_SERVER:
        return False
    return certificate.key_usage is None or bool(certificate.key_usage & TLS_KEY_USAGES)


def level_faults(chain: list[Certificate], level: int, openssl: tuple[int, int]) -> Iterator[Fault]:
    """check_auth_level: keys of the CAs, digests of all but the root."""
    for depth, certificate in enumerate(chain):
        if depth > 0 and not strong_key(certificate, level):
            yield Fault(67, depth, certificate)
        if depth < len(chain) - 1 and digest_bits(certificate, openssl) < LEVEL_BITS[level]:
            yield Fault(68, depth, certificate)


def strong_key(certificate: Certificate, level: int) -> bool:
    return level == 0 or security_bits(certificate.spki) >= LEVEL_BITS[level]


def signature_and_time_faults(chain: list[Certificate], time: datetime) -> Iterator[Fault]:
    """internal_verify: from the root down, the issuer's key usage, the signature, the dates."""
    top = len(chain) - 1
    if not is_self_signed(chain[top]):
        if top == 0:
            yield Fault(21, 0, chain[0])
        else:
            top -= 1  # a last one that did not issue itself is not looked at
    for depth in range(top, -1, -1):
        certificate = chain[depth]
        if depth + 1 < len(chain):
            yield from _signature_faults(certificate, chain[depth + 1], depth)
        code = time_fault(certificate, time)
        if code is not None:
            yield Fault(code, depth, certificate)


def _signature_faults(certificate: Certificate, issuer: Certificate, depth: int) -> Iterator[Fault]:
    if issuer.key_usage is not None and "keyCertSign" not in issuer.key_usage:
        yield Fault(32, depth + 1, issuer)
    if public_key(issuer.spki) is None:
        yield Fault(6, depth + 1, issuer)
    elif not is_signed_by(certificate, issuer):
        yield Fault(7, depth, certificate)


# TABLES

BY_CONSTRAINTS = "constraints"
SSL_SERVER, SSL_CA, ANY_CA = 0x40, 0x04, 0x07  # nsCertType

SERVER_PURPOSES = frozenset({"1.3.6.1.5.5.7.3.1", "2.16.840.1.113730.4.1", "1.3.6.1.4.1.311.10.3.3"})
TLS_KEY_USAGES = frozenset({"digitalSignature", "keyEncipherment", "keyAgreement"})
KNOWN_EXTENSIONS = frozenset(  # X509_supported_extension
    {
        "2.16.840.1.113730.1.1",  # nsCertType
        "2.5.29.15",  # keyUsage
        "2.5.29.17",  # subjectAltName
        "2.5.29.19",  # basicConstraints
        "2.5.29.32",  # certificatePolicies
        "2.5.29.31",  # cRLDistributionPoints
        "2.5.29.37",  # extKeyUsage
        "1.3.6.1.5.5.7.1.7",  # ipAddrBlocks
        "1.3.6.1.5.5.7.1.8",  # autonomousSysIds
        "1.3.6.1.5.5.7.48.1.5",  # ocsp-nocheck
        "2.5.29.36",  # policyConstraints
        "1.3.6.1.5.5.7.1.14",  # proxyCertInfo
        "2.5.29.30",  # nameConstraints
        "2.5.29.33",  # policyMappings
        "2.5.29.54",  # inhibitAnyPolicy
    }
)
