"""Who is this client? Its TLS library, by its ClientHello, and what it is that speaks PostgreSQL through it.

A library shows in its extensions, suites and their order; a driver in what it adds (ALPN, GSSENCRequest) and in how it refuses.
Seen with the drivers that run in captures/drivers; rustls by its source. What fits several is told as several.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tracer.protocol.fields import every, first, number
from tracer.trace import Trace
from tracer.verify.evidence import observed

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Who:
    """The client that fits best, all that fit, how sure that is, what says so, and the JA4 of its ClientHello."""

    client: str
    candidates: tuple[str, ...]
    confidence: Confidence
    because: tuple[str, ...]
    ja4: str | None


@dataclass(frozen=True, slots=True)
class Hello:
    """What a ClientHello offers, in its order and without GREASE (RFC 8701)."""

    versions: tuple[int, ...]
    suites: tuple[int, ...]
    extensions: tuple[int, ...]
    schemes: tuple[int, ...]
    alpn: tuple[str, ...]
    server_name: bool


def who(trace: Trace) -> Who:
    """The client of a trace; without a ClientHello, libpq, of which most are."""
    gss = any(one.request == "GSSENCRequest" for one in trace.negotiation)
    shown = hello(trace)
    asked = ("It asked for GSSAPI encryption first, as libpq does and none of the drivers by default.",) if gss else ()
    if shown is None:
        return Who("libpq", ("libpq",), "medium" if gss else "low", (*asked, "There is no ClientHello to go by."), None)
    family, words, _ = next((row for row in FAMILIES if row[2](shown)), OTHER)
    candidates, more = CANDIDATES[family](shown, observed(trace))
    if gss:
        candidates = tuple(name for name in candidates if name.startswith("libpq")) or candidates
    only_13 = all(one >> 8 == 0x13 or one == SCSV for one in shown.suites)  # and these lists are all alike
    sure: Confidence = "low" if family == "other" or only_13 else "high" if len(candidates) == 1 else "medium"
    return Who(candidates[0], candidates, sure, (*asked, words, *more), ja4(shown))


def hello(trace: Trace) -> Hello | None:
    """The first ClientHello of a trace, where it could be read."""
    message = trace.of("ClientHello", "client")
    if message is None or message.problem:
        return None

    def numbers(name: str) -> tuple[int, ...]:
        found = (number(field) for field in every(message.fields, name))
        return tuple(value for value in found if value is not None and value & 0x0F0F != 0x0A0A)

    versions = numbers("version") or numbers("legacy_version")
    alpn = tuple(field.text for field in every(message.fields, "protocol_name"))
    named = first(message.fields, "host_name") is not None
    return Hello(versions, numbers("cipher_suite"), numbers("extension_type"), numbers("signature_scheme"), alpn, named)


def ja4(shown: Hello) -> str:
    """JA4 of a ClientHello over TCP (FoxIO, technical_details/JA4.md)."""
    version = JA4_VERSIONS.get(max(shown.versions, default=0), "00")
    alpn = shown.alpn[0] if shown.alpn else ""
    ends = f"{alpn[0]}{alpn[-1]}" if alpn and alpn.isascii() and alpn[0].isalnum() and alpn[-1].isalnum() else "00"
    counts = f"{min(len(shown.suites), 99):02}{min(len(shown.extensions), 99):02}"
    extensions = ",".join(f"{one:04x}" for one in sorted(shown.extensions) if one not in (SERVER_NAME, ALPN))
    schemes = ",".join(f"{one:04x}" for one in _each_once(shown))
    listed = f"{extensions}_{schemes}" if schemes else extensions
    suites = ",".join(f"{one:04x}" for one in sorted(shown.suites))
    return f"t{version}{'d' if shown.server_name else 'i'}{counts}{ends}_{_digest(suites)}_{_digest(listed)}"


def _each_once(shown: Hello) -> tuple[int, ...]:
    """The schemes of signature_algorithms: where there is signature_algorithms_cert too, both lists stand behind each other."""
    half = len(shown.schemes) // 2
    return shown.schemes[:half] if SIGNATURE_ALGORITHMS_CERT in shown.extensions else shown.schemes


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12


# WHAT A LIBRARY LETS ITS DRIVERS BE: the candidates, the likeliest first, and what tells them apart

Found = tuple[tuple[str, ...], tuple[str, ...]]


def _go(shown: Hello, seen: str | None) -> Found:
    if seen == "no_startup":
        return ("lib-pq",), ("It refused behind a whole handshake: of the drivers on Go only lib/pq's verify-ca does.",)
    if shown.alpn:
        return ("pgx-5",), ("It offers ALPN: of the drivers on Go only pgx 5 does.",)
    return ("pgx-5", "pgx-4", "lib-pq"), ("Nothing in the ClientHello tells pgx and lib/pq apart.",)


def _python(shown: Hello, _seen: str | None) -> Found:
    if "postgresql" in shown.alpn:
        return ("asyncpg",), ("It offers ALPN postgresql: asyncpg does, pg8000 does not.",)
    return ("pg8000",), ("It offers no ALPN: asyncpg would.",)


def _rustls(_shown: Hello, _seen: str | None) -> Found:
    return ("tokio-postgres-rustls", "sqlx"), ("Nothing in the ClientHello tells drivers on rustls apart.",)


def _openssl(shown: Hello, seen: str | None) -> Found:
    if seen == "left":
        return ("asyncpg", "libpq"), (
            "It left inside the handshake without an alert, which libpq does only when it is stopped.",
        )
    others = ("npgsql", "tokio-postgres-native-tls")
    if "postgresql" in shown.alpn:
        return ("libpq", *others[:1]), (
            "It offers ALPN postgresql: libpq from 17 on does, and npgsql, whose hello was not seen.",
        )
    if {0x0301, 0x0302} & set(shown.versions):
        return ("libpq-12", *others[1:]), ("It offers TLS 1.0 or 1.1: libpq 12 does.",)
    if not shown.server_name:
        return ("libpq-16", "libpq-13", *others[1:]), (
            "It names no server: libpq 12 and 13, or an address for a host.",
        )
    return ("libpq-16", *others[1:]), ("It names the server and offers no ALPN: libpq 14 to 16.",)


# TABLES

SCSV = 0x00FF  # TLS_EMPTY_RENEGOTIATION_INFO_SCSV
SERVER_NAME, ALPN, STATUS_REQUEST_V2, SCT, ENCRYPT_THEN_MAC = 0, 16, 17, 18, 22
EXTENDED_MASTER_SECRET, SIGNATURE_ALGORITHMS_CERT = 23, 50
JA4_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3"}
# Modules/_ssl.c, PY_SSL_DEFAULT_CIPHER_STRING, since Python 3.10: what of TLS 1.2 it lets OpenSSL offer
PYTHON_SUITES = (
    *(0xC02C, 0xC030, 0xC02B, 0xC02F, 0xCCA9, 0xCCA8, 0xC024, 0xC028, 0xC023, 0xC027, 0x009F, 0x009E, 0x006B, 0x0067),
)
ARIA = (0xC05C, 0xC05D, 0xC060, 0xC061)  # Node's own list of suites does not leave them out
Row = tuple[str, str, Callable[[Hello], bool]]
FAMILIES: tuple[Row, ...] = (
    (
        "java",
        "Its library is Java's: status_request_v2 and signature_algorithms_cert come from no other.",
        lambda shown: {STATUS_REQUEST_V2, SIGNATURE_ALGORITHMS_CERT} <= set(shown.extensions),
    ),
    (
        "go",
        "Its library is Go's: signed_certificate_timestamp without encrypt_then_mac.",
        lambda shown: SCT in shown.extensions and ENCRYPT_THEN_MAC not in shown.extensions,
    ),
    (
        "node",
        "Its library is Node's OpenSSL: its own long list of suites, with ARIA.",
        lambda shown: ENCRYPT_THEN_MAC in shown.extensions and set(ARIA) <= set(shown.suites),
    ),
    (
        "python",
        "Its library is Python's ssl: OpenSSL's extensions with Python's list of suites.",
        lambda shown: (
            ENCRYPT_THEN_MAC in shown.extensions
            and tuple(one for one in shown.suites if one >> 8 != 0x13 and one != SCSV) == PYTHON_SUITES
        ),
    ),
    (
        "openssl",
        "Its library is OpenSSL, by encrypt_then_mac and OpenSSL's own list of suites.",
        lambda shown: ENCRYPT_THEN_MAC in shown.extensions,
    ),
    (
        "rustls",
        "Its library may be rustls: extended_master_secret without encrypt_then_mac, and few suites.",
        lambda shown: EXTENDED_MASTER_SECRET in shown.extensions and len(shown.suites) <= 10,
    ),
)
OTHER: Row = ("other", "Its library is none that is known here.", lambda _shown: True)
CANDIDATES: dict[str, Callable[[Hello, str | None], Found]] = {
    "java": lambda _shown, _seen: (("pgjdbc",), ()),
    "go": _go,
    "node": lambda _shown, _seen: (("node-postgres-8", "node-postgres-9"), ("Its version cannot be seen.",)),
    "python": _python,
    "openssl": _openssl,
    "rustls": _rustls,
    "other": lambda _shown, _seen: (("libpq",), ("Taken for libpq, of which most are.",)),
}
