"""Does the certificate name the host: as libpq 15 answered, on every case, and rule by rule."""

from __future__ import annotations

import ctypes
import json
import lzma
import socket
from collections import Counter
from ipaddress import ip_address
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest

from tests.differential.certificates import authority
from tests.differential.certificates import leaf as made_leaf
from tracer.certificates import Certificate, from_pem
from tracer.verify.names import address_text, match, packed, raw_common_name, same_text

# the cases of each family, all equal
FIGURES = {
    "cpython-match_hostname": 6,
    "curl-unit1397": 2,
    "go-matchHostnames": 3,
    "openssl-v3nametest": 445,
    "postgresql-001_ssltests": 1,
}


def test_every_case_as_libpq_answered(shared: Path) -> None:
    """On each case of the folder the answer and the printed text are libpq 15's."""
    with lzma.open(shared / "cases" / "names.jsonl.xz", "rt") as file:
        cases = [json.loads(line) for line in file]
    wrong, equal = [], Counter[str]()
    for case in cases:
        wanted = case["libpq15"]["verify_full"]
        result = match(leaf(case["chain"]), case["host"])
        if (result.matched is not None, result.prints or "") != (wanted["tls"], wanted["msg"]):
            wrong.append((case["id"], case["host"], wanted, result.prints))
        else:
            equal[case["id"].partition("::")[0]] += 1
    assert not wrong
    assert equal == FIGURES


LIBC = ctypes.CDLL(None)
LIBC.inet_aton.argtypes = [ctypes.c_char_p, ctypes.c_char_p]


def libc(host: str) -> bytes | None:
    """What the C library takes for an address, as libpq asks it: inet_aton, then inet_pton."""
    found = ctypes.create_string_buffer(16)
    if LIBC.inet_aton(host.encode(), found):
        return found.raw[:4]
    return found.raw if LIBC.inet_pton(socket.AF_INET6, host.encode(), found) == 1 else None


NUMBERS = st.one_of(
    st.integers(0, 300).map(str),
    st.integers(0, 1 << 33).map(str),
    st.integers(0, 1 << 33).map(hex),
    st.integers(0, 300).map(oct).map(lambda text: text.replace("o", "")),
    st.sampled_from(["", "0", "00", "0x", "0X1f", "08", "0b1", "1 ", " 1", "1\t2", "1_0", "\u0661"]),
)
GROUPS = st.one_of(
    st.integers(0, 1 << 17).map(lambda n: f"{n:x}"), st.sampled_from(["", "::", "0", "127.0.0.1", "FFFF", "%lo"])
)


@hypothesis.given(
    st.one_of(
        st.lists(NUMBERS, max_size=5).map(".".join),
        st.lists(GROUPS, max_size=9).map(":".join),
        st.text("0123456789abcdefx.: %", max_size=20),
    )
)
@hypothesis.example("0x7f000001")
@hypothesis.example("127.1 behind a blank")
@hypothesis.example("::ffff:127.0.0.01")
def test_addresses_are_the_c_library_s(host: str) -> None:
    """What the C library takes for an address is one, with the same bytes, and nothing else is."""
    hypothesis.assume("\0" not in host)
    assert packed(host) == libc(host)


@pytest.mark.parametrize("version", [12, 14, 15, 18])
@pytest.mark.parametrize(
    ("cn", "sans", "host", "old", "new"),
    [
        ("127.0.0.1", ["x.test"], "127.0.0.1", False, True),
        ("127.0.0.1", [ip_address("10.0.0.1")], "127.0.0.1", True, False),
        ("127.0.0.1", ["x.test", ip_address("10.0.0.1")], "127.0.0.1", False, False),
        ("x.test", [ip_address("10.0.0.1")], "x.test", True, True),
        ("x.test", ["y.test"], "x.test", False, False),
        (None, [ip_address("127.0.0.1")], "127.1", False, True),
        (None, ["127.0.0.1"], "127.0.0.1", True, True),
    ],
)
def test_the_two_algorithms(cn, sans, host: str, old: bool, new: bool, version: int) -> None:
    """From 15 on addresses count, and only a SAN of the host's own kind switches off the common name."""
    root = authority("Root")
    made = made_leaf(*(san if isinstance(san, str) else san.packed for san in sans), by=root, cn=cn or ())
    result = match(Certificate.from_der(made.der), host, ip_names=version >= 15)
    assert (result.matched is not None) is (new if version >= 15 else old)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
        ("::1.2.3.4", "::1.2.3.4"),
        ("::1:0", "::0.1.0.0"),
        ("::1", "::1"),
        ("::", "::"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("2001:DB8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ],
)
def test_how_an_address_is_written(address: str, text: str) -> None:
    """As libpq prints it, whatever Python would write."""
    assert address_text(ip_address(address).packed) == text


def leaf(chain: list[str]) -> Certificate:
    return from_pem(chain[0])[0]


@pytest.mark.parametrize(
    ("pattern", "host", "same"),
    [
        ("db.example", "db.example", True),
        ("DB.example", "db.EXAMPLE", True),
        ("*.example", "db.example", True),
        ("*.example", "a.db.example", False),
        ("*.example", ".example", False),
        ("d*.example", "db.example", False),
        ("*", "db", False),
        ("*.", "db.", False),
        ("db.example", "db.example.", False),
        ("db.example.", "db.example", False),
        ("\u00e4.example", "\u00c4.example", False),
    ],
)
def test_wildcards_and_case(pattern: str, host: str, same: bool) -> None:
    """A wildcard is one whole label in front, case is ASCII's, a trailing dot counts."""
    assert same_text(pattern.encode(), host.encode()) is same


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "c0000201"),
        ("192.000.002.001", "c0000201"),
        ("0xc0.0.513", "c0000201"),
        ("3221225985", "c0000201"),
        ("192.0.2.1 behind a blank", "c0000201"),
        ("2001:DB8::1", "20010db8000000000000000000000001"),
        ("192.0.2.256", None),
        ("192.0.2.1/24", None),
        ("2001:db8::1%eth0", None),
        ("192.0.2.09", None),
        ("db.example", None),
        ("", None),
    ],
)
def test_what_is_an_address(host: str, address: str | None) -> None:
    """What inet_aton and inet_pton take for an address, and nothing else, is one."""
    found = packed(host)
    assert (None if found is None else found.hex()) == address


@pytest.mark.parametrize(
    ("subject", "common_name"),
    [
        ("300f310d300b06035504030c0464622e74", b"db.t"),
        ("300d310b300906035504031e02 0064", b"\0d"),
        ("3000", None),
        ("300d310b3009060355040a0c026462", None),
        ("31", None),
        ("3003 310130", None),
        ("", None),
    ],
)
def test_the_common_name_is_its_bytes(subject: str, common_name: bytes | None) -> None:
    """Of whatever type; what cannot be read has none."""
    assert raw_common_name(bytes.fromhex(subject)) == common_name
