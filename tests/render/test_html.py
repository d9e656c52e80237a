"""The page, in a browser: it opens without a word, asks nobody, and does what it says."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

import tracer
from tests.conftest import CHECKOUT, need
from tests.hostile import VALUES, trace
from tests.render.test_hostile import trust
from tests.test_stories import CAPTURES, STORIES, expected
from tests.wire import SSL_REQUEST, Tls, follow, packets, spoken
from tracer import cli
from tracer.render.html import page, section, sentence
from tracer.render.sections import OPEN, SHOWN, Sections
from tracer.report import report
from tracer.verify import Trust

ARTEFACTS = CHECKOUT / "tests" / "artefacts"  # what the page looks like; not in the repository
AXE = Path(sys.prefix) / "axe" / "axe.min.js"
GOOD = follow(packets(Tls().run().preambled()))
BAD = spoken(("client", SSL_REQUEST), ("server", b"N"))
LOOKED_AT = (
    "verify-full",
    "sibling-verify-full",
    "prefer-wrong-root",
    "no-root-file",
    "no-root-file-sealed",
    "no-tls-prefer",
)


@pytest.fixture(scope="module")
def browser(program):
    """Debian's Chromium; one for all pages."""
    chromium = program("chromium")
    from playwright.sync_api import sync_playwright

    ARTEFACTS.mkdir(exist_ok=True)
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def contexts(browser):
    """A context for each colour scheme, with scripts or without; all pages share them, and axe waits in each."""

    @cache
    def made(scheme: str, scripts: bool):
        context = browser.new_context(color_scheme=scheme, java_script_enabled=scripts)
        context.set_default_timeout(20_000)
        if AXE.exists():
            context.add_init_script(path=AXE)
        return context

    return made


@pytest.fixture
def opened(contexts, tmp_path) -> Iterator:
    """`opened(page, width=…, scripts=…)` is the page in the browser; what it says or asks for fails the test."""
    said: list[str] = []
    pages = []
    file = tmp_path / "page.html"

    def show(text: str, hash_: str = "", *, width: int = 1000, scheme: str = "light", scripts: bool = True):
        file.write_text(text, "utf-8", "strict")
        shown = contexts(scheme, scripts).new_page()
        pages.append(shown)
        shown.set_viewport_size({"width": width, "height": 900})
        shown.on("console", lambda message: said.append(message.text))
        shown.on("pageerror", lambda error: said.append(str(error)))
        shown.on("dialog", lambda dialog: said.append(dialog.message))
        shown.on("request", lambda request: said.append(request.url) if request.url != file.as_uri() else None)
        shown.goto(file.as_uri() + hash_)
        return shown

    yield show
    for shown in pages:
        shown.close()
    assert not said


@pytest.fixture(scope="module")
def story():
    """The page of a story, made once."""
    made: dict[str, str] = {}
    return lambda name: made.setdefault(name, expected.said(CAPTURES / name, "html"))


def wide(shown) -> int:
    return shown.evaluate("document.documentElement.scrollWidth")


# EVERY STORY


@pytest.mark.parametrize("name", STORIES)
def test_a_story_opens_without_a_word(name: str, story, opened) -> None:
    """No message in the console, no request, no barrier that axe finds, nothing wider than a telephone.

    Where the screen has a headline, it is that of the page.
    """
    shown = opened(story(name))
    assert barriers(shown, seen=False) == []
    shown.set_viewport_size({"width": 360, "height": 900})
    assert wide(shown) == 360
    screen = (CAPTURES / name / "expected.txt").read_text()
    headlines = shown.locator(".verdict > span:last-child").all_text_contents()
    assert headlines
    if screen.startswith("Connection 1 "):
        assert headlines[0] in " ".join(screen.split())


def test_a_small_screen_shows_all_three_checks(story, opened) -> None:
    """What scrolls out of the table of sslmodes is no more than who is at the other end."""
    shown = opened(story("sibling-verify-full"), width=360)
    heads = shown.locator(".modes thead th")
    assert heads.all_inner_texts()[2:5] == ["① chain", "② dates", "③ name"]
    box = heads.nth(4).bounding_box()
    assert box["x"] + box["width"] <= 360
    assert max(row.bounding_box()["height"] for row in shown.locator(".modes tbody tr").all()) < 64


