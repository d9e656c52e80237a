"""The chain of trust as OpenSSL 3 builds and checks it: crypto/x509/x509_vfy.c, with libpq's settings.

Trusted certificates first, no partial chain, purpose "SSL server", not strict. `judge` returns every fault in the order
in which OpenSSL comes upon them; a client whose callback does not forgive, as libpq's, sees the first only.
Each function names its counterpart there. The codes are the X509_V_ERR numbers of that OpenSSL.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from tracer.certificates import Certificate
from tracer.signatures import digest_bits, explicit_curve, is_signed_by, readable, security_bits
from tracer.verify.codes import OLD_TEXTS, TEXTS
from tracer.verify.constraints import proxy_name_fits, violation
from tracer.verify.extensions import (
    ANY_CA,
    DIGITAL_SIGNATURE,
    KEY_CERT_SIGN,
    SSL_CA,
    SSL_SERVER,
    TLS_USAGES,
    facts,
    key_fits,
    key_id_fits,
)
from tracer.verify.revocation import RevocationList, crl_faults
from tracer.verify.syntax import same_name
from tracer.verify.uses import trusted_for_tls
from tracer.verify.validity import out_of_time, time_fault

REJECTED = 28  # X509_V_ERR_CERT_REJECTED
DEPTH = 100  # X509_VERIFY_PARAM default; libpq sets none
LEVEL_BITS = (0, 80, 112, 128, 192, 256)
THREE = (3, 0)
BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a chain: OpenSSL's code, the depth (0 is the leaf) and the certificate there.

    `old` says that the code is one of OpenSSL 1.1.1.
    """

    code: int
    depth: int
    certificate: Certificate
    old: bool = False

    @property
    def text(self) -> str:
        return (OLD_TEXTS if self.old else TEXTS)[self.code]


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
    crls: Sequence[RevocationList] | None = None,
    openssl: tuple[int, ...] = (3, 5),
) -> Path:
    """Build the chain of `sent` (leaf first) towards `roots` and name its faults (X509_verify_cert, verify_chain).

    `crls` None is no look at revocation; an empty list is a look that finds nothing. A chain seen before costs a look-up.
    """
    chain, anchors, lists = tuple(sent), tuple(roots), None if crls is None else tuple(crls)
    return _judge(chain, anchors, _since(chain, anchors, lists or (), time), level, lists, openssl)


def _since(
    sent: tuple[Certificate, ...], roots: tuple[Certificate, ...], crls: tuple[RevocationList, ...], time: datetime
) -> datetime:
    """The last moment up to `time` at which one of the dates passed: since then every answer is the same."""
    moments = _moments(sent, roots, crls)
    passed = bisect_right(moments, time)
    return moments[passed - 1] if passed else BEFORE_ALL


@lru_cache(maxsize=4096)
def _moments(
    sent: tuple[Certificate, ...], roots: tuple[Certificate, ...], crls: tuple[RevocationList, ...]
) -> list[datetime]:
    dates = {date for c in (*sent, *roots) for date in (c.not_before, c.not_after)}
    dates |= {date for crl in crls for date in (crl.last_update, crl.next_update)}
    return sorted(date for date in dates if date is not None)


@lru_cache(maxsize=4096)
def _judge(
    sent: tuple[Certificate, ...],
    roots: tuple[Certificate, ...],
    time: datetime,
    level: int,
    crls: tuple[RevocationList, ...] | None,
    openssl: tuple[int, ...],
) -> Path:
    old = openssl < THREE
    store: dict[bytes, Certificate] = {}
    for root in roots:
        store.setdefault(root.der, root)  # X509_STORE_add_cert passes over what is there
    chain, untrusted, end = build(sent, list(store.values()), time, old=old)
    found = [
        *([(66, 0)] if not strong_key(sent[0], level) else []),
        *([] if end is None else [(end, len(chain) - 1)]),
        *extension_faults(chain, old=old),
        *level_faults(chain, level, old=old),
        *(crl_faults(chain, crls, time, openssl) if crls is not None else ()),
        *signature_and_time_faults(chain, time, old=old),
        *name_faults(chain, openssl),
    ]
    faults = tuple(Fault(code, depth, chain[depth], old) for code, depth in dict.fromkeys(found))
    return Path(tuple(chain), untrusted, end is None, faults)


# BUILDING


