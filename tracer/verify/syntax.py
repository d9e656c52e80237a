"""Extensions read as strictly as OpenSSL's templates read them (crypto/asn1/tasn_dec.c, a_int.c, a_bitstr.c, a_object.c).

Each reader takes the bytes of an extension's value and raises `DerError` where OpenSSL refuses the whole certificate.
Bytes behind the value are nobody's: X509V3_EXT_d2i does not look at them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from tracer import der
from tracer.certificates import GENERAL_NAMES, GeneralName, KeyId
from tracer.der import DerError, Node

T = TypeVar("T")
Name = tuple[bytes, ...]  # the RDNs of a name in canonical form
ALL_REASONS = 0x807F


@dataclass(frozen=True, slots=True)
class Subtree:
    """One GeneralSubtree; `bounded` where minimum or maximum say more than their default, `old_bounded` to OpenSSL 1.1.1."""

    base: GeneralName
    bounded: bool
    old_bounded: bool = False


@dataclass(frozen=True, slots=True)
class NameConstraints:
    permitted: tuple[Subtree, ...] = ()
    excluded: tuple[Subtree, ...] = ()


@dataclass(frozen=True, slots=True)
class PointName:
    """A DistributionPointName: full names, or the RDN below the issuer of the list."""

    full: tuple[GeneralName, ...] = ()
    relative: bytes | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One DistributionPoint; `issuers` is None where cRLIssuer is absent."""

    name: PointName | None
    reasons: int
    issuers: tuple[GeneralName, ...] | None


# TEMPLATES


def definite(data: bytes, depth: int = 0) -> bytes:
    """The first value of the bytes, indefinite lengths (X.690 §8.1.3.6) made definite: OpenSSL reads those, too."""
    return _definite(data, 0, depth)[0]


def _definite(data: bytes, at: int, depth: int) -> tuple[bytes, int]:
    """A value in DER, and where the next one begins."""
    if depth > DEEPEST:
        raise DerError("values inside values without end")
    if data[at : at + 1] == b"" or not data[at] & 0x20:
        of = der.node(data, at)
        return der.whole(data, of), of.stop
    indefinite = data[at + 1 : at + 2] == b"\x80"
    of = Node(data[at], at, at + 2, len(data)) if indefinite else der.node(data, at)
    parts, here = [], of.body
    while here < of.stop and not (indefinite and data[here : here + 2] == b"\0\0"):
        part, here = _definite(data[: of.stop], here, depth + 1)
        parts.append(part)
    if indefinite and here >= of.stop:
        raise DerError("an indefinite length without an end")
    body = b"".join(parts)
    return bytes([of.tag, 0x84]) + len(body).to_bytes(4, "big") + body, here + 2 * indefinite


def members(data: bytes, of: Node, tag: int = der.SEQUENCE) -> list[Node]:
    """The members of a constructed value with that tag."""
    if of.tag != tag:
        raise DerError(f"tag {of.tag:#x} where {tag:#x} was expected")
    return der.children(data, of)


def optional(left: list[Node], tag: int) -> Node | None:
    """The next member, when it has that tag."""
    return left.pop(0) if left and left[0].tag == tag else None


def done(left: list[Node]) -> None:
    if left:
        raise DerError(f"a value too many at byte {left[0].start}")


def primitive(data: bytes, of: Node | None, tag: int) -> bytes:
    if of is None or of.tag != tag:
        raise DerError(f"no value with tag {tag:#x}")
    return der.content(data, of)


def octets(data: bytes, of: Node, depth: int = 0) -> bytes:
    """An OCTET STRING, which BER may cut into pieces, whatever these say to be (asn1_collect)."""
    if not of.tag & 0x20:
        return der.content(data, of)
    if depth > STRING_NEST:
        raise DerError("a string in too many pieces")
    return b"".join(octets(data, part, depth + 1) for part in der.children(data, of))


def boolean(data: bytes, of: Node) -> bool:
    if of.stop - of.body != 1:
        raise DerError("a BOOLEAN that is not one byte long")
    return data[of.body] != 0


def integer(data: bytes, of: Node) -> int:
    """An INTEGER in its shortest form (c2i_ASN1_INTEGER)."""
    value = der.content(data, of)
    if not value or (len(value) > 1 and value[0] in (0, 0xFF) and value[0] >> 7 == value[1] >> 7):
        raise DerError("an INTEGER that is empty or padded")
    return int.from_bytes(value, "big", signed=True)


def bits(data: bytes, of: Node) -> bytes:
    """A BIT STRING without its unused bits (c2i_ASN1_BIT_STRING)."""
    value = der.content(data, of)
    if not value or value[0] > 7:
        raise DerError("a BIT STRING without a count of its unused bits")
    return value[1:-1] + bytes([value[-1] & 0xFF << value[0] & 0xFF]) if len(value) > 1 else b""


def flags(value: bytes) -> int:
    """The first two bytes of a BIT STRING as OpenSSL keeps them: the second one above the first."""
    return int.from_bytes(value[:2], "little")


