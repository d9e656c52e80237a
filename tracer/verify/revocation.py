"""Revocation lists as libpq has OpenSSL check them: for every certificate of the chain, without deltas and indirect lists.

The counterparts are in crypto/x509/x509_vfy.c (check_cert, get_crl_score, check_crl, cert_crl) and x_crl.c.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from tracer import der, pipes
from tracer.certificates import Certificate, Extension, GeneralName, KeyId, read_extensions
from tracer.der import DerError, Node
from tracer.signatures import readable, verifies
from tracer.verify import syntax
from tracer.verify.extensions import CRL_SIGN, facts, key_id_fits
from tracer.verify.syntax import ALL_REASONS, Point, PointName, canonical, folded, same_name

T = TypeVar("T")
PEM = re.compile(rb"-----BEGIN X509 CRL-----\s*(.*?)-----END X509 CRL-----", re.DOTALL)
LARGEST = 16 << 20  # bytes of a file
MOST_LISTS = 2000  # of one file
NO_CRITICAL, SCOPE, TIME, SAME_PATH, ISSUER_CERTIFICATE = 0x100, 0x80, 0x40, 0x08, 0x18
ISSUER_NAME, KEY_ID = 0x20, 0x04
REMOVED = 8  # removeFromCRL


@dataclass(frozen=True, slots=True)
class Scope:
    """issuingDistributionPoint: what a list is about."""

    name: PointName | None
    only_user: bool
    only_ca: bool
    only_attribute: bool
    partial: bool  # for some reasons only, or for other issuers, too
    contradictory: bool


@dataclass(frozen=True, slots=True)
class Entry:
    reason: int | None
    issuers: tuple[GeneralName, ...]


@dataclass(frozen=True, eq=False)
class RevocationList:
    """One CRL, read with our own reader (RFC 5280 §5.1). `delta` where it says to be one."""

    der: bytes
    issuer_der: bytes
    last_update: datetime | None
    next_update: datetime | None
    has_next: bool
    entries: dict[int, tuple[Entry, ...]]
    key_id: KeyId | None
    scope: Scope | None
    delta: bool
    unknown_critical: bool
    algorithm: bytes
    signature: bytes
    unused_bits: int
    signed: bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RevocationList) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A list that may speak of a certificate, how well it fits, who made it, and the reasons that it covers."""

    crl: RevocationList
    score: int
    issuer: Certificate
    reasons: int


# READING


def load_crls(path: str | os.PathLike[str]) -> tuple[RevocationList, ...] | None:
    """What `sslcrl=path` gives libpq: None for a file that is missing or holds no list, and then nobody checks.

    So does a pipe into which nobody writes, at which libpq would wait.
    """
    try:
        data = pipes.content(Path(path).expanduser(), LARGEST)
    except OSError:
        return None
    return tuple(from_pem(data)) or None


def from_pem(data: bytes) -> list[RevocationList]:
    """Every list of PEM text that can be read, in order."""
    found = []
    for match in list(PEM.finditer(data))[:MOST_LISTS]:
        try:
            found.append(from_der(base64.b64decode(match.group(1))))
        except (binascii.Error, DerError):
            continue
    return found


def from_der(data: bytes) -> RevocationList:
    """Read one list. Raises `DerError`."""
    try:
        return _read(data)
    except (IndexError, ValueError) as error:
        raise DerError(f"not a revocation list: {error}") from error


def _read(data: bytes) -> RevocationList:
    tbs, algorithm, signature = der.sequence(data)[:3]
    left = der.children(data, tbs)
    syntax.optional(left, der.INTEGER)
    _, issuer, last = left[:3]
    left = left[3:]
    following = left.pop(0) if left and left[0].tag in (der.UTC_TIME, der.GENERALIZED_TIME) else None
    revoked = syntax.optional(left, der.SEQUENCE)
    extensions: dict[str, Extension] = {}
    repeated: frozenset[str] = frozenset()
    if left and left[0].tag == 0xA0:
        repeated = read_extensions(data, der.children(data, left[0])[0], extensions)
    entries, critical = _entries(data, revoked)
    canonical(der.whole(data, issuer))
    return RevocationList(
        der=der.whole(data, der.node(data, 0)),
        issuer_der=der.whole(data, issuer),
        last_update=der.time(data, last),
        next_update=der.time(data, following) if following else None,
        has_next=following is not None,
        entries=entries,
        key_id=_part("2.5.29.35", syntax.authority_key_id, extensions, repeated),
        scope=_part("2.5.29.28", _scope, extensions, repeated),
        delta=_part("2.5.29.27", _number, extensions, repeated) is not None,
        unknown_critical=critical or any(e.critical and oid not in HANDLED for oid, e in extensions.items()),
        algorithm=der.whole(data, algorithm),
        signature=der.content(data, signature)[1:],
        unused_bits=next(iter(der.content(data, signature)), 0),
        signed=der.whole(data, tbs),
    )


