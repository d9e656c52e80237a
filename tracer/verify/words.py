"""What went wrong with a chain, in one sentence, and the alert that OpenSSL sends for it."""

from __future__ import annotations

from tracer.certificates import Certificate
from tracer.verify.chain import Fault


def explain(fault: Fault) -> str:
    """One sentence about a fault of the chain, with its certificate."""
    who = fault.certificate.short
    sentence = SENTENCES.get(fault.code, "{who}: {text}")
    issuer = next(
        (p[3:] for p in fault.certificate.issuer.split(", ") if p.startswith("CN=")), fault.certificate.issuer
    )
    return sentence.format(who=who, issuer=issuer, text=fault.text) + f" (OpenSSL {fault.code})"


def explain_time(fault: Fault) -> str:
    certificate = fault.certificate
    if fault.code == 10:
        return f"{certificate.short} ended on {certificate.not_after:%Y-%m-%d %H:%M:%S} UTC (OpenSSL 10)"
    if fault.code == 9:
        return f"{certificate.short} begins on {certificate.not_before:%Y-%m-%d %H:%M:%S} UTC (OpenSSL 9)"
    return f"{certificate.short}: {fault.text} (OpenSSL {fault.code})"


def span(certificates: tuple[Certificate, ...]) -> str:
    """The period in which all of them are valid."""
    starts = [c.not_before for c in certificates if c.not_before]
    ends = [c.not_after for c in certificates if c.not_after]
    return (
        f"all valid from {max(starts):%Y-%m-%d} to {min(ends):%Y-%m-%d}"
        if starts and ends
        else "dates that cannot be read"
    )


def alert(code: int) -> int:
    """The alert for an X509_V_ERR code (OpenSSL ssl/statem/statem_lib.c, x509table)."""
    return ALERTS.get(code, 46)


# TABLES

SENTENCES = {
    2: "the root file holds {who}, but not the root above it, and an intermediate alone is not enough",
    3: "no revocation list at hand is about {who}",
    7: "the signature of {who} was not made by its issuer's key",
    18: "{who} is self-signed and not in the root file",
    19: "the chain ends with {who}, which is not in the root file",
    20: "nothing in the chain or the root file is the issuer of {who}: {issuer}",
    23: "{who} was revoked",
    26: "{who} may not be used for a TLS server",
    28: "the root file says of {who} that it is not to be trusted for TLS servers",
    44: "the revocation list at hand is not about {who}",
    47: "{who} has a name that a CA above it is not allowed to give",
    48: "{who} has a name that a CA above it must not give",
    66: "the key of {who} is too weak",
    67: "the key of {who} is too weak",
    68: "{who} is signed with a digest that is too weak",
    79: "{who} is not a CA certificate",
}
ALERTS = {
    1: 80,
    **dict.fromkeys((2, 3, 18, 19, 20, 22, 24, 25, 33, 79), 48),
    **dict.fromkeys((6, 9, 11, 13, 14, 15, 16, 21, 27, 28, 66, 67, 68, 94), 42),
    **dict.fromkeys((10, 12), 45),
    **dict.fromkeys((4, 5, 7, 8), 51),
    23: 44,
    26: 43,
}
# those that a client may send for the server's certificates; 51 may also be about a signature of the handshake
CERTIFICATE_ALERTS = (42, 43, 44, 45, 46, 48, 51)
ALERT_NAMES = {
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    48: "unknown_ca",
    51: "decrypt_error",
}
