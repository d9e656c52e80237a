"""Name constraints: whatever a CA allows and a leaf is called, the answer is OpenSSL's."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.forge import A_CA, certificate, der, openssl, ours
from tracer.certificates import Certificate
from tracer.verify.constraints import HOST, read

HOSTS = [
    "example.com",
    "a.example.com",
    "b.a.example.com",
    "EXAMPLE.com",
    "example.org",
    "xexample.com",
    "com",
    "",
    "a",
]
BASES = [*HOSTS, ".example.com", ".com", "."]
ADDRESSES = ["0a000001", "0a000101", "20010db8" + "00" * 11 + "01", "0a00", ""]
NETWORKS = ["0a000000ffffff00", "0a00000000000000", "20010db8" + "00" * 12 + "ffffffff" + "00" * 12, "0a0000ff", ""]
TEXTS = st.sampled_from(HOSTS)


def directory(*names: str) -> bytes:
    attributes = [der(0x31, der(0x30, bytes.fromhex("0603550403"), der(0x0C, name.encode()))) for name in names]
    return der(0x30, *attributes)


def general_name(draw, kind: str, hosts: list[str], addresses: list[str]) -> bytes:
    host = draw(st.sampled_from(hosts))
    if kind == "dns":
        return der(0x82, host.encode())
    if kind == "email":
        local = draw(st.sampled_from(["", "me@", "ME@", "you@", "@"]))
        return der(0x81, (local + host).encode())
    if kind == "uri":
        return der(
            0x86,
            draw(st.sampled_from(["{}", "http://{}", "http://{}:80/x", "http://{}/x", "x:{}"])).format(host).encode(),
        )
    if kind == "ip":
        return der(0x87, bytes.fromhex(draw(st.sampled_from(addresses))))
    if kind == "directory":
        names = draw(st.lists(st.sampled_from(["root", "Leaf ", "leaf", "other"]), max_size=2))
        return der(0xA4, directory(*names))
    if kind == "id":
        return der(0x88, b"\x2a\x03")
    mailbox = der(0x0C, f"me@{host}".encode())
    oid = draw(st.sampled_from(["2b060105050708 09", "2a0304"]))
    return der(0xA0, der(6, bytes.fromhex(oid)), der(0xA0, mailbox))


KINDS = ["dns", "dns", "email", "uri", "ip", "directory", "other", "id"]


@st.composite
def subtrees(draw) -> bytes:
    made = []
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=3)):
        base = general_name(draw, kind, BASES, NETWORKS)
        limits = draw(st.sampled_from([b"", b"", b"", der(0x80, b"\0"), der(0x80, b"\1"), der(0x81, b"\5")]))
        made.append(der(0x30, base, limits))
    return b"".join(made)


@st.composite
def leaves(draw) -> tuple[bytes | None, list[str]]:
    """The alternative names, or none, and the CNs."""
    names = draw(st.none() | st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    san = None if names is None else der(0x30, *(general_name(draw, kind, HOSTS, ADDRESSES) for kind in names))
    return san, draw(
        st.lists(
            st.sampled_from([*filter(None, HOSTS), "a-.example.com", "-a.example.com", "x y"]), min_size=1, max_size=2
        )
    )


@pytest.mark.needs("openssl")
@settings(max_examples=60)
@given(
    permitted=subtrees(), excluded=subtrees(), made=st.lists(leaves(), min_size=4, max_size=8), at_root=st.booleans()
)
def test_openssl_says_the_same(permitted: bytes, excluded: bytes, made, at_root: bool) -> None:
    """At the intermediate or at the root, whatever the kinds of names."""
    parts = [der(0xA0, permitted)] * bool(permitted) + [der(0xA1, excluded)] * bool(excluded)
    constrained = {**A_CA, "2.5.29.30": (True, der(0x30, *parts))}
    root = certificate("root", "root", constrained if at_root else A_CA)
    inter = certificate("inter", "root", A_CA if at_root else constrained)
    certificates = []
    for san, names in made:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
        extensions = {} if san is None else {"2.5.29.17": (False, san)}
        certificates.append(certificate("leaf", "inter", extensions, subject=subject))
    assert ours(certificates, [inter], [root]) == openssl(certificates, [inter], [root])


@pytest.mark.parametrize(
    ("name", "looks"),
    [
        ("a.b", True),
        ("a", False),
        ("a_b.c", True),
        ("-a.b", False),
        ("a-.b", False),
        ("a.-b", False),
        ("a..b", False),
        ("a.b.", False),
        ("ä.b", False),
    ],
)
def test_what_looks_like_a_host(name: str, looks: bool) -> None:
    """A CN of two labels or more, with letters, digits, underscores, and hyphens inside."""
    assert bool(HOST.fullmatch(name.encode())) is looks


@given(st.binary(max_size=60))
def test_any_bytes(value: bytes) -> None:
    """Nothing is raised."""
    read(Certificate.from_der(certificate("x", "x", {"2.5.29.30": (False, value)})))
