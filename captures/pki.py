"""A throwaway PKI with the shape of Amazon RDS's: regional root -> subordinate CA -> server.

Every function returns values; only `write` touches the disk. Keys made here protect nothing:
they may be printed, committed and shared.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROOT_START = datetime(2021, 5, 21, tzinfo=UTC)
ROOT_END = datetime(2061, 5, 21, tzinfo=UTC)  # 2050 or later: written as GeneralizedTime, as in RDS's roots
SUBORDINATE_START = datetime(2024, 2, 1, tzinfo=UTC)
SUBORDINATE_END = datetime(2054, 2, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Issued:
    """A certificate and the private key that belongs to it."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


@dataclass(frozen=True)
class Region:
    """What one region publishes (the root) and what its servers send (subordinate and root)."""

    root: Issued
    subordinate: Issued


def region(name: str) -> Region:
    """A root and the subordinate CA below it, for example `region("eu-test-1")`."""
    above = root(authority_name(f"Example RDS {name} Root CA RSA2048 G1"))
    return Region(above, subordinate(above, authority_name(f"Example RDS {name} Subordinate CA RSA2048 G1.A.1")))


def organisation(name: str, root_name: str, subordinate_name: str) -> Region:
    """The root and the subordinate CA of somebody who is no RDS."""
    above = root(organisation_name(name, root_name))
    return Region(above, subordinate(above, organisation_name(name, subordinate_name)))


def root(subject: x509.Name, not_before: datetime = ROOT_START, not_after: datetime = ROOT_END) -> Issued:
    """A self-signed root. It has no authority key identifier: RDS's roots have none."""
    key = new_key()
    builder = authority_builder(subject, key.public_key(), None)
    return Issued(sign(builder, subject, key, not_before, not_after), key)


def subordinate(
    issuer: Issued, subject: x509.Name, not_before: datetime = SUBORDINATE_START, not_after: datetime = SUBORDINATE_END
) -> Issued:
    """A CA that may sign servers and no further CA."""
    key = new_key()
    builder = authority_builder(subject, key.public_key(), 0)
    builder = builder.add_extension(issued_by(issuer), critical=False)
    return Issued(sign(builder, issuer.certificate.subject, issuer.key, not_before, not_after), key)


def server(issuer: Issued, endpoint: str, not_before: datetime, not_after: datetime | None = None) -> Issued:
    """A server certificate whose one name is `endpoint`, good for a year unless told."""
    key = new_key()
    builder = (
        x509.CertificateBuilder(subject_name=server_name(endpoint), public_key=key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage("digital_signature", "key_encipherment"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(endpoint)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issued_by(issuer), critical=False)
    )
    not_after = not_after or not_before + timedelta(days=365)
    return Issued(sign(builder, issuer.certificate.subject, issuer.key, not_before, not_after), key)


def self_signed(endpoint: str, not_before: datetime) -> Issued:
    """What `openssl req -x509` makes: a certificate that is its own issuer, and a CA as well."""
    key, subject = new_key(), name((NameOID.COMMON_NAME, endpoint))
    builder = (
        x509.CertificateBuilder(subject_name=subject, public_key=key.public_key())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(endpoint)]), critical=False)
    )
    return Issued(sign(builder, subject, key, not_before, not_before + timedelta(days=365)), key)


def client(issuer: Issued, user: str, not_before: datetime) -> Issued:
    """A client's certificate: PostgreSQL takes its common name for the name of the user."""
    key = new_key()
    builder = (
        x509.CertificateBuilder(subject_name=name((NameOID.COMMON_NAME, user)), public_key=key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(issued_by(issuer), critical=False)
    )
    return Issued(
        sign(builder, issuer.certificate.subject, issuer.key, not_before, not_before + timedelta(days=365)), key
    )


def revocations_pem(issuer: Issued, revoked: Iterable[Issued], on: datetime) -> str:
    """The list of what an issuer has revoked, good for a week from `on`."""
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=issuer.certificate.subject, last_update=on, next_update=on + timedelta(days=7)
    ).add_extension(issued_by(issuer), critical=False)
    for one in revoked:
        entry = x509.RevokedCertificateBuilder(one.certificate.serial_number, on)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def certificates_pem(issued: Iterable[Issued]) -> str:
    """The certificates in PEM, in the order given. A server sends itself first, then upwards."""
    return "".join(one.certificate.public_bytes(serialization.Encoding.PEM).decode() for one in issued)


def key_pem(issued: Issued) -> str:
    form = serialization.PrivateFormat.PKCS8
    return issued.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def write(folder: Path, issued: Issued, *above: Issued, name: str = "server") -> tuple[Path, Path]:
    """Write NAME.crt (the certificate, then those above it) and NAME.key into `folder`."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    certificate.write_text(certificates_pem([issued, *above]))
    key.touch(mode=0o600)
    key.write_text(key_pem(issued))
    return certificate, key


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def authority_builder(
    subject: x509.Name, public_key: rsa.RSAPublicKey, path_length: int | None
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder(subject_name=subject, public_key=public_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage("digital_signature", "key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def sign(
    builder: x509.CertificateBuilder,
    issuer: x509.Name,
    issuer_key: rsa.RSAPrivateKey,
    not_before: datetime,
    not_after: datetime,
) -> x509.Certificate:
    dated = builder.not_valid_before(not_before).not_valid_after(not_after)
    return dated.issuer_name(issuer).serial_number(x509.random_serial_number()).sign(issuer_key, hashes.SHA256())


def issued_by(issuer: Issued) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())


def key_usage(*allowed: str) -> x509.KeyUsage:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: name in allowed for name in names})


def authority_name(common_name: str) -> x509.Name:
    """RDS's order: the common name is not the last attribute, which trips careless parsers."""
    return name(
        (NameOID.COUNTRY_NAME, "US"),
        (NameOID.ORGANIZATION_NAME, "Example Web Services, Inc."),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Example RDS"),
        (NameOID.STATE_OR_PROVINCE_NAME, "WA"),
        (NameOID.COMMON_NAME, common_name),
        (NameOID.LOCALITY_NAME, "Seattle"),
    )


def organisation_name(organisation: str, common_name: str) -> x509.Name:
    return name(
        (NameOID.COUNTRY_NAME, "US"), (NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, common_name)
    )


def server_name(endpoint: str) -> x509.Name:
    return name(
        (NameOID.COMMON_NAME, endpoint),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "RDS"),
        (NameOID.ORGANIZATION_NAME, "Example.com"),
        (NameOID.LOCALITY_NAME, "Seattle"),
        (NameOID.STATE_OR_PROVINCE_NAME, "Washington"),
        (NameOID.COUNTRY_NAME, "US"),
    )


def name(*attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
