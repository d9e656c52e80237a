"""Random small PKIs with random defects: OpenSSL's first fault is ours, code, depth and text."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify import pki
from tracer.certificates import Certificate
from tracer.verify.chain import judge
from tracer.verify.revocation import from_der
from tracer.verify.validity import unreadable

THREE, ONE, FIVE = pki.openssl3(), pki.openssl1(), pki.openssl35()
VERSION = THREE.number if THREE else (3, 0)
Answer = tuple[int | None, int | None, str | None]

# Seeds on which we and OpenSSL 3 differ, each with its reason.
KNOWN = {
    1008323: "RFC 3779: the path of resources is not replayed (41)",
    1009454: "two roots with one name and both out of time, one with a date that only OpenSSL's lenient comparison reads",
    2012028: "the same",
}


def ours(
    sent: list[bytes],
    roots: list[bytes],
    level: int,
    crls: list[bytes] | None = None,
    version: tuple[int, ...] = VERSION,
) -> Answer:
    path = judge(
        [Certificate.from_der(data) for data in sent],
        [Certificate.trusted(data) for data in roots],
        pki.NOW,
        level,
        None if crls is None else [from_der(data) for data in crls],
        version,
    )
    return next(((fault.code, fault.depth, fault.text) for fault in path.faults), (None, None, None))


def differing(
    seeds: range, *, revocation: bool, openssl: pki.OpenSSL | None = THREE, version: tuple[int, ...] = VERSION
) -> tuple[dict[int, tuple[Answer, Answer]], Counter]:
    """The seeds on which the answers differ, and how often OpenSSL gave which code."""
    assert openssl is not None
    found, codes = {}, Counter()
    for seed in seeds:
        random = Random(seed)  # noqa: S311 (tests are to be repeatable)
        level = random.choice((0, 0, 1, 2, 2))
        sent, roots, crls = (*pki.scene(random), None) if not revocation else pki.revoked_scene(random)
        theirs = openssl.verify(sent, roots, pki.NOW, level, crls)
        if theirs is None:
            continue
        codes[theirs[0]] += 1
        if theirs != (own := ours(sent, roots, level, crls, version)) and seed not in KNOWN:
            found[seed] = (theirs, own)
    return found, codes


@pytest.mark.skipif(THREE is None, reason="no OpenSSL 3")
@pytest.mark.parametrize(("revocation", "kinds"), [(False, 15), (True, 15)])
def test_some_random_chains(revocation: bool, kinds: int) -> None:
    """A few hundred, on which OpenSSL gives many different answers."""
    if revocation and VERSION >= (3, 6):
        pytest.skip("OpenSSL 3.6 wants no list of a self-signed root's own, which is not replayed")
    found, codes = differing(range(400), revocation=revocation)
    assert not found
    assert len(codes) >= kinds


@pytest.mark.skipif(THREE is None, reason="no OpenSSL 3")
@pytest.mark.parametrize(("openssl", "version"), [(THREE, VERSION), (FIVE, (3, 5)), (ONE, (1, 1))])
def test_roots_that_are_trusted_for_some_uses(openssl: pki.OpenSSL | None, version: tuple[int, ...]) -> None:
    """A TRUSTED CERTIFICATE may end a chain in the middle, or reject it."""
    if openssl is None:
        pytest.skip(f"no OpenSSL {version}")
    wrong, codes = {}, Counter()
    for seed in range(5000, 5400):
        random = Random(seed)  # noqa: S311
        sent, roots = pki.scene(random)
        roots = [pki.with_uses(random, root) if random.random() < 0.7 else root for root in (*roots, *sent[1:])]
        theirs = openssl.verify(sent, roots, pki.NOW, 1)
        if theirs is None:
            continue
        codes[theirs[0]] += 1
        if theirs != (own := ours(sent, roots, 1, None, version)):
            wrong[seed] = theirs, own
    assert len(wrong) <= (2 if version == (1, 1) else 0), wrong
    assert min(codes[None], codes[28]) > 40


@pytest.mark.slow
@pytest.mark.skipif(THREE is None, reason="no OpenSSL 3")
@pytest.mark.parametrize("start", [1_000_000, 2_000_000])
def test_many_random_chains(start: int) -> None:
    """Thousands more, with and without revocation lists."""
    for revocation in (False, True):
        found, codes = differing(range(start, start + 15_000), revocation=revocation)
        assert not found
        assert codes[None] > 500


@pytest.mark.skipif(FIVE is None, reason="no OpenSSL 3.5")
@pytest.mark.parametrize("revocation", [False, True])
def test_openssl_3_5_is_another_client(revocation: bool) -> None:
    """It reads no short dates, tells the parts of a URL apart, and takes no delta for a base; a chain that it cannot read ends before it is judged."""
    found, codes = differing(range(2400, 2800), revocation=revocation, openssl=FIVE, version=(3, 5))
    assert not found
    assert len(codes) >= 15
    assert differing(range(2400, 2800), revocation=revocation, openssl=FIVE, version=(3, 0))[0]
    for seed in range(400):
        sent, roots = pki.scene(Random(seed))  # noqa: S311
        certificates = map(Certificate.from_der, [*sent, *roots])
        if FIVE.verify(sent, roots, pki.NOW, 0) is None:
            assert any(unreadable(certificate, (3, 5)) for certificate in certificates), seed
        else:
            assert not any(unreadable(certificate, (3, 5)) for certificate in certificates), seed


@pytest.mark.slow
@pytest.mark.skipif(FIVE is None, reason="no OpenSSL 3.5")
@pytest.mark.parametrize("revocation", [False, True])
def test_many_random_chains_to_3_5(revocation: bool) -> None:
    """Thousands more."""
    found, codes = differing(range(3_000_000, 3_008_000), revocation=revocation, openssl=FIVE, version=(3, 5))
    assert not found
    assert codes[None] > 400


@pytest.mark.skipif(ONE is None, reason="no OpenSSL 1.1.1")
@pytest.mark.parametrize("revocation", [False, True])
def test_openssl_1_is_another_client(revocation: bool) -> None:
    """OpenSSL 1.1.1's own answers; of invalid extensions it makes more than we know, in one chain of some thousands."""
    found, codes = differing(range(400), revocation=revocation, openssl=ONE, version=(1, 1))
    assert len(found) <= 2
    assert codes[24] > 5
    assert len(differing(range(400), revocation=revocation, openssl=ONE)[0]) > 20


@given(st.integers(0, 10_000), st.data())
def test_damage_raises_nothing(seed: int, data: st.DataObject) -> None:
    """Any byte of a chain, of its roots or of its lists may be any other."""
    sent, roots, crls = pki.revoked_scene(Random(seed))  # noqa: S311
    for certificates in (sent, roots):
        at = data.draw(st.integers(0, 9)) % len(certificates)
        whole = bytearray(certificates[at])
        for _ in range(3):
            whole[data.draw(st.integers(0, 999)) % len(whole)] ^= data.draw(st.integers(0, 255))
        certificates[at] = bytes(whole)
    ours(sent, roots, 2, crls)
