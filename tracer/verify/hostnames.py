"""Does the certificate name the host? The rules of those that are not libpq: one function a rule, with its text when it says no.

Each takes the server's certificate and the host that the client was given, and looks where its original looks: at the SANs, at
the CN, at both. `Name` says which name it was. None of them asks DNS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from tracer.certificates import Certificate, GeneralName
from tracer.distinguished import attributes
from tracer.verify.names import NameResult

Rule = Callable[[Certificate, str], NameResult]


def _result(found: GeneralName | None, prints: str, examined: Iterable[GeneralName]) -> NameResult:
    return NameResult(found, None if found else prints, tuple(examined))


def _sans(leaf: Certificate, kind: str) -> list[GeneralName]:
    return [name for name in leaf.names if name.kind == kind]


def _common_names(leaf: Certificate) -> list[GeneralName]:
    return [GeneralName("CN", value) for oid, value in attributes(leaf.subject_der) if oid == "2.5.4.3"]


def _text(name: GeneralName) -> str:
    """A name's characters; Latin-1 keeps bytes that are no ASCII apart."""
    return name.value.decode("utf-8" if name.kind == "CN" else "latin-1", "replace")


def address(host: str) -> bytes | None:
    """The address that a host is when four decimal numbers, or IPv6 without a zone, are all that counts; None for a name."""
    try:
        return IPv6Address(host).packed if ":" in host and "%" not in host else IPv4Address(host).packed
    except AddressValueError:
        return None


def _lower(text: str) -> str:
    """Lower case in ASCII alone."""
    return text.lower() if text.isascii() else re.sub("[A-Z]+", lambda match: match[0].lower(), text)


# GO: crypto/x509, (*Certificate).VerifyHostname and HostnameError.Error, Go 1.19. pgx and lib/pq.


def go(leaf: Certificate, host: str) -> NameResult:
    """SANs alone. A wildcard is the whole first label; a dot behind the host does not count; an address is compared with addresses."""
    bare = host[1:-1] if len(host) >= 3 and host[0] == "[" and host[-1] == "]" else host
    wanted = address(bare)
    if wanted is not None:
        addresses = _sans(leaf, "iPAddress")
        hit = next((one for one in addresses if _unmapped(one.value) == _unmapped(wanted)), None)
        return _result(hit, _go_text(leaf, bare, addresses), addresses)
    names = _sans(leaf, "dNSName")
    hit = next((one for one in names if _go_matches(_text(one), _lower(host))), None)
    return _result(hit, _go_text(leaf, host, names), names)


def _unmapped(packed: bytes) -> bytes:
    """An IPv4 address in IPv6 is the IPv4 address (net.IP.Equal)."""
    return packed[12:] if packed[:12] == MAPPED else packed


def _go_matches(pattern: str, host: str) -> bool:
    if GO_HOST.fullmatch(host.removesuffix(".")) and GO_PATTERN.fullmatch(pattern):
        return _go_labels(pattern, host)
    return host not in ("", ".") and _lower(pattern) == host


def _go_labels(pattern: str, host: str) -> bool:
    presented, wanted = _lower(pattern).split("."), _lower(host).removesuffix(".").split(".")
    if not pattern or wanted == [""] or len(presented) != len(wanted):
        return False
    return presented[0] in ("*", wanted[0]) and presented[1:] == wanted[1:]


def _go_text(leaf: Certificate, host: str, names: list[GeneralName]) -> str:
    common = next(iter(_common_names(leaf)[-1:]), None)
    if "2.5.29.17" not in leaf.extensions and common is not None and _go_labels(_text(common), host):
        return "x509: certificate relies on legacy Common Name field, use SANs instead"
    is_address = address(host) is not None
    if is_address and not names:
        return f"x509: cannot validate certificate for {host} because it doesn't contain any IP SANs"
    valid = ", ".join(_go_address(one) if is_address else _text(one) for one in names)
    if not valid:
        return f"x509: certificate is not valid for any names, but wanted to match {host}"
    return f"x509: certificate is valid for {valid}, not {host}"


def _go_address(name: GeneralName) -> str:
    """net.IP.String: an IPv4 address in IPv6 is written as the IPv4 address."""
    return str(IPv4Address(name.value[12:])) if name.value[:12] == MAPPED else name.text


# JAVA: pgjdbc 42.5, PGjdbcHostnameVerifier


