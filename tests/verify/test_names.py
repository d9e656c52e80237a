"""Does the certificate name the host: as libpq 15 answered, on every case, and rule by rule."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from tracer.certificates import Certificate, from_pem
from tracer.verify.names import match, packed, same_text

CASES = 457


def test_every_case_as_libpq_answered(shared: Path) -> None:
    """On each case of the folder the answer and the printed text are libpq 15's."""
    with lzma.open(shared / "cases" / "names.jsonl.xz", "rt") as file:
        cases = [json.loads(line) for line in file]
    wrong = []
    for case in cases:
        wanted = case["libpq15"]["verify_full"]
        result = match(leaf(case["chain"]), case["host"])
        if (result.matched is not None, result.prints or "") != (wanted["tls"], wanted["msg"]):
            wrong.append((case["id"], case["host"], wanted, result.prints))
    assert not wrong
    assert len(cases) == CASES


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
