"""The servers of the matrix: each a chain and a key, the names that clients ask for, and the root files they may have.

`SERVERS` is the table: one line says what is odd about a server. Keys are made anew for each run and protect nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tracer import der
from tracer.certificates import Certificate

HOST = "db.example.test"
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate, DER, and the key in it."""

    der: bytes
    subject: x509.Name
    key: Key

    @property
    def pem(self) -> str:
        return Certificate.from_der(self.der).pem


@dataclass(frozen=True)
class Server:
    """What a server sends, leaf first; `hosts` are asked for under verify-full, `roots` are files beside the usual ones."""

    name: str
    sends: tuple[Issued, ...]
    hosts: tuple[str, ...] = (HOST,)
    roots: dict[str, tuple[Issued, ...]] = field(default_factory=dict)

    @property
    def certificate(self) -> str:
        return "".join(issued.pem for issued in self.sends)

    @property
    def key(self) -> str:
        return self.sends[0].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


# MAKING


def key(kind: str = "p256") -> Key:
    return KEYS[kind]()


def name(*common_names: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one) for one in common_names])


def issue(
    subject: x509.Name,
    by: Issued | None,
    *extensions: tuple[x509.ExtensionType, bool],
    days: tuple[float, float] = (-30, 365),
    kind: str = "p256",
    own_key: Key | None = None,
    pss: bool = False,
    signed_with: Key | None = None,
) -> Issued:
    """A certificate; self-signed without `by`. `signed_with` is another key than the issuer's."""
    own = own_key or key(kind)
    signer = signed_with or (by.key if by else own)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(by.subject if by else subject)
    builder = builder.public_key(own.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(NOW + days[0] * DAY).not_valid_after(NOW + days[1] * DAY)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    how = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH) if pss else None
    made = builder.sign(signer, algorithm, rsa_padding=how)
    return Issued(made.public_bytes(Encoding.DER), subject, own)


def authority(common_name: str, by: Issued | None = None, *, length: int | None = None, **how) -> Issued:
    """A CA with key identifiers, unless `how` says otherwise."""
    own = how.pop("own_key", None) or key()
    extensions = how.pop("extensions", None)
    if extensions is None:
        extensions = [(x509.BasicConstraints(True, length), True), (usage("key_cert_sign", "crl_sign"), True)]
    identifiers = [(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False), *akid(by)]
    return issue(name(common_name), by, *extensions, *identifiers, own_key=own, **how)


def leaf(*sans: str | bytes | x509.GeneralName, by: Issued, cn: str | tuple[str, ...] = (), extra=(), **how) -> Issued:
    """A server certificate; what looks like an address is an iPAddress."""
    common_names = (cn,) if isinstance(cn, str) else cn
    extensions = [*extra, *akid(by)]
    if sans:
        extensions.append((x509.SubjectAlternativeName([san(one) for one in sans]), not common_names))
    return issue(name(*common_names), by, *extensions, **how)


def san(value: str | bytes | x509.GeneralName) -> x509.GeneralName:
    if not isinstance(value, str):
        return value if isinstance(value, x509.GeneralName) else x509.IPAddress(ip_address(value))
    return x509.DNSName(value)


def akid(by: Issued | None) -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), False)] if by else []


def usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{one: one in allowed for one in USAGES})


def purpose(*oids: ObjectIdentifier) -> tuple[x509.ExtensionType, bool]:
    return x509.ExtendedKeyUsage(oids), False


def patched(issued: Issued, old: bytes, new: bytes) -> Issued:
    """With some of its bytes exchanged, so that its signature is wrong too."""
    assert (issued.der.count(old), len(old)) == (1, len(new))
    return replace(issued, der=issued.der.replace(old, new))


def forged(issued: Issued) -> Issued:
    """With one bit of its signature turned over."""
    return replace(issued, der=issued.der[:-1] + bytes([issued.der[-1] ^ 1]))


# THE TABLE