@pytest.mark.parametrize("name", ["verify-full", "missing-intermediate"])
def test_a_long_headline_leaves_room(name: str, story, opened) -> None:
    """On a telephone it takes less than a third of the screen, and its letters stay as large as those below."""
    shown = opened(story(name), width=360)
    headline = shown.locator(".verdict").first
    assert headline.bounding_box()["height"] < 640 / 3
    assert headline.evaluate("element => parseFloat(getComputedStyle(element).fontSize)") >= 16


def test_what_is_printed_keeps_its_lines(story, opened) -> None:
    """As the client printed it."""
    shown = opened(story("missing-root-file"))
    assert shown.locator(".prints pre").inner_text().splitlines()[:1] == [
        'root certificate file "root.crt" does not exist'
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", LOOKED_AT)
def test_a_story_can_be_seen(name: str, scheme: str, story, opened) -> None:
    """By day and by night: axe finds no letters too faint, and nothing too small to press. The pictures are for people to look at."""
    shown = opened(story(name), scheme=scheme)
    shown.screenshot(path=ARTEFACTS / f"{name}-{scheme}.png", full_page=True)
    assert barriers(shown, seen=True) == []
    if scheme == "light":
        shown.set_viewport_size({"width": 360, "height": 900})
        shown.screenshot(path=ARTEFACTS / f"{name}-360.png", full_page=True)


def barriers(shown, *, seen: bool) -> list[dict[str, Any]]:
    """What axe finds that is serious: what it takes eyes for, which is slow, or all else."""
    if not AXE.exists():
        need("axe-core")
    return shown.evaluate(CHECK, seen)


CHECK = """
(seen) => axe.run(document, {
  resultTypes: ["violations"],
  ...(seen
    ? {runOnly: ["color-contrast", "target-size"]}
    : {rules: {"color-contrast": {enabled: false}, "target-size": {enabled: false}}}),
}).then(found => found.violations.filter(one => ["serious", "critical"].includes(one.impact)).map(
  one => ({id: one.id, impact: one.impact, where: one.nodes.slice(0, 3).map(node => node.html)})))
"""


# FIELDS AND BYTES


def test_a_message_opens_its_fields_beside_its_bytes(story, opened) -> None:
    """As many bytes as the message has; pointing at a field lights its bytes and says what it is."""
    shown = opened(story("sibling-verify-full"))
    message = shown.locator("#c1-m2")
    message.locator("summary").first.click()
    size = int(re.search(r"([\d,]+) bytes", message.locator(".minor").nth(1).text_content())[1].replace(",", ""))
    assert message.locator(".hex span").count() == size
    field = message.locator(".fields button", has_text="host_name").last
    field.hover()
    start, stop = map(int, field.get_attribute("data-r").split())
    lit = "".join(message.locator(".hex .lit").all_text_contents())
    assert len(lit) == 2 * (stop - start)
    assert b"my-rds.example.test" in bytes.fromhex(lit)
    assert f"bytes {start} to {stop - 1}" in message.locator(".tell").text_content()
    assert "RFC" in message.locator(".tell").text_content()


def test_pointing_at_a_byte_lights_its_field(story, opened) -> None:
    """The innermost one, and no other; and nothing once one points elsewhere."""
    shown = opened(story("sibling-verify-full"), "#c1-m2")
    message = shown.locator("#c1-m2")
    message.locator(".hex span").nth(4).hover()
    assert message.locator(".fields .lit span").all_text_contents() == ["legacy_version"]
    shown.locator("h1").hover()
    assert message.locator(".lit").count() == 0


def test_keys_and_presses_do_the_same(story, opened) -> None:
    """A focused field is lit, arrows go to the next, a pressed one stays lit."""
    shown = opened(story("sibling-verify-full"), "#c1-m2")
    message = shown.locator("#c1-m2")
    message.locator(".fields button").nth(2).focus()
    assert message.locator(".fields .lit span").all_text_contents() == ["legacy_version"]
    shown.keyboard.press("ArrowDown")
    assert message.locator(".fields .lit span").all_text_contents() == ["random"]
    shown.keyboard.press("Enter")
    shown.locator("h1").hover()
    assert message.locator(".hex .lit").count() == 32


@pytest.mark.parametrize("width", [1000, 360])
def test_tab_reaches_everything(width: int, story, opened) -> None:
    """In the order of the page, nothing twice, and whoever uses keys sees where they are."""
    shown = opened(story("sibling-verify-full"), width=width)
    shown.evaluate("document.querySelectorAll('#c1-m2, .more').forEach(it => it.open = true)")
    everything = shown.evaluate(REACHABLE)
    assert {"a", "SUMMARY", "BUTTON", "PRE", "DIV"} <= {one[0] for one in everything}
    reached = []
    for _ in everything:
        shown.keyboard.press("Tab")
        reached.append(shown.evaluate(FOCUSED))
    assert [one[0] for one in reached] == [number for number, _ in enumerate(everything)]
    assert [everything[at] for at, outline in reached if not outline] == []


REACHABLE = """
() => (window.reachable = [...document.querySelectorAll("a, button, summary, [tabindex]")].filter(it => it.checkVisibility()))
  .map(it => [it.tagName, it.textContent.trim().slice(0, 40)])
"""
FOCUSED = """
() => {
  const it = document.activeElement, look = getComputedStyle(it), box = it.getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < innerHeight;
  return [window.reachable.indexOf(it), inside && look.outlineStyle === "solid" && parseFloat(look.outlineWidth) >= 2];
}
"""


def test_an_arrow_of_the_ladder_leads_to_its_message(story, opened) -> None:
    """And opens it."""
    shown = opened(story("sibling-verify-full"))
    shown.locator('.ladder.wide a[href="#c1-m2"]').click()
    message = shown.locator("#c1-m2")
    message.locator(".hex span").first.wait_for()
    assert message.evaluate("(it) => it.open && it.getBoundingClientRect().top < innerHeight")


# WHAT IT SAYS


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_with_everything_open(scheme: str, story, opened) -> None:
    """Fields, bytes, glossary and all."""
    shown = opened(story("sibling-verify-full"), "#c1-m2", scheme=scheme)
    shown.evaluate("for (const it of document.querySelectorAll('.glossary, .more')) it.open = true")
    shown.locator("#c1-m2 .fields button").first.hover()
    assert barriers(shown, seen=False) == barriers(shown, seen=True) == []


def test_gates_tell_the_article_apart(story) -> None:
    """The same server: with a root file three gates are open, without one nobody stands at them."""
    assert gates(story("verify-full")) == ["open", "open", "open"]
    assert gates(story("no-root-file")) == ["empty", "empty"]
    assert gates(story("sibling-verify-full")) == ["open", "open", "closed"]


def gates(text: str) -> list[str]:
    return re.findall(r'class="gate (\w+)', text.partition('class="ladder narrow')[0])


def test_clients_stand_beside_each_other(opened, tmp_path) -> None:
    """With --client all a row each, on the page and in Markdown; with --client auto whom it was taken for."""
    capture = str(CAPTURES / "verify-full" / "capture.pcapng")
    for form in ("html", "markdown"):
        cli.main(["read", capture, "--client", "all", "--format", form, "-o", str(tmp_path / form)])
        cli.main(["read", capture, "--client", "auto", "--format", form, "-o", str(tmp_path / f"auto.{form}")])
        assert "Who is this client?" in (tmp_path / f"auto.{form}").read_text()
    shown = opened((tmp_path / "html").read_text())
    rows = shown.locator(".overview tbody th").all_text_contents()
    assert {"libpq", "pgjdbc"} <= set(rows)
    assert all(f"| {name} |" in (tmp_path / "markdown").read_text() for name in rows)


def test_what_the_client_presented_is_its_own(story) -> None:
    """A client certificate has its picture, and is nobody else's."""
    text = story("client-certificate-given")
    assert "What the client presented" in text
    assert escape("the client's own") in text
    assert "What the client presented" not in story("verify-full")


def test_a_downgrade_is_drawn_across_its_connections(story, opened) -> None:
    """TLS refused, then plaintext, each with its connection."""
    shown = opened(story("prefer-wrong-root"))
    sides = shown.locator(".downgrade .side")
    assert [side.get_attribute("href") for side in sides.all()] == ["#c1", "#c2"]
    assert "TLS, refused" in sides.first.text_content()
    assert "plaintext" in sides.last.text_content()


def test_no_secret_is_in_it(story) -> None:
    """Neither keys nor proofs: the fields are named and withheld, their bytes are blank."""
    for name in ("no-root-file", "no-tls-prefer"):
        source = tracer.read(CAPTURES / name / "capture.pcapng")
        text = story(name).replace(" ", "")
        assert "withheld" in text
        for connection in tracer.reassemble(source):
            for m in tracer.follow(connection, source.keys).messages:
                for field in m.fields:
                    assert not field.secret or m.data[field.start : field.stop].hex() not in text


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("the client closed", "The client closed."),
        ("prefer does not look", "prefer does not look."),
        ("db.example is in the root file", "db.example is in the root file."),
        ("libpq-18 prints: it", "libpq-18 prints: it."),
        ("Done.", "Done."),
    ],
)
def test_a_sentence_begins_with_a_capital(words: str, shown: str) -> None:
    """Unless it begins with a name."""
    assert sentence(words) == shown


