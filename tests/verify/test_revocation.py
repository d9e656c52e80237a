"""Revocation lists: what is loaded, what each fault is called, and what a client makes of them."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from tests.verify.pki import (
    DAY,
    NOW,
    Key,
    Plan,
    basic,
    bits,
    certificate,
    cn,
    crl,
    entry,
    extension,
    keys,
    seq,
    tlv,
    when,
)
from tracer.certificates import Certificate, Presented
from tracer.der import DerError
from tracer.verify import Trust, replay
from tracer.verify.chain import judge
from tracer.verify.revocation import from_der, from_pem, load_crls

ROOT, LEAF = keys()[:2]


def chain(usage: int = 6) -> tuple[Certificate, Certificate]:
    """A leaf with serial number 5, and its root."""
    usages = extension("2.5.29.15", bits(usage), critical=True)
    root = certificate(Plan(cn("root"), cn("root"), ROOT, ROOT, extensions=(basic(True), usages)))
    leaf = certificate(Plan(cn("db.example"), cn("root"), LEAF, ROOT, serial=5))
    return Certificate.from_der(leaf), Certificate.from_der(root)


def codes(*lists: bytes, usage: int = 6) -> list[tuple[int, int]]:
    leaf, root = chain(usage)
    return [(f.code, f.depth) for f in judge([leaf], [root], NOW, 2, [from_der(data) for data in lists]).faults]


def of_root(*entries: bytes, key: Key = ROOT, **how) -> bytes:
    return crl(cn("root"), key, tuple(entries), **how)


ONLY_CA = (extension("2.5.29.28", seq(tlv(0x82, b"\xff")), critical=True),)


@pytest.mark.parametrize(
    ("lists", "first"),
    [
        ((of_root(),), None),
        ((), (3, 0)),
        ((crl(cn("other"), ROOT),), (3, 0)),
        ((of_root(entry(5)),), (23, 0)),
        ((of_root(entry(1)),), (23, 1)),
        ((of_root(entry(5, extension("2.5.29.21", tlv(10, b"\x08")))),), None),
        ((of_root(stop=when(NOW)),), (12, 0)),
        ((of_root(stop=None),), None),
        ((of_root(start=when(NOW)),), None),
        ((of_root(start=when(NOW + timedelta(seconds=1))),), (11, 0)),
        ((of_root(start=tlv(0x17, b"2601011200Z")),), (15, 0)),
        ((of_root(damage=True),), (8, 0)),
        ((of_root(key=LEAF),), (8, 0)),
        ((of_root(extensions=ONLY_CA),), (44, 0)),
        ((of_root(extensions=(extension("1.2.3", b"", critical=True),)),), (36, 0)),
        ((of_root(stop=when(NOW - DAY)), of_root()), None),
        ((of_root(entry(5), start=when(NOW - 2 * DAY)), of_root()), None),
        ((of_root(start=when(NOW - 2 * DAY)), of_root(entry(5))), (23, 0)),
    ],
)
def test_the_first_fault(lists: tuple[bytes, ...], first: tuple[int, int] | None) -> None:
    """Which list is taken, and what is wrong with it or with the certificate."""
    assert next(iter(codes(*lists)), None) == first


def test_a_root_that_may_not_sign_lists() -> None:
    """35: a keyUsage without cRLSign."""
    assert codes(of_root(), usage=4)[0] == (35, 0)


def test_without_lists_nobody_checks() -> None:
    """None is no look at revocation; no list at all is a look that finds nothing."""
    leaf, root = chain()
    assert not judge([leaf], [root], NOW, 2, None).faults
    assert judge([leaf], [root], NOW, 2, []).faults[0].code == 3


def test_loading_is_silent(tmp_path: Path) -> None:
    """A file that is missing or holds no list is nothing to libpq: it says nothing and does not check."""
    assert load_crls(tmp_path / "absent") is None
    for content in (b"", b"garbage", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"):
        (tmp_path / "crl").write_bytes(content)
        assert load_crls(tmp_path / "crl") is None
    assert load_crls(tmp_path) is None
    pem = b"-----BEGIN X509 CRL-----\n" + base64.encodebytes(of_root(entry(5))) + b"-----END X509 CRL-----\n"
    (tmp_path / "crl").write_bytes(b"text\n" + pem + pem)
    found = load_crls(tmp_path / "crl")
    assert found is not None
    assert found == (from_der(of_list(pem)),) * 2


def of_list(pem: bytes) -> bytes:
    return from_pem(pem)[0].der


def test_what_is_no_list() -> None:
    """Bytes that are no list raise one kind of error."""
    for data in (b"", b"\x30\0", b"\x30\3\x30\1\0", of_root()[:40]):
        with pytest.raises(DerError):
            from_der(data)


def trust(**how) -> Trust:
    return Trust(host="db.example", sslmode="verify-ca", roots=[chain()[1]], time=NOW, **how)


def test_revocation_is_a_check_of_its_own() -> None:
    """With a list there is a check `revocation`, inside the handshake; the library's own list will do, too."""
    presented = Presented((chain()[0],))
    good = replay(presented, trust(crls=[x509.load_der_x509_crl(of_root())]))
    assert (good.outcome, good.check("revocation").outcome) == ("accept", "passed")
    bad = replay(presented, trust(crls=[from_der(of_root(entry(5)))]))
    assert bad.outcome == "refuse"
    assert (bad.refused_by.step, bad.refused_by.code, bad.refused_by.when) == ("revocation", 23, "in_handshake")
    assert (bad.prints, bad.wire) == ("SSL error: certificate verify failed", "alert:44")
    assert replay(presented, trust()).check("revocation") is None


def test_revocation_without_a_root_file_is_not_done() -> None:
    """initialize_SSL reads the lists only with a root file."""
    presented = Presented((chain()[0],))
    verdict = replay(presented, Trust(sslmode="require", roots=None, time=NOW, crls=[from_der(of_root(entry(5)))]))
    assert (verdict.outcome, verdict.check("revocation").outcome) == ("accept", "not_done")
