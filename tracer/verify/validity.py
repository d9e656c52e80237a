"""The validity period of one certificate (ossl_x509_check_cert_time, X509_cmp_time in crypto/x509/x509_vfy.c)."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from tracer import der
from tracer.certificates import Certificate
from tracer.der import DerError

# OpenSSL 3.5 reads no certificate with a date of fewer characters (crypto/asn1/tasn_dec.c, asn1_ex_c2i). Measured with 3.5.8.
SHORTEST = {der.UTC_TIME: (13, "utctime is too short"), der.GENERALIZED_TIME: (15, "generalizedtime is too short")}
STRICT_DATES = (3, 5)
VERSION = 0xA0


def time_fault(certificate: Certificate, time: datetime) -> int | None:
    """The X509_V_ERR code of a certificate at a time, or None when it is good then.

    A certificate is good from its first second on; OpenSSL takes the very moment of notAfter for too late.
    """
    if certificate.not_before is None:
        return 13
    if certificate.not_before > time:
        return 9
    if certificate.not_after is None:
        return 14
    return 10 if certificate.not_after <= time.replace(microsecond=0) else None


def out_of_time(certificate: Certificate, time: datetime) -> bool:
    return time_fault(certificate, time) is not None


@lru_cache(maxsize=4096)
def unreadable(certificate: Certificate, openssl: tuple[int, ...]) -> str | None:
    """OpenSSL's first word on a certificate that it does not read for one of its dates; None for one that it reads."""
    if openssl < STRICT_DATES or (certificate.not_before and certificate.not_after):
        return None
    try:
        tbs = certificate.tbs
        parts = der.sequence(tbs)
        validity = parts[4 if parts[0].tag == VERSION else 3]
        dates = [(date.tag, date.stop - date.body) for date in der.children(tbs, validity)]
    except (DerError, IndexError):
        return None
    short = (SHORTEST[tag][1] for tag, size in dates if tag in SHORTEST and size < SHORTEST[tag][0])
    return next(short, None)
