"""Name constraints as OpenSSL 3 checks them (crypto/x509/v3_ncons.c; RFC 5280 §4.2.1.10).

`violation` gives an X509_V_ERR number, or None when the names of a certificate are within the constraints of a CA.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from tracer import der
from tracer.certificates import Certificate, GeneralName
from tracer.der import DerError
from tracer.verify.extensions import facts
from tracer.verify.syntax import NameConstraints, Subtree, entries, folded, utf8

UNSPECIFIED, PERMITTED, EXCLUDED, MINMAX, TYPE, NAME_SYNTAX = 1, 47, 48, 49, 51, 53
MOST_COMPARISONS = 1 << 20  # NAME_CHECK_MAX
COMMON_NAME, EMAIL = "2.5.4.3", "1.2.840.113549.1.9.1"
SMTP_UTF8_MAILBOX = "1.3.6.1.5.5.7.8.9"
Version = tuple[int, ...]
Plain = tuple[frozenset[bytes], frozenset[bytes]]
THREE, WHOLE_URLS = (3, 0), (3, 5)  # 3.5: measured with 3.5.8
LAST_PORT = 65535
DOT = 0x2E
LONGEST_NAME = 1000  # bytes of a dNSName whose ends are looked up; RFC 1034 §3.1 has 255
URL = re.compile(
    rb"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?P<host>\[[^]]*\]|(?!\[)[^:/?#]*)(?::(?P<port>[0-9]+))?(?=[/?#]|\Z)"
)
HOST_LIKE = re.compile(
    rb"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)+"
)


def violation(
    certificate: Certificate, constraints: NameConstraints, *, leaf: bool, openssl: Version = (3, 0)
) -> int | None:
    """What is wrong with a certificate's names: subject, e-mail addresses in it, SAN, and a leaf's CN without a dNSName."""
    subject = entries(certificate.subject_der)
    names = facts(certificate).names or ()
    count = len(subject) + len(names)
    if count and len(constraints.permitted) + len(constraints.excluded) > MOST_COMPARISONS // count:
        return UNSPECIFIED
    match = partial(_match, constraints=constraints, plain=_plain_ones(constraints), openssl=openssl)
    if subject:
        code = match(GeneralName("directoryName", certificate.subject_der))
        if code is not None:
            return code
    for oid, tag, value in subject:
        if oid == EMAIL:
            code = NAME_SYNTAX if tag != 22 else match(GeneralName("rfc822Name", value))
            if code is not None:
                return code
    for name in names:
        code = match(name)
        if code is not None:
            return code
    if leaf and not any(name.kind == "dNSName" for name in names):
        return _common_names(subject, match)
    return None


def _common_names(subject: list[tuple[str, int, bytes]], match: Callable[[GeneralName], int | None]) -> int | None:
    """NAME_CONSTRAINTS_check_CN: a CN that looks like a host name of two labels or more is held to dNSName constraints."""
    for oid, tag, value in subject:
        if oid != COMMON_NAME:
            continue
        try:
            text = (utf8(tag, value) or b"").rstrip(b"\0")
        except DerError:
            return UNSPECIFIED
        if b"\0" in text:
            return NAME_SYNTAX
        if HOST_LIKE.fullmatch(text):
            code = match(GeneralName("dNSName", text))
            if code is not None:
                return code
    return None


def _plain(subtrees: tuple[Subtree, ...]) -> frozenset[bytes] | None:
    """The bases of dNSName among these subtrees, in small letters; None where one has a minimum or a maximum."""
    own = [subtree for subtree in subtrees if subtree.base.kind == "dNSName"]
    if any(subtree.bounded or subtree.old_bounded for subtree in own):
        return None
    return frozenset(subtree.base.value.lower() for subtree in own)


def _plain_ones(constraints: NameConstraints) -> Plain | None:
    permitted, excluded = _plain(constraints.permitted), _plain(constraints.excluded)
    return None if permitted is None or excluded is None else (permitted, excluded)


def _match_dns(value: bytes, permitted: frozenset[bytes], excluded: frozenset[bytes]) -> int | None:
    """The same as `_match`, by looking up what stands behind each dot: thousands of names meet thousands of constraints."""
    name, ends = value.lower(), {b"", value.lower()}
    for at, byte in enumerate(name):
        if byte == DOT:
            ends |= {name[at:], name[at + 1 :]}
    if permitted and permitted.isdisjoint(ends):
        return PERMITTED
    return None if excluded.isdisjoint(ends) else EXCLUDED


def _match(name: GeneralName, constraints: NameConstraints, plain: Plain | None, openssl: Version) -> int | None:
    """nc_match: within one of the permitted subtrees of its kind, if there are any, and within no excluded one.

    OpenSSL 1.1.1 takes all otherNames for one kind, which it cannot compare.
    """
    if name.kind == "dNSName" and len(name.value) <= LONGEST_NAME and plain is not None:
        return _match_dns(name.value, *plain)
    old = openssl < THREE
    kind, other = (name.kind, "") if old else _kind(name)
    asked = permitted = False
    for subtree in constraints.permitted:
        if (kind, other) != ((subtree.base.kind, "") if old else _base_kind(subtree.base, kind)):
            continue
        if subtree.old_bounded if old else subtree.bounded:
            return MINMAX
        asked = True
        if not permitted:
            code = _single(name, kind, subtree.base, openssl)
            if code not in (None, PERMITTED):
                return code
            permitted = code is None
    if asked and not permitted:
        return PERMITTED
    for subtree in constraints.excluded:
        if (kind, other) != ((subtree.base.kind, "") if old else _base_kind(subtree.base, kind)):
            continue
        if subtree.old_bounded if old else subtree.bounded:
            return MINMAX
        code = _single(name, kind, subtree.base, openssl)
        if code != PERMITTED:
            return EXCLUDED if code is None else code
    return None


def _kind(name: GeneralName) -> tuple[str, str]:
    """The kind that counts, and the OID of an otherName; an SmtpUTF8Mailbox counts as an e-mail address (RFC 8398 §6)."""
    if name.kind != "otherName":
        return name.kind, ""
    oid = _other_oid(name)
    return ("rfc822Name", "") if oid == SMTP_UTF8_MAILBOX else ("otherName", oid)


def _base_kind(base: GeneralName, kind: str) -> tuple[str, str]:
    """The same for a constraint; there an SmtpUTF8Mailbox is an otherName like any."""
    return base.kind, _other_oid(base) if base.kind == kind == "otherName" else ""


def _other_oid(name: GeneralName) -> str:
    return der.oid(der.content(name.value, der.node(name.value, 0)))


def _single(name: GeneralName, kind: str, base: GeneralName, openssl: Version) -> int | None:
    """nc_match_single: None for a match, PERMITTED for none, another code where it cannot be told."""
    if name.kind == "otherName":
        return _utf8_mailbox(name.value, base.value) if kind == "rfc822Name" else TYPE
    check = _url if openssl >= WHOLE_URLS and name.kind == "uniformResourceIdentifier" else CHECKS.get(name.kind)
    return check(name.value, base.value) if check else TYPE


def _ends(value: bytes, base: bytes) -> bool:
    return value[len(value) - len(base) :].lower() == base.lower()


def _directory(name: bytes, base: bytes) -> int | None:
    """nc_dn: the constraint is the beginning of the name."""
    within = folded(base)
    return None if folded(name)[: len(within)] == within else PERMITTED


def _dns(name: bytes, base: bytes) -> int | None:
    """nc_dns: equal, or with labels more on the left; an empty constraint fits all."""
    if not base:
        return None
    if len(name) < len(base) or not _ends(name, base):
        return PERMITTED
    longer = len(name) > len(base)
    return PERMITTED if longer and base[:1] != b"." and name[len(name) - len(base) - 1 :][:1] != b"." else None


def _email(name: bytes, base: bytes) -> int | None:
    """nc_email: a whole address, a host, or a domain with a leading dot."""
    local, at, host = name.rpartition(b"@")
    if not at:
        return NAME_SYNTAX
    base_local, base_at, base_host = base.rpartition(b"@")
    if not base_at and base[:1] == b".":
        return None if len(name) > len(base) and _ends(name, base) else PERMITTED
    if base_at and base_local:
        if len(local) != len(base_local):
            return PERMITTED
        if b"\0" in local + base_local:
            return NAME_SYNTAX
        if local != base_local:
            return PERMITTED
    return None if host.lower() == base_host.lower() else PERMITTED


def _utf8_mailbox(value: bytes, base: bytes) -> int | None:
    """nc_email_eai: the host of a UTF-8 address against the constraint's host in Unicode."""
    if b"\0" in base:
        return NAME_SYNTAX
    data = b"\x30\x84" + len(value).to_bytes(4, "big") + value
    inner = der.children(data, der.sequence(data)[1])[0]
    address = der.content(data, inner)
    if inner.tag != 12 or b"@" not in address:
        return NAME_SYNTAX
    try:
        label = base.decode("ascii").encode().decode("idna").encode() if b"xn--" in base.lower() else base
    except UnicodeError:
        return UNSPECIFIED
    if base[:1] == b".":  # OpenSSL puts a second dot in front, so that none ever matches
        return None if len(address) > len(label) + 1 and _ends(address, b"." + label) else PERMITTED
    return None if address.rpartition(b"@")[2].lower() == label.lower() else PERMITTED