def build(
    sent: Sequence[Certificate], roots: list[Certificate], time: datetime, *, old: bool = False
) -> tuple[list[Certificate], int, int | None]:
    """The chain, how many of it are not from the root file, and the code when it ends without trust (build_chain).

    Each step asks the root file first, and once that has answered only the root file.
    """
    chain, pool = [sent[0]], list(sent[1:])
    untrusted, from_pool = 1, True
    while len(chain) <= DEPTH + 1:
        top = chain[-1]
        found = trusted_issuer(top, roots, chain, time, old=old)
        if found is not None:
            if not old and (facts(top).invalid or not readable(top.spki)):
                return chain, untrusted, 1  # X509_self_signed cannot tell
            if not is_self_signed(top, old=old):
                chain.append(found)
            elif found.der == top.der:
                chain[-1] = found
                untrusted -= 1
            else:
                found = None  # a stranger with the root's name
        if found is not None:
            from_pool = False
            said = trusted_for_tls(found)
            if said is not None:
                return chain, untrusted, REJECTED if said == "rejected" else None
            if is_self_signed(chain[-1], old=old):
                return chain, untrusted, None
            continue
        ended = not from_pool or is_self_signed(top, old=old)
        issuer = None if ended else find_issuer(top, pool, chain, time, old=old)
        if issuer is None:
            break
        pool.remove(issuer)
        chain.append(issuer)
        untrusted += 1
    return chain, untrusted, _no_anchor(chain, untrusted, old=old)


def trusted_issuer(
    subject: Certificate,
    roots: Sequence[Certificate],
    chain: Sequence[Certificate],
    time: datetime,
    *,
    old: bool = False,
) -> Certificate | None:
    """X509_STORE_CTX_get1_issuer: the first in its time, else the one that ended last; one met before counts, too."""
    if old:
        return find_issuer(subject, roots, chain, time, old=old)
    return _preferred([root for root in roots if may_issue(root, subject)], time)


def find_issuer(
    subject: Certificate,
    candidates: Sequence[Certificate],
    chain: Sequence[Certificate],
    time: datetime,
    *,
    old: bool = False,
) -> Certificate | None:
    """find_issuer: the same among what the server sent, without what is in the chain already."""
    alone = len(chain) == 1 and (is_self_signed(subject, old=True) if old else facts(subject).self_issued)
    fit = [c for c in candidates if may_issue(c, subject, old=old) and (alone or c not in chain)]
    return _preferred(fit, time, old=old)


def _preferred(candidates: Sequence[Certificate], time: datetime, *, old: bool = False) -> Certificate | None:
    best: Certificate | None = None
    for candidate in candidates:
        if not out_of_time(candidate, time):
            return candidate
        later = best and candidate.not_after and best.not_after and candidate.not_after > best.not_after
        if best is None or later or old:
            best = candidate
    return best


def may_issue(issuer: Certificate, subject: Certificate, *, old: bool = False) -> bool:
    """By names, key identifiers and kind of key, with no look at the signature (ossl_x509_likely_issued).

    OpenSSL 1.1.1 looks at the issuer's keyUsage here, and not at the kind of key (X509_check_issued).
    """
    own, below = facts(issuer), facts(subject)
    if not same_name(issuer.subject_der, subject.issuer_der):
        return False
    if not key_id_fits(issuer, own.subject_key_id, below.authority_key_id):
        return False
    if old:
        return own.allows(DIGITAL_SIGNATURE if below.proxy else KEY_CERT_SIGN)
    return own.invalid is None and below.invalid is None and key_fits(issuer, subject)


def is_self_signed(certificate: Certificate, *, old: bool = False) -> bool:
    """EXFLAG_SS: issued by itself by name, key identifier and kind of key; the signature is not looked at."""
    known = facts(certificate)
    if old:
        own = known.subject_key_id
        fits = key_id_fits(certificate, own, known.authority_key_id)
        return known.self_issued and fits and known.allows(KEY_CERT_SIGN)
    return known.invalid is None and known.self_signed


def _no_anchor(chain: list[Certificate], untrusted: int, *, old: bool) -> int:
    """What build_chain says when it ends without trust."""
    if len(chain) > DEPTH + 1:
        return 22
    if is_self_signed(chain[-1], old=old):
        return 18 if len(chain) == 1 else 19
    return 2 if untrusted < len(chain) else 20


# CHECKING

Found = Iterator[tuple[int, int]]  # code and depth


