"""Names as libpq 12 to 18 compare them: the leaves of the shared cases, signed anew, shown to every version."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

import tracer
from tests.differential import lab
from tests.differential.cells import PROFILES, differences, presented
from tests.differential.certificates import (
    ECDSA_SHA256,
    Issued,
    Server,
    akid,
    ca,
    issue,
    key,
    leaf,
    name,
    signed_anew,
    tlv,
)
from tests.differential.relay import Relay
from tests.differential.test_matrix import LIBRARIES
from tracer import der, rootfile
from tracer.certificates import Certificate, from_pem

CASES = 457

pytestmark = pytest.mark.needs("initdb-15", "gcc")


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_case_as_this_libpq_answers(
    library: str, shared: Path, folder: Path, postgres: lab.Postgres, in_front: Relay, libpqs: lab.Libpqs
) -> None:
    """On each case of the folder, verify-full ends and prints as the real client of this version does."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    profile, count, wrong, by_issuer = PROFILES[library], 0, [], dict[bytes, Issued]()
    for identity, host, given in cases(shared):
        root = by_issuer.setdefault(given.issuer_der, namesake(given.issuer_der))
        server = Server(identity, (signed_by(given, root),))
        (folder / "namesake").write_text(root.pem)
        postgres.show(server)
        postgres.keylog.news()
        conninfo = (
            f"host={quoted(host)} user=app sslmode=verify-full sslrootcert={folder / 'namesake'} gssencmode=disable"
        )
        answer = lab.try_it(libpqs[library], in_front, postgres.keylog, conninfo)
        trust = tracer.Trust(
            host=host, sslmode="verify-full", roots=rootfile.load(folder / "namesake"), security_level=profile.level
        )
        found = list(differences(answer, tracer.replay(presented(server), trust, profile.replayed())))
        wrong += [f"{identity} | {host!r}\n    " + "\n    ".join(found)] if found else []
        count += 1
    assert not wrong, "\n".join([f"{len(wrong)} of {count}", *wrong[:20]])
    assert count == CASES


def cases(shared: Path) -> Iterator[tuple[str, str, Certificate]]:
    with lzma.open(shared / "cases" / "names.jsonl.xz", "rt") as file:
        for case in map(json.loads, file):
            yield case["id"], case["host"], from_pem(case["chain"][0])[0]


def quoted(host: str) -> str:
    """As a value of a conninfo."""
    return "'" + host.replace("\\", "\\\\").replace("'", "\\'") + "'"


def namesake(subject: bytes) -> Issued:
    """A root of that name, with a key of our own; it has no key identifier that a leaf could contradict."""
    made = issue(name("Namesake"), None, (x509.BasicConstraints(True, None), True), own_key=(own := key()))
    return signed_anew(rebuilt(made, subject, subject, own), made)


def signed_by(given: Certificate, root: Issued) -> Issued:
    """The leaf with a key of our own in it, signed by that root: the names and the other extensions stay what they are."""
    own = key()
    made = Issued(given.der, root.subject, own)
    return signed_anew(rebuilt(made, given.issuer_der, given.subject_der, own), root)


