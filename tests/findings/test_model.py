"""What a finding is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracer.findings.model import LONGEST_NAME, WEIGHTS, Finding, by_weight, shorten


def test_the_heaviest_first() -> None:
    """Whatever the order in which they were found."""
    found = [Finding("a", "", weight="note"), Finding("b", "", weight="danger"), Finding("c", "")]
    assert [finding.weight for finding in sorted(found, key=by_weight)] == list(WEIGHTS)


@given(st.text())
def test_a_name_is_kept_or_cut(name: str) -> None:
    """Never longer than the bound, and never changed in front of the cut."""
    short = shorten(name)
    assert len(short) <= LONGEST_NAME
    assert short == name or name.startswith(short[:-1])
