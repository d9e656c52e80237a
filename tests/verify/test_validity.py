"""The validity period to the second, as OpenSSL 3 counts it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.verify import pki
from tracer.certificates import Certificate, from_pem
from tracer.verify.validity import out_of_time, time_fault, unreadable

ROOTS = Path(__file__).resolve().parents[2] / "captures" / "verify-full" / "roots.pem"
SECOND = timedelta(seconds=1)


def root() -> tuple[Certificate, datetime, datetime]:
    found = from_pem(ROOTS.read_bytes())[0]
    assert found.not_before is not None
    assert found.not_after is not None
    return found, found.not_before, found.not_after


@pytest.mark.parametrize(
    ("end", "offset", "code"),
    [
        ("start", -SECOND, 9),
        ("start", timedelta(0), None),
        ("stop", -SECOND, None),
        ("stop", -timedelta(microseconds=1), None),
        ("stop", timedelta(0), 10),
        ("stop", SECOND, 10),
    ],
)
def test_to_the_second(end: str, offset: timedelta, code: int | None) -> None:
    """Good from the first second on; the second of notAfter is too late."""
    certificate, start, stop = root()
    time = (start if end == "start" else stop) + offset
    assert time_fault(certificate, time) == code
    assert out_of_time(certificate, time) is (code is not None)


def test_unreadable_dates() -> None:
    """Dates that cannot be read are faults of their own, 13 and 14."""
    certificate, start, stop = root()
    data = certificate.der
    for date, code in ((start, 13), (stop, 14)):
        text = date.strftime("%y%m%d%H%M%SZ").encode()
        assert text in data
        broken = Certificate.from_der(data.replace(text, b"x" * len(text), 1))
        assert time_fault(broken, datetime(start.year + 1, 1, 1, tzinfo=UTC)) == code


@pytest.mark.parametrize(
    ("date", "word"),
    [
        (b"\x17\x0b2601011200Z", "utctime is too short"),
        (b"\x17\x0c260101120000", "utctime is too short"),
        (b"\x18\x0d202601011200Z", "generalizedtime is too short"),
        (b"\x17\x0d261301120000Z", None),  # no such month: read, and a fault of its own
        (b"\x18\x1120260101120000.5Z", None),
        (b"\x17\x0d260101120000Z", None),
    ],
)
def test_a_date_that_is_too_short(date: bytes, word: str | None) -> None:
    """OpenSSL 3.5 reads no such certificate; before, it is read and judged (13, 14)."""
    key = pki.keys()[0]
    made = Certificate.from_der(pki.certificate(pki.Plan(pki.cn("a"), pki.cn("a"), key, key, start=date)))
    assert unreadable(made, (3, 5)) == word
    assert unreadable(made, (3, 0)) is None
