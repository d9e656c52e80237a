"""Revocation lists as libpq has OpenSSL check them: one for every certificate of the chain, and no delta lists.

crypto/x509/x509_vfy.c: check_revocation, get_crl_score, check_crl, cert_crl. A list is read with our own DER reader, as
certificates are. Codes are X509_V_ERR numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from tracer import der
from tracer.certificates import Certificate, Extension, KeyId, key_identifier
from tracer.der import DerError, Node
from tracer.signatures import is_signed
from tracer.x500 import GeneralName, general_names, same_name

REMOVED, SCOPE, NO_CRITICAL, TIME, NAME = 8, 0x80, 0x100, 0x40, 0x20
INDIRECT, ATTRIBUTES, USERS, CAS, REASONS = 0x84, 0x85, 0x81, 0x82, 0x83  # tags of IssuingDistributionPoint


@dataclass(frozen=True, eq=False)
class RevocationList:
    """A CRL: whose it is, from when to when, and the serial numbers with the reason of each (None where none is given)."""

    der: bytes
    issuer_der: bytes
    last_update: datetime | None
    next_update: datetime | None
    ends: bool  # it says when the next one comes
    revoked: Mapping[int, int | None]
    extensions: Mapping[str, Extension]
    entry_critical: bool
    signature_oid: str
    signature_parameters: bytes
    signature: bytes
    tbs: bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RevocationList) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    @staticmethod
    def from_der(data: bytes) -> RevocationList | None:
        """Read a list; None where it cannot be read. Raises nothing."""
        try:
            return _read(data)
        except (DerError, IndexError, ValueError):
            return None

    @property
    def authority_key_id(self) -> KeyId | None:
        extension = self.extensions.get(AUTHORITY_KEY)
        return key_identifier(extension.value) if extension else None

    @property
    def scope(self) -> dict[int, Node]:
        """The parts of its issuing distribution point, by tag."""
        extension = self.extensions.get(DISTRIBUTION_POINT)
        return {part.tag: part for part in der.sequence(extension.value)} if extension else {}

    @property
    def critical(self) -> bool:
        """Whether it has critical extensions that nobody knows here."""
        return self.entry_critical or any(e.critical and oid not in KNOWN for oid, e in self.extensions.items())


def revocation_faults(
    chain: Sequence[Certificate], lists: Sequence[RevocationList], time: datetime
) -> Iterator[tuple[int, int]]:
    """The code and depth of each fault, from the leaf up to the root (CRL_CHECK and CRL_CHECK_ALL)."""
    for depth, certificate in enumerate(chain):
        issuer = chain[min(depth + 1, len(chain) - 1)]
        best, best_score = None, 0
        for candidate in lists:
            score = _score(candidate, certificate, issuer, time)
            newer = best is not None and _later(candidate, best)
            if score and (score > best_score or (score == best_score and (best is None or newer))):
                best, best_score = candidate, score
        if best is None:
            yield 3, depth
        else:
            yield from ((code, depth) for code in _faults(best, best_score, certificate, issuer, time))


def _later(a: RevocationList, b: RevocationList) -> bool:
    return a.last_update is not None and b.last_update is not None and a.last_update > b.last_update


def _score(crl: RevocationList, certificate: Certificate, issuer: Certificate, time: datetime) -> int:
    """How well a list fits; 0 is not at all (get_crl_score, without extended CRL support)."""
    from tracer.verify.chain import key_id_fits

    if crl.scope.keys() & {INDIRECT, REASONS} or not same_name(certificate.issuer_der, crl.issuer_der):
        return 0
    if not key_id_fits(issuer, crl.authority_key_id):
        return 0
    score = NAME | (0 if crl.critical else NO_CRITICAL)
    score |= 0 if any(_time_faults(crl, time)) else TIME
    return score | (SCOPE if _in_scope(crl, certificate) else 0)


def _in_scope(crl: RevocationList, certificate: Certificate) -> bool:
    """crl_crldp_check: what kind of certificates the list is about, and where it is to be had."""
    scope = crl.scope
    ca = certificate.basic_constraints is not None and certificate.basic_constraints[0]
    if ATTRIBUTES in scope or (USERS if ca else CAS) in scope:
        return False
    if 0xA0 not in scope:
        return True
    data = crl.extensions[DISTRIBUTION_POINT].value
    here = set(_full_names(data, scope[0xA0]))
    return any(not there or here & there for there in _points(certificate))


def _points(certificate: Certificate) -> Iterator[set[GeneralName]]:
    """The names of each of a certificate's distribution points; an empty set for one without a name."""
    extension = certificate.extensions.get(POINTS)
    for point in der.sequence(extension.value) if extension else ():
        parts = {part.tag: part for part in der.children(extension.value, point)} if extension else {}
        if extension and 0xA2 not in parts:
            yield set(_full_names(extension.value, parts[0xA0])) if 0xA0 in parts else set()


