"""The summary of an audit, for people and for programs."""

from __future__ import annotations

from tests.render.test_json import valid
from tests.test_summary import asked
from tracer.render import document
from tracer.render.page import Page
from tracer.render.summary import SHOWN, summary
from tracer.render.summary import document as summary_document

STORIES = (("no-tls-prefer", "10.0.0.1"), ("prefer-wrong-root", "10.0.0.2"), ("verify-full", "10.0.0.3"))


def screen(*stories: tuple[str, str], width: int = 110) -> list[str]:
    page = Page(width, False)
    summary(page, asked(*stories))
    return page.text().splitlines()


def test_a_table_for_each_question() -> None:
    """The columns stand under each other, numbers to the right."""
    lines = screen(*STORIES)
    assert lines[0] == "4 connections in 3 captures"
    at = lines.index("In plaintext")
    assert lines[at + 1].startswith("  `downgraded`: ")
    head, first, second = lines[at + 2 : at + 5]
    assert head.split() == ["client", "user", "server", "sessions", "downgraded"]
    assert len(head) == len(first) == len(second)
    assert (first.split()[0], first.split()[-1]) == ("10.0.0.2", "1")


def test_what_nobody_is_about() -> None:
    """Said in a word, without the explanation."""
    lines = screen(("verify-full", "10.0.0.3"))
    assert lines[lines.index("In plaintext") + 1] == "  none"


def test_no_news_is_no_good_news() -> None:
    """Where nothing can be told, "none" alone would say that all is well."""
    lines = screen(("verify-full", "10.0.0.3"), ("wrong-root", "10.0.0.3"))
    at = lines.index("Clients that do not authenticate the database")
    assert lines[at + 1] == "  none that is known: of 1 of 1 session it cannot be told"
    lines = screen(("no-tls-prefer", "10.0.0.1"), ("verify-full", "10.0.0.3"))
    assert "  and of 1 of 2 sessions it cannot be told" in lines
    lines = screen(("no-root-file-sealed", "10.0.0.3"))
    for title in ("Certificates that end within 30 days, or have ended", "Who breaks when a CA changes"):
        assert lines[lines.index(title) + 1].startswith(
            "  none that is known: of 1 of 1 connection with TLS the certificate was"
        )
    lines = screen(("wrong-root", "10.0.0.3"))
    assert lines[lines.index("Clients that do not authenticate the database") + 1] == "  none"


def test_a_long_table_is_cut() -> None:
    """And says by how much."""
    lines = screen(*(("no-tls-prefer", f"10.0.0.{n}") for n in range(SHOWN + 3)))
    assert "  … and 3 more" in lines


def test_a_strangers_name_moves_nothing() -> None:
    """As everywhere on a terminal."""
    assert not any("\x1b" in line for line in screen(("no-tls-prefer", "\x1b[2J")))


def test_for_programs() -> None:
    """Every row, with the schema's keys."""
    said = {"schema": document.SCHEMA, "tool": document.tool(), **summary_document(asked(*STORIES))}
    valid(said, "audited")
    assert [row["client"] for row in said["answers"]["plaintext"]] == ["10.0.0.2", "10.0.0.1"]
    assert said["time"] == "2026-11-25T00:00:00.000000Z"