def rebuilt(issued: Issued, issuer: bytes, subject: bytes, own: object) -> Issued:
    """The certificate with these names, that key and ECDSA as its algorithm; its signature is still the old one."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    read = Certificate.from_der(issued.der)
    spki = own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    parts = [der.whole(read.tbs, node) for node in der.sequence(read.tbs)]
    at = parts.index(read.spki)
    parts[at - 4 : at + 1] = [ECDSA_SHA256, issuer, parts[at - 2], subject, spki]
    return replace(issued, der=tlv(0x30, tlv(0x30, b"".join(parts)) + ECDSA_SHA256 + tlv(3, b"\0")))


# NAMES THAT NOBODY SHOULD ISSUE


def named(*common_names: tuple[int, bytes]) -> Issued:
    """A leaf whose CNs have these tags and bytes."""
    attributes = [tlv(0x31, tlv(0x30, CN + tlv(tag, value))) for tag, value in common_names]
    made = leaf(by=ca()["own"])
    root = Certificate.from_der(ca()["own"].der)
    return signed_anew(rebuilt(made, root.subject_der, tlv(0x30, b"".join(attributes)), made.key), ca()["own"])


def alternative(*names: tuple[int, bytes]) -> Issued:
    """A leaf with CN=cn.test whose subjectAltNames have these tags and bytes."""
    content = tlv(0x30, b"".join(tlv(tag, value) for tag, value in names))
    extension = x509.UnrecognizedExtension(SUBJECT_ALT_NAME, content)
    return issue(name("cn.test"), ca()["own"], (extension, False), *akid(ca()["own"]))


def odd() -> dict[str, tuple[Issued, tuple[str, ...]]]:
    """Leaves by what is odd about them, and the hosts that ask for them."""
    long = b"a" * 300
    addresses = (
        "::ffff:1.2.3.4",
        "::1.2.3.4",
        "::1:0",
        "::1",
        "::2",
        "::",
        "1::",
        "2001:db8:0:1:1:1:1:1",
        "1:0:0:2::3",
    )
    return {
        "a BMPString": (named((30, "db.test".encode("utf-16-be"))), ("db.test",)),
        "a UniversalString": (named((28, "db.test".encode("utf-32-be"))), ("db.test",)),
        "a T61String": (named((20, "bücher.test".encode("latin-1"))), ("bücher.test", "x")),
        "a PrintableString": (named((19, b"db.test")), ("db.test",)),
        "a NumericString": (named((18, b"123")), ("123",)),
        "an empty CN": (named((12, b"")), ("db.test", "")),
        "control characters": (named((12, b"a\nb\x1b[31m")), ("x",)),
        "a long CN": (named((12, long)), ("x", long.decode(), "1" * 300)),
        "an empty DNS name": (alternative((0x82, b"")), ("x", "cn.test")),
        "a DNS name in UTF-8": (alternative((0x82, "bücher.test".encode())), ("bücher.test", "x")),
        "a DNS name in Latin-1": (alternative((0x82, b"b\xfccher.test")), ("x",)),
        "no SAN in the extension": (alternative(), ("cn.test",)),
        "a URI, then a DNS name": (alternative((0x86, b"http://x"), (0x82, b"other.test")), ("cn.test",)),
        "a registered ID": (alternative((0x88, b"\x2a\x03")), ("cn.test",)),
        **{
            f"an address of {n} bytes": (alternative((0x87, bytes(n))), ("127.0.0.1", "cn.test")) for n in (0, 5, 8, 17)
        },
        "an address, then a name": (alternative((0x87, bytes(4)), (0x82, b"a.test")), ("127.0.0.1", "x", "cn.test")),
        "a name, then an address": (alternative((0x82, b"a.test"), (0x87, bytes(4))), ("127.0.0.1", "x")),
        **{f"the address {one}": (alternative((0x87, ip_address(one).packed)), ("::9", "x")) for one in addresses},
    }


@pytest.mark.parametrize("library", LIBRARIES)
def test_names_that_nobody_should_issue(
    library: str, folder: Path, postgres: lab.Postgres, in_front: Relay, libpqs: lab.Libpqs
) -> None:
    """Other string types, no bytes, too many, addresses of every form: the client ends and prints as the replay says."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    profile, wrong = PROFILES[library], []
    for why, (issued, hosts) in odd().items():
        server = Server(why, (issued,))
        postgres.show(server)
        postgres.keylog.news()
        for host in hosts:
            conninfo = (
                f"host={quoted(host)} user=app sslmode=verify-full sslrootcert={folder / 'own'} gssencmode=disable"
            )
            answer = lab.try_it(libpqs[library], in_front, postgres.keylog, conninfo)
            roots = rootfile.load(folder / "own")
            trust = tracer.Trust(host=host, sslmode="verify-full", roots=roots, security_level=profile.level)
            found = list(differences(answer, tracer.replay(presented(server), trust, profile.replayed())))
            wrong += [f"{why} | {host!r}\n    " + "\n    ".join(found)] if found else []
    assert not wrong, "\n".join([library, *wrong])


CN = bytes.fromhex("0603550403")
SUBJECT_ALT_NAME = x509.ObjectIdentifier("2.5.29.17")


def test_a_leaf_signed_anew_keeps_its_names(shared: Path) -> None:
    """What is shown to the clients has the names of the case, and the chain is good."""
    _, _, given = next(cases(shared))
    root = namesake(given.issuer_der)
    anew = Certificate.from_der(signed_by(given, root).der)
    assert (anew.names, anew.subject_der, anew.issuer_der) == (given.names, given.subject_der, given.issuer_der)
    trust = tracer.Trust(host="x", sslmode="verify-ca", roots=[Certificate.from_der(root.der)])
    assert tracer.replay(tracer.Presented((anew,)), trust).outcome == "accept"
