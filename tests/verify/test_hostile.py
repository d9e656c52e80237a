"""Certificates that were made to hurt: each gets OpenSSL's verdict, every client's, and in no more steps than is fair."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.counted import calls
from tests.verify import pki
from tests.verify.pki import Plan, basic, bits, certificate, cn, extension, integer, keys, name, oid, seq, tlv
from tracer import der
from tracer.certificates import Certificate, GeneralName, Presented
from tracer.signatures import is_signed_by
from tracer.verify import Trust, clients, table
from tracer.verify.chain import judge
from tracer.verify.clients import libraries
from tracer.verify.clients.libraries import MOST_SIGNATURES
from tracer.verify.clients.openssl_texts import wrong_signature
from tracer.verify.constraints import _dns, _match, _plain_ones
from tracer.verify.syntax import NameConstraints, Subtree

OPENSSL = pki.openssl3()
KEY, CA = keys()[0], keys()[1]
Chain = tuple[list[bytes], list[bytes]]  # as sent, and the root file
STEPS = 4_000_000  # calls of functions for the verdicts of a client: about a second of a slow machine


def leaf(*extensions: bytes, signer: pki.Key = CA, **how) -> bytes:
    given_ = {"subject": cn("db.example"), "issuer": cn("CA0"), "key": KEY, "signer": signer} | how
    return certificate(Plan(**given_, extensions=extensions or (basic(False),)))


def authority(subject: str = "CA0", issuer: str | None = None, *extensions: bytes, **how) -> bytes:
    plan = Plan(cn(subject), cn(issuer or subject), CA, CA, extensions=(basic(True), *extensions), **how)
    return certificate(plan)


def san(*names: bytes) -> bytes:
    return extension("2.5.29.17", seq(*names))


def dns(text: str) -> bytes:
    return tlv(0x82, text.encode())


def excluded(*names: bytes) -> bytes:
    return extension("2.5.29.30", seq(tlv(0xA1, *map(seq, names))), critical=True)


ROOT = [authority()]


# LONG ONES


def ladder(length: int) -> Chain:
    """Each CA signed by the next one."""
    return [leaf(), *(authority(f"CA{n}", f"CA{n + 1}") for n in range(length))], [authority(f"CA{length}")]


def crossed(layers: int, width: int) -> Chain:
    """So many CAs of one name and key on each level, each signed by every one of the next: width ** layers ways, none to a root."""
    levels = [
        authority(f"CA{level}", f"CA{level + 1}", serial=level * width + n + 2)
        for level in range(layers)
        for n in range(width)
    ]
    return [leaf(), *levels], [authority("other")]


def alike(count: int, *, signer: pki.Key = CA) -> Chain:
    """So many roots of one name; with another signer none of them has signed the leaf."""
    return [leaf(signer=signer), *(authority(serial=n + 2) for n in range(count))], [authority("other")]


def many_names(count: int) -> Chain:
    return [leaf(basic(False), san(*(dns(f"h{n}.example") for n in range(count))))], ROOT


def constrained(levels: int, names: int, constraints: int) -> Chain:
    """Names × constraints × levels comparisons, each of two names that are nearly the same."""
    leaf_ = leaf(basic(False), san(*(dns(f"h{n}.example") for n in range(names))))
    limits = excluded(*(dns(f"x{n}.example") for n in range(constraints)))
    above = [authority(f"CA{n}", f"CA{n + 1}", limits) for n in range(levels)]
    return [leaf_, *above], [authority(f"CA{levels}")]


LONG: dict[str, Callable[[], Chain]] = {
    "as deep as OpenSSL goes": lambda: ladder(100),
    "deeper": lambda: ladder(101),
    "a thousand": lambda: ladder(1000),
    "900 in a web": lambda: crossed(30, 30),
    "a thousand of one name": lambda: alike(1000),
    "a thousand of one name, none of which signed": lambda: alike(1000, signer=KEY),
    "20,000 names": lambda: many_names(20_000),
    "1,000 names × 1,000 constraints": lambda: constrained(1, 1000, 1000),
    "300 names × 300 constraints × 60 levels": lambda: constrained(60, 300, 300),
    "more comparisons than OpenSSL makes": lambda: constrained(1, 3000, 3000),
    "20,000 extensions": lambda: ([leaf(basic(False), *(extension(f"1.2.3.{n}", b"\5\0") for n in range(20_000)))], ROOT),
    "a name of 5,000 parts": lambda: ([leaf(subject=name(*[("2.5.4.3", "x" * 10)] * 5000))], ROOT),
    "a serial number of a million bits": lambda: ([leaf(serial=1 << 1_000_000)], ROOT),
    "an OID of 200 kB": lambda: ([leaf(basic(False), seq(tlv(6, b"\xff" * 200_000 + b"\1"), tlv(4, b"")))], ROOT),
    "30,000 levels of BER": lambda: ([leaf(extension("2.5.29.17", b"\x30\x80" * 30_000 + b"\0\0" * 30_000))], ROOT),
}  # fmt: skip


@pytest.mark.skipif(OPENSSL is None, reason="no OpenSSL 3")
@pytest.mark.parametrize("what", LONG)
def test_no_verdict_takes_long(what: str) -> None:
    """OpenSSL's verdict, in a bounded number of steps, and so is that of every client."""
    sent, roots = LONG[what]()
    same_verdict(sent, roots)
    presented = Presented(tuple(map(Certificate.from_der, sent)))
    trust = Trust(host="x.example", sslmode="verify-full", roots=list(map(Certificate.from_der, roots)), time=pki.NOW)
    for client in ("libpq", *clients.drivers()):
        assert calls(lambda: table(presented, trust, clients.get(client))) < STEPS, client  # noqa: B023 (called at once)


