"""What a server presents: its certificates as plain values, and the rest that a client looks at.

Certificates are read with our own DER reader, since OpenSSL has an opinion of certificates that other libraries refuse
to read. A value that cannot be read is None, and `Certificate.broken` says what could not be.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar

from tracer import der
from tracer.der import DerError, Node
from tracer.distinguished import attributes, written

if TYPE_CHECKING:
    from tracer.outcome import Ended
    from tracer.trace import Trace

PEM = re.compile(
    rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----\s*(.*?)-----END (?:X509 |TRUSTED )?CERTIFICATE-----", re.DOTALL
)
T = TypeVar("T")
MOST_CERTIFICATES = 2000  # of one file


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


@dataclass(frozen=True, slots=True)
class Extension:
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class KeyId:
    """authorityKeyIdentifier: each part is None where it is absent."""

    key_id: bytes | None
    issuer: bytes | None
    serial: int | None


@dataclass(frozen=True, eq=False)
class Certificate:
    """One certificate. Names and times as read; `issuer_der` and `subject_der` are the encoded names."""

    der: bytes
    version: int
    serial: int
    issuer_der: bytes
    subject_der: bytes
    not_before: datetime | None
    not_after: datetime | None
    spki: bytes
    signature: bytes
    tbs: bytes
    extensions: Mapping[str, Extension]
    broken: str | None = None
    repeated: frozenset[str] = frozenset()  # OIDs of extensions that stand there more than once
    tbs_algorithm: bytes = b""  # the AlgorithmIdentifier inside what is signed, and the one beside the signature
    algorithm: bytes = b""
    unused_bits: int = 0  # of the signature's BIT STRING
    aux: bytes = b""  # what stands behind it in a TRUSTED CERTIFICATE: OpenSSL's own list of uses

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der and self.aux == other.aux

    def __hash__(self) -> int:
        return hash(self.der)

    @staticmethod
    def from_der(data: bytes) -> Certificate:
        """Read a certificate; what cannot be read at all is empty, and `broken` says why. Raises nothing."""
        return _read(data)

    @staticmethod
    def trusted(data: bytes) -> Certificate:
        """Read the content of a TRUSTED CERTIFICATE: a certificate, and what is to be known of it (d2i_X509_AUX)."""
        read = _read(data)
        return replace(read, aux=data[len(read.der) :])

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    @cached_property
    def pem(self) -> str:
        body = base64.encodebytes(self.der).decode().replace("\n", "")
        lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"

    @cached_property
    def subject(self) -> str:
        return written(self.subject_der)

    @cached_property
    def issuer(self) -> str:
        return written(self.issuer_der)

    @cached_property
    def common_name(self) -> bytes | None:
        """The first CN, as bytes."""
        return next((value for oid, value in attributes(self.subject_der) if oid == "2.5.4.3"), None)

    @cached_property
    def short(self) -> str:
        """What people call it: its CN, else its whole subject."""
        return (self.common_name or b"").decode("utf-8", "backslashreplace") or self.subject or "(no name)"

    @cached_property
    def names(self) -> tuple[GeneralName, ...]:
        """The subjectAltNames, in order."""
        extension = self.extensions.get("2.5.29.17")
        return _general_names(extension.value) if extension else ()

    @cached_property
    def basic_constraints(self) -> tuple[bool, int | None] | None:
        """CA flag and path length; None without the extension."""
        extension = self.extensions.get("2.5.29.19")
        return _basic_constraints(extension.value) if extension else None

    @cached_property
    def key_usage(self) -> frozenset[str] | None:
        extension = self.extensions.get("2.5.29.15")
        return _key_usage(extension.value) if extension else None

    @cached_property
    def extended_key_usage(self) -> frozenset[str] | None:
        """The OIDs of extendedKeyUsage; None without the extension."""
        extension = self.extensions.get("2.5.29.37")
        if extension is None:
            return None
        return _try(lambda: _oids(extension.value), NO_OIDS)

    @cached_property
    def signature_oid(self) -> str:
        """The OID of the signature's algorithm; "" when it cannot be read."""
        return _algorithm(self.algorithm)[0]

    @cached_property
    def signature_parameters(self) -> bytes:
        """The parameters of the signature's algorithm, encoded; empty where there are none."""
        return _algorithm(self.algorithm)[1]

    @cached_property
    def inner_oid(self) -> str:
        """The same OID from inside what is signed, where it should be the same."""
        return _algorithm(self.tbs_algorithm)[0]

    @cached_property
    def public_key(self) -> str:
        from tracer.signatures import describe_key

        return describe_key(self.spki)

    @cached_property
    def signature_name(self) -> str:
        from tracer.signatures import describe_signature

        return describe_signature(self.signature_oid, self.signature_parameters)


@dataclass(frozen=True)
class Presented:
    """What the server showed its client. `answer` is None for direct TLS; None elsewhere is what was not seen."""

    certificates: tuple[Certificate, ...] | None
    answer: str | None = "S"
    version: str | None = None
    alpn: str | None = None
    authentication: tuple[str, ...] | None = None
    seen: Mapping[str, int] = field(default_factory=dict, hash=False)
    answer_byte: bytes = b""
    injected: bool = False  # bytes behind the answer S that were not TLS
    direct: bool = False
    no_alpn: bool = False  # it is known that none was chosen
    ended: Ended | None = None  # the server ended it, before a session
    admitted: bool = False  # the server said AuthenticationOk
    sealed_by_gssapi: bool = False  # client and server both went on inside GSSAPI encryption
    client_certificate: str | None = None  # "none", "requested" or "sent", as in the trace
    absent: str | None = None  # why the server sent no certificate, where it is known that it sent none
    offered: tuple[str, ...] = ()  # versions of TLS that this client is known to have offered, the newest first

    @staticmethod
    def from_pem(text: str | bytes) -> Presented:
        """A chain from PEM text: the leaf first, then as sent."""
        return Presented(tuple(from_pem(text)))

    @staticmethod
    def from_der(ders: Iterable[bytes]) -> Presented:
        return Presented(tuple(Certificate.from_der(data) for data in ders))

    @staticmethod
    def of(trace: Trace) -> Presented:
        """What a trace shows."""
        from tracer.presented import presented

        return presented(trace)

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        from tracer.render import notebook

        return notebook.presented(self)