def _part(
    oid: str, read: Callable[[bytes], T], extensions: Mapping[str, Extension], repeated: frozenset[str]
) -> T | None:
    """What an extension says; one that cannot be read, or stands there twice, counts for nothing (crl_cb)."""
    extension = extensions.get(oid)
    if extension is None or oid in repeated:
        return None
    try:
        return read(syntax.definite(extension.value))
    except (DerError, IndexError, ValueError):
        return None


def _entries(data: bytes, revoked: Node | None) -> tuple[dict[int, tuple[Entry, ...]], bool]:
    """The entries by serial number; an entry's certificateIssuer holds for those behind it, too (crl_set_issuers)."""
    found: dict[int, tuple[Entry, ...]] = {}
    issuers: tuple[GeneralName, ...] = ()
    critical = False
    for member in der.children(data, revoked) if revoked else ():
        parts = der.children(data, member)
        extensions: dict[str, Extension] = {}
        if len(parts) > 2:
            read_extensions(data, parts[2], extensions)
        if "2.5.29.29" in extensions:
            issuers = syntax.alternative_names(extensions["2.5.29.29"].value)
        reason = extensions.get("2.5.29.21")
        critical = critical or any(e.critical and oid != "2.5.29.29" for oid, e in extensions.items())
        code = der.integer(reason.value, der.node(reason.value, 0)) if reason else None
        serial = der.integer(data, parts[0])
        found[serial] = (*found.get(serial, ()), Entry(code, issuers))
    return found, critical


def _number(value: bytes) -> int:
    of = der.node(value, 0)
    syntax.primitive(value, of, der.INTEGER)
    return syntax.integer(value, of)


def _scope(value: bytes) -> Scope:
    """What a list says that it is about (setup_idp)."""
    left = syntax.members(value, der.node(value, 0))
    name, user, ca, some, indirect, attribute = (syntax.optional(left, tag) for tag in (0xA0, *range(0x81, 0x86)))
    syntax.done(left)
    if some:
        syntax.bits(value, some)
    flags = [flag is not None and syntax.boolean(value, flag) for flag in (user, ca, attribute)]
    partial = some is not None or (indirect is not None and syntax.boolean(value, indirect))
    return Scope(
        name=syntax.point_name(value, name) if name else None,
        only_user=flags[0],
        only_ca=flags[1],
        only_attribute=flags[2],
        partial=partial,
        contradictory=sum(flags) > 1,
    )


# CHECKING


def crl_faults(
    chain: Sequence[Certificate],
    crls: Sequence[RevocationList],
    time: datetime,
    openssl: tuple[int, ...] = (3, 0),
) -> Iterator[tuple[int, int]]:
    """Code and depth of what is wrong, from the leaf up to the root (check_revocation with CRL_CHECK_ALL).

    A list that says to be a delta speaks for itself until 3.0.22, which takes none as a base (get_crl_sk). Measured with 3.0.19,
    3.0.20 and 3.0.22, and with 3.5.8.
    """
    if openssl >= NO_DELTA_ALONE:
        crls = [crl for crl in crls if not crl.delta]
    for depth in range(len(chain)):
        if not facts(chain[depth]).proxy:
            yield from ((code, depth) for code in _certificate_faults(chain, depth, crls, time))


def _certificate_faults(
    chain: Sequence[Certificate], depth: int, crls: Sequence[RevocationList], time: datetime
) -> Iterator[int]:
    """check_cert: look for lists until they cover every reason."""
    reasons = 0
    while reasons != ALL_REASONS:
        found = _best(chain, depth, crls, reasons, time)
        if found is None:
            yield 3
            return
        yield from _list_faults(found, time)
        yield from _entry_faults(found.crl, chain[depth])
        if found.reasons == reasons:
            yield 3
            return
        reasons = found.reasons


def _best(
    chain: Sequence[Certificate], depth: int, crls: Sequence[RevocationList], reasons: int, time: datetime
) -> Candidate | None:
    """get_crl_sk: the list that fits best, of equal ones the newest."""
    best: Candidate | None = None
    for crl in crls:
        found = _candidate(chain, depth, crl, reasons, time)
        if found is None or (best and found.score < best.score):
            continue
        if best and found.score == best.score and not _newer(crl, best.crl):
            continue
        best = found
    return best


def _newer(crl: RevocationList, than: RevocationList) -> bool:
    return bool(crl.last_update and than.last_update and crl.last_update > than.last_update)


