"""Which certificates OpenSSL calls invalid: an extension that it knows stands there twice, or is not what it should be.

An invalid certificate issues nothing and nothing issues it (EXFLAG_INVALID: crypto/x509/v3_purp.c,
ossl_x509v3_cache_extensions). Bytes behind a value are not looked at there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from tracer import der
from tracer.certificates import Certificate
from tracer.der import DerError, Node

Shape = Callable[[bytes, Node], bool]


@lru_cache(maxsize=4096)
def is_invalid(certificate: Certificate) -> bool:
    """Whether OpenSSL would make nothing of the certificate's extensions."""
    extensions = certificate.extensions
    if any(oid in certificate.repeated for oid in SHAPES):
        return True
    if any(not _fits(extensions[oid].value, shape) for oid, shape in SHAPES.items() if oid in extensions):
        return True
    constraints = certificate.basic_constraints
    if constraints is not None and constraints[1] is not None and constraints[1] < 0:
        return True
    if certificate.key_usage is not None and not certificate.key_usage:
        return True
    ca = constraints is not None and constraints[0]
    return PROXY in extensions and (ca or ALTERNATIVE_NAME in extensions or ISSUER_NAME in extensions)


def _fits(value: bytes, shape: Shape) -> bool:
    try:
        return shape(value, der.node(value, 0))
    except (DerError, IndexError):
        return False


# SHAPES


def primitive(tag: int) -> Shape:
    return lambda _data, node: node.tag == tag


def bits(tag: int) -> Shape:  # c2i_ASN1_BIT_STRING
    return lambda data, node: node.tag == tag and node.stop > node.body and data[node.body] <= 7


def oid(tag: int = der.OID) -> Shape:  # c2i_ASN1_OBJECT
    def fits(data: bytes, node: Node) -> bool:
        body = data[node.body : node.stop]
        if node.tag != tag or not body or body[-1] & 0x80:
            return False
        return not any(byte == 0x80 and (at == 0 or not body[at - 1] & 0x80) for at, byte in enumerate(body))

    return fits


def some(tag: int, member: Shape) -> Shape:
    """Any number of members of one shape."""
    return lambda data, node: node.tag == tag and all(member(data, child) for child in der.children(data, node))


def optional(tag: int, *members: tuple[int, Shape]) -> Shape:
    """Members that may each be missing, told apart by their tags, in that order."""

    def fits(data: bytes, node: Node) -> bool:
        if node.tag != tag:
            return False
        left = list(members)
        for child in der.children(data, node):
            while left and left[0][0] != child.tag:
                del left[0]
            if not left or not left.pop(0)[1](data, child):
                return False
        return True

    return fits


def either(*shapes: Shape) -> Shape:
    return lambda data, node: any(shape(data, node) for shape in shapes)


def anything(_data: bytes, _node: Node) -> bool:
    return True


def _boolean(_data: bytes, node: Node) -> bool:
    return node.tag == der.BOOLEAN and node.stop == node.body + 1


def _integer(tag: int = der.INTEGER) -> Shape:  # c2i_ibuf: no more bytes than it takes
    def fits(data: bytes, node: Node) -> bool:
        body = data[node.body : node.stop]
        padded = len(body) > 1 and body[0] in (0, 0xFF) and body[0] >> 7 == body[1] >> 7
        return node.tag == tag and bool(body) and not padded

    return fits


def _general_name(data: bytes, node: Node) -> bool:  # RFC 5280 §4.2.1.6
    if node.tag == 0xA0:
        parts = der.children(data, node)
        return len(parts) == 2 and oid()(data, parts[0]) and parts[1].tag == 0xA0
    if node.tag == 0xA4:
        return len(inner := der.children(data, node)) == 1 and NAME(data, inner[0])
    if node.tag == 0x88:
        return oid(0x88)(data, node)
    return node.tag in (0x81, 0x82, 0x86, 0x87, 0xA3, 0xA5)


def _subtree(data: bytes, node: Node) -> bool:  # RFC 5280 §4.2.1.10
    if node.tag != der.SEQUENCE or not (parts := der.children(data, node)):
        return False
    tags = [part.tag for part in parts[1:]]
    limits = all(_integer(part.tag)(data, part) for part in parts[1:])
    return _general_name(data, parts[0]) and limits and tags in ([], [0x80], [0x81], [0x80, 0x81])


def _point(data: bytes, node: Node) -> bool:  # RFC 5280 §4.2.1.13; setup_dp
    shape = optional(der.SEQUENCE, (0xA0, _point_name), (0x81, bits(0x81)), (0xA2, some(0xA2, _general_name)))
    return shape(data, node) and any(part.tag in (0xA0, 0xA2) for part in der.children(data, node))


def _point_name(data: bytes, node: Node) -> bool:
    parts = der.children(data, node)
    return len(parts) == 1 and either(some(0xA0, _general_name), some(0xA1, _pair))(data, parts[0])


def _pair(data: bytes, node: Node) -> bool:
    parts = der.children(data, node) if node.tag == der.SEQUENCE else []
    return len(parts) == 2 and oid()(data, parts[0]) and _text(parts[1].tag, der.content(data, parts[1]))


def _text(tag: int, value: bytes) -> bool:
    """Whether it is of a type that a name may hold, and can be turned into UTF-8 for comparing (x_name.c)."""
    encoding = ENCODINGS.get(tag)
    if encoding is None:
        return tag in PRINTABLE
    try:
        value.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _proxy(data: bytes, node: Node) -> bool:  # RFC 3820 §3.8
    parts = der.children(data, node) if node.tag == der.SEQUENCE else []
    if parts and parts[0].tag == der.INTEGER:
        del parts[0]
    if len(parts) != 1 or parts[0].tag != der.SEQUENCE:
        return False
    language, *policy = der.children(data, parts[0])
    return oid()(data, language) and [part.tag for part in policy] in ([], [der.OCTET_STRING])


# TABLES

PRINTABLE = frozenset({3, *range(7, 16), 18, 19, 20, 22, 29, 0x30})  # B_ASN1_PRINTABLE, but for those below
ENCODINGS = {12: "utf-8", 28: "utf-32-be", 30: "utf-16-be"}
PROXY, ALTERNATIVE_NAME, ISSUER_NAME = "1.3.6.1.5.5.7.1.14", "2.5.29.17", "2.5.29.18"
NAME = some(der.SEQUENCE, some(der.SET, _pair))
SHAPES: dict[str, Shape] = {
    "2.5.29.14": primitive(der.OCTET_STRING),
    "2.5.29.15": bits(der.BIT_STRING),
    ALTERNATIVE_NAME: some(der.SEQUENCE, _general_name),
    "2.5.29.19": optional(der.SEQUENCE, (der.BOOLEAN, _boolean), (der.INTEGER, _integer())),
    "2.5.29.30": optional(der.SEQUENCE, (0xA0, some(0xA0, _subtree)), (0xA1, some(0xA1, _subtree))),
    "2.5.29.31": some(der.SEQUENCE, _point),
    "2.5.29.35": optional(der.SEQUENCE, (0x80, anything), (0xA1, some(0xA1, _general_name)), (0x82, _integer(0x82))),
    "2.5.29.37": some(der.SEQUENCE, oid()),
    "2.16.840.1.113730.1.1": bits(der.BIT_STRING),
    PROXY: _proxy,
    "1.3.6.1.5.5.7.1.7": lambda _data, node: node.tag == der.SEQUENCE,  # ipAddrBlocks
    "1.3.6.1.5.5.7.1.8": lambda _data, node: node.tag == der.SEQUENCE,  # autonomousSysIds
}
