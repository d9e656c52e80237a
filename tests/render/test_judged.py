"""The table and the certificates, on a page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate

from tests.wire import Tls, certificate, follow, packets
from tracer import render
from tracer.render.judged import certificates, colour, sign, table
from tracer.render.page import Page
from tracer.report import judge, report
from tracer.verify import Trust

MADE = Tls().run()
PRESENTED = follow(packets(MADE.preambled()), MADE.keys()).presented
TIME = datetime(2200, 1, 1, tzinfo=UTC)
NOW = datetime.now(UTC)
ROOT = load_pem_x509_certificate(Path(certificate()[0]).read_bytes())


def test_a_row_for_every_mode() -> None:
    """The asked one is marked, and what it was judged with stands above."""
    page = Page(110, color=False)
    table(page, judge(PRESENTED, Trust(host="db.example", sslmode="require", roots=None, time=TIME)), "The table")
    rows = page.text().splitlines()
    assert "libpq, host db.example, no root file" in rows[2]
    assert [row[:24].split() for row in rows[4:10]] == [
        ["disable", "plaintext"],
        ["allow", "plaintext"],
        ["prefer", "connects"],
        ["▸", "require", "connects"],
        ["verify-ca", "refuses"],
        ["verify-full", "refuses"],
    ]


def test_to_connect_is_no_good_news_by_itself() -> None:
    """Green where the server is known; yellow where anybody may be there."""
    judged = judge(PRESENTED, Trust(host="db.example", sslmode="require", roots=None, time=TIME))
    assert [colour(judged.verdicts[mode]) for mode in ("disable", "require", "verify-full")] == [
        "yellow",
        "yellow",
        "red",
    ]
    known = judge(PRESENTED, Trust(host="db.example", sslmode="verify-full", roots=[ROOT], time=NOW))
    assert [colour(known.verdicts[mode]) for mode in ("verify-ca", "verify-full")] == ["yellow", "green"]


def test_certificates_take_two_lines() -> None:
    """What it is called and by whom, then its dates, key and names."""
    page = Page(110, color=False)
    assert PRESENTED.certificates is not None
    certificates(page, PRESENTED.certificates, TIME)
    assert page.text().startswith("  0  db.example  signed by itself\n     ")


def test_what_was_not_reached_is_in_brackets() -> None:
    """A name that would match is no comfort when the chain was refused."""
    verdict = judge(PRESENTED, Trust(host="db.example", sslmode="verify-full", roots=[], time=TIME)).verdict
    assert verdict.refused_by is not None
    assert sign(verdict, verdict.check("name")) == ("(✔)", "dim")


def test_each_sign_in_brackets_is_explained() -> None:
    """Wherever the table or the checks are shown: on the screen, in Markdown, on the page, in a notebook."""
    asked = Trust(host="wrong.example", sslmode="verify-full", roots=[], time=TIME)
    judged, page = judge(PRESENTED, asked), Page(110, color=False)
    assert sign(judged.verdict, judged.verdict.check("name"))[0] == "(✘)"
    table(page, judged, "The table")
    found = report(follow(packets(MADE.preambled()), MADE.keys()), asked)
    for shown in (page.text(), render.markdown(found), render.html(found), judged.verdict._repr_html_()):
        assert "(✘)" in shown
        assert "(✔) (✘) would pass, would fail: not reached" in shown


def test_a_certificate_that_has_ended_says_so_without_colour() -> None:
    """Beside its dates."""
    page = Page(110, color=False)
    assert PRESENTED.certificates is not None
    certificates(page, PRESENTED.certificates, TIME)
    assert ", ended  " in page.text()
