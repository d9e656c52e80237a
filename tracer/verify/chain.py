"""The chain of trust as OpenSSL 3 builds and checks it: crypto/x509/x509_vfy.c, with libpq's settings.

Trusted certificates first, no partial chain, purpose "SSL server", not strict. `judge` returns every fault in the order
in which OpenSSL comes upon them; a client whose callback does not forgive, as libpq's, sees the first only.
Each function names its counterpart there. The codes are the X509_V_ERR numbers of OpenSSL 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tracer.certificates import Certificate
from tracer.signatures import digest_bits, fits, is_signed_by, key_kind, public_key, security_bits, signature_kind
from tracer.verify.validity import out_of_time, time_fault

DEPTH = 100  # X509_VERIFY_PARAM default; libpq sets none
LEVEL_BITS = (0, 80, 112, 128, 192, 256)

TEXTS = {
    2: "unable to get issuer certificate",
    6: "unable to decode issuer public key",
    7: "certificate signature failure",
    9: "certificate is not yet valid",
    10: "certificate has expired",
    13: "format error in certificate's notBefore field",
    14: "format error in certificate's notAfter field",
    18: "self-signed certificate",
    19: "self-signed certificate in certificate chain",
    20: "unable to get local issuer certificate",
    22: "certificate chain too long",
    25: "path length constraint exceeded",
    26: "unsuitable certificate purpose",
    32: "key usage does not include certificate signing",
    34: "unhandled critical extension",
    66: "EE certificate key too weak",
    67: "CA certificate key too weak",
    68: "CA signature digest algorithm too weak",
    79: "invalid CA certificate",
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


def judge(sent: Sequence[Certificate], roots: Sequence[Certificate], time: datetime, level: int = 2) -> Path:
    """Build the chain of `sent` (leaf first) towards `roots` and name its faults (X509_verify_cert, verify_chain)."""
    leaf = sent[0]
    weak_leaf = [Fault(66, 0, leaf)] if not strong_key(leaf, level) else []
    chain, untrusted, trusted = build(sent, list(dict.fromkeys(roots)), time)
    faults = [*weak_leaf]
    if not trusted:
        faults.append(_no_anchor(chain, untrusted))
    faults += extension_faults(chain)
    faults += level_faults(chain, level)
    faults += signature_and_time_faults(chain, time, trusted=trusted)
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
    alone = len(chain) == 1 and subject.subject_der == subject.issuer_der
    for candidate in candidates:
        if not may_issue(candidate, subject) or (candidate in chain and not alone):
            continue
        if not out_of_time(candidate, time):
            return candidate
        if best is None or (candidate.not_after and best.not_after and candidate.not_after > best.not_after):
            best = candidate
    return best


def may_issue(issuer: Certificate, subject: Certificate) -> bool:
    """By names and key identifiers, with no look at the signature (ossl_x509_likely_issued)."""
    return (
        same_name(issuer.subject_der, subject.issuer_der)
        and key_id_fits(issuer, subject)
        and fits(signature_kind(subject.signature_oid), key_kind(issuer.spki))
    )


def same_name(a: bytes, b: bytes) -> bool:
    """Whether two encoded names are the same; OpenSSL folds case and space of directory strings (X509_NAME_cmp)."""
    return a == b or canonical(a) == canonical(b)


def canonical(name: bytes) -> list[tuple[str, bytes]]:
    from tracer.certificates import attributes

    return [(oid, b" ".join(value.lower().split())) for oid, value in attributes(name)]


def key_id_fits(issuer: Certificate, subject: Certificate) -> bool:
    """X509_check_akid: what the authority key identifier says must not contradict the issuer."""
    wanted = subject.authority_key_id
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
    """check_extensions: critical extensions, CA flag, purpose and path length, from the leaf up."""
    below = 0  # intermediates that are not self-issued
    for depth, certificate in enumerate(chain):
        if any(e.critical and oid not in KNOWN_EXTENSIONS for oid, e in certificate.extensions.items()):
            yield Fault(34, depth, certificate)
        if depth > 0 and not may_be_ca(certificate):
            yield Fault(79, depth, certificate)
        if not serves_tls(certificate, ca=depth > 0):
            yield Fault(26, depth, certificate)
        constraints = certificate.basic_constraints
        if depth > 1 and constraints and constraints[0] and constraints[1] is not None and below > constraints[1]:
            yield Fault(25, depth, certificate)
        if depth > 0 and certificate.subject_der != certificate.issuer_der:
            below += 1


def may_be_ca(certificate: Certificate) -> bool:
    """check_ca: keyCertSign if there is a key usage; then basicConstraints, a self-signed v1, or keyUsage alone."""
    if certificate.key_usage is not None and "keyCertSign" not in certificate.key_usage:
        return False
    if certificate.basic_constraints is not None:
        return certificate.basic_constraints[0]
    if certificate.version == 1 and is_self_signed(certificate):
        return True
    return certificate.key_usage is not None


def serves_tls(certificate: Certificate, *, ca: bool) -> bool:
    """check_purpose_ssl_server: anyExtendedKeyUsage alone is not enough."""
    extended = certificate.extended_key_usage
    if extended is not None and not extended & SERVER_PURPOSES:
        return False
    if ca:
        return may_be_ca(certificate)
    return certificate.key_usage is None or bool(certificate.key_usage & TLS_KEY_USAGES)


def level_faults(chain: list[Certificate], level: int) -> Iterator[Fault]:
    """check_auth_level: keys of the CAs, digests of all but the root."""
    for depth, certificate in enumerate(chain):
        if depth > 0 and not strong_key(certificate, level):
            yield Fault(67, depth, certificate)
        if depth < len(chain) - 1 and digest_bits(certificate) < LEVEL_BITS[level]:
            yield Fault(68, depth, certificate)


def strong_key(certificate: Certificate, level: int) -> bool:
    return level == 0 or security_bits(certificate.spki) >= LEVEL_BITS[level]


def signature_and_time_faults(chain: list[Certificate], time: datetime, *, trusted: bool) -> Iterator[Fault]:
    """internal_verify: from the root down, the issuer's key usage, the signature, the dates."""
    top = len(chain) - 1
    for depth in range(top, -1, -1):
        certificate = chain[depth]
        if depth < top:
            issuer = chain[depth + 1]
            if issuer.key_usage is not None and "keyCertSign" not in issuer.key_usage:
                yield Fault(32, depth + 1, issuer)
            if public_key(issuer.spki) is None:
                yield Fault(6, depth + 1, issuer)
            elif not is_signed_by(certificate, issuer):
                yield Fault(7, depth, certificate)
        elif not trusted and not is_self_signed(certificate):
            continue  # without an issuer a forgiving client goes on below it
        code = time_fault(certificate, time)
        if code is not None:
            yield Fault(code, depth, certificate)


# TABLES

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