def oid(data: bytes, of: Node) -> str:
    """An OBJECT IDENTIFIER (c2i_ASN1_OBJECT): not cut short, no arc padded."""
    value = primitive(data, of, der.OID)
    if not value or value[-1] & 0x80:
        raise DerError("an OBJECT IDENTIFIER that is empty or cut short")
    if any(byte == 0x80 and (at == 0 or not value[at - 1] & 0x80) for at, byte in enumerate(value)):
        raise DerError("an OBJECT IDENTIFIER with a padded arc")
    return der.oid(value)


# NAMES


@lru_cache(maxsize=4096)
def canonical(name: bytes) -> Name:
    """The RDNs of an encoded name as OpenSSL compares them; raises `DerError` (x509_name_canon)."""
    return tuple(_rdn(name, group) for group in members(name, der.node(name, 0)))


def folded(name: bytes) -> Name:
    """The same, and the bytes themselves for what is no name."""
    try:
        return canonical(name)
    except ValueError:
        return (name,)


def same_name(a: bytes, b: bytes) -> bool:
    """Whether two encoded names are the same to X509_NAME_cmp: kinds of string, case and runs of space aside."""
    return a == b or folded(a) == folded(b)


def entries(name: bytes) -> list[tuple[str, int, bytes]]:
    """Every attribute of a name: OID, tag and content as encoded; none of what is no name."""
    found = []
    try:
        for group in members(name, der.node(name, 0)):
            for member in members(name, group, der.SET):
                kind, value = members(name, member)[:2]
                found.append((der.oid(der.content(name, kind)), value.tag, der.content(name, value)))
    except ValueError:
        return []
    return found


def _rdn(data: bytes, group: Node) -> bytes:
    attributes = []
    for member in members(data, group, der.SET):
        kind, value = members(data, member)[:2]
        encoded = der.whole(data, kind) + canonical_string(value.tag, der.content(data, value))
        attributes.append(len(encoded).to_bytes(4, "big") + encoded)
    if not attributes:
        raise DerError("an RDN without an attribute")
    return b"".join(sorted(attributes))


def canonical_string(tag: int, value: bytes) -> bytes:
    """asn1_string_canon: text as UTF-8, in small letters, spaces at the ends gone, runs of them one; the rest as it is."""
    text = utf8(tag, value)
    return bytes([tag]) + value if text is None else b"\x0c" + b" ".join(text.lower().split())


def utf8(tag: int, value: bytes) -> bytes | None:
    """A string type as UTF-8; None for what is no text (ASN1_STRING_to_UTF8)."""
    encoding = ENCODINGS.get(tag)
    if encoding is None:
        return None
    try:
        return value.decode(encoding).encode()
    except UnicodeError as error:
        raise DerError(f"text that is not {encoding}") from error


def general_names(data: bytes, of: Node, tag: int = der.SEQUENCE) -> tuple[GeneralName, ...]:
    return tuple(general_name(data, member) for member in members(data, of, tag))


def general_name(data: bytes, of: Node) -> GeneralName:
    """One GeneralName; of a directoryName the value is the whole encoded name."""
    kind = of.tag & 0x1F
    if of.tag not in (0x80 | kind, 0xA0 | kind) or (of.tag & 0x20 > 0) != (kind in CONSTRUCTED):
        raise DerError(f"no GeneralName has the tag {of.tag:#x}")
    value = der.content(data, of)
    if kind == 4:
        (inner,) = _exactly(der.children(data, of), 1)
        canonical(value if inner.tag == der.SEQUENCE else b"")
    elif kind == 0:
        other, content = _exactly(der.children(data, of), 2)
        oid(data, other)
        _exactly(members(data, content, 0xA0), 1)
    elif kind == 8:
        oid(bytes([der.OID]) + data[of.start + 1 : of.stop], Node(der.OID, 0, of.body - of.start, of.stop - of.start))
    elif kind == 5:
        der.children(data, of)
    return GeneralName(GENERAL_NAMES[kind], value) if kind in GENERAL_NAMES else _no_kind(kind)


def _no_kind(kind: int) -> GeneralName:
    raise DerError(f"no GeneralName is of kind {kind}")


def _exactly(found: list[Node], count: int) -> list[Node]:
    if len(found) != count:
        raise DerError(f"{len(found)} values where {count} were expected")
    return found


# EXTENSIONS


def basic_constraints(data: bytes) -> tuple[bool, int | None]:
    left = members(data, der.node(data, 0))
    flag, length = optional(left, der.BOOLEAN), optional(left, der.INTEGER)
    done(left)
    path = integer(data, length) if length else None
    if path is not None and path < 0:
        raise DerError("a negative path length")
    return bool(flag and boolean(data, flag)), path if path is None or path < 1 << 63 else None


def key_usage(data: bytes) -> int:
    of = der.node(data, 0)
    primitive(data, of, der.BIT_STRING)
    usage = flags(bits(data, of))
    if not usage:
        raise DerError("a keyUsage that allows nothing")
    return usage


