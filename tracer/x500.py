"""Names as certificates hold them: distinguished names and general names (RFC 5280 §4.1.2.4 and §4.2.1.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import TypeVar

from tracer import der
from tracer.der import DerError, Node

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GeneralName:
    """One name of a subjectAltName: `kind` is RFC 5280's, `value` its bytes."""

    kind: str
    value: bytes

    @property
    def text(self) -> str:
        if self.kind == "iPAddress":
            return str(ip_address(self.value)) if len(self.value) in (4, 16) else self.value.hex()
        return self.value.decode("utf-8", "backslashreplace")


def general_names(data: bytes, of: Node) -> tuple[GeneralName, ...]:
    """The names inside a constructed value. Raises `DerError`."""
    found = der.children(data, of)
    return tuple(GeneralName(GENERAL_NAMES.get(n.tag & 0x1F, "unknown"), der.content(data, n)) for n in found)


@lru_cache(maxsize=4096)
def rdns(name: bytes) -> list[list[tuple[str, int, bytes]]]:
    """A Name as OpenSSL compares it: case, type and blanks of strings do not count (x_name.c, x509_name_canon).

    Of each relative name the attributes: OID, tag and value. Raises nothing; what cannot be read is not there.
    """

    def read() -> list[list[tuple[str, int, bytes]]]:
        found = []
        for group in der.sequence(name):
            pairs = [der.children(name, member)[:2] for member in der.children(name, group)]
            found.append(
                sorted((der.oid(der.content(name, a)), *_folded(b.tag, der.content(name, b))) for a, b in pairs)
            )
        return found

    return _try(read)


def _folded(tag: int, value: bytes) -> tuple[int, bytes]:
    if tag not in STRINGS:
        return tag, value
    return 12, b" ".join(_utf8(tag, value).lower().split())


def same_name(a: bytes, b: bytes) -> bool:
    """Whether two encoded names are the same (X509_NAME_cmp)."""
    return a == b or rdns(a) == rdns(b)


def attributes(name: bytes) -> list[tuple[str, bytes]]:
    """The attributes of a Name, in the order of their encoding: OID and value bytes."""

    def read() -> list[tuple[str, bytes]]:
        found = []
        for group in der.sequence(name):
            for member in der.children(name, group):
                kind, value = der.children(name, member)[:2]
                found.append((der.oid(der.content(name, kind)), _utf8(value.tag, der.content(name, value))))
        return found

    return _try(read)


def _utf8(tag: int, value: bytes) -> bytes:
    """A directory string as UTF-8: BMPString and UniversalString come as UTF-16 and UTF-32, T61String as Latin-1."""
    encoding = {30: "utf-16-be", 28: "utf-32-be", 20: "latin-1"}.get(tag)
    return value.decode(encoding, "replace").encode() if encoding else value


def texts(name: bytes) -> list[tuple[str, str]]:
    """The attributes as people write them: CN and the like, and text."""
    return [(ATTRIBUTES.get(oid, oid), value.decode("utf-8", "backslashreplace")) for oid, value in attributes(name)]


def _try(read: Callable[[], list[T]]) -> list[T]:
    try:
        return read()
    except (DerError, IndexError, ValueError):
        return []


# TABLES

STRINGS = frozenset({12, 19, 20, 22, 26, 28, 30})  # ASN1_MASK_CANON
GENERAL_NAMES = {
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
ATTRIBUTES = {
    "2.5.4.3": "CN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
}
