"""Lines on a page."""

from __future__ import annotations

from tracer.render.page import Page


def test_long_lines_wrap_under_their_indent() -> None:
    """At words, and each line begins where the first one's words do."""
    page = Page(20, color=False)
    page.add(("name ", "bold"), ("one two three four five", ""), indent=5)
    assert page.text() == "name one two three\n     four five\n"


def test_a_strangers_text_is_escaped() -> None:
    """Whatever the bytes say, the terminal does not obey them."""
    page = Page(80, color=False)
    page.add(("\x1b[2J\u202eevil", ""))
    assert page.text() == "\\x1b[2J\\u202eevil\n"