def same_verdict(sent: list[bytes], roots: list[bytes]) -> None:
    theirs = OPENSSL.verify(sent, roots, pki.NOW, 2)
    faults = judge(list(map(Certificate.from_der, sent)), list(map(Certificate.from_der, roots)), pki.NOW, 2).faults
    ours = (faults[0].code, faults[0].depth, faults[0].text) if faults else (None, None, None)
    assert theirs in (None, ours)


def test_ways_to_an_anchor_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A web in which every signature is wrong is left after so many, as Go and rustls leave it."""
    sent, roots = (tuple(map(Certificate.from_der, some)) for some in alike(5 * MOST_SIGNATURES, signer=KEY))
    asked = []
    monkeypatch.setattr(libraries, "is_signed_by", lambda *two: asked.append(two) or is_signed_by(*two))
    assert not libraries._reaches(sent, roots)
    assert len(asked) == MOST_SIGNATURES


LABELS = st.lists(st.sampled_from(["a", "B", "a-b", "", "db"]), max_size=4).map(
    lambda labels: ".".join(labels).encode()
)


@given(name=LABELS, permitted=st.lists(LABELS, max_size=3), barred=st.lists(LABELS, max_size=3))
def test_looked_up_as_compared(name: bytes, permitted: list[bytes], barred: list[bytes]) -> None:
    """Constraints on host names are looked up, and not compared one by one: the answer is the same."""
    made = NameConstraints(*(tuple(Subtree(GeneralName("dNSName", b), False) for b in s) for s in (permitted, barred)))
    one_by_one = _match(GeneralName("dNSName", name), made, None, (3, 0))
    assert _match(GeneralName("dNSName", name), made, _plain_ones(made), (3, 0)) == one_by_one
    assert one_by_one is not None or all(_dns(name, base) is not None for base in barred)


# KEYS


def rsa(modulus: int, exponent: int) -> bytes:
    return seq(seq(oid("1.2.840.113549.1.1.1"), tlv(5)), bits(*seq(integer(modulus), integer(exponent))))


def signed_by_rsa(size: int, exponent: int) -> Chain:
    """A CA with a key of that size, and a signature of that length that is none of its own."""
    chance = random.Random(size)  # noqa: S311 (the same each time)
    modulus = chance.getrandbits(size) | 1 | 1 << size - 1
    own = certificate(
        Plan(cn("CA0"), cn("CA0"), keys()[9], keys()[9], extensions=(basic(True),), spki=rsa(modulus, exponent))
    )
    good = leaf(signer=keys()[9])
    tbs, algorithm, _ = (der.whole(good, part) for part in der.sequence(good))
    return [seq(tbs, algorithm, bits(*chance.getrandbits(size - 2).to_bytes(size // 8, "big")))], [own]


@pytest.mark.skipif(OPENSSL is None, reason="no OpenSSL 3")
@pytest.mark.parametrize(
    ("size", "high", "says"),
    [
        (4096, 16, None),
        (16384, 16, None),
        (16392, 16, "modulus too large"),
        (131072, 16, "modulus too large"),
        (3072, 3000, None),
        (4096, 70, "bad e value"),
        (16384, 16383, "bad e value"),
    ],
)
def test_large_rsa_keys(size: int, high: int, says: str | None) -> None:
    """OpenSSL computes with no modulus above 16,384 bits, and with no large exponent where the modulus is large; nor do we."""
    sent, roots = signed_by_rsa(size, (1 << high) + 1)
    same_verdict(sent, roots)
    text = wrong_signature(Certificate.from_der(sent[0]), Certificate.from_der(roots[0]), (3, 0))
    assert text == first_error(sent, roots)
    assert says in (None, text)


def first_error(sent: list[bytes], roots: list[bytes]) -> str:
    """The oldest error in OpenSSL's queue, in its words: what libpq prints."""
    import ctypes

    lib = OPENSSL.library
    lib.ERR_reason_error_string.restype, lib.ERR_reason_error_string.argtypes = ctypes.c_char_p, [ctypes.c_ulong]
    lib.ERR_get_error.restype = ctypes.c_ulong
    lib.ERR_clear_error()
    OPENSSL.verify(sent, roots, pki.NOW, 2)
    return (lib.ERR_reason_error_string(lib.ERR_get_error()) or b"").decode()


