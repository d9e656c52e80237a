"""What OpenSSL keeps of a certificate's extensions before it judges (crypto/x509/v3_purp.c, ossl_x509v3_cache_extensions).

One extension of these that cannot be read, or that stands there twice, makes the whole certificate invalid: it then
issues nothing and nothing issues it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tracer.certificates import Certificate, GeneralName, KeyId
from tracer.der import DerError
from tracer.signatures import fits, key_kind, readable, signature_kind
from tracer.verify import syntax
from tracer.verify.syntax import NameConstraints, Point, same_name

DIGITAL_SIGNATURE, KEY_CERT_SIGN, CRL_SIGN = 0x80, 0x04, 0x02
TLS_USAGES = 0x80 | 0x20 | 0x08  # digitalSignature, keyEncipherment, keyAgreement
SSL_SERVER, SSL_CA, ANY_CA = 0x40, 0x04, 0x07  # of nsCertType


@dataclass(frozen=True, slots=True)
class Facts:
    """The extensions of one certificate, None where one is absent. `invalid` says which made it so."""

    invalid: str | None
    version: int
    self_issued: bool
    self_signed: bool
    unknown_critical: bool
    basic_constraints: tuple[bool, int | None] | None
    proxy: bool
    proxy_path: int | None
    key_usage: int | None
    purposes: frozenset[str] | None
    netscape: int | None
    subject_key_id: bytes | None
    authority_key_id: KeyId | None
    names: tuple[GeneralName, ...] | None
    constraints: NameConstraints | None
    points: tuple[Point, ...]

    @property
    def ca(self) -> bool:
        return self.basic_constraints is not None and self.basic_constraints[0]

    @property
    def path(self) -> int | None:
        return self.basic_constraints[1] if self.basic_constraints else None

    def allows(self, usage: int) -> bool:
        """ku_reject, the other way round: without a keyUsage everything is allowed."""
        return self.key_usage is None or self.key_usage & usage != 0


@lru_cache(maxsize=4096)
def facts(certificate: Certificate) -> Facts:
    """Read the extensions that count."""
    found: dict[str, Any] = {name: None for name, _ in READERS.values()}
    invalid, good = None, set()
    for oid, (name, read) in READERS.items():
        extension = certificate.extensions.get(oid)
        if extension is None:
            continue
        if oid in certificate.repeated:
            invalid = invalid or f"{name} stands there twice"
            continue
        try:
            found[name] = read(_shaped(extension.value))
            good.add(oid)
        except (DerError, IndexError, ValueError) as error:
            invalid = invalid or f"{name} cannot be read: {error}"
    constraints, proxy = found["basic_constraints"], found["proxy"]
    is_proxy = PROXY in good
    if is_proxy and ((constraints and constraints[0]) or certificate.extensions.keys() & NOT_WITH_PROXY):
        invalid = invalid or "a proxy certificate with a CA flag or other names"
    self_issued = same_name(certificate.subject_der, certificate.issuer_der)
    return Facts(
        invalid=invalid,
        version=certificate.version,
        self_issued=self_issued,
        self_signed=self_issued
        and key_id_fits(certificate, found["subject_key_id"], found["authority_key_id"])
        and key_fits(certificate, certificate),
        unknown_critical=any(e.critical and oid not in SUPPORTED for oid, e in certificate.extensions.items()),
        basic_constraints=constraints,
        proxy=is_proxy,
        proxy_path=proxy,
        key_usage=found["key_usage"],
        purposes=found["purposes"],
        netscape=found["netscape"],
        subject_key_id=found["subject_key_id"],
        authority_key_id=found["authority_key_id"],
        names=found["names"],
        constraints=found["constraints"],
        points=found["points"] or (),
    )


def _shaped(value: bytes) -> bytes:
    return syntax.definite(value) if b"\x80" in value else value


def key_id_fits(issuer: Certificate, own: bytes | None, wanted: KeyId | None) -> bool:
    """X509_check_akid: what an authority key identifier says must not contradict the issuer, whose own one is `own`."""
    if wanted is None:
        return True
    if wanted.key_id is not None and own is not None and wanted.key_id != own:
        return False
    if wanted.serial is not None and wanted.serial != issuer.serial:
        return False
    return wanted.issuer is None or same_name(wanted.issuer, issuer.issuer_der)


def key_fits(issuer: Certificate, subject: Certificate) -> bool:
    """check_sig_alg_match: the issuer's key is readable and of the kind that the subject says it is signed with."""
    return readable(issuer.spki) and fits(signature_kind(subject.inner_oid), key_kind(issuer.spki))


# TABLES

PROXY = "1.3.6.1.5.5.7.1.14"
NOT_WITH_PROXY = {"2.5.29.17", "2.5.29.18"}
READERS: dict[str, tuple[str, Callable[[bytes], Any]]] = {
    "2.5.29.19": ("basic_constraints", syntax.basic_constraints),
    PROXY: ("proxy", syntax.proxy),
    "2.5.29.15": ("key_usage", syntax.key_usage),
    "2.5.29.37": ("purposes", syntax.purposes),
    "2.16.840.1.113730.1.1": ("netscape", syntax.netscape_type),
    "2.5.29.14": ("subject_key_id", syntax.subject_key_id),
    "2.5.29.35": ("authority_key_id", syntax.authority_key_id),
    "2.5.29.17": ("names", syntax.alternative_names),
    "2.5.29.30": ("constraints", syntax.name_constraints),
    "2.5.29.31": ("points", syntax.distribution_points),
    "1.3.6.1.5.5.7.1.7": ("addresses", syntax.address_blocks),
    "1.3.6.1.5.5.7.1.8": ("systems", syntax.system_numbers),
}
SUPPORTED = frozenset(  # X509_supported_extension
    {
        *(READERS.keys() - {"2.5.29.14", "2.5.29.35"}),
        "2.5.29.32",  # certificatePolicies
        "1.3.6.1.5.5.7.48.1.5",  # ocsp-nocheck
        "2.5.29.36",  # policyConstraints
        "2.5.29.33",  # policyMappings
        "2.5.29.54",  # inhibitAnyPolicy
    }
)
