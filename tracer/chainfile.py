"""A server's chain from a file: PEM, DER or PKCS#7, the leaf first."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from tracer import der
from tracer.certificates import Certificate, from_pem
from tracer.der import DerError
from tracer.errors import TracerError

LARGEST = 16 << 20  # bytes
PKCS7 = re.compile(rb"-----BEGIN (?:PKCS7|CMS)-----\s*(.*?)-----END (?:PKCS7|CMS)-----", re.DOTALL)
SIGNED_DATA = "1.2.840.113549.1.7.2"
HINT = "openssl s_client -starttls postgres -showcerts -connect HOST:5432 prints the chain of a server"


def load(name: str) -> tuple[Certificate, ...]:
    """The certificates of a file in their order; `-` is standard input. Raises `TracerError` where there are none."""
    return certificates(name, read(name))


def certificates(name: str, data: bytes) -> tuple[Certificate, ...]:
    """The same, where the bytes are at hand."""
    found = from_pem(data) or _pkcs7(data) or _der(data)
    if not found:
        raise TracerError(f"{name} holds no certificate", "PEM, DER and PKCS#7 are read", HINT)
    return tuple(found)


def read(name: str) -> bytes:
    """The bytes of a file, or of standard input. Raises `TracerError`."""
    try:
        if name == "-":
            import sys

            return sys.stdin.buffer.read(LARGEST)
        with Path(name).open("rb") as file:
            return file.read(LARGEST)
    except IsADirectoryError:
        raise TracerError(f"{name} is a folder", "name a file of certificates in it, for example *.pem") from None
    except OSError as error:
        raise TracerError(f"{name}: {(error.strerror or str(error)).lower()}", HINT) from None


def _der(data: bytes) -> list[Certificate]:
    """Certificates that stand one behind the other."""
    found, at = [], 0
    try:
        while at < len(data):
            value = der.node(data, at)
            found.append(Certificate.from_der(der.whole(data, value)))
            at = value.stop
    except DerError:
        pass
    return [certificate for certificate in found if certificate.spki]


def _pkcs7(data: bytes) -> list[Certificate]:
    """The certificates of a SignedData (RFC 5652 §5.1), in PEM or DER."""
    armoured = PKCS7.search(data)
    try:
        content = base64.b64decode(armoured.group(1)) if armoured else data
        kind, outer = der.sequence(content)[:2]
        if der.oid(der.content(content, kind)) != SIGNED_DATA:
            return []
        signed = der.children(content, outer)[0]
        sets = [part for part in der.children(content, signed) if part.tag == 0xA0]
        found = [Certificate.from_der(der.whole(content, one)) for part in sets for one in der.children(content, part)]
    except (DerError, ValueError, IndexError):
        return []
    return [certificate for certificate in found if certificate.spki]