# WHAT IS WRONG WITH ONE CERTIFICATE


def point(raw: bytes) -> bytes:
    return seq(seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), bits(*raw))


def raw_name(tag: int, value: bytes) -> bytes:
    return seq(tlv(0x31, seq(oid("2.5.4.3"), tlv(tag, value))))


def indefinite(cert: bytes) -> bytes:
    return b"\x30\x80" + b"".join(der.whole(cert, part) for part in der.sequence(cert)) + b"\0\0"


def long_length(cert: bytes, size: int) -> bytes:
    body = der.content(cert, der.node(cert, 0))
    return bytes([0x30, 0x80 | size]) + len(body).to_bytes(size, "big") + body


TIMES = [
    *(tlv(0x17, text) for text in (b"260230000000Z", b"2602300000Z", b"260101000000+0100", b"", b"\xff" * 13)),
    *(tlv(0x18, text) for text in (b"20260101000000.5Z", b"99991231235959Z", b"20260101000060Z", b"260101000000Z")),
    tlv(4, b"260101000000Z"),
]
STRINGS = [(12, b"\xff\xfe"), (12, b"\xed\xa0\x80"), (30, b"a"), (30, b"\xd8\0"), (28, b"\0\x11\0\0"), (19, b"\xe9"), (22, b"\xff"),
           (20, b"\xe9"), (3, b"\0ab"), (12, b""), (12, b"a\0b")]  # fmt: skip
