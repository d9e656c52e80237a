"""What the user says and what comes out: the values themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

import tracer
from tracer.certificates import from_pem
from tracer.verify.model import SSLMODES, Roots

ROOTS = Path(__file__).resolve().parents[2] / "captures" / "verify-full" / "roots.pem"
TIME = datetime(2026, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize("roots", [tracer.UNKNOWN, None, "system", tracer.Unusable("garbage")])
def test_no_list_of_anchors(roots: Roots) -> None:
    """Only a list of certificates has anchors."""
    assert tracer.Trust(roots=roots, time=TIME).anchors() is None


def test_anchors_of_both_kinds() -> None:
    """The library's certificates and ours are the same anchors."""
    theirs = x509.load_pem_x509_certificates(ROOTS.read_bytes())
    ours = from_pem(ROOTS.read_bytes())
    assert ours
    assert tracer.Trust(roots=theirs, time=TIME).anchors() == tracer.Trust(roots=ours, time=TIME).anchors()


def test_an_empty_list_is_a_list() -> None:
    """No anchor at all is not the same as no root file."""
    assert tracer.Trust(roots=[], time=TIME).anchors() == ()


def test_the_table_has_every_mode() -> None:
    """The table holds one verdict a mode, in libpq's order of strength, each of that mode."""
    verdicts = tracer.table(tracer.Presented(None, answer="N"), tracer.Trust(host="db", roots=None, time=TIME))
    assert tuple(verdicts) == SSLMODES
    assert [verdict.sslmode for verdict in verdicts.values()] == list(SSLMODES)


def test_a_check_by_its_name() -> None:
    """A verdict gives its checks by name, and None for one it has not."""
    trust = tracer.Trust(host="db", sslmode="require", roots=None, time=TIME)
    verdict = tracer.replay(tracer.Presented(None, answer="N"), trust)
    assert verdict.check("negotiation") is verdict.refused_by
    assert verdict.refused_by is not None
    assert verdict.check("revocation") is None
