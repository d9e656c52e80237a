"""What libpq prints, version by version, without the prefix that names the server. Facts of the program, measured.

Each function takes a `Libpq` where the version plays a part. A text of several lines is what libpq prints as several.
"""

from __future__ import annotations

from collections.abc import Sequence

from tracer.certificates import Certificate
from tracer.verify.chain import Fault
from tracer.verify.clients.libpq_versions import Libpq
from tracer.verify.clients.openssl_texts import wrong_signature
from tracer.verify.model import BROKEN_ENTRY

NO_TLS = "server does not support SSL, but SSL was required"
EARLY_ERROR = "server sent an error response during SSL exchange"
Versions = tuple[str, str]  # the lowest and the highest that the client allows, in its own words
DEFAULT_VERSIONS: Versions = ("TLSv1.2", "TLSv1.3")
CLOSED = (
    "server closed the connection unexpectedly\n"
    "\tThis probably means the server terminated abnormally\n"
    "\tbefore or while processing the request."
)
INJECTED = "received unencrypted data after SSL response"
FAILED = "SSL error: certificate verify failed"
LONG_NAME = "could not set SSL Server Name Indication (SNI): ssl3 ext invalid servername"
NO_ALPN = "direct SSL connection was established without ALPN protocol negotiation extension"
NO_HOST = "host name must be specified for a verified SSL connection"
NOT_BOUND = "channel binding required, but server authenticated client without channel binding"
CANNOT_BIND = "channel binding required but not supported by server's authentication request"
NO_PLUS = "channel binding is required, but server did not offer an authentication method that supports channel binding"
NO_TLS_TO_BIND = "channel binding required, but SSL not in use"
NO_MECHANISM = "none of the server's SASL authentication mechanisms are supported"
PLUS_IN_CLEAR = "server offered SCRAM-SHA-256-PLUS authentication over a non-SSL connection"
NOT_ASKED_FOR_CERTIFICATE = "server did not request an SSL certificate"
NO_CERTIFICATE = "server accepted connection without a valid SSL certificate"


# BEFORE ANY PACKET (fe-connect.c, conninfo_parse and pqConnectOptions2)


def invalid_option(option: str) -> str:
    return f'invalid connection option "{option}"'


VERSION_RANGE = "invalid SSL protocol version range"


def weak_for_system(mode: str) -> str:
    return f'weak sslmode "{mode}" may not be used with sslrootcert=system (use "verify-full")'


def weak_for_direct(mode: str) -> str:
    modes = '"require", "verify-ca", or "verify-full"'
    return f'weak sslmode "{mode}" may not be used with sslnegotiation=direct (use {modes})'


# BEHIND THE ANSWER


def invalid_answer(byte: bytes) -> str | None:
    """What is printed for an answer that is none; None where the byte is not known. A NUL ends libpq's line."""
    if not byte:
        return None
    return "received invalid response to SSL negotiation: " + byte[:1].strip(b"\0").decode("utf-8", "backslashreplace")


def missing_root(libpq: Libpq, path: str) -> str:
    system = "use the system's trusted roots with sslrootcert=system, " if libpq.has("system") else ""
    way = f"Either provide the file, {system}or" if system else "Either provide the file or"
    return f'root certificate file "{path}" does not exist\n{way} change sslmode to disable server certificate verification.'


def unusable_root(libpq: Libpq, path: str, reason: str) -> str | None:
    """Of a file that it may not open, libpq on OpenSSL 3 prints memory that nobody has filled, and that is not ours to guess."""
    if reason == BROKEN_ENTRY or (reason == "bad end line" and libpq.openssl < (3, 0)):
        return None  # OpenSSL has many words for a damaged entry, and 1.1.1 has others
    if reason == NO_PERMISSION and libpq.openssl >= (3, 0):
        reason = ""
    return f'could not read root certificate file "{path}": {reason}'


# IN THE HANDSHAKE (fe-secure-openssl.c, open_client_SSL)


def refused_chain(libpq: Libpq, fault: Fault, certificates: Sequence[Certificate]) -> str | None:
    """OpenSSL's first error for a refused chain, which is built of `certificates`; a wrong signature has others."""
    issuer = certificates[fault.depth + 1] if fault.depth + 1 < len(certificates) else None
    if issuer is None or fault.code not in (WRONG_SIGNATURE, WRONG_CRL_SIGNATURE):
        return FAILED
    signed = fault.certificate if fault.code == WRONG_SIGNATURE else None  # the CRL is not at hand
    reason = wrong_signature(signed, issuer, libpq.openssl)
    return reason and f"SSL error: {reason}"


def server_alert(libpq: Libpq, number: int, versions: Versions = DEFAULT_VERSIONS) -> str:
    """What is printed for a fatal alert of the server."""
    return f"SSL error: {_alert(libpq, number)}" + (hint(libpq, versions) if number == PROTOCOL_VERSION else "")