POINTS = [b"\4" + bytes(64), b"\4" + b"\1" * 64, b"", b"\2" + b"\5" * 32, b"\6" + bytes(64)]
SINGLE: dict[str, Chain] = {
    **{f"a serial of {n.bit_length()} bits, {'below' if n < 0 else 'above'} zero": ([leaf(serial=n)], ROOT) for n in (-1, 0, -1 << 200)},
    **{f"ends at {time!r}": ([leaf(stop=time)], ROOT) for time in TIMES},
    **{f"begins at {time!r}": ([leaf(start=time)], ROOT) for time in TIMES},
    **{f"a subject of {s}": ([leaf(subject=raw_name(*s))], ROOT) for s in STRINGS},
    **{
        f"an issuer of {s}": ([leaf(issuer=raw_name(*s))], [certificate(Plan(raw_name(*s), raw_name(*s), CA, CA, extensions=(basic(True),)))])
        for s in STRINGS
    },
    **{f"a key at the point {p.hex()[:8]!r}": ([leaf(spki=point(p))], ROOT) for p in POINTS},
    **{f"a CA's key at the point {p.hex()[:8]!r}": ([leaf()], [authority(spki=point(p))]) for p in POINTS},
    "one name in two encodings": (
        [leaf(issuer=cn("Caf\u00e9"))],
        [certificate(Plan(raw_name(20, b"CAF\xe9"), raw_name(20, b"caf\xe9"), CA, CA, extensions=(basic(True),)))],
    ),
    "basicConstraints twice": ([leaf(basic(False), basic(True))], ROOT),
    "SAN twice": ([leaf(san(dns("a.example")), san(dns("db.example")))], ROOT),
    "an unknown extension twice": ([leaf(*[extension("1.2.3.4", b"\5\0")] * 2)], ROOT),
    "a CA with basicConstraints twice": ([leaf()], [authority("CA0", "CA0", basic(False))]),
    "an indefinite length": ([indefinite(leaf())], ROOT),
    "a root of indefinite length": ([leaf()], [indefinite(ROOT[0])]),
    "a length in more bytes than it takes": ([long_length(leaf(), 4)], ROOT),
    "a length in nine bytes": ([long_length(leaf(), 9)], ROOT),
    "bytes behind it": ([leaf() + b"xx"], ROOT),
    "an extension of indefinite length": ([leaf(extension("2.5.29.19", b"\x30\x80\0\0"))], ROOT),
    "extensions in version 1": ([leaf(version=1)], ROOT),
    "version 9": ([leaf(version=9)], ROOT),
    "unused bits in its signature": ([leaf(unused=3)], ROOT),
}  # fmt: skip


@pytest.mark.skipif(OPENSSL is None, reason="no OpenSSL 3")
@pytest.mark.parametrize("what", SINGLE)
def test_the_verdict_is_openssl_s(what: str) -> None:
    """Where OpenSSL reads it at all, and its fields are shown where anybody can read them."""
    sent, roots = SINGLE[what]
    same_verdict(sent, roots)
    read = Certificate.from_der(sent[0])
    assert read.issuer_der
    assert read.spki
    assert read.signature


# what OpenSSL says otherwise, and why we do not
DIFFERENT: dict[str, tuple[Chain, str]] = {
    "a key at infinity": (
        ([leaf(spki=point(b"\0"))], ROOT),
        "cryptography reads no key from the point at infinity: it counts as one without any strength",
    ),
    "the year 0": (
        ([leaf(stop=tlv(0x18, b"00000101000000Z"))], ROOT),
        "Python's dates begin with year 1: what OpenSSL takes for long ago is a date that cannot be read",
    ),
}


@pytest.mark.skipif(OPENSSL is None, reason="no OpenSSL 3")
@pytest.mark.parametrize("what", DIFFERENT)
def test_known_differences(what: str) -> None:
    """An unexpected agreement fails, too. Neither certificate is any that somebody would trust."""
    (sent, roots), _why = DIFFERENT[what]
    with pytest.raises(AssertionError):
        same_verdict(sent, roots)
