"""Name constraints, kind by kind, with the answers that RFC 5280 §4.2.1.10 and OpenSSL's own rules give."""

from __future__ import annotations

import pytest

from tests.verify.pki import Plan, certificate, cn, extension, keys, name, seq, tlv
from tracer.certificates import Certificate, GeneralName
from tracer.verify.constraints import (
    EXCLUDED,
    NAME_SYNTAX,
    PERMITTED,
    UNSPECIFIED,
    _uri,
    _url,
    proxy_name_fits,
    violation,
)
from tracer.verify.syntax import NameConstraints, Subtree

DNS, MAIL, URI, IP = "dNSName", "rfc822Name", "uniformResourceIdentifier", "iPAddress"
TAGS = {DNS: 0x82, MAIL: 0x81, URI: 0x86, IP: 0x87}
CASES = [
    (DNS, b"db.example", b"example", None),
    (DNS, b"DB.EXAMPLE", b"db.example", None),
    (DNS, b"mydb.example", b"db.example", PERMITTED),
    (DNS, b"a.example", b".example", None),
    (DNS, b"example", b".example", PERMITTED),
    (DNS, b"anything", b"", None),
    (MAIL, b"me@db.example", b"db.example", None),
    (MAIL, b"me@a.db.example", b"db.example", PERMITTED),
    (MAIL, b"me@a.db.example", b".db.example", None),
    (MAIL, b"me@db.example", b"ME@db.example", PERMITTED),
    (MAIL, b"me@DB.example", b"me@db.example", None),
    (MAIL, b"nobody", b"db.example", NAME_SYNTAX),
    (URI, b"https://db.example/x", b"db.example", None),
    (URI, b"https://db.example:5432", b"db.example", None),
    (URI, b"https://a.db.example", b"db.example", PERMITTED),
    (URI, b"https://a.db.example", b".db.example", None),
    (URI, b"db.example", b"db.example", NAME_SYNTAX),
    (URI, b"https:///x", b"db.example", NAME_SYNTAX),
    (IP, b"\x0a\0\0\1", b"\x0a\0\0\0\xff\0\0\0", None),
    (IP, b"\x0b\0\0\1", b"\x0a\0\0\0\xff\0\0\0", PERMITTED),
    (IP, b"\x0a\0\0\1", bytes(32), PERMITTED),
    (IP, b"\x0a\0\0", b"\x0a\0\0\0\xff\0\0\0", NAME_SYNTAX),
]


def with_names(*names: bytes, subject: bytes = seq()) -> Certificate:
    key = keys()[0]
    extensions = (extension("2.5.29.17", seq(*names)),) if names else ()
    return Certificate.from_der(certificate(Plan(subject, cn("ca"), key, key, extensions=extensions)))


def only(kind: str, value: bytes, *, bounded: bool = False) -> tuple[Subtree, ...]:
    return (Subtree(GeneralName(kind, value), bounded),)


@pytest.mark.parametrize(("kind", "value", "base", "code"), CASES)
def test_one_name_and_one_constraint(kind: str, value: bytes, base: bytes, code: int | None) -> None:
    """Permitted alone it must match, excluded alone it must not; what cannot be read is neither."""
    subject = with_names(tlv(TAGS[kind], value))
    assert violation(subject, NameConstraints(permitted=only(kind, base)), leaf=True) == code
    other = {None: EXCLUDED, PERMITTED: None}.get(code, code)
    assert violation(subject, NameConstraints(excluded=only(kind, base)), leaf=True) == other


def test_constraints_of_another_kind_say_nothing() -> None:
    """A dNSName is not held to what is said of addresses."""
    subject = with_names(tlv(0x82, b"db.example"))
    assert violation(subject, NameConstraints(permitted=only(IP, bytes(8))), leaf=True) is None


@pytest.mark.parametrize(
    ("subject", "names", "leaf", "code"),
    [
        (cn("db.example"), (), True, PERMITTED),
        (cn("db.example"), (), False, None),
        (cn("db.example"), (tlv(0x82, b"x.test"),), True, None),
        (cn("db.example"), (tlv(0x87, bytes(4)),), True, PERMITTED),
        (cn("database"), (), True, None),
        (cn("two words.example"), (), True, None),
        (cn("db.-example"), (), True, None),
        (cn("db.example\0"), (), True, PERMITTED),
        (cn("db\0.example"), (), True, NAME_SYNTAX),
    ],
)
def test_a_cn_is_a_host_name_where_there_is_no_other(
    subject: bytes, names: tuple[bytes, ...], leaf: bool, code: int | None
) -> None:
    """Only of the leaf, only without a dNSName, and only when it has two labels or more."""
    constraints = NameConstraints(permitted=only(DNS, b"x.test"))
    assert violation(with_names(*names, subject=subject), constraints, leaf=leaf) == code


def test_directory_names_begin_with_the_constraint() -> None:
    """Case and kind of string do not count, order does."""
    subject = with_names(subject=name(("2.5.4.10", "Org"), ("2.5.4.3", "x")))
    for base, code in ((name(("2.5.4.10", "ORG"), tag=19), None), (cn("x"), PERMITTED), (seq(), None)):
        assert violation(subject, NameConstraints(permitted=only("directoryName", base)), leaf=True) == code


def test_a_minimum_or_a_maximum_is_not_supported() -> None:
    """49, as soon as there is a name of that kind."""
    constraints = NameConstraints(permitted=only(DNS, b"example", bounded=True))
    assert violation(with_names(tlv(0x82, b"db.example")), constraints, leaf=True) == 49
    assert violation(with_names(tlv(0x81, b"me@x")), constraints, leaf=True) is None


def test_too_many_to_compare() -> None:
    """A million comparisons is the end: 1."""
    subject = with_names(*[tlv(0x82, b"a")] * 1100)
    constraints = NameConstraints(permitted=only(DNS, b"a") * 1000)
    assert violation(subject, constraints, leaf=True) == UNSPECIFIED


def test_the_name_of_a_proxy() -> None:
    """Its issuer's name and one CN more."""
    key = keys()[0]
    issuer = (("2.5.4.10", "Org"),)
    for subject, fits in (
        (name(*issuer, ("2.5.4.3", "proxy")), True),
        (name(*issuer, ("2.5.4.11", "proxy")), False),
        (name(*issuer), False),
    ):
        made = Certificate.from_der(certificate(Plan(subject, name(*issuer), key, key)))
        assert proxy_name_fits(made) is fits


@pytest.mark.parametrize(
    ("name", "base", "before", "since"),
    [
        (b"http://h/", b"h", None, None),
        (b"http:///", b"h", 53, 47),
        (b"http:///", b"", 53, None),
        (b"http://u@h:80/", b"h", 47, None),
        (b"http://[::1]/", b"[::1]", 47, None),
        (b"http://h?q", b"h", 47, None),
        (b"://h", b"h", None, 53),
        (b"http://h:/", b"h", None, 53),
        (b"http://h:65536/", b"h", None, 53),
        (b"a b://h/", b"h", None, 53),
        (b"http://h\0x/", b"h", 47, None),
        (b"mailto:x@h", b"h", 53, 53),
    ],
)
def test_the_host_of_a_url(name: bytes, base: bytes, before: int | None, since: int | None) -> None:
    """Until 3.0 it ends at a colon or a slash; 3.5 takes the URL apart. Each as the library of that version answers."""
    assert (_uri(name, base), _url(name, base)) == (before, since)
