"""Does the certificate name the host? libpq's own rules: no RFC 6125, no IDN, no trailing dots.

Sources, PostgreSQL 18: fe-secure-common.c (wildcard_certificate_match, pq_verify_peer_name_matches_certificate_name,
pq_verify_peer_name_matches_certificate_ip), fe-secure-openssl.c (pgtls_verify_peer_name_matches_certificate_guts).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address

from tracer import der
from tracer.certificates import Certificate, GeneralName

EMBEDDED_NULL = "SSL certificate's name contains embedded null"


@dataclass(frozen=True, slots=True)
class NameResult:
    """Whether a certificate names a host; `matched` is the name that did, `prints` libpq's text when none does."""

    matched: GeneralName | None
    prints: str | None
    examined: tuple[GeneralName, ...]


def match(certificate: Certificate, host: str, *, ip_names: bool = True) -> NameResult:
    """Compare a host with a certificate's names in libpq's order.

    `ip_names`: from libpq 15 on iPAddress names count, and only a SAN of the host's own kind disables the CN.
    """
    examined: list[GeneralName] = []
    address = packed(host)
    kinds = ("dNSName", "iPAddress") if ip_names else ("dNSName",)
    common_name_counts = True
    for name in certificate.names:
        if name.kind not in kinds:
            continue
        if not ip_names or name.kind == ("iPAddress" if address else "dNSName"):
            common_name_counts = False
        examined.append(name)
        result = _compare(name, host, address)
        if result is not False:
            return _settled(name, result, examined)
    common_name = raw_common_name(certificate.subject_der) if common_name_counts else None
    if common_name is not None:
        name = GeneralName("CN", common_name)
        examined.append(name)
        result = _compare(name, host, address)
        if result is not False:
            return _settled(name, result, examined)
    return NameResult(None, mismatch(examined, host), tuple(examined))


def raw_common_name(subject: bytes) -> bytes | None:
    """The first CN as its bytes stand there: libpq does not ask for the type, so UTF-16 has NULs in it (X509_NAME_ENTRY_get_data)."""
    try:
        for group in der.sequence(subject):
            for member in der.children(subject, group):
                kind, value = der.children(subject, member)[:2]
                if der.oid(der.content(subject, kind)) == COMMON_NAME:
                    return der.content(subject, value)
    except (der.DerError, IndexError, ValueError):
        pass
    return None


def _settled(name: GeneralName, result: str | bool, examined: list[GeneralName]) -> NameResult:
    """The first match ends the search, and so does the first error."""
    if isinstance(result, str):
        return NameResult(None, result, tuple(examined))
    return NameResult(name, None, tuple(examined))


def _compare(name: GeneralName, host: str, address: bytes | None) -> str | bool:
    """True: matches. False: does not. A text: an error that ends everything."""
    if name.kind == "iPAddress":
        if len(name.value) not in (4, 16):
            return f"certificate contains IP address with invalid length {len(name.value)}"
        return name.value == address
    if b"\0" in name.value:
        return EMBEDDED_NULL
    return same_text(name.value, host.encode("utf-8", "surrogateescape"))


def same_text(pattern: bytes, host: bytes) -> bool:
    """Equal but for ASCII case, or by a wildcard for one whole label (wildcard_certificate_match)."""
    pattern, host = pattern.lower(), host.lower()
    if pattern == host:
        return True
    if len(pattern) < 3 or not pattern.startswith(b"*.") or len(pattern) > len(host):
        return False
    tail = pattern[1:]
    return host.endswith(tail) and b"." not in host[: -len(tail)]


def mismatch(examined: list[GeneralName], host: str) -> str:
    """What libpq prints when no name matches."""
    if not examined:
        return "could not get server's host name from server certificate"
    name, others = examined[0], len(examined) - 1
    first = address_text(name.value) if name.kind == "iPAddress" and len(name.value) == 16 else name.text
    plural = "s" if others > 1 else ""
    also = f" (and {others} other name{plural})" if others else ""
    return f'server certificate for "{first}"{also} does not match host name "{host}"'


def address_text(address: bytes) -> str:
    """An IPv6 address as libpq writes it, with IPv4 at its end where it is mapped or all but that is zero (pg_inet_net_ntop)."""
    words = [int.from_bytes(address[at : at + 2], "big") for at in range(0, 16, 2)]
    zeros = next((at for at, word in enumerate(words) if word), 8)
    if zeros == 6 or (zeros == 5 and words[5] == 0xFFFF):
        return f"::{'ffff:' if zeros == 5 else ''}{'.'.join(map(str, address[12:]))}"
    return str(IPv6Address(address))


def packed(host: str) -> bytes | None:
    """The address that a host is, in network order: what inet_aton or inet_pton(AF_INET6) takes; None for a name."""
    try:
        if IPV4.match(host):
            return inet_aton(host.split(maxsplit=1)[0])
        return IPv6Address(host).packed if ":" in host and "%" not in host else None
    except ValueError:
        return None


def inet_aton(text: str) -> bytes:
    """One to four numbers, decimal, octal or hexadecimal; the last one fills what is left. Raises `ValueError`."""
    *head, last = [
        int(part, 16 if part[:2] in ("0x", "0X") else 8 if part[0] == "0" else 10) for part in text.split(".")
    ]
    if any(number > 255 for number in head):
        raise ValueError(text)
    try:
        return bytes(head) + last.to_bytes(4 - len(head), "big")
    except OverflowError:
        raise ValueError(text) from None


COMMON_NAME = "2.5.4.3"
# behind a blank inet_aton lets anything stand
IPV4 = re.compile(r"^(0[xX][0-9a-fA-F]+|[0-9]+)(\.(0[xX][0-9a-fA-F]+|[0-9]+)){0,3}(?=\s|$)")