@cache
def ca() -> dict[str, Issued]:
    """The authorities: `own` has signed the servers; `other` has signed none of them."""
    made = {"own": authority("Own Root"), "other": authority("Other Root")}
    own, other = made["own"], made["other"]
    made["inter"] = authority("Own Intermediate", own, length=0)
    made["inter-by-other"] = issue(
        made["inter"].subject,
        other,
        (x509.BasicConstraints(True, None), True),
        (x509.SubjectKeyIdentifier.from_public_key(made["inter"].key.public_key()), False),
        own_key=made["inter"].key,
    )
    return made


@cache
def servers(family: str = "names") -> tuple[Server, ...]:
    """The servers of one of the `FAMILIES`."""
    return tuple(FAMILIES[family](ca()["own"], ca()["inter"]))


def _names(own: Issued, _: Issued) -> Iterable[Server]:
    """Good chains; what differs is who they name."""
    ip = ip_address("127.0.0.1").packed
    lookup = (HOST, HOST.upper(), HOST + ".", "other.test")
    addresses = ("127.0.0.1", "127.1", "2130706433", "0x7f000001", "::1", "::ffff:127.0.0.1", "localhost")
    yield Server("dns", (leaf(HOST, by=own),), lookup)
    yield Server("wildcard", (leaf("*.example.test", by=own),), (HOST, "a.db.example.test", "example.test"))
    yield Server("wildcard of a top level", (leaf("*.test", by=own),), ("example.test", HOST))
    yield Server("wildcard inside", (leaf("d*.example.test", "*", "db.*.test", by=own),))
    yield Server("two names", (leaf("other.test", HOST, by=own),), (HOST, "third.test"))
    yield Server("three other names", (leaf("a.test", "b.test", "c.test", by=own),))
    yield Server("common name alone", (leaf(by=own, cn=HOST),), lookup)
    yield Server("common name beside a DNS name", (leaf("other.test", by=own, cn=HOST),))
    yield Server("common name beside an address", (leaf(ip, by=own, cn=HOST),), (HOST, "127.0.0.1", "x.test"))
    yield Server("common name beside an e-mail address", (leaf(x509.RFC822Name("a@b.test"), by=own, cn=HOST),))
    yield Server("wildcard as common name", (leaf(by=own, cn="*.example.test"),))
    yield Server("two common names", (leaf(by=own, cn=(HOST, "z.test")),), (HOST, "z.test"))
    yield Server("an address", (leaf(ip, by=own),), addresses)
    yield Server("an IPv6 address", (leaf(ip_address("::1").packed, by=own),), ("::1", "0:0:0:0:0:0:0:1", "127.0.0.1"))
    yield Server("an address as common name", (leaf(by=own, cn="127.0.0.1"),), addresses[:3])
    yield Server("an address as DNS name", (leaf("127.0.0.1", "*.0.0.1", by=own),), ("127.0.0.1", "10.0.0.1"))
    yield Server(
        "address and common name", (leaf(ip_address("10.0.0.1").packed, by=own, cn="127.0.0.1"),), addresses[:2]
    )
    yield Server("DNS name and common name", (leaf("x.test", by=own, cn="127.0.0.1"),), addresses[:2])
    yield Server("no name", (leaf(by=own),), (HOST, "127.0.0.1"))
    yield Server("trailing dot", (leaf(HOST + ".", by=own),), (HOST, HOST + "."))
    yield Server("punycode", (leaf("xn--bcher-kva.test", by=own),), ("xn--bcher-kva.test", "bücher.test"))
    yield Server("UTF-8 as common name", (leaf(by=own, cn="bücher.test"),), ("bücher.test", "BÜCHER.test"))
    yield Server(
        "a NUL in a DNS name", (patched_leaf(b"db.example.testX.evil.test", b"db.example.test\0.evil.test", own),)
    )
    yield Server("a NUL behind a good name", (patched_leaf(b"nul.testX", b"nul.test\0", own, HOST),))
    yield Server("a short address", (short_address(own),), (HOST, "127.0.0.1"))