def extension_faults(chain: Sequence[Certificate], *, old: bool = False) -> Found:
    """check_extensions: critical extensions, CA flag, explicit curves, purpose and path length, from the leaf up."""
    invalid_ca = 24 if old else 79
    below = proxies = 0  # intermediates that are not self-issued, and proxies
    must_be_ca: bool | None = None  # the leaf may be one or not
    for depth, certificate in enumerate(chain):
        known = facts(certificate)
        ca = ca_kind(certificate, old=old)
        if known.unknown_critical:
            yield 34, depth
        if known.proxy:
            yield 40, depth
        if must_be_ca is False and ca:
            yield 37, depth
        if must_be_ca and (ca == 0 or (depth + 1 < len(chain) and ca != 1)):
            yield invalid_ca, depth
        if not old and len(chain) > 1:
            if not readable(certificate.spki):
                yield 1, depth
            elif explicit_curve(certificate.spki):
                yield 94, depth
        if (old or known.invalid is None) and not serves_tls(certificate, ca=bool(must_be_ca), old=old):
            yield 26, depth
        bound = depth > 1 and not (old and known.self_issued)  # 1.1.1 holds no self-issued certificate to its own
        if bound and known.path is not None and below > known.path + proxies:
            yield 25, depth
        if depth > 0 and not known.self_issued:
            below += 1
        if known.proxy:
            if known.proxy_path is not None:
                if proxies > known.proxy_path:
                    yield 38, depth
                proxies = known.proxy_path
            proxies += 1
        must_be_ca = not known.proxy


def ca_kind(certificate: Certificate, *, old: bool = False) -> int:
    """check_ca: 0 is no CA; 1 by basicConstraints, 3 a self-signed v1, 4 by keyUsage, 5 by Netscape's own flags."""
    known = facts(certificate)
    if (known.invalid and not old) or not known.allows(KEY_CERT_SIGN):
        return 0
    if known.basic_constraints is not None:
        return int(known.ca)
    if known.version == 1 and is_self_signed(certificate, old=old):
        return 3
    if known.key_usage is not None:
        return 4
    return 5 if known.netscape is not None and known.netscape & ANY_CA else 0


def serves_tls(certificate: Certificate, *, ca: bool, old: bool = False) -> bool:
    """check_purpose_ssl_server: anyExtendedKeyUsage alone is not enough."""
    known = facts(certificate)
    if known.purposes is not None and not known.purposes & SERVER_PURPOSES:
        return False
    if ca:
        kind = ca_kind(certificate, old=old)
        return kind != 0 and (kind != 5 or bool((known.netscape or 0) & SSL_CA))
    if known.netscape is not None and not known.netscape & SSL_SERVER:
        return False
    return known.allows(TLS_USAGES)


def level_faults(chain: Sequence[Certificate], level: int, *, old: bool = False) -> Found:
    """check_auth_level: keys of the CAs, digests of all but the root."""
    for depth, certificate in enumerate(chain):
        if depth > 0 and not strong_key(certificate, level):
            yield 67, depth
        if depth < len(chain) - 1 and digest_bits(certificate, old=old) < LEVEL_BITS[level]:
            yield 68, depth


def strong_key(certificate: Certificate, level: int) -> bool:
    """check_key_level."""
    return level == 0 or security_bits(certificate.spki) >= LEVEL_BITS[level]


def signature_and_time_faults(chain: Sequence[Certificate], time: datetime, *, old: bool = False) -> Found:
    """internal_verify: from the root down, the issuer's key usage, the signature, the dates."""
    top = len(chain) - 1
    start = top
    if not is_self_signed(chain[top], old=old):  # without its issuer a forgiving client goes on below it
        if top == 0:
            yield 21, 0
        else:
            start = top - 1
    for depth in range(start, -1, -1):
        certificate = chain[depth]
        if depth < top:
            issuer = chain[depth + 1]
            proxy = facts(certificate).proxy
            if not old and not facts(issuer).allows(DIGITAL_SIGNATURE if proxy else KEY_CERT_SIGN):
                yield 39 if proxy else 32, depth + 1
            if not readable(issuer.spki):
                yield 6, depth + 1
            elif not is_signed_by(certificate, issuer):
                yield 7, depth
        code = time_fault(certificate, time)
        if code is not None:
            yield code, depth


def name_faults(chain: Sequence[Certificate], openssl: tuple[int, ...] = THREE) -> Found:
    """check_name_constraints: from the root down, each certificate against every constraint above it.

    Self-issued certificates are passed over, unless one is the leaf.
    """
    for depth in range(len(chain) - 1, -1, -1):
        certificate = chain[depth]
        if depth and facts(certificate).self_issued:
            continue
        if facts(certificate).proxy and not proxy_name_fits(certificate):
            yield 72, depth
        for above in reversed(chain[depth + 1 :]):
            constraints = facts(above).constraints
            code = constraints and violation(certificate, constraints, leaf=depth == 0, openssl=openssl)
            if code:
                yield code, depth


# TABLES

SERVER_PURPOSES = frozenset({"1.3.6.1.5.5.7.3.1", "2.16.840.1.113730.4.1", "1.3.6.1.4.1.311.10.3.3"})