def pgjdbc(leaf: Certificate, host: str) -> NameResult:
    """Each dNSName and iPAddress as text, IPv6 written out in full, IPv4 in IPv6 as IPv4; without a dNSName the most specific CN."""
    prints = f"The hostname {host} could not be verified by hostnameverifier PgjdbcHostnameVerifier."
    canonical = host[1:-1] if host.startswith("[") and host.endswith("]") else to_ascii(host)
    names = [one for one in leaf.names if one.kind in ("dNSName", "iPAddress")]
    if canonical is None:
        return _result(None, prints, ())
    hit = next((one for one in names if _pgjdbc_matches(canonical, _java_text(one))), None)
    if hit is not None or any(one.kind == "dNSName" for one in names):
        return _result(hit, prints, names)
    common = sorted(
        _common_names(leaf), key=lambda one: (_text(one).count("."), -_text(one).count("*"), len(one.value))
    )
    hit = next((one for one in common[-1:] if _pgjdbc_matches(canonical, _text(one))), None)
    return _result(hit, prints, (*names, *common[-1:]))


def _java_text(name: GeneralName) -> str:
    """InetAddress.getByAddress makes an Inet4Address of 16 bytes with IPv4 in them."""
    if name.kind == "iPAddress" and len(name.value) == 16:
        return str(IPv4Address(name.value[12:])) if name.value[:12] == MAPPED else _in_full(name.value)
    return name.text if name.kind == "iPAddress" else _text(name)


def _in_full(packed: bytes) -> str:
    """IPv6 with every group, in small letters."""
    return ":".join(f"{int.from_bytes(packed[at : at + 2], 'big'):x}" for at in range(0, 16, 2))


def _pgjdbc_matches(host: str, pattern: str) -> bool:
    if "*" not in pattern:
        return host.lower() == pattern.lower()
    if pattern.rindex("*") > 0 or "." not in pattern or len(host) < len(pattern) - 1:
        return False
    covered = len(host) - len(pattern) + 1
    return "." not in host[:covered] and host[covered:].lower() == pattern[1:].lower()


def to_ascii(host: str) -> str | None:
    """A host as DNS writes it (java.net.IDN.toASCII, Python's idna codec); None where that is not possible."""
    labels = host.removesuffix(".").split(".")
    try:
        return (
            None
            if "" in labels
            else host
            if host.isascii()
            else ".".join(label.encode("idna").decode() for label in host.split("."))
        )
    except UnicodeError:
        return None


# NODE: lib/tls.js, checkServerIdentity, Node 20.20. node-postgres.


def node(leaf: Certificate, host: str) -> NameResult:
    """dNSNames, and the CN where there is none of them. A wildcard may be a part of the first of three labels or more."""
    text = "Hostname/IP does not match certificate's altnames: "
    host = host.removesuffix(".")
    wanted = address(host.split("%")[0] if ":" in host else host)  # without its zone
    if wanted is not None:
        addresses = _sans(leaf, "iPAddress")
        hit = next((one for one in addresses if one.value == wanted), None)
        listed = ", ".join(_node_address(one) for one in addresses)
        return _result(hit, f"{text}IP: {host} is not in the cert's list: {listed}", addresses)
    names = _sans(leaf, "dNSName") or _common_names(leaf)
    if not names:
        return _result(None, f"{text}Cert does not contain a DNS name", ())
    hit = next((one for one in names if _node_matches(_labels(host), _labels(_text(one)))), None)
    if names[0].kind == "CN":
        return _result(hit, f"{text}Host: {host}. is not cert's CN: {','.join(map(_text, names))}", names)
    shown = ", ".join(f"{NODE_KINDS[one.kind]}:{_node_text(one)}" for one in leaf.names if one.kind in NODE_KINDS)
    return _result(hit, f"{text}Host: {host}. is not in the cert's altnames: {shown}", names)


def nodes_agree(host: str) -> bool:
    """Whether every Node reads this host as 20.20 does.

    Since CVE-2026-48618 was mended (Debian's 18.20.4+dfsg-1~deb12u3, 22.23, 24.21, 26.10) a name is read as that of a URL
    (domainToASCII): Unicode, short IPv4 and odd characters are not what they were, and to the first two IPv6 is no address.
    """
    last = host.removesuffix(".").rpartition(".")[2]
    if NUMBER.fullmatch(last):
        return ":" not in host and address(host) is not None
    return NODE_HOST.fullmatch(host) is not None


def _node_address(name: GeneralName) -> str:
    """canonicalizeIP, which is inet_ntop."""
    return f"::ffff:{IPv4Address(name.value[12:])}" if name.value[:12] == MAPPED else name.text


def _node_text(name: GeneralName) -> str:
    """A name as OpenSSL prints it (GENERAL_NAME_print): IPv6 in full, in capitals."""
    six = name.kind == "iPAddress" and len(name.value) == 16
    return _in_full(name.value).upper() if six else name.text


def _labels(name: str) -> list[str]:
    return _lower(name.removesuffix(".")).split(".")


def _node_matches(host: list[str], pattern: list[str]) -> bool:
    if len(host) != len(pattern) or "" in pattern or any(re.search("[^!-\x7f]", label) for label in pattern):
        return False
    if host[1:] != pattern[1:]:
        return False
    first, parts = pattern[0], pattern[0].split("*")
    if len(parts) == 1 or "xn--" in first:
        return host[0] == first
    if len(parts) > 2 or len(pattern) <= 2 or len(parts[0]) + len(parts[1]) > len(host[0]):
        return False
    return host[0].startswith(parts[0]) and host[0].endswith(parts[1])


