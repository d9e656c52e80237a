"""Distinguished names (X.501, RFC 5280 §4.1.2.4): what stands in a certificate's subject, and in a request for one."""

from __future__ import annotations

from tracer import der
from tracer.der import DerError


def attributes(name: bytes) -> list[tuple[str, bytes]]:
    """The attributes of a Name, in the order of their encoding: OID and value as UTF-8. None where it cannot be read."""
    found = []
    try:
        for group in der.sequence(name):
            for member in der.children(name, group):
                kind, value = der.children(name, member)[:2]
                found.append((der.oid(der.content(name, kind)), _utf8(value.tag, der.content(name, value))))
    except (DerError, ValueError):
        return []
    return found


def written(name: bytes) -> str:
    """A Name as people write it, as in `O=Example, CN=Example CA`; empty where there is none, or none that can be read."""
    named = [(ATTRIBUTES.get(oid, oid), value.decode("utf-8", "backslashreplace")) for oid, value in attributes(name)]
    return ", ".join(f"{what}={value}" for what, value in named)


def _utf8(tag: int, value: bytes) -> bytes:
    """A directory string as UTF-8: BMPString and UniversalString come as UTF-16 and UTF-32, T61String as Latin-1."""
    encoding = {30: "utf-16-be", 28: "utf-32-be", 20: "latin-1"}.get(tag)
    return value.decode(encoding, "replace").encode() if encoding else value


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
