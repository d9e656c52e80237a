"""What a root file's TRUSTED CERTIFICATE says beside the certificate: the uses that it is trusted for, and those it is not.

Such files come from `openssl x509 -addtrust`, and from distributions as ca-bundle.trust.crt (X509_CERT_AUX in
crypto/x509/x_x509a.c; obj_trust and trust_1oidany in crypto/x509/x509_trust.c).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from tracer import der
from tracer.certificates import Certificate
from tracer.der import DerError
from tracer.verify import syntax

Trusted = Literal["trusted", "rejected"]
OURS = frozenset({"1.3.6.1.5.5.7.3.1", "2.5.29.37.0"})  # serverAuth, anyExtendedKeyUsage


def trusted_for_tls(certificate: Certificate) -> Trusted | None:
    """What was said of TLS servers; None where nothing was: then a self-signed certificate is trusted, and no other.

    A list of trusted uses that has not this one among them rejects it.
    """
    if not certificate.aux:
        return None
    trusted, rejected = uses(certificate.aux)
    if rejected & OURS:
        return "rejected"
    if trusted is None:
        return None
    return "trusted" if trusted & OURS else "rejected"


@lru_cache(maxsize=1024)
def uses(aux: bytes) -> tuple[frozenset[str] | None, frozenset[str]]:
    """The trusted uses, None without such a list, and the rejected ones. Raises `DerError`."""
    left = syntax.members(aux, der.node(aux, 0))
    trusted, rejected = syntax.optional(left, der.SEQUENCE), syntax.optional(left, 0xA0)
    syntax.optional(left, UTF8_STRING)  # its name
    syntax.optional(left, der.OCTET_STRING)  # its key identifier
    syntax.optional(left, 0xA1)
    syntax.done(left)
    listed = None if trusted is None else frozenset(syntax.oid(aux, member) for member in syntax.members(aux, trusted))
    return listed, frozenset(syntax.oid(aux, of) for of in syntax.members(aux, rejected, 0xA0)) if rejected else NONE


def readable_aux(certificate: Certificate) -> bool:
    """Whether OpenSSL reads what stands behind it; else it reads nothing of the file."""
    try:
        return not certificate.aux or bool(uses(certificate.aux))
    except (DerError, IndexError, ValueError):
        return False


UTF8_STRING = 12
NONE: frozenset[str] = frozenset()
