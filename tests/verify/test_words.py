"""Sentences and alerts for OpenSSL's codes."""

from __future__ import annotations

import pytest

from tracer.verify.codes import TEXTS
from tracer.verify.words import ALERT_NAMES, SENTENCES, alert


@pytest.mark.parametrize(
    ("code", "number"),
    [
        (20, 48),
        (19, 48),
        (18, 48),
        (2, 48),
        (79, 48),
        (25, 48),
        (9, 42),
        (66, 42),
        (68, 42),
        (10, 45),
        (7, 51),
        (26, 43),
        (47, 46),
        (34, 46),
    ],
)
def test_the_alert_for_a_code(code: int, number: int) -> None:
    """x509table of OpenSSL, as measured; what is not in it gives certificate_unknown."""
    assert alert(code) == number
    assert number in ALERT_NAMES


def test_sentences_are_about_known_codes() -> None:
    """No sentence for a code that the chain cannot give."""
    assert set(SENTENCES) <= set(TEXTS)
