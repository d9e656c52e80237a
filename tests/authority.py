"""Throwaway CAs and server certificates for tests: small keys, one call each."""

from __future__ import annotations

import datetime as dt
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Identity:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)


def issue(
    cn: str | None,
    issuer: Identity | None = None,
    *,
    names: Sequence[str] | None = None,
    ca: bool = False,
    begin: dt.datetime = BEGIN,
    days: float = 365,
    key: Any = None,
) -> Identity:
    """A certificate by `issuer`, or by itself. `names`: dNSNames, and iPAddresses behind `ip:`; None for the CN, if it is no CA."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)] if cn else [])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer is not None:
        above = issuer.key.public_key()
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above), critical=False)
    if names is None and cn and not ca:
        names = [cn]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
    return Identity(builder.sign((issuer.key if issuer else key), hashes.SHA256()), key)


def _name(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(name[3:])) if name.startswith("ip:") else x509.DNSName(name)


def files(*chain: Identity) -> tuple[str, str]:
    """Files of a chain, the server's own first, and of its key."""
    folder = Path(tempfile.mkdtemp())
    (folder / "crt").write_bytes(b"".join(one.certificate.public_bytes(PEM) for one in chain))
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key").write_bytes(chain[0].key.private_bytes(PEM, pkcs8, plain))
    return str(folder / "crt"), str(folder / "key")


def with_sha1(cn: str, issuer: Identity) -> Identity:
    """A server certificate signed with SHA-1, which only the program still makes."""
    folder = Path(tempfile.mkdtemp())
    above, request, extensions = files(issuer), folder / "request", folder / "extensions"
    extensions.write_text("subjectKeyIdentifier = none\nauthorityKeyIdentifier = none\n")  # newer ones add both unasked
    command = ["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-subj", f"/CN={cn}"]
    subprocess.run([*command, "-out", request], cwd=folder, check=True, capture_output=True)
    command = ["openssl", "x509", "-req", "-sha1", "-days", "365", "-CA", above[0], "-CAkey", above[1], "-in", request]
    command += ["-extfile", extensions]
    signed = subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout
    key = serialization.load_pem_private_key((folder / "key").read_bytes(), None)
    return Identity(x509.load_pem_x509_certificate(signed), key)


@cache
def root(cn: str = "Test Root CA") -> Identity:
    return issue(cn, ca=True, days=3650)


@cache
def subordinate(cn: str = "Test Subordinate CA") -> Identity:
    return issue(cn, root(), ca=True, days=1825)


@cache
def server(cn: str = "db.example") -> Identity:
    """A server of the subordinate CA, as it should be."""
    return issue(cn, subordinate())


def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)