def netscape_type(data: bytes) -> int:
    of = der.node(data, 0)
    primitive(data, of, der.BIT_STRING)
    return next(iter(bits(data, of)), 0)


def purposes(data: bytes) -> frozenset[str]:
    return frozenset(oid(data, member) for member in members(data, der.node(data, 0)))


def subject_key_id(data: bytes) -> bytes:
    of = der.node(data, 0)
    if of.tag & ~0x20 != der.OCTET_STRING:
        raise DerError("no OCTET STRING")
    return octets(data, of)


def authority_key_id(data: bytes) -> KeyId:
    left = members(data, der.node(data, 0))
    key = optional(left, 0x80) or optional(left, 0xA0)
    names, serial = optional(left, 0xA1), optional(left, 0x82)
    done(left)
    issuers = general_names(data, names, 0xA1) if names else ()
    return KeyId(
        octets(data, key) if key else None,
        next((name.value for name in issuers if name.kind == "directoryName"), None),
        integer(data, serial) if serial else None,
    )


def alternative_names(data: bytes) -> tuple[GeneralName, ...]:
    return general_names(data, der.node(data, 0))


def name_constraints(data: bytes) -> NameConstraints:
    left = members(data, der.node(data, 0))
    permitted, excluded = optional(left, 0xA0), optional(left, 0xA1)
    done(left)
    return NameConstraints(
        tuple(_subtree(data, of) for of in members(data, permitted, 0xA0)) if permitted else (),
        tuple(_subtree(data, of) for of in members(data, excluded, 0xA1)) if excluded else (),
    )


def _subtree(data: bytes, of: Node) -> Subtree:
    left = members(data, of)
    if not left:
        raise DerError("a GeneralSubtree without a base")
    base = general_name(data, left.pop(0))
    minimum, maximum = optional(left, 0x80), optional(left, 0x81)
    done(left)
    least = integer(data, minimum) if minimum else 0
    if maximum:
        integer(data, maximum)
    said = maximum is not None
    return Subtree(base, bounded=least != 0 or said, old_bounded=minimum is not None or said)


def distribution_points(data: bytes) -> tuple[Point, ...]:
    return tuple(_point(data, of) for of in members(data, der.node(data, 0)))


def _point(data: bytes, of: Node) -> Point:
    left = members(data, of)
    name, some, issuers = optional(left, 0xA0), optional(left, 0x81), optional(left, 0xA2)
    done(left)
    names = general_names(data, issuers, 0xA2) if issuers else None
    if name is None and not names:  # setup_dp
        raise DerError("a distribution point with neither name nor issuer")
    reasons = flags(bits(data, some)) & ALL_REASONS if some else ALL_REASONS
    return Point(point_name(data, name) if name else None, reasons, names)


def point_name(data: bytes, of: Node) -> PointName:
    """A DistributionPointName inside its explicit tag."""
    (inner,) = _exactly(der.children(data, of), 1)
    if inner.tag == 0xA0:
        return PointName(full=general_names(data, inner, 0xA0))
    return PointName(relative=_rdn(data, inner._replace(tag=der.SET if inner.tag == 0xA1 else inner.tag)))


def proxy(data: bytes) -> int | None:
    """The path length of proxyCertInfo (RFC 3820)."""
    left = members(data, der.node(data, 0))
    length = optional(left, der.INTEGER)
    (policy,) = _exactly(left, 1)
    parts = members(data, policy)
    if not parts:
        raise DerError("a proxy policy without a language")
    oid(data, parts.pop(0))
    optional(parts, der.OCTET_STRING)
    done(parts)
    return integer(data, length) if length else None


def address_blocks(data: bytes) -> None:
    """IPAddrBlocks (RFC 3779 §2.2.3), read and not kept."""
    for family in members(data, der.node(data, 0)):
        number, choice = _exactly(members(data, family), 2)
        primitive(data, number, der.OCTET_STRING)
        _inherited_or(data, choice, lambda part: part.tag in (der.BIT_STRING, der.SEQUENCE))


def system_numbers(data: bytes) -> None:
    """ASIdentifiers (RFC 3779 §3.2.3), read and not kept."""
    left = members(data, der.node(data, 0))
    for part in (optional(left, 0xA0), optional(left, 0xA1)):
        if part:
            (choice,) = _exactly(der.children(data, part), 1)
            _inherited_or(data, choice, lambda part: part.tag in (der.INTEGER, der.SEQUENCE))
    done(left)


def _inherited_or(data: bytes, choice: Node, fits: Callable[[Node], bool]) -> None:
    if choice.tag == 5 and choice.body == choice.stop:
        return
    if not all(fits(part) for part in members(data, choice)):
        raise DerError("a range of another kind")


# TABLES

DEEPEST = 30  # ASN1_MAX_CONSTRUCTED_NEST
STRING_NEST = 5  # ASN1_MAX_STRING_NEST
CONSTRUCTED = (0, 3, 4, 5)
ENCODINGS = {12: "utf-8", 19: "latin-1", 20: "latin-1", 22: "latin-1", 26: "latin-1", 28: "utf-32-be", 30: "utf-16-be"}
