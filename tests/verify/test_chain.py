"""Chains as OpenSSL judges them: the cases of the folder, and a matrix of our own against `openssl verify`."""

from __future__ import annotations

import base64
import json
import lzma
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.verify import pki
from tracer.certificates import Certificate
from tracer.verify.chain import judge
from tracer.verify.revocation import from_pem
from tracer.verify.validity import unreadable

DIFFERENCES = tomllib.loads((Path(__file__).parent / "chain_differences.toml").read_text()).get("difference", [])
CASES = 951
ASKED = 890  # of those, by the real libpq

Answer = tuple[int | None, int | None]  # OpenSSL's code and depth; twice None is good


def ours(sent: list[Certificate], roots: list[Certificate], time: datetime, level: int) -> Answer:
    fault = next(iter(judge(sent, roots, time, level).faults), None)
    return (fault.code, fault.depth) if fault else (None, None)


# CASES OF THE FOLDER


@pytest.fixture(scope="module")
def cases(shared: Path) -> list[dict]:
    with lzma.open(shared / "cases" / "chains.jsonl.xz", "rt") as file:
        found = [json.loads(line) for line in file]
    assert len(found) == CASES
    return found


def test_every_case_as_openssl_answered(cases: list[dict]) -> None:
    """Code, depth and text are OpenSSL's, apart from what chain_differences.toml lists; and that must differ."""
    different = Counter()
    for case in cases:
        wanted = case["openssl"]["chain"]
        path = judge(read(case["chain"]), read(case["roots"]), moment(case["time"]), 0, openssl=(3, 0))
        found = next(((f.code, f.depth, f.text) for f in path.faults), (None, None, None))
        if found != (wanted["code"], wanted["depth"], wanted["msg"]):
            different[case["id"]] += 1
    assert set(different) == {difference["id"] for difference in DIFFERENCES}


def test_every_case_as_libpq_answered(cases: list[dict]) -> None:
    """Where the real libpq 15 was asked for verify-ca, with and without its CRL, it accepted what we accept."""
    different, asked, with_crl = [], 0, 0
    for case in cases:
        said, sent, roots = case["libpq15"], read(case["chain"]), read(case["roots"])
        time = moment(said["faketime"] or case["time"])
        if said["verify_ca"]:
            asked += 1
            if said["verify_ca"]["tls"] is bool(judge(sent, roots, time, said["seclevel"], openssl=(3, 0)).faults):
                different.append(case["id"])
        if said["verify_ca_crl"]:
            with_crl += 1
            crls = [crl for pem in case["crls"] for crl in from_pem(pem.encode())]
            if said["verify_ca_crl"]["tls"] is bool(judge(sent, roots, time, said["seclevel"], crls, (3, 0)).faults):
                different.append(case["id"] + " with CRL")
    assert not different
    assert asked >= ASKED
    assert with_crl


@pytest.mark.parametrize(("library", "version"), [(pki.openssl1, (1, 1)), (pki.openssl35, (3, 5))])
def test_every_case_as_other_versions_answer(
    cases: list[dict], library: Callable[[], pki.OpenSSL | None], version: tuple[int, int]
) -> None:
    """The same cases put to OpenSSL 1.1.1, which PostgreSQL's own builds bring along, and to psycopg's 3.5."""
    openssl, different = library(), []
    if openssl is None:
        pytest.skip(f"no OpenSSL {version}")
    for case in cases:
        sent, roots, time = read(case["chain"]), read(case["roots"]), moment(case["time"])
        theirs = openssl.verify([c.der for c in sent], [c.der for c in roots], time, 0)
        path = judge(sent, roots, time, 0, openssl=version)
        said = next(((f.code, f.depth, f.text) for f in path.faults), (None, None, None))
        if theirs is None and any(unreadable(c, version) for c in (*sent, *roots)):
            continue
        if theirs != said:
            different.append((case["id"], theirs, said))
    assert not different


