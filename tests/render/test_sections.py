"""Of very many connections a document keeps the worst."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.wire import SSL_REQUEST, Tls, follow, packets, spoken
from tracer.render import sections
from tracer.render.sections import Sections, row
from tracer.report import Report, report
from tracer.verify import Trust

GOOD = follow(packets(Tls().run().preambled()))
BAD = spoken(("client", SSL_REQUEST), ("server", b"N"))


def judged(trace, number: int) -> Report:
    numbered = replace(trace, connection=replace(trace.connection, id=number))
    return report(numbered, Trust(time=trace.time), asked=False)


def gathered(*bad: bool) -> Sections:
    found = Sections(lambda _, detailed: (str(detailed), frozenset()))
    for number, ended in enumerate(bad, 1):
        found.add(judged(BAD if ended else GOOD, number), bad=ended)
    return found


def test_a_few_stay_in_order() -> None:
    """As they came."""
    assert [one.id for one in gathered(False, True, False).ordered()] == [1, 2, 3]


def test_of_many_the_bad_ones_come_first() -> None:
    """In order among themselves."""
    assert [one.id for one in gathered(False, True, False, True, False).ordered()] == [2, 4, 1, 3, 5]


def test_of_too_many_the_worst_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad one takes the place of a good one; how many are missing is said."""
    monkeypatch.setattr(sections, "SHOWN", 3)
    found = gathered(False, False, True, False, True, True, True)
    assert [one.id for one in found.ordered()] == [3, 5, 6]
    assert found.left_out == 4


def test_what_is_wanted_of_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its details, or not; either, where that depends on those ahead of it; nothing, where there are too many that matter more."""
    monkeypatch.setattr(sections, "DETAILED", 2)
    monkeypatch.setattr(sections, "SHOWN", 3)
    assert gathered(False).wanted(bad=False) == (True,)
    assert gathered(False).wanted(bad=False, ahead=1) == (True, False)
    assert gathered(False, False).wanted(bad=False, ahead=1) == (False,)
    assert gathered(False, False).wanted(bad=True) == (True,)
    full = gathered(False, True, True)
    assert full.wanted(bad=False) == ()
    assert full.wanted(bad=True) == (False,)
    assert gathered(True, True, True).wanted(bad=True) == ()


def test_the_first_come_with_their_details(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the bad ones and of the others."""
    monkeypatch.setattr(sections, "DETAILED", 1)
    assert [one.body for one in gathered(False, True, False, True).ordered()] == ["True", "True", "False", "False"]


def test_a_row_says_what_the_headline_says() -> None:
    """And the verdict only where a question was asked."""
    found = row(judged(BAD, 7))
    assert (found.tone, found.ended, found.verdict) == ("bad", "refused by client", "")
    assert row(report(BAD, Trust(sslmode="require", time=BAD.time))).verdict == "require: refuses"