def from_pem(text: str | bytes) -> list[Certificate]:
    """Every certificate of PEM text, in order; blocks that are no base64 are passed over."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    found = []
    for match in PEM.finditer(data):
        try:
            content = base64.b64decode(match.group(1), validate=False)
            trusted = match.group(0).startswith(b"-----BEGIN TRUSTED")
            found.append(Certificate.trusted(content) if trusted else Certificate.from_der(content))
        except binascii.Error:
            continue
        if len(found) >= MOST_CERTIFICATES:
            break
    return [certificate for certificate in found if certificate.spki]


# READING


@lru_cache(maxsize=4096)
def _read(data: bytes) -> Certificate:
    try:
        return _certificate(data)
    except (DerError, IndexError, ValueError) as error:
        empty: dict[str, Extension] = {}
        return Certificate(data, 0, 0, b"", b"", None, None, b"", b"", b"", empty, f"not a certificate: {error}")


def _certificate(data: bytes) -> Certificate:  # RFC 5280 §4.1
    outer, stop = der.outermost(data)
    tbs, algorithm, signature = outer[:3]
    parts = der.children(data, tbs)
    version = 1
    if parts[0].tag == 0xA0:
        version = 1 + der.integer(data, der.children(data, parts.pop(0))[0])
    serial, inner, issuer, validity, subject, spki = parts[:6]
    not_before, not_after = der.children(data, validity)[:2]
    extensions: dict[str, Extension] = {}
    repeated: frozenset[str] = frozenset()
    for part in parts[6:]:
        if part.tag == 0xA3:
            repeated = read_extensions(data, der.children(data, part)[0], extensions)
    return Certificate(
        der=data[:stop],
        version=version,
        serial=der.integer(data, serial),
        issuer_der=der.whole(data, issuer),
        subject_der=der.whole(data, subject),
        not_before=der.time(data, not_before),
        not_after=der.time(data, not_after),
        spki=der.whole(data, spki),
        signature=der.content(data, signature)[1:],
        tbs=der.whole(data, tbs),
        extensions=extensions,
        broken=f"extension {min(repeated)} stands there twice" if repeated else None,
        repeated=repeated,
        tbs_algorithm=der.whole(data, inner),
        algorithm=der.whole(data, algorithm),
        unused_bits=next(iter(der.content(data, signature)), 0),
    )


def _algorithm(identifier: bytes) -> tuple[str, bytes]:
    def read() -> tuple[str, bytes]:
        parts = der.sequence(identifier)
        return der.oid(der.content(identifier, parts[0])), b"".join(der.whole(identifier, p) for p in parts[1:2])

    return _try(read, ("", b""))


def read_extensions(data: bytes, parent: Node, into: dict[str, Extension]) -> frozenset[str]:
    """Put the extensions of a SEQUENCE into a mapping, the first of each OID; back come the OIDs met twice."""
    repeated = set()
    for member in der.children(data, parent):
        parts = der.children(data, member)
        name = der.oid(der.content(data, parts[0]))
        critical = len(parts) > 2 and parts[1].tag == der.BOOLEAN and der.content(data, parts[1]) != b"\0"
        if name in into:
            repeated.add(name)
            critical, value = critical or into[name].critical, into[name].value
        else:
            value = der.content(data, parts[-1])
        into[name] = Extension(critical, value)
    return frozenset(repeated)


def _try(read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except (DerError, IndexError, ValueError):
        return otherwise


def _general_names(value: bytes) -> tuple[GeneralName, ...]:
    nodes = _try(lambda: list(der.sequence(value)), list[Node]())
    return tuple(GeneralName(GENERAL_NAMES.get(n.tag & 0x1F, "unknown"), der.content(value, n)) for n in nodes)


def _oids(value: bytes) -> frozenset[str]:
    return frozenset(der.oid(der.content(value, member)) for member in der.sequence(value))


def _basic_constraints(value: bytes) -> tuple[bool, int | None]:
    def read() -> tuple[bool, int | None]:
        ca, length = False, None
        for member in der.sequence(value):
            if member.tag == der.BOOLEAN:
                ca = der.content(value, member) != b"\0"
            elif member.tag == der.INTEGER:
                length = der.integer(value, member)
        return ca, length

    nothing: tuple[bool, int | None] = (False, None)
    return _try(read, nothing)


def _key_usage(value: bytes) -> frozenset[str]:
    def read() -> frozenset[str]:
        bits = der.content(value, der.node(value, 0))[1:]
        return frozenset(
            name for at, name in enumerate(KEY_USAGES) if at // 8 < len(bits) and bits[at // 8] & 0x80 >> at % 8
        )

    return _try(read, frozenset())


# TABLES

NO_OIDS: frozenset[str] = frozenset()
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
KEY_USAGES = (
    *("digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement"),
    *("keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"),
)