# PYTHON: ssl, which hands the host to OpenSSL (v3_san.c: X509_check_host, X509_check_ip). asyncpg and pg8000.


def python(leaf: Certificate, host: str) -> NameResult:
    """dNSNames, and every CN where there is none of them; an address is compared with addresses, and with nothing else."""
    wanted = address(host)
    if wanted is not None:
        addresses = _sans(leaf, "iPAddress")
        hit = next((one for one in addresses if one.value == wanted), None)
        return _result(hit, f"IP address mismatch, certificate is not valid for '{host}'.", addresses)
    name = to_ascii(host)
    names = _sans(leaf, "dNSName") or _common_names(leaf)
    if name is None:
        return _result(None, "encoding with 'idna' codec failed (UnicodeError: label empty or too long)", ())
    hit = next((one for one in names if openssl_matches(_text(one), name)), None)
    return _result(hit, f"Hostname mismatch, certificate is not valid for '{name}'.", names)


def openssl_matches(pattern: str, host: str) -> bool:
    """equal_wildcard under X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS: the star is the first of three labels or more."""
    pattern, host = _lower(pattern), _lower(host)
    if not OPENSSL_WILDCARD.fullmatch(pattern):
        return pattern == host and "\0" not in pattern
    first, dot, rest = host.partition(".")
    return bool(re.fullmatch(r"\*|[a-z0-9-]+", first)) and dot + rest == pattern[1:]


# RUSTLS: rustls-webpki 0.103, subject_name/dns_name.rs and ip_address.rs. tokio-postgres and sqlx with rustls. Not run.


def webpki(leaf: Certificate, host: str) -> NameResult:
    """SANs alone. A wildcard is the whole first label of three or more; a dot behind the host does not count."""
    wanted = address(host)
    names = _sans(leaf, "dNSName" if wanted is None else "iPAddress")
    if wanted is not None:
        hit = next((one for one in names if one.value == wanted), None)
    else:
        hit = next((one for one in names if _webpki_matches(_lower(_text(one)), _lower(host))), None)
    return _result(hit, f"certificate not valid for name {host!r}".replace("'", '"'), names)


def _webpki_matches(pattern: str, host: str) -> bool:
    host = host.removesuffix(".")
    if not WEBPKI_NAME.fullmatch(host) or not WEBPKI_NAME.fullmatch(pattern.removeprefix("*.")):
        return False
    if not pattern.startswith("*."):
        return pattern == host
    return pattern.count(".") >= 2 and host.partition(".")[2] == pattern[2:]


# .NET on Linux: pal_x509.c, CryptoNative_CheckX509Hostname and CryptoNative_CheckX509IpAddress. npgsql. Not run.


def dotnet(leaf: Certificate, host: str) -> NameResult:
    """Each dNSName, and every CN where there is none, or none is the address. A star in front is the first label; a CN has none."""
    wanted, name = address(host), to_ascii(host) or host
    names = _sans(leaf, "dNSName" if wanted is None else "iPAddress")
    if wanted is not None:
        hit = next((one for one in names if one.value == wanted), None)
    else:
        hit = next((one for one in names if _dotnet_matches(_lower(_text(one)), _lower(name))), None)
    if hit is None and (wanted is not None or not names):
        common = _common_names(leaf)
        hit = next((one for one in common if _lower(_text(one)) == _lower(name)), None)
        names = [*names, *common]
    return _result(hit, "RemoteCertificateNameMismatch", names)


def _dotnet_matches(pattern: str, host: str) -> bool:
    if not pattern.startswith("*"):
        return pattern == host
    _, dot, rest = host.partition(".")
    return bool(dot) and pattern[1:] == dot + rest


# TABLES

MAPPED = bytes(10) + b"\xff\xff"
LABEL = "[A-Za-z0-9_][A-Za-z0-9_-]*"
GO_HOST = re.compile(rf"{LABEL}(\.{LABEL})*")
GO_PATTERN = re.compile(rf"(\*|{LABEL})(\.{LABEL})*")
NODE_HOST = re.compile(r"(?!.*xn--)[a-z0-9_.*-]*", re.IGNORECASE)
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
NODE_KINDS = {"dNSName": "DNS", "iPAddress": "IP Address", "rfc822Name": "email", "uniformResourceIdentifier": "URI"}
OPENSSL_LABEL = "[a-z0-9]+(-+[a-z0-9]+)*"
OPENSSL_WILDCARD = re.compile(rf"\*(\.{OPENSSL_LABEL}){{2,}}")
WEBPKI_LABEL = "[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
WEBPKI_NAME = re.compile(rf"{WEBPKI_LABEL}(\.{WEBPKI_LABEL})*")
