"""Revocation lists: sslcrl and sslcrldir, good, bad and absent, for one CA of the chain or all, against real libpqs.

A file that is missing or holds no list is passed over in silence; a folder without a list lets nobody pass.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

import tracer
from tests.differential import lab
from tests.differential.cells import PROFILES, contradictions, differences, presented
from tests.differential.certificates import DAY, HOST, NOW, Issued, Server, ca, leaf
from tests.differential.relay import Relay
from tests.differential.test_matrix import LIBRARIES
from tracer import rootfile

pytestmark = pytest.mark.needs("initdb-15", "psql", "gcc", "openssl")
MODES = ("prefer", "require", "verify-ca", "verify-full")
BROKEN = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"
DELTA = x509.DeltaCRLIndicator(1)


def crl(
    by: Issued,
    *revoked: Issued,
    days: tuple[float, float] = (-1, 1),
    signed_with: Issued | None = None,
    extension: x509.ExtensionType | None = None,
) -> str:
    """A list of that CA, PEM. `days` are its first and its last; `signed_with` has another key."""
    made = x509.CertificateRevocationListBuilder().issuer_name(by.subject)
    made = made.last_update(NOW + days[0] * DAY).next_update(NOW + days[1] * DAY)
    for one in revoked:
        serial = x509.load_der_x509_certificate(one.der).serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - dt.timedelta(hours=1))
        made = made.add_revoked_certificate(entry.build())
    if extension is not None:
        made = made.add_extension(extension, critical=True)
    key = (signed_with or by).key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def lists(good: Issued, below: Issued) -> dict[str, tuple[str, ...]]:
    """Lists for a leaf of the root and one of the intermediate, by what is odd about them; none is a file or folder without one."""
    own, inter, other = ca()["own"], ca()["inter"], ca()["other"]
    return {
        "none": (),
        "garbage": ("hello\n",),
        "good": (crl(own), crl(inter)),
        "of the root alone": (crl(own),),
        "of the intermediate alone": (crl(inter),),
        "of another CA": (crl(other),),
        "the leaf revoked": (crl(own, good), crl(inter, below)),
        "the intermediate revoked": (crl(own, inter), crl(inter)),
        "ended": (crl(own, days=(-9, -2)), crl(inter, days=(-9, -2))),
        "not begun": (crl(own, days=(1, 2)), crl(inter, days=(1, 2))),
        "ended, and the leaf revoked": (crl(own, good, days=(-9, -2)), crl(inter, below, days=(-9, -2))),
        "signed by another key": (crl(own, signed_with=other), crl(inter, signed_with=other)),
        "good, and a broken one": (crl(own), crl(inter), BROKEN),
        "a broken one, and good": (BROKEN, crl(own), crl(inter)),
        "revoked, and behind half a list": (crl(own, good), crl(inter, below), crl(own)[:150]),
        "revoked, then a newer one without it": (
            *(crl(own, good, days=(-2, 1)), crl(inter, below, days=(-2, 1))),
            *(crl(own), crl(inter)),
        ),
        "not revoked, then a newer one with it": (
            *(crl(own, days=(-2, 1)), crl(inter, days=(-2, 1))),
            *(crl(own, good), crl(inter, below)),
        ),
        "with empty lines": (crl(own, good).replace("\n", "\n\n"), crl(inter, below).replace("\n", "\n\n")),
        "good, and an ended one": (crl(own, days=(-9, -2)), crl(own), crl(inter)),
        "deltas": (crl(own, extension=DELTA), crl(inter, extension=DELTA)),
        "good, and deltas that revoke": (
            crl(own),
            crl(inter),
            crl(own, good, extension=DELTA),
            crl(inter, below, extension=DELTA),
        ),
    }


def places(texts: tuple[str, ...], folder: Path) -> Iterator[tuple[str, Path]]:
    """The lists in one file, and in a folder by their hashes."""
    file, hashed = folder / "crl.pem", folder / "crls"
    file.write_text("".join(texts))
    yield "sslcrl", file
    if not texts:
        yield from (("sslcrl", folder / "absent"), ("sslcrldir", folder / "absent"))
    shutil.rmtree(hashed, ignore_errors=True)
    hashed.mkdir()
    for at, text in enumerate(texts):
        (hashed / f"{at}.pem").write_text(text)
    lab.stage.run(["openssl", "rehash", str(hashed)])
    yield "sslcrldir", hashed


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("chain", ["of the root", "of the intermediate"])
def test_what_a_client_makes_of_its_lists(
    chain: str, library: str, folder: Path, postgres: lab.Postgres, in_front: Relay, libpqs: lab.Libpqs
) -> None:
    """Outcome, text and alert of every mode, from a file and from a folder."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    own, inter = ca()["own"], ca()["inter"]
    good, below = leaf(HOST, by=own), leaf(HOST, by=inter)
    server = Server(chain, (good,) if chain == "of the root" else (below, inter))
    postgres.show(server)
    postgres.keylog.news()
    profile, wrong = PROFILES[library], []
    for why, texts in lists(good, below).items():
        for option, path in places(texts, folder):
            if option == "sslcrldir" and not profile.since(14):
                continue
            crls = rootfile.load_beside(path)[0] if option == "sslcrl" else rootfile.load_folder(path)
            for mode in MODES:
                words = f"host={HOST} user=app sslmode={mode} sslrootcert={folder / 'own'} {option}={path} gssencmode=disable"
                answer = lab.try_it(libpqs[library], in_front, postgres.keylog, words)
                told = tracer.Trust(
                    host=HOST,
                    sslmode=mode,
                    roots=rootfile.load(folder / "own"),
                    crls=crls,
                    security_level=profile.level,
                )
                verdict = tracer.replay(presented(server), told, profile.replayed())
                found = [*differences(answer, verdict), *contradictions(answer, told, profile)]
                if verdict.refused_by and verdict.prints is None:  # a wrong signature of which only the issuer is known
                    found = [one for one in found if not one.startswith("printed")]
                wrong += [f"{why} | {option} {path.name} | {mode}\n    " + "\n    ".join(found)] if found else []
    assert not wrong, "\n".join([f"{library}, {chain}", *wrong])


