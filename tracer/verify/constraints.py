"""Name constraints as OpenSSL applies them (crypto/x509/v3_ncons.c, NAME_CONSTRAINTS_check and nc_match).

A name that has permitted subtrees of its kind must lie in one of them, and must lie in no excluded one. Each function
gives an X509_V_ERR code, or None where nothing is to be said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from tracer import der
from tracer.certificates import Certificate
from tracer.der import DerError, Node
from tracer.x500 import GeneralName, attributes, rdns

NAME_CONSTRAINTS, EMAIL_ADDRESS, COMMON_NAME = "2.5.29.30", "1.2.840.113549.1.9.1", "2.5.4.3"
SMTP_UTF8_MAILBOX = "1.3.6.1.5.5.7.8.9"  # RFC 8398
UNSPECIFIED, PERMITTED, EXCLUDED, MINMAX, TYPE, SYNTAX = 1, 47, 48, 49, 51, 53
MOST = 1 << 20  # names times constraints (NAME_CHECK_MAX)

# A host name in a CN: two labels or more, and no hyphen or dot where none may be (cn2dnsid).
HOST = re.compile(rb"(?=[^.]+\.)[A-Za-z0-9_](?:[A-Za-z0-9_-]|(?<!-)\.(?![.-]))*[A-Za-z0-9_]")


class Subtree(NamedTuple):
    """One subtree: the kind and the bytes of its base; `whole` unless it has a minimum or a maximum."""

    kind: str
    base: bytes
    whole: bool


class Constraints(NamedTuple):
    permitted: tuple[Subtree, ...]
    excluded: tuple[Subtree, ...]


def constraint_fault(chain: list[Certificate]) -> Iterator[tuple[int, int]]:
    """The code and the depth of each certificate whose names are not allowed (check_name_constraints)."""
    for depth in range(len(chain) - 1, -1, -1):
        certificate = chain[depth]
        if depth and certificate.self_issued:
            continue
        for above in reversed(chain[depth + 1 :]):
            constraints = read(above)
            code = _check(certificate, constraints, leaf=depth == 0) if constraints else None
            if code is not None:
                yield code, depth


@lru_cache(maxsize=1024)
def read(certificate: Certificate) -> Constraints | None:
    """The constraints of a CA; None without the extension."""
    extension = certificate.extensions.get(NAME_CONSTRAINTS)
    if extension is None:
        return None
    try:
        parts = {part.tag: part for part in der.sequence(extension.value)}
        return Constraints(*(tuple(_subtrees(extension.value, parts.get(tag))) for tag in (0xA0, 0xA1)))
    except (DerError, IndexError):
        return Constraints((), ())


def _subtrees(data: bytes, of: Node | None) -> Iterator[Subtree]:
    for subtree in der.children(data, of) if of else ():
        base, *limits = der.children(data, subtree)
        low = [limit for limit in limits if limit.tag == 0x80]
        whole = len(low) == len(limits) and all(der.integer(data, limit) == 0 for limit in low)  # nc_minmax_valid
        yield Subtree(KINDS.get(base.tag & 0x1F, ""), der.content(data, base), whole)


def _check(certificate: Certificate, constraints: Constraints, *, leaf: bool) -> int | None:
    subject = attributes(certificate.subject_der)
    count = len(subject) + len(certificate.names)
    if count and len(constraints.permitted) + len(constraints.excluded) > MOST // count:
        return UNSPECIFIED
    for name in _names(certificate, subject):
        code = _match(name, constraints) if name else SYNTAX
        if code is not None:
            return code
    if leaf and not any(name.kind == "dNSName" for name in certificate.names):
        return _common_names(subject, constraints)
    return None


def _names(certificate: Certificate, subject: list[tuple[str, bytes]]) -> Iterator[GeneralName]:
    """The subject, the e-mail addresses in it, and the alternative names."""
    if subject:
        yield GeneralName("directoryName", certificate.subject_der)
        yield from (GeneralName("rfc822Name", value) for oid, value in subject if oid == EMAIL_ADDRESS)
    yield from certificate.names


def _common_names(subject: list[tuple[str, bytes]], constraints: Constraints) -> int | None:
    """Without a dNSName every CN that looks like a host name counts as one (NAME_CONSTRAINTS_check_CN)."""
    for oid, value in subject:
        text = value.rstrip(b"\0")
        if oid != COMMON_NAME:
            continue
        if b"\0" in text:
            return SYNTAX
        code = _match(GeneralName("dNSName", text), constraints) if HOST.fullmatch(text) else None
        if code is not None:
            return code
    return None


def _match(name: GeneralName, constraints: Constraints) -> int | None:
    kind = "rfc822Name" if _mailbox(name) is not None else name.kind
    inside: bool | None = None
    for subtree in constraints.permitted:
        if not _concerns(subtree, name, kind):
            continue
        if not subtree.whole:
            return MINMAX
        if inside:
            continue
        code = _single(name, subtree)
        if code not in (None, PERMITTED):
            return code
        inside = code is None
    if inside is False:
        return PERMITTED
    for subtree in constraints.excluded:
        if not _concerns(subtree, name, kind):
            continue
        if not subtree.whole:
            return MINMAX
        code = _single(name, subtree)
        if code != PERMITTED:
            return EXCLUDED if code is None else code
    return None


def _concerns(subtree: Subtree, name: GeneralName, kind: str) -> bool:
    if kind != "otherName":
        return subtree.kind == kind
    return subtree.kind == kind and _other_type(subtree.base) == _other_type(name.value)


def _single(name: GeneralName, subtree: Subtree) -> int | None:
    mailbox = _mailbox(name)
    if mailbox is not None:
        return _mailbox_within(mailbox, subtree.base)
    within = WITHIN.get(name.kind)
    return within(name.value, subtree.base) if within else TYPE


# KINDS OF NAMES


def _directory(name: bytes, base: bytes) -> int | None:
    wanted = rdns(base)
    return None if rdns(name)[: len(wanted)] == wanted else PERMITTED


def _dns(name: bytes, base: bytes) -> int | None:
    if not base:
        return None
    if len(name) > len(base) and not base.startswith(b".") and name[-len(base) - 1 : -len(base)] != b".":
        return PERMITTED
    return None if name.lower().endswith(base.lower()) else PERMITTED


def _email(name: bytes, base: bytes) -> int | None:
    local, at, host = name.rpartition(b"@")
    if not at:
        return SYNTAX
    base_local, base_at, base_host = base.rpartition(b"@")
    if not base_at and base.startswith(b"."):
        return None if len(name) > len(base) and name.lower().endswith(base.lower()) else PERMITTED
    if base_local:
        if len(base_local) != len(local):
            return PERMITTED
        if b"\0" in base_local or b"\0" in local:
            return SYNTAX
        if base_local != local:
            return PERMITTED
    return None if host.lower() == base_host.lower() else PERMITTED


def _uri(name: bytes, base: bytes) -> int | None:
    _, colon, rest = name.partition(b":")
    if not colon or not rest.startswith(b"//"):
        return SYNTAX
    rest = rest[2:]
    host = rest.partition(b":" if b":" in rest else b"/")[0]
    if not host:
        return SYNTAX
    if base.startswith(b"."):
        return None if len(host) > len(base) and host.lower().endswith(base.lower()) else PERMITTED
    return None if host.lower() == base.lower() else PERMITTED


def _address(name: bytes, base: bytes) -> int | None:
    if len(name) not in (4, 16) or len(base) not in (8, 32):
        return SYNTAX
    if 2 * len(name) != len(base):
        return PERMITTED
    address, mask = base[: len(name)], base[len(name) :]
    return None if all((a ^ b) & m == 0 for a, b, m in zip(name, address, mask, strict=True)) else PERMITTED


def _other_type(value: bytes) -> bytes:
    """The type of an otherName, as it is encoded."""
    try:
        return der.content(value, der.node(value, 0))
    except DerError:
        return b""


def _mailbox(name: GeneralName) -> bytes | None:
    """The value of an SmtpUTF8Mailbox, with its tag; None for any other name."""
    if name.kind != "otherName":
        return None
    try:
        kind = der.node(name.value, 0)
        if der.oid(der.content(name.value, kind)) != SMTP_UTF8_MAILBOX:
            return None
        inner = der.node(name.value, der.node(name.value, kind.stop).body)
        return bytes([inner.tag]) + der.content(name.value, inner)
    except DerError:
        return None


def _mailbox_within(mailbox: bytes, base: bytes) -> int | None:  # nc_email_eai
    tag, text = mailbox[0], mailbox[1:]
    if b"\0" in base or tag != UTF8_STRING or b"@" not in text:
        return SYNTAX
    dot = base.startswith(b".")
    try:
        wanted = b"." * dot + b".".join(map(_unicode_label, base[dot:].split(b".")))
    except UnicodeError:
        return UNSPECIFIED
    if dot:
        return None if len(text) > len(wanted) and text.lower().endswith(wanted.lower()) else PERMITTED
    return None if text.rpartition(b"@")[2].lower() == wanted.lower() else PERMITTED


def _unicode_label(label: bytes) -> bytes:
    return label[4:].decode("punycode").encode() if label.startswith(b"xn--") else label


# TABLES

UTF8_STRING = 12
KINDS = {
    0: "otherName",
    1: "rfc822Name",
    2: "dNSName",
    3: "x400Address",
    4: "directoryName",
    5: "ediPartyName",
    6: "uniformResourceIdentifier",
    7: "iPAddress",
    8: "registeredID",
}
WITHIN: dict[str, Callable[[bytes, bytes], int | None]] = {
    "directoryName": _directory,
    "dNSName": _dns,
    "rfc822Name": _email,
    "uniformResourceIdentifier": _uri,
    "iPAddress": _address,
}