@pytest.mark.skipif(pki.openssl1() is None, reason="no OpenSSL 1.1.1")
@pytest.mark.parametrize(("usage", "code"), [((), None), ((0x80,), 20), ((0x84,), None)])
@pytest.mark.parametrize("ca", [True, False])
def test_a_self_signed_leaf_in_the_file(ca: bool, usage: tuple[int, ...], code: int | None) -> None:
    """OpenSSL 3 takes each of them; 1.1.1 wants that its keyUsage, if it has one, lets it sign certificates."""
    key = pki.keys()[0]
    usages = [pki.extension("2.5.29.15", pki.bits(*usage))] if usage else []
    made = pki.Plan(pki.cn("db.example"), pki.cn("db.example"), key, key, extensions=(pki.basic(ca), *usages))
    leaf = pki.certificate(made)
    own = Certificate.from_der(leaf)
    old = pki.openssl1()
    assert old is not None
    assert old.verify([leaf], [leaf], pki.NOW, 2)[0] == code
    assert ours([own], [own], pki.NOW, 2) == (None, None)
    faults = judge([own], [own], pki.NOW, 2, openssl=(1, 1)).faults
    assert (faults[0].code if faults else None) == code


def test_differences_have_reasons() -> None:
    """Nothing is let pass without saying why."""
    assert all(len(difference["reason"]) > 20 for difference in DIFFERENCES)


def read(pems: list[str]) -> list[Certificate]:
    return [Certificate.from_der(base64.b64decode("".join(pem.split("-----")[2].split()))) for pem in pems]


def moment(time: str | int) -> datetime:
    text = str(time)
    return datetime.fromtimestamp(int(text), UTC) if text.isdigit() else datetime.fromisoformat(text)


# A MATRIX OF OUR OWN

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, FRESH, SOON = (NOW - 90 * DAY, NOW - DAY), (NOW - 90 * DAY, NOW + 90 * DAY), (NOW + DAY, NOW + 90 * DAY)
SHA1_RSA = bytes.fromhex("06092a864886f70d010105")
SHA256_RSA = bytes.fromhex("06092a864886f70d01010b")

Made = tuple[x509.Certificate, object]
Scene = tuple[list[Made], list[Made]]  # what is sent, leaf first, and the root file


def ec_key():
    return ec.generate_private_key(ec.SECP256R1())


def rsa_key(bits: int = 2048):
    return rsa.generate_private_key(65537, bits)


def make(
    name: str, issuer: Made | None = None, *, key=None, ca: bool | None = True, path: int | None = None, valid=FRESH,
    eku=None, usage: bool = True, pss: bool = False, signer=None, critical: bool = False, akid: bool = True,
) -> Made:  # fmt: skip
    """A certificate and its key; without an issuer it signs itself."""
    key = key or ec_key()
    above, above_key = issuer or (None, key)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        above.subject if above else subject,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        valid[0],
        valid[1],
    ).add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if akid:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(above_key.public_key())
        builder = builder.add_extension(identifier, critical=False)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path if ca else None), critical=True)
    if ca and usage:
        usages = {**dict.fromkeys(USAGES, False), "key_cert_sign": True, "crl_sign": True}
        builder = builder.add_extension(x509.KeyUsage(**usages), critical=True)
    if eku:
        builder = builder.add_extension(x509.ExtendedKeyUsage([eku]), critical=False)
    if critical:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\5\0")
        builder = builder.add_extension(unknown, critical=True)
    signer = signer or above_key
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if pss else None
    return builder.sign(signer, digest, rsa_padding=scheme), key


USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def family(leaf: dict | None = None, inter: dict | None = None, root: dict | None = None) -> tuple[Made, Made, Made]:
    """Leaf, intermediate and root, each made in its own way."""
    top = make("root", **(root or {}))
    middle = make("inter", top, **(inter or {}))
    return make("db.example", middle, **{"ca": None, **(leaf or {})}), middle, top


def chain(leaf: dict | None = None, inter: dict | None = None, root: dict | None = None) -> Scene:
    """All but the root is sent, and the root is in the file."""
    made = family(leaf, inter, root)
    return [*made[:2]], [made[2]]


def missing_intermediate() -> Scene:
    leaf, _, root = family()
    return [leaf], [root]


def wrong_root(*, sent: bool) -> Scene:
    made = family()
    return [*made[: 3 if sent else 2]], [make("another root")]


def only_intermediate() -> Scene:
    leaf, middle, _ = family()
    return [leaf, middle], [middle]


def self_signed(*, trusted: bool, **how) -> Scene:
    leaf = make("db.example", **how)
    return [leaf], [leaf if trusted else make("root")]