# ONE FILE


def test_the_policy_lets_in_what_is_ours_and_nothing_else(story) -> None:
    """One style and one script, by their hashes; no other source of anything."""
    text = story("verify-full")
    policy = (
        re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1].replace("&#39;", "'").replace("&#43;", "+")
    )
    for kind in ("style", "script"):
        (inside,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = hashlib.sha256(inside.encode()).digest()
        assert f"{kind}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_without_scripts_everything_can_be_read(story, opened) -> None:
    """Also what is folded: fields and bytes as text."""
    shown = opened(many(OPEN + 1), scripts=False)
    assert shown.locator(".connection .ladder.wide").count() == OPEN + 1
    shown = opened(story("sibling-verify-full"), scripts=False)
    shown.locator("#c1-m2 > summary").click()
    assert "legacy_version" in shown.locator("#c1-m2 .fields").inner_text()
    assert shown.locator("#c1-m2 .hex").inner_text().startswith("01 00")


@pytest.mark.parametrize("what", VALUES)
def test_a_nasty_name_is_text(what: str, opened) -> None:
    """Nothing runs, nothing is asked for, and the page stays as wide as it was."""
    shown = opened(tracer.render.html(trace(what), trust(trace(what))), width=360)
    shown.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
    shown.locator(".fields button", has_text="cert_data").first.hover()
    assert shown.locator(".tell strong", has_text="cert_data").count() == 1
    assert wide(shown) == 360
    assert shown.locator("img, iframe, object, main script").count() == 0
    assert shown.evaluate("typeof owned") == "undefined"


# ON PAPER


def test_paper_has_no_picture_that_cannot_be_broken(story, opened) -> None:
    """A browser moves a tall picture to a sheet of its own: in print the ladder comes in pieces, and nothing scrolls."""
    shown = opened(story("verify-full"), "#c1-m2")
    whole = shown.locator(".ladder.wide").bounding_box()
    shown.emulate_media(media="print")
    assert not shown.locator(".ladder.wide").is_visible()
    pieces = [piece.bounding_box() for piece in shown.locator(".ladder.paper").all()]
    assert max(piece["height"] for piece in pieces) < 400  # of the thousand that a sheet has
    form = sum(piece["height"] for piece in pieces) / pieces[0]["width"]
    assert form == pytest.approx(whole["height"] / whole["width"], rel=0.02)  # nothing twice, nothing left out
    assert shown.locator(".ladder.paper use").first.bounding_box()["width"] > 500
    assert shown.evaluate(SCROLLING) == []


SCROLLING = """
() => [...document.querySelectorAll("main *")].filter(it => it.checkVisibility()
  && ["auto", "scroll"].includes(getComputedStyle(it).overflowY)).map(it => it.className)
"""


# MANY


def many(count: int) -> str:
    gathered = Sections(section)
    for number in range(1, count + 1):
        ended = number % 3 == 0
        one = BAD if ended else GOOD
        numbered = replace(one, connection=replace(one.connection, id=number))
        gathered.add(report(numbered, Trust(time=one.time)), bad=ended)
    return page(gathered.ordered(), left_out=gathered.left_out)


def test_a_thousand_connections_fold(opened) -> None:
    """Each opens when it is asked for; more than fit are counted, and how to narrow it is said."""
    shown = opened(many(SHOWN + 7))
    assert shown.locator(".overview tbody tr").count() == SHOWN
    assert "7 connections more are not here" in shown.locator(".notice").inner_text()
    assert "--connection" in shown.locator(".notice").inner_text()
    assert shown.locator(".ladder.wide").count() == 0
    shown.locator(".overview a", has_text="900").click()
    shown.locator("#c900 .ladder.wide").wait_for()
    shown.locator("#c3 > summary").click()
    shown.locator("#c3 .ladder.wide").wait_for()
    assert shown.locator(".ladder.wide").count() == 2


def test_nothing_is_said_too(opened) -> None:
    """A capture without PostgreSQL has a page."""
    assert "no PostgreSQL connection" in opened(page([], captures=["a.pcap"])).inner_text("main")
