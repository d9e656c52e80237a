"""Names as libpq 12 to 18 compare them: the leaves of the shared cases, signed anew, shown to every version."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

import tracer
from tests.differential import lab
from tests.differential.cells import PROFILES, differences, presented
from tests.differential.certificates import ECDSA_SHA256, Issued, Server, issue, key, name, signed_anew, tlv
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
    for identity, host, leaf in cases(shared):
        root = by_issuer.setdefault(leaf.issuer_der, namesake(leaf.issuer_der))
        server = Server(identity, (signed_by(leaf, root),))
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


def signed_by(leaf: Certificate, root: Issued) -> Issued:
    """The leaf with a key of our own in it, signed by that root: the names and the other extensions stay what they are."""
    own = key()
    made = Issued(leaf.der, root.subject, own)
    return signed_anew(rebuilt(made, leaf.issuer_der, leaf.subject_der, own), root)


def rebuilt(issued: Issued, issuer: bytes, subject: bytes, own: object) -> Issued:
    """The certificate with these names, that key and ECDSA as its algorithm; its signature is still the old one."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    read = Certificate.from_der(issued.der)
    spki = own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    parts = [der.whole(read.tbs, node) for node in der.sequence(read.tbs)]
    at = parts.index(read.spki)
    parts[at - 4 : at + 1] = [ECDSA_SHA256, issuer, parts[at - 2], subject, spki]
    return replace(issued, der=tlv(0x30, tlv(0x30, b"".join(parts)) + ECDSA_SHA256 + tlv(3, b"\0")))


def test_a_leaf_signed_anew_keeps_its_names(shared: Path) -> None:
    """What is shown to the clients has the names of the case, and the chain is good."""
    _, _, leaf = next(cases(shared))
    root = namesake(leaf.issuer_der)
    anew = Certificate.from_der(signed_by(leaf, root).der)
    assert (anew.names, anew.subject_der, anew.issuer_der) == (leaf.names, leaf.subject_der, leaf.issuer_der)
    trust = tracer.Trust(host="x", sslmode="verify-ca", roots=[Certificate.from_der(root.der)])
    assert tracer.replay(tracer.Presented((anew,)), trust).outcome == "accept"
