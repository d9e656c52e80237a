"""Certificates and revocation lists with any bytes in their extensions, and what `openssl verify` says of them.

One process judges many leaves: they share their issuers, their root file and their lists.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tracer.certificates import Certificate
from tracer.verify.chain import judge
from tracer.verify.revocation import RevocationList

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY = timedelta(days=1)
Answer = tuple[int, int] | None  # code and depth of the first fault; None is good
Extensions = dict[str, tuple[bool, bytes]]
BASIC_CONSTRAINTS, KEY_USAGE = "2.5.29.19", "2.5.29.15"
A_CA: Extensions = {
    BASIC_CONSTRAINTS: (True, bytes.fromhex("30030101ff")),
    KEY_USAGE: (True, bytes.fromhex("03020106")),  # keyCertSign and cRLSign
}


@cache
def key(name: str) -> ec.EllipticCurvePrivateKey:
    """A key for each name."""
    return ec.generate_private_key(ec.SECP256R1())


def certificate(
    name: str,
    issuer: str,
    extensions: Extensions,
    *,
    subject: x509.Name | None = None,
    serial: int | None = None,
    valid: tuple[datetime, datetime] = (NOW - DAY, NOW + DAY),
) -> bytes:
    """The DER of a certificate of `name`, signed by the key of `issuer`; each extension with its criticality and bytes."""
    builder = x509.CertificateBuilder(
        called(issuer), subject or called(name), key(name).public_key(), serial or x509.random_serial_number(), *valid
    )
    for oid, (critical, value) in extensions.items():
        builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), critical)
    return builder.sign(key(issuer), hashes.SHA256()).public_bytes(Encoding.DER)


def called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def der(tag: int, *parts: bytes) -> bytes:
    """A value of that tag."""
    body = b"".join(parts)
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + body


def ours(
    leaves: Sequence[bytes], others: Sequence[bytes], roots: Sequence[bytes], lists: Sequence[bytes] | None = None
) -> list[Answer]:
    """What the replay says first of each leaf."""
    crls = None if lists is None else [crl for data in lists if (crl := RevocationList.from_der(data))]
    read = [[Certificate.from_der(data) for data in part] for part in (others, roots)]
    found = [judge([Certificate.from_der(leaf), *read[0]], read[1], NOW, 0, crls=crls).faults for leaf in leaves]
    return [(faults[0].code, faults[0].depth) if faults else None for faults in found]


def openssl(
    leaves: Sequence[bytes], others: Sequence[bytes], roots: Sequence[bytes], lists: Sequence[bytes] | None = None
) -> list[Answer]:
    """What `openssl verify` says first of each leaf."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, kind, values in (("u", "CERTIFICATE", others), ("r", "CERTIFICATE", roots), ("c", "X509 CRL", lists)):
            (folder / part).write_text("".join(pem(kind, value) for value in values or ()))
        files = []
        for number, leaf in enumerate(leaves):
            files.append(str(folder / f"leaf{number}"))
            Path(files[-1]).write_text(pem("CERTIFICATE", leaf))
        command = [
            "openssl",
            "verify",
            "-attime",
            str(int(NOW.timestamp())),
            "-purpose",
            "sslserver",
            "-auth_level",
            "0",
        ]
        command += ["-no-CApath", "-no-CAstore", "-CAfile", str(folder / "r")]
        command += ["-untrusted", str(folder / "u")] if others else []
        if lists is not None:
            command += ["-crl_check_all", *(["-CRLfile", str(folder / "c")] if lists else [])]
        done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    return [_answer(done.stdout, done.stderr, file) for file in files]


def _answer(out: str, err: str, file: str) -> Answer:
    if f"{file}: OK" in out:
        return None
    before, _, _ = err.partition(f"error {file}: ")
    last = before.rpartition("verification failed\n")[2]
    found = re.search(r"^error (\d+) at (\d+) depth lookup", last, re.MULTILINE)
    assert found is not None, err
    return int(found[1]), int(found[2])


def pem(kind: str, data: bytes) -> str:
    import base64

    body = base64.encodebytes(data).decode()
    return f"-----BEGIN {kind}-----\n{body}-----END {kind}-----\n"