def deep(path: int) -> Scene:
    """Two intermediates under a root that allows `path` of them."""
    top = make("root", path=path)
    upper = make("upper", top)
    lower = make("lower", upper)
    return [make("db.example", lower, ca=None), lower, upper], [top]


def weak_digest(at: int) -> Scene:
    """The certificate at that depth is signed with SHA-1: its bytes say so, and its signature is made anew."""
    top = make("root", key=rsa_key())
    middle = make("inter", top, key=rsa_key())
    if at:
        middle = with_sha1(middle, top)
    leaf = make("db.example", middle, ca=None)
    return [leaf if at else with_sha1(leaf, middle), middle], [top]


def with_sha1(made: Made, issuer: Made) -> Made:
    """The same certificate, its digest replaced by SHA-1."""
    data = made[0].public_bytes(Encoding.DER).replace(SHA256_RSA, SHA1_RSA)
    tbs = data[4 : 8 + int.from_bytes(data[6:8], "big")]
    size = len(made[0].signature)
    signature = issuer[1].sign(tbs, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 (that is the point)
    return x509.load_der_x509_certificate(data[:-size] + signature), made[1]


def cross_signed(*, trusted: str) -> Scene:
    """The new root is also signed by the old one; the server sends that cross certificate."""
    old, key = make("old root"), ec_key()
    new = make("new root", key=key)
    cross = make("new root", old, key=key)
    middle = make("inter", new)
    return [make("db.example", middle, ca=None), middle, cross], [old if trusted == "old" else new]


def renewed(*validity: tuple[datetime, datetime]) -> Scene:
    """One root key, several certificates of it in the file."""
    key = ec_key()
    roots = [make("root", key=key, valid=valid) for valid in validity]
    middle = make("inter", roots[0])
    return [make("db.example", middle, ca=None), middle], roots


def bad_signature(at: int) -> Scene:
    """The certificate at that depth is signed by a stranger; names and key identifiers fit."""
    how = {"signer": ec_key()}
    return chain(leaf=how) if at == 0 else chain(inter=how)


def wrong_issuer_key() -> Scene:
    """The leaf names an issuer that is there under that name with another key."""
    leaf, _, root = family()
    return [leaf, make("inter", root)], [root]


CLIENT, ANY = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
MATRIX: dict[str, tuple[int | None, Callable[[], Scene]]] = {
    "good": (None, chain),
    "root sent too": (None, lambda: (list(made := family()), [made[2]])),
    "missing intermediate": (20, missing_intermediate),
    "wrong root, root sent": (19, lambda: wrong_root(sent=True)),
    "wrong root, not sent": (20, lambda: wrong_root(sent=False)),
    "self-signed": (18, lambda: self_signed(trusted=False)),
    "self-signed, in the file": (None, lambda: self_signed(trusted=True, usage=False)),
    "self-signed CA:FALSE, in the file": (None, lambda: self_signed(trusted=True, ca=False)),
    "self-signed and expired": (18, lambda: self_signed(trusted=False, valid=OLD)),
    "self-signed and expired, in the file": (10, lambda: self_signed(trusted=True, usage=False, valid=OLD)),
    "only the intermediate in the file": (2, only_intermediate),
    "expired leaf": (10, lambda: chain(leaf={"valid": OLD})),
    "expired intermediate": (10, lambda: chain(inter={"valid": OLD})),
    "expired root": (10, lambda: chain(root={"valid": OLD})),
    "leaf not yet valid": (9, lambda: chain(leaf={"valid": SOON})),
    "intermediate not yet valid": (9, lambda: chain(inter={"valid": SOON})),
    "leaf ends now": (10, lambda: chain(leaf={"valid": (NOW - DAY, NOW)})),
    "leaf begins now": (None, lambda: chain(leaf={"valid": (NOW, NOW + DAY)})),
    "expired leaf, bad signature": (7, lambda: chain(leaf={"valid": OLD, "signer": ec_key()})),
    "expired intermediate, expired leaf": (10, lambda: chain(leaf={"valid": OLD}, inter={"valid": OLD})),
    "purpose client": (26, lambda: chain(leaf={"eku": CLIENT})),
    "purpose any": (26, lambda: chain(leaf={"eku": ANY})),
    "purpose client, intermediate": (26, lambda: chain(inter={"eku": CLIENT})),
    "leaf CA:TRUE": (None, lambda: chain(leaf={"ca": True, "usage": False})),
    "leaf that may only sign certificates": (26, lambda: chain(leaf={"ca": True})),
    "intermediate CA:FALSE": (79, lambda: chain(inter={"ca": False})),
    "intermediate without basicConstraints": (79, lambda: chain(inter={"ca": None})),
    "root CA:FALSE": (79, lambda: chain(root={"ca": False})),
    "CA without keyUsage": (None, lambda: chain(inter={"usage": False}, root={"usage": False})),
    "path length 0, two intermediates": (25, lambda: deep(0)),
    "path length 1, two intermediates": (25, lambda: deep(1)),
    "path length 2, two intermediates": (None, lambda: deep(2)),
    "path length 0, one intermediate": (25, lambda: chain(root={"path": 0})),
    "path length 0 of the intermediate": (None, lambda: chain(inter={"path": 0})),
    "bad signature, leaf": (7, lambda: bad_signature(0)),
    "bad signature, intermediate": (7, lambda: bad_signature(1)),
    "wrong issuer key": (20, wrong_issuer_key),
    "RSA-1024 leaf": (66, lambda: chain(leaf={"key": rsa_key(1024)})),
    "RSA-1024 intermediate": (67, lambda: chain(inter={"key": rsa_key(1024)})),
    "RSA-1024 root": (67, lambda: chain(root={"key": rsa_key(1024)})),
    "RSA-1024 leaf, unknown root": (66, lambda: (chain(leaf={"key": rsa_key(1024)})[0], [make("another root")])),
    "SHA-1 leaf": (68, lambda: weak_digest(0)),
    "SHA-1 intermediate": (68, lambda: weak_digest(1)),
    "cross-signed, new root": (None, lambda: cross_signed(trusted="new")),
    "cross-signed, old root": (None, lambda: cross_signed(trusted="old")),
    "renewed root, old first": (None, lambda: renewed(OLD, FRESH)),
    "renewed root, new first": (None, lambda: renewed(FRESH, OLD)),
    "only old roots": (10, lambda: renewed(OLD, (NOW - 90 * DAY, NOW - DAY / 2))),
    "unknown critical extension": (34, lambda: chain(leaf={"critical": True})),
    "unknown critical extension, intermediate": (34, lambda: chain(inter={"critical": True})),
    "Ed25519": (None, lambda: chain(*[{"key": ed25519.Ed25519PrivateKey.generate()} for _ in range(3)])),
    "P-384": (None, lambda: chain(*[{"key": ec.generate_private_key(ec.SECP384R1())} for _ in range(3)])),
    "RSA": (None, lambda: chain(*[{"key": rsa_key()} for _ in range(3)])),
    "RSA-PSS": (None, lambda: chain(*[{"key": rsa_key(), "pss": True} for _ in range(3)])),
    "no key identifiers": (None, lambda: chain(*[{"akid": False} for _ in range(3)])),
}


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("name", MATRIX)
def test_openssl_says_the_same(name: str, tmp_path: Path) -> None:
    """Code and depth of the first fault are those of `openssl verify` at level 2."""
    code, scene = MATRIX[name]
    sent, roots = ([made[0] for made in part] for part in scene())
    found = ours([as_ours(c) for c in sent], [as_ours(c) for c in roots], NOW, 2)
    assert found == openssl(tmp_path, sent, roots)
    assert found[0] == code


def as_ours(certificate: x509.Certificate) -> Certificate:
    return Certificate.from_der(certificate.public_bytes(Encoding.DER))


def openssl(folder: Path, sent: list[x509.Certificate], roots: list[x509.Certificate]) -> Answer:
    """What `openssl verify` says first."""
    files = {"leaf": sent[:1], "untrusted": sent[1:], "roots": roots}
    for name, certificates in files.items():
        (folder / name).write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in certificates))
    untrusted = ["-untrusted", str(folder / "untrusted")] if sent[1:] else []
    command = ["openssl", "verify", "-attime", str(int(NOW.timestamp())), "-purpose", "sslserver", "-auth_level", "2"]
    command += ["-no-CApath", "-no-CAstore", "-CAfile", str(folder / "roots"), *untrusted, str(folder / "leaf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = re.search(r"^error (\d+) at (\d+) depth lookup", done.stderr, re.MULTILINE)
    assert (said is None) == (done.returncode == 0), done.stderr
    return (int(said[1]), int(said[2])) if said else (None, None)
