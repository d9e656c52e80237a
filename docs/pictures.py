"""`python docs/pictures.py` (make pictures) draws docs/pictures anew: the page of stories, as Debian's Chromium shows it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))
sys.path.insert(0, str(CHECKOUT / "captures"))

import expected  # noqa: E402

PICTURES = CHECKOUT / "docs" / "pictures"
# a picture: the story, and how much of its page, in pixels
SHOWN = {"page-refused": ("sibling-verify-full", 1590), "page-nobody-looked": ("no-root-file", 1130)}
WIDTH = 940


def draw() -> None:
    """Draw every picture."""
    from playwright.sync_api import sync_playwright

    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name, (story, height) in SHOWN.items():
            page = Path(folder) / f"{name}.html"
            page.write_text(expected.said(CHECKOUT / "captures" / story, "html"))
            shown = browser.new_page(viewport={"width": WIDTH, "height": height}, color_scheme="light")
            shown.goto(page.as_uri())
            shown.screenshot(path=PICTURES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    draw()