def _alert(libpq: Libpq, number: int) -> str:
    if number == NO_APPLICATION_PROTOCOL and libpq.openssl < (3, 0) and libpq.has("alpn"):
        return "no application protocol"
    reason = ALERTS.get(number)
    if reason is None or (number in NAMELESS_IN_1_1 and libpq.openssl < (3, 0)):
        return f"SSL error code {(0xA000000 if libpq.openssl >= (3, 0) else 0x14094000) + 1000 + number}"
    return reason.replace("sslv3 alert", "ssl/tls alert") if libpq.openssl >= (3, 2) else reason


def not_tls(libpq: Libpq, versions: Versions = DEFAULT_VERSIONS) -> str:
    """The server's bytes are no TLS record."""
    return "SSL error: wrong version number" + hint(libpq, versions)


def no_protocols(libpq: Libpq, versions: Versions) -> str:
    """OpenSSL itself has none of the versions between those two."""
    return "SSL error: no protocols available" + hint(libpq, versions)


def hint(libpq: Libpq, versions: Versions) -> str:
    """The second line: ssl_min_protocol_version and ssl_max_protocol_version as they were written."""
    words = "\nThis may indicate that the server does not support any SSL protocol version between {} and {}."
    return words.format(*versions) if libpq.has("tls_1_2") else ""


def end_of_file(libpq: Libpq) -> str:
    """The server closed inside the handshake."""
    if libpq.has("unexpected_eof") and libpq.openssl >= (3, 0):
        return "SSL error: unexpected eof while reading"
    return "SSL SYSCALL error: EOF detected"


def reset(libpq: Libpq) -> str:
    """The server reset the connection inside the handshake."""
    lines = f"{CLOSED}\n" if libpq.has("every_attempt") else ""
    return lines + "SSL SYSCALL error: Connection reset by peer"


# AUTHENTICATION, in fe-auth.c: check_expected_areq and pg_SASL_init


def not_bound(asked: tuple[str, ...], at_sasl: str) -> str:
    """What channel_binding=require prints for what the server asked: a password exchange that cannot be bound, or none."""
    if "AuthenticationOk" in asked:
        return NOT_BOUND
    if any(name.startswith("Authentication") and name != "AuthenticationSASL" for name in asked):
        return CANNOT_BIND
    return at_sasl


# SEVERAL ATTEMPTS


def both(libpq: Libpq, first: str | None, last: str) -> str:
    """What two failed attempts print. Up to 13 what OpenSSL or the client itself says takes the place of what stood there."""
    if first is None or not (libpq.has("every_attempt") or last.startswith(ADDED)):
        return last
    return f"{first}\n{last}"


# TABLES

ADDED = ("server does not support SSL", "server sent an error", "received ", "FATAL:")
WRONG_SIGNATURE, WRONG_CRL_SIGNATURE = 7, 8  # X509_V_ERR_CERT_SIGNATURE_FAILURE and X509_V_ERR_CRL_SIGNATURE_FAILURE
NO_PERMISSION = "Permission denied"
PROTOCOL_VERSION, NO_APPLICATION_PROTOCOL = 70, 120
NAMELESS_IN_1_1 = {115, 120}
# OpenSSL's reasons for a received alert, up to 3.1; in its words the numbers of SSL 3 are "ssl/tls" since
ALERTS = {
    10: "sslv3 alert unexpected message",
    20: "sslv3 alert bad record mac",
    21: "tlsv1 alert decryption failed",
    22: "tlsv1 alert record overflow",
    30: "sslv3 alert decompression failure",
    40: "sslv3 alert handshake failure",
    41: "sslv3 alert no certificate",
    42: "sslv3 alert bad certificate",
    43: "sslv3 alert unsupported certificate",
    44: "sslv3 alert certificate revoked",
    45: "sslv3 alert certificate expired",
    46: "sslv3 alert certificate unknown",
    47: "sslv3 alert illegal parameter",
    48: "tlsv1 alert unknown ca",
    49: "tlsv1 alert access denied",
    50: "tlsv1 alert decode error",
    51: "tlsv1 alert decrypt error",
    60: "tlsv1 alert export restriction",
    70: "tlsv1 alert protocol version",
    71: "tlsv1 alert insufficient security",
    80: "tlsv1 alert internal error",
    86: "tlsv1 alert inappropriate fallback",
    90: "tlsv1 alert user cancelled",
    100: "tlsv1 alert no renegotiation",
    109: "tlsv13 alert missing extension",
    110: "tlsv1 unsupported extension",
    111: "tlsv1 certificate unobtainable",
    112: "tlsv1 unrecognized name",
    113: "tlsv1 bad certificate status response",
    114: "tlsv1 bad certificate hash value",
    115: "tlsv1 alert unknown psk identity",
    116: "tlsv13 alert certificate required",
    120: "tlsv1 alert no application protocol",
}
