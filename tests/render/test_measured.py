"""The page of `cost`."""

from __future__ import annotations

from dataclasses import replace

from tests.test_measure import made
from tracer.cost import PHASES
from tracer.measure import Way, row
from tracer.render.measured import document, measured
from tracer.render.page import Page

ROWS = [
    row(Way("disable"), [made(0.004, 2)]),
    row(Way("require", "TLSv1.3"), [made(0.010)]),
    row(Way("verify-ca", "TLSv1.3"), [], "not measured: it needs a root file"),
    row(Way("verify-full", "TLSv1.3"), [made(0.0105)]),
]


def shown(rows: list) -> list[str]:
    page = Page(80, color=False)
    measured(page, "db.example:5432", rows)
    return page.text().splitlines()


def test_bars_are_as_long_as_the_time() -> None:
    """The longest has the whole width, and each phase its part."""
    lines = shown(ROWS)
    bars = [line.strip() for line in lines if line.strip().startswith("░") and line.endswith("█")]
    assert [len(bar) for bar in bars] == [11, 29, 30]
    assert bars[0] == "░░░▒▒▒▓▓▓██"


def test_a_bar_is_its_total_where_the_phases_add_up_to_something_else() -> None:
    """The medians of phases are those of different connections; the longer total has the longer bar."""
    costs = [replace(made(0.010), seconds=dict(zip(PHASES, parts, strict=True))) for parts in UNEVEN]
    rows = [row(Way("require", "TLSv1.3"), costs), row(Way("verify-full", "TLSv1.3"), [made(0.009)])]
    assert sum(rows[0].seconds.values()) < 0.009 < rows[0].total
    bars = [len(line.strip()) for line in shown(rows) if line.strip().startswith("░") and line.endswith("█")]
    assert bars == [30, 27]


UNEVEN = [(0.007, 0.001, 0.001, 0.001), (0.001, 0.007, 0.001, 0.001), (0.001, 0.001, 0.007, 0.001)]


def test_it_fits_and_says_what_it_means() -> None:
    """In 80 columns, the lesson in words, and why there is no figure."""
    lines = shown(ROWS)
    assert all(len(line) <= 80 for line in lines)
    text = " ".join(" ".join(lines).split())
    assert "Against plaintext, TLS takes 2 more round trips and 6.0 ms." in text
    name = "Against require, verify-full takes no more round trips and 0.5 ms: it compares the name; the chain is checked under both"
    assert name in text
    assert "not measured: it needs a root file" in text
    assert "turns: round trips ms: the median of 1 connection middle half" in text


def test_faster_by_chance() -> None:
    """Noise is not told as a gain."""
    rows = [row(Way("require", "TLSv1.3"), [made(0.010)]), row(Way("verify-full", "TLSv1.3"), [made(0.009)])]
    assert "no measurable time" in " ".join(" ".join(shown(rows)).split())
    slow = [row(Way("require", "TLSv1.3"), [made(t) for t in (0.008, 0.010, 0.014, 0.016)]) for _ in range(2)]
    rows = [slow[0], replace(slow[1], way=Way("verify-full", "TLSv1.3"), total=slow[1].total + 0.001)]
    assert "no measurable time" in " ".join(" ".join(shown(rows)).split())


def test_as_json() -> None:
    """Seconds, and null where nothing was measured."""
    found = document("db.example:5432", ROWS)
    assert [one["total"] for one in found["rows"]] == [0.004, 0.010, None, 0.0105]
    assert (found["rows"][0]["tls"], found["rows"][1]["tls"]) == (None, "TLS 1.3")