def patched_leaf(old: bytes, new: bytes, by: Issued, *before: str) -> Issued:
    """A leaf that is signed with bytes which cryptography would not write."""
    return signed_anew(patched(leaf(*before, old.decode(), by=by), old, new), by)


def short_date(issued: Issued, by: Issued | None = None) -> Issued:
    """Its first date without seconds, which DER does not allow."""
    tbs = Certificate.from_der(issued.der).tbs
    parts = [tbs[part.start : part.stop] for part in der.sequence(tbs)]
    first, second = (parts[4][date.start : date.stop] for date in der.sequence(parts[4]))
    parts[4] = tlv(0x30, tlv(0x17, first[2:12] + b"Z") + second)
    changed = tlv(0x30, b"".join(parts))
    return assembled(issued, changed, ECDSA_SHA256, (by or issued).key.sign(changed, ec.ECDSA(hashes.SHA256())))


def short_address(by: Issued) -> Issued:
    """An iPAddress of three bytes."""
    made = leaf("abc", by=by)
    return signed_anew(patched(made, b"\x82\x03abc", b"\x87\x03abc"), by)


def signed_anew(issued: Issued, by: Issued) -> Issued:
    """The same content with an ECDSA signature that is right for it."""
    tbs = Certificate.from_der(issued.der).tbs
    return assembled(issued, tbs, ECDSA_SHA256, by.key.sign(tbs, ec.ECDSA(hashes.SHA256())))


def sha1(issued: Issued, by: Issued) -> Issued:
    """Signed with RSA and SHA-1, which cryptography would not do."""
    tbs = Certificate.from_der(issued.der).tbs.replace(RSA_SHA256, RSA_SHA1)
    return assembled(issued, tbs, RSA_SHA1, by.key.sign(tbs, padding.PKCS1v15(), hashes.SHA1()))  # noqa: S303


def assembled(issued: Issued, tbs: bytes, algorithm: bytes, signature: bytes) -> Issued:
    return replace(issued, der=tlv(0x30, tbs + algorithm + tlv(3, b"\0" + signature)))


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    length = bytes([size]) if size < 128 else bytes([0x80 | len(octets)]) + octets
    return bytes([tag]) + length + content


def _chains(own: Issued, inter: Issued) -> Iterable[Server]:
    """What stands above the leaf."""
    good = leaf(HOST, by=inter)
    gaps = {"own and intermediate": (own, inter), "intermediate alone": (inter,)}
    yield Server("intermediate sent", (good, inter), roots=gaps)
    yield Server("intermediate missing", (good,), roots=gaps)
    yield Server("root sent", (good, inter, own), roots=gaps)
    yield Server("cross-signed", (good, ca()["inter-by-other"]), roots={"own and intermediate": (own, inter)})
    yield Server("both crosses", (good, ca()["inter-by-other"], inter))
    alone = leaf(HOST, by=own)
    yield Server("leaf as root", (alone,), roots={"itself": (alone,)})
    for label, days in {"ended": (-60, -1), "not begun": (1, 60)}.items():
        late = authority(f"Intermediate {label}", own, days=days)
        yield Server(f"intermediate {label}", (leaf(HOST, by=late), late))
    late = authority("Root that ended", days=(-60, -1))
    renewed = authority("Root that ended", own_key=late.key)
    roots = {"ended": (late,), "ended, then renewed": (late, renewed), "renewed": (renewed,)}
    yield Server("root ended", (leaf(HOST, by=late),), roots=roots)
    for label, extensions in NO_AUTHORITIES.items():
        no = authority(f"Intermediate {label}", own, extensions=extensions)
        yield Server(f"intermediate {label}", (leaf(HOST, by=no), no))
    below = authority("Too deep", inter)
    yield Server("path too long", (leaf(HOST, by=below), below, inter))
    limited = authority("Limited", own, extensions=[(x509.BasicConstraints(True, None), True), CONSTRAINTS])
    yield Server("outside the name constraints", (leaf(HOST, by=limited), limited))
    yield Server("inside the name constraints", (leaf("db.allowed.test", by=limited), limited), ("db.allowed.test",))