def _uri(name: bytes, base: bytes) -> int | None:
    """nc_uri: the host of scheme://host, equal to the constraint, or below it where that has a leading dot."""
    _, colon, rest = name.partition(b":")
    if not colon or not rest.startswith(b"//"):
        return NAME_SYNTAX
    rest = rest[2:]
    host = rest.partition(b":")[0] if b":" in rest else rest.partition(b"/")[0]
    return _host_within(host, base) if host else NAME_SYNTAX


def _url(name: bytes, base: bytes) -> int | None:
    """The same since 3.5: user, port, query and fragment are told from the host, which may be empty (OSSL_parse_url)."""
    read = URL.match(name.partition(b"\0")[0])  # a C string
    if read is None or int(read["port"] or 0) > LAST_PORT:
        return NAME_SYNTAX
    return _host_within(read["host"], base)


def _host_within(host: bytes, base: bytes) -> int | None:
    if base[:1] == b".":
        return None if len(host) > len(base) and _ends(host, base) else PERMITTED
    return None if host.lower() == base.lower() else PERMITTED


def _address(name: bytes, base: bytes) -> int | None:
    """nc_ip: the address under the mask; IPv4 and IPv6 never match."""
    if len(name) not in (4, 16) or len(base) not in (8, 32):
        return NAME_SYNTAX
    if 2 * len(name) != len(base):
        return PERMITTED
    network, mask = base[: len(name)], base[len(name) :]
    same = all(a & m == b & m for a, b, m in zip(name, network, mask, strict=True))
    return None if same else PERMITTED


def proxy_name_fits(certificate: Certificate) -> bool:
    """RFC 3820 §3.4: a proxy's subject is its issuer's name and one CN more, in an RDN of its own."""
    subject, issuer = folded(certificate.subject_der), folded(certificate.issuer_der)
    last, count = entries(certificate.subject_der), len(entries(certificate.issuer_der))
    return len(last) > 1 and len(last) == count + 1 and subject[:-1] == issuer and last[-1][0] == COMMON_NAME


# TABLES

CHECKS = {
    "directoryName": _directory,
    "dNSName": _dns,
    "rfc822Name": _email,
    "uniformResourceIdentifier": _uri,
    "iPAddress": _address,
}
