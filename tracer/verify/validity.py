"""The validity period of one certificate (ossl_x509_check_cert_time, X509_cmp_time in crypto/x509/x509_vfy.c)."""

from __future__ import annotations

from datetime import datetime

from tracer.certificates import Certificate


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
