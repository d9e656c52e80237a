"""The names of numbers, against the programs that send them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest

from tracer.protocol import numbers
from tracer.protocol.fields import registered

TABLES = {name: table for name, table in vars(numbers).items() if isinstance(table, dict) and name.isupper()}
OF_16_BITS = ["CIPHER_SUITES", "EXTENSIONS", "GROUPS", "SIGNATURE_SCHEMES", "VERSIONS"]
GREASE = [0x0A0A + 0x1010 * n for n in range(16)]  # RFC 8701 §2


def test_suites_are_called_what_openssl_calls_them(program: Callable[[str], str]) -> None:
    """Every suite that the OpenSSL of this machine knows has its standard name here."""
    command = [program("openssl"), "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = {int(a + b, 16): name for a, b, name in re.findall(r"0x(..),0x(..) - (TLS_\w+)", listed)}
    assert len(theirs) >= 30
    assert theirs == {number: numbers.CIPHER_SUITES.get(number) for number in theirs}


@pytest.mark.parametrize("name", TABLES)
def test_a_name_stands_for_one_number(name: str) -> None:
    names = list(TABLES[name].values())
    assert [each for each in names if names.count(each) > 1] == []


@pytest.mark.parametrize("name", OF_16_BITS)
def test_no_registry_names_a_grease_value(name: str) -> None:
    assert [registered(TABLES[name], n, 2) for n in GREASE] == [f"GREASE 0x{n:04x}" for n in GREASE]


@pytest.mark.parametrize(
    ("value", "size", "text"),
    [
        (0x0A1A, 2, "unknown 0x0a1a"),  # bytes that differ
        (0x0B0B, 2, "unknown 0x0b0b"),  # equal bytes, but not ?A
        (0x00FE, 2, "unknown 0x00fe"),
        (0x0A, 1, "unknown 0x0a"),  # GREASE of suites is 16 bits long
    ],
)
def test_what_no_registry_knows_is_unknown(value: int, size: int, text: str) -> None:
    assert registered(numbers.CIPHER_SUITES if size == 2 else numbers.SERVER_NAME_TYPES, value, size) == text


@pytest.mark.parametrize("name", [name for name in TABLES if name != "ERROR_FIELDS"])
def test_numbers_fit_their_field(name: str) -> None:
    assert all(0 <= number < (1 << 16 if name in OF_16_BITS else 1 << 8) for number in TABLES[name])