def _leaves(own: Issued, _: Issued) -> Iterable[Server]:
    """What is in the leaf itself."""
    yield Server("ended", (leaf(HOST, by=own, days=(-60, -1)),))
    yield Server("not begun", (leaf(HOST, by=own, days=(1, 60)),))
    yield Server("for clients", (leaf(HOST, by=own, extra=[purpose(ExtendedKeyUsageOID.CLIENT_AUTH)]),))
    yield Server("for any purpose", (leaf(HOST, by=own, extra=[purpose(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)]),))
    yield Server("for servers", (leaf(HOST, by=own, extra=[purpose(ExtendedKeyUsageOID.SERVER_AUTH)]),))
    yield Server("key for certificates", (leaf(HOST, by=own, extra=[(usage("key_cert_sign"), True)]),))
    yield Server("an authority itself", (leaf(HOST, by=own, extra=[(x509.BasicConstraints(True, None), True)]),))
    yield Server(
        "ended and for clients", (leaf(HOST, by=own, days=(-60, -1), extra=[purpose(ExtendedKeyUsageOID.CLIENT_AUTH)]),)
    )
    yield Server("unknown critical extension", (leaf(HOST, by=own, extra=[UNKNOWN_EXTENSION]),))
    yield Server("forged", (forged(leaf(HOST, by=own)),))
    yield Server("forged and ended", (forged(leaf(HOST, by=own, days=(-60, -1))),))
    yield Server("signed by another key", (leaf(HOST, by=replace(own, key=key())),))
    yield Server("signed by another key, no key identifier", (issue(name(HOST), own, signed_with=key()),))
    for kind in ("p384", "ed25519", "rsa2048", "rsa1024"):
        yield Server(f"{kind} key", (leaf(HOST, by=own, kind=kind),))
    authority_rsa = authority("RSA Root", own_key=key("rsa2048"))
    yield Server("SHA-1", (sha1(leaf(HOST, by=authority_rsa), authority_rsa),), roots={"its root": (authority_rsa,)})
    pss = leaf(HOST, by=authority_rsa, pss=True)
    yield Server("RSA-PSS signature", (pss,), roots={"its root": (authority_rsa,)})
    yield Server("RSA forged", (forged(leaf(HOST, by=authority_rsa)),), roots={"its root": (authority_rsa,)})
    for label, extensions in SELF_SIGNED.items():
        alone = issue(name(HOST), None, *extensions)
        yield Server(f"self-signed, {label}", (alone,), roots={"itself": (alone,)})
    dated = short_date(leaf(HOST, by=own), own)
    other = short_date(authority("Root with a short date"))
    yield Server("a date without seconds", (dated,), roots={"with a short date": (own, other)})
    alone = issue(name(HOST), None, days=(-60, -1))
    yield Server("self-signed, ended", (alone,), roots={"itself": (alone,)})


FAMILIES = {"names": _names, "chains": _chains, "leaves": _leaves}
KEYS: dict[str, Callable[[], Key]] = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 - its weakness is the case
}
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
RSA_SHA256, RSA_SHA1 = (bytes.fromhex(f"300d06092a864886f70d0101{last}0500") for last in ("0b", "05"))
USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
UNKNOWN_EXTENSION = (x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\5\0"), True)
CONSTRAINTS = (x509.NameConstraints([x509.DNSName("allowed.test")], None), True)
NO_AUTHORITIES = {
    "with CA:FALSE": [(x509.BasicConstraints(False, None), True)],
    "without basicConstraints": [],
    "without keyCertSign": [(x509.BasicConstraints(True, None), True), (usage("crl_sign"), True)],
}
SELF_SIGNED = {
    "bare": [],
    "CA:TRUE": [(x509.BasicConstraints(True, None), True)],
    "CA:FALSE": [(x509.BasicConstraints(False, None), True)],
    "no keyCertSign": [(usage("digital_signature"), True)],
}
