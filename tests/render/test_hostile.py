"""One table of nasty names, pushed through every output: text comes out, and it is bounded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from tests.hostile import DANGEROUS, VALUES, trace
from tracer import render
from tracer.trace import Trace
from tracer.verify import Trust

EVERY = pytest.mark.parametrize("what", VALUES)
MOST = 400_000  # characters of one connection, whatever it holds


class Tags(HTMLParser):
    """What a browser would make of a page: its elements with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def trust(found: Trace) -> Trust:
    return Trust(host="db.example", sslmode="verify-full", roots=[], time=found.time)


OUTPUTS: dict[str, Callable[[Trace], str]] = {
    "text": lambda found: render.text(found, trust(found), verbose=2),
    "html": lambda found: render.html(found, trust(found)),
    "markdown": lambda found: render.markdown(found, trust(found)),
    "json": lambda found: render.json(found, trust(found)),
    "trace": lambda found: found._repr_html_(),
    "presented": lambda found: found.presented._repr_html_(),
}


@EVERY
@pytest.mark.parametrize("output", OUTPUTS)
def test_nothing_dangerous_comes_out(what: str, output: str) -> None:
    """No control character, nothing that turns the writing around, and never as much as a stranger likes.

    JSON is for programs: it writes such characters as escapes, and holds values whole.
    """
    shown = OUTPUTS[output](trace(what))
    assert not DANGEROUS.search(shown.replace("\n", "").replace("\t", ""))
    assert output == "json" or len(shown) < MOST
    assert output != "json" or json.loads(shown)


@EVERY
@pytest.mark.parametrize("output", ["html", "trace", "presented"])
def test_names_make_no_elements(what: str, output: str) -> None:
    """The page of a nasty name has the elements of that of a good one, and no attribute that would run."""
    tags = Tags(OUTPUTS[output](trace(what))).found
    assert {tag for tag, _ in tags} <= OURS
    assert not [name for _, attributes in tags for name in attributes if name.startswith(("on", "style", "src"))]
    assert all((attributes.get("href") or "#").startswith("#") for _, attributes in tags)
    assert sum(tag == "script" for tag, _ in tags) == (output == "html")


@EVERY
def test_markdown_stays_markdown(what: str) -> None:
    """No row of a table grows a cell, no fold ends early, nobody is called, no link is made."""
    shown = render.markdown(trace(what), trust(trace(what)))
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in rows} == {7}
    lines = shown.splitlines()
    assert [line for line in lines if line.startswith(("<details", "</details", "```"))] == FOLD
    outside = re.sub(r"\\.", "", shown.partition("```text")[0])  # without what is escaped
    words = "".join(outside.split("`")[::2])  # what is not code
    assert not [bad for bad in ("@everyone", "#1", "http://", "www.evil", "<img", "<script", "](") if bad in words]


FOLD = ["<details><summary>Every message</summary>", "```text", "```", "</details>"]
OURS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "header",
    "footer",
    "h1",
    "h2",
    "h3",
    "p",
    "span",
    "a",
    "b",
    "i",
    "strong",
    "code",
    "pre",
    "div",
    "section",
    "figure",
    "details",
    "summary",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "svg",
    "g",
    "path",
    "rect",
    "text",
    "tspan",
    "use",
    "button",
    "script",
}