@pytest.mark.parametrize("library", LIBRARIES)
def test_certificates_beside_the_lists(
    library: str, folder: Path, postgres: lab.Postgres, in_front: Relay, libpqs: lab.Libpqs
) -> None:
    """OpenSSL trusts them; a file with nothing else was loaded all the same, and then every certificate lacks its list."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    own, other = ca()["own"], ca()["other"]
    server = Server("of the root", (leaf(HOST, by=own),))
    postgres.show(server)
    postgres.keylog.news()
    pems = {one: x509.load_der_x509_certificate(one.der).public_bytes(Encoding.PEM).decode() for one in (own, other)}
    profile, path, wrong, outcomes = PROFILES[library], folder / "beside.pem", [], {}
    for root, text in (
        ("other", pems[own] + crl(own)),
        ("other", pems[own]),
        ("own", pems[other]),
        ("own", pems[other] + crl(own)),
        ("other", pems[own] + "-----BEGIN CERTIFICATE-----\nhello\n"),
    ):
        path.write_text(text)
        lists, beside = rootfile.load_beside(path)
        for mode in MODES:
            words = f"host={HOST} user=app sslmode={mode} sslrootcert={folder / root} sslcrl={path} gssencmode=disable"
            answer = lab.try_it(libpqs[library], in_front, postgres.keylog, words)
            told = tracer.Trust(
                host=HOST,
                sslmode=mode,
                roots=rootfile.load(folder / root),
                crls=lists,
                beside_crls=beside,
                security_level=profile.level,
            )
            verdict = tracer.replay(presented(server), told, profile.replayed())
            found = [*differences(answer, verdict), *contradictions(answer, told, profile)]
            wrong += [f"{root}, {len(text)} bytes | {mode}\n    " + "\n    ".join(found)] if found else []
            outcomes[root, text == pems[own] or text == pems[other], bool(lists), mode] = verdict.outcome
    assert not wrong, "\n".join([library, *wrong])
    assert outcomes["other", False, True, "verify-full"] == "accept"
    assert outcomes["own", True, False, "verify-full"] == "refuse"