def _candidate(
    chain: Sequence[Certificate], depth: int, crl: RevocationList, reasons: int, time: datetime
) -> Candidate | None:
    """get_crl_score without extended CRL support: lists for some reasons, or of another issuer, count for nothing."""
    scope, subject = crl.scope, chain[depth]
    if scope and (scope.contradictory or scope.partial):
        return None
    if not same_name(subject.issuer_der, crl.issuer_der):
        return None
    score = ISSUER_NAME
    if not crl.unknown_critical:
        score |= NO_CRITICAL
    if not list(_time_faults(crl, time)):
        score |= TIME
    issuer, how = _issuer(chain, depth, crl)
    if issuer is None:
        return None
    score |= how
    covered = _covered(subject, crl)
    if covered is not None:
        if not covered & ~reasons:
            return None
        reasons |= covered
        score |= SCOPE
    return Candidate(crl, score, issuer, reasons)


def _issuer(chain: Sequence[Certificate], depth: int, crl: RevocationList) -> tuple[Certificate | None, int]:
    """crl_akid_check: the certificate above, else one further up with the list's name and key identifier."""
    above = min(depth + 1, len(chain) - 1)
    if key_id_fits(chain[above], facts(chain[above]).subject_key_id, crl.key_id):
        return chain[above], KEY_ID | ISSUER_CERTIFICATE
    for certificate in chain[above + 1 :]:
        if same_name(certificate.subject_der, crl.issuer_der) and key_id_fits(
            certificate, facts(certificate).subject_key_id, crl.key_id
        ):
            return certificate, KEY_ID | SAME_PATH
    return None, 0


def _covered(subject: Certificate, crl: RevocationList) -> int | None:
    """crl_crldp_check: the reasons that the list covers for this certificate; None when it is not about it."""
    scope, known = crl.scope, facts(subject)
    if scope and (scope.only_attribute or (scope.only_user if known.ca else scope.only_ca)):
        return None
    for point in known.points:
        if _made_by(point, crl) and (scope is None or _same_point(point, scope, subject, crl)):
            return ALL_REASONS & point.reasons
    return ALL_REASONS if scope is None or scope.name is None else None


def _made_by(point: Point, crl: RevocationList) -> bool:
    """crldp_check_crlissuer."""
    if point.issuers is None:
        return True
    return any(name.kind == "directoryName" and same_name(name.value, crl.issuer_der) for name in point.issuers)


def _same_point(point: Point, scope: Scope, subject: Certificate, crl: RevocationList) -> bool:
    """idp_check_dp: no name on one side, or one name in common."""
    if point.name is None or scope.name is None:
        return True
    directories = [name.value for name in point.issuers or () if name.kind == "directoryName"]
    ours = _names(point.name, next(iter(directories), subject.issuer_der))
    return bool(ours & _names(scope.name, crl.issuer_der))


def _names(name: PointName, below: bytes) -> set[tuple[str, object]]:
    if name.relative is not None:
        return {("directoryName", (*folded(below), name.relative))}
    return {(n.kind, folded(n.value) if n.kind == "directoryName" else n.value) for n in name.full}


def _list_faults(found: Candidate, time: datetime) -> Iterator[int]:
    """check_crl: who made the list, what it is about, its dates, its signature."""
    crl, issuer = found.crl, found.issuer
    if not crl.delta:
        if not facts(issuer).allows(CRL_SIGN):
            yield 35
        if not found.score & SCOPE:
            yield 44
    yield from _time_faults(crl, time)
    if not readable(issuer.spki):
        yield 6
    elif not verifies(crl.algorithm, crl.signature, crl.unused_bits, crl.signed, issuer.spki):
        yield 8


def _time_faults(crl: RevocationList, time: datetime) -> Iterator[int]:
    """check_crl_time, with the boundaries of X509_cmp_time."""
    if crl.last_update is None:
        yield 15
    elif crl.last_update > time:
        yield 11
    if crl.has_next and crl.next_update is None:
        yield 16
    elif crl.next_update is not None and crl.next_update <= time.replace(microsecond=0):
        yield 12


def _entry_faults(crl: RevocationList, subject: Certificate) -> Iterator[int]:
    """cert_crl: a list with a critical extension that nobody knows is no list; then the serial number."""
    if crl.unknown_critical:
        yield 36
    for entry in crl.entries.get(subject.serial, ()):
        names = [name.value for name in entry.issuers if name.kind == "directoryName"] or [crl.issuer_der]
        if any(same_name(name, subject.issuer_der) for name in names):
            if entry.reason != REMOVED:
                yield 23
            return


# TABLES

NO_DELTA_ALONE = (3, 0, 22)
HANDLED = {"2.5.29.28", "2.5.29.35", "2.5.29.27"}  # issuingDistributionPoint, authorityKeyIdentifier, deltaCRLIndicator
