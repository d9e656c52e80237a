"""Markdown for an issue."""

from __future__ import annotations

import pytest

import tracer
from tests.wire import SSL_REQUEST, STARTUP, WELCOME, Tls, follow, packets, spoken
from tracer.findings import Finding
from tracer.render.markdown import code, page, plain, section
from tracer.render.sections import OPEN, Sections
from tracer.report import report
from tracer.verify import Trust

MADE = Tls().run()
TRACE = follow(packets(MADE.preambled()), MADE.keys())
PLAIN = spoken(("client", STARTUP), ("server", WELCOME))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("db.example", "db.example"),
        ("a|b", r"a\|b"),
        ("<b>*x*</b>", r"&lt;b&gt;\*x\*&lt;/b&gt;"),
        ("@me #1", "@<!-- -->me #<!-- -->1"),
        ("https://a www.b", "https<!-- -->://a www<!-- -->.b"),
        ("a\nb", r"a\\x0ab"),
    ],
)
def test_a_strangers_text_is_text(text: str, shown: str) -> None:
    """Markup, links, calls and lines."""
    assert plain(text) == shown


def test_code_cannot_be_left() -> None:
    """Neither by a backtick nor, in a table, by a bar."""
    assert code("a`b|c") == "`aˋb¦c`"


def test_a_connection_has_its_headline_its_table_its_chain_and_a_fold() -> None:
    """In this order."""
    shown = tracer.render.markdown(TRACE, Trust(host="db.example", sslmode="require", roots=None, time=TRACE.time))
    order = [
        shown.index(words)
        for words in ("**✘ Encrypted", "| sslmode |", "The chain of trust", "<details>", "SSLRequest")
    ]
    assert order == sorted(order)
    assert "**require** ▸" in shown


def test_a_plaintext_connection_has_no_chain() -> None:
    """And says what it is."""
    shown = tracer.render.markdown(PLAIN)
    assert shown.startswith("**✘ Not encrypted")
    assert "chain of trust" not in shown


def test_many_are_folded_below_an_overview() -> None:
    """A few are not."""
    gathered = Sections(section)
    for _ in range(OPEN + 1):
        gathered.add(report(PLAIN, Trust(time=PLAIN.time)), bad=True)
    found = Finding("mixed_modes", "They differ.", advice="Make them the same.")
    shown = page(gathered.ordered(), [found], left_out=3, captures=["a.pcap"])
    assert shown.count("<details><summary>Connection 1:") == OPEN + 1
    assert f"{OPEN + 4} connections" in shown
    assert "3 connections more are not here" in shown
    assert "<summary>Connection" not in page(gathered.ordered()[:2])


def test_nothing_is_said_too() -> None:
    """A capture without PostgreSQL."""
    assert page([], captures=["a.pcap"]) == "No PostgreSQL connection in `a.pcap`.\n"


def test_a_request_to_cancel_has_no_table() -> None:
    """Nobody was to be checked."""
    shown = tracer.render.markdown(spoken(("client", bytes.fromhex("00000010 04d2162e 00000001 00000002"))))
    assert "| sslmode" not in shown
    assert SSL_REQUEST.hex() not in shown