def _full_names(data: bytes, point: Node) -> Iterator[GeneralName]:
    for name in der.children(data, point):
        if name.tag == 0xA0:
            yield from general_names(data, name)


def _faults(
    crl: RevocationList, score: int, certificate: Certificate, issuer: Certificate, time: datetime
) -> Iterator[int]:
    """check_crl and cert_crl, for the list that fits best."""
    if issuer.key_usage is not None and "cRLSign" not in issuer.key_usage and DELTA not in crl.extensions:
        yield 35
    if not score & SCOPE and DELTA not in crl.extensions:
        yield 44
    yield from _time_faults(crl, time)
    if not is_signed(crl.signature_oid, crl.signature_parameters, crl.signature, crl.tbs, issuer.spki):
        yield 8
    if crl.critical:
        yield 36
    if certificate.serial in crl.revoked and crl.revoked[certificate.serial] != REMOVED:
        yield 23


def _time_faults(crl: RevocationList, time: datetime) -> Iterator[int]:  # check_crl_time
    if crl.last_update is None:
        yield 15
    elif crl.last_update > time:
        yield 11
    if crl.ends and crl.next_update is None:
        yield 16
    elif crl.next_update is not None and crl.next_update <= time:
        yield 12


# READING


@lru_cache(maxsize=256)
def _read(data: bytes) -> RevocationList:  # RFC 5280 §5.1
    tbs, algorithm, signature = der.sequence(data)[:3]
    parts = der.children(data, tbs)
    if parts[0].tag == der.INTEGER:
        del parts[0]
    issuer, last, *rest = parts[1:]
    following = rest.pop(0) if rest and rest[0].tag in (der.UTC_TIME, der.GENERALIZED_TIME) else None
    entries = rest.pop(0) if rest and rest[0].tag == der.SEQUENCE else None
    extensions = _extensions(data, der.children(data, rest[0])[0]) if rest else {}
    revoked, critical = _entries(data, entries)
    algorithm_parts = der.children(data, algorithm)
    return RevocationList(
        der=data[: der.node(data, 0).stop],
        issuer_der=der.whole(data, issuer),
        last_update=der.time(data, last),
        next_update=der.time(data, following) if following else None,
        ends=following is not None,
        revoked=revoked,
        extensions=extensions,
        entry_critical=critical,
        signature_oid=der.oid(der.content(data, algorithm_parts[0])),
        signature_parameters=der.whole(data, algorithm_parts[1]) if len(algorithm_parts) > 1 else b"",
        signature=der.content(data, signature)[1:],
        tbs=der.whole(data, tbs),
    )


def _entries(data: bytes, of: Node | None) -> tuple[dict[int, int | None], bool]:
    revoked: dict[int, int | None] = {}
    critical = False
    for entry in der.children(data, of) if of else ():
        serial, _, *more = der.children(data, entry)
        extensions = _extensions(data, more[0]) if more else {}
        reason = extensions.get(REASON_CODE)
        critical = critical or any(e.critical and oid != CERTIFICATE_ISSUER for oid, e in extensions.items())
        code = der.node(reason.value, 0) if reason else None
        revoked.setdefault(der.integer(data, serial), der.integer(reason.value, code) if reason and code else None)
    return revoked, critical


def _extensions(data: bytes, parent: Node) -> dict[str, Extension]:
    found = {}
    for member in der.children(data, parent):
        parts = der.children(data, member)
        critical = len(parts) > 2 and der.content(data, parts[1]) != b"\0"
        found[der.oid(der.content(data, parts[0]))] = Extension(critical, der.content(data, parts[-1]))
    return found


# TABLES

AUTHORITY_KEY, DISTRIBUTION_POINT, DELTA, POINTS = "2.5.29.35", "2.5.29.28", "2.5.29.27", "2.5.29.31"
REASON_CODE, CERTIFICATE_ISSUER = "2.5.29.21", "2.5.29.29"
KNOWN = frozenset({AUTHORITY_KEY, DISTRIBUTION_POINT, DELTA})
