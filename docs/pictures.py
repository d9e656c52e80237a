"""`python docs/pictures.py` (make pictures) draws docs/pictures anew, from what pgtls says of stories.

* The terminal, as SVG: what a command prints, with its colours, as rich's export draws it. tests/test_pictures.py fails while it is old.
* The page of --format html, and --format markdown as an issue tracker shows it, as PNG: from Debian's Chromium.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))
sys.path.insert(0, str(CHECKOUT / "captures"))

import expected  # noqa: E402

PICTURES = CHECKOUT / "docs" / "pictures"
COLUMNS = 100


class Shot(NamedTuple):
    """The page of a story, or its Markdown, in a browser of this size in pixels: what is further down is not shown."""

    story: str
    form: str
    width: int
    height: int


# TERMINAL


def terminal(command: str) -> str:
    """What a terminal of 100 columns shows of a command of pgtls, the command itself on top, as SVG."""
    from rich.console import Console
    from rich.text import Text

    with Path(os.devnull).open("w") as nowhere:
        size = {"width": COLUMNS, "height": COLUMNS}  # both, or rich takes 80 columns where TERM is dumb
        console = Console(record=True, **size, file=nowhere, force_terminal=True)
        console.print(Text.assemble(("$ ", "dim"), (f"pgtls {command}", "bold")))
        console.print(Text.from_ansi(printed(command)), soft_wrap=True)
        console.print()  # rich's frame ends in the middle of the last line
    return console.export_svg(title="pgtls", code_format=SVG, unique_id="pgtls").replace(" \n", "\n") + "\n"


def printed(command: str) -> str:
    """What the command prints into a terminal of that width; `| head -n N` keeps N lines."""
    words, _, first = command.partition(" | head -n ")
    here = {**os.environ, "COLUMNS": str(COLUMNS), "PYTHONPATH": str(CHECKOUT), "HOME": os.devnull}
    done = subprocess.run(
        [sys.executable, "-m", "tracer", *words.split()],
        cwd=CHECKOUT,
        env=here,
        capture_output=True,
        text=True,
        check=False,
    )
    return "\n".join(done.stdout.splitlines()[: int(first) if first else None])


# BROWSER


def page(shot: Shot) -> str:
    """The HTML of a picture."""
    text = expected.said(CHECKOUT / "captures" / shot.story, shot.form)
    if shot.form == "html":
        return text
    from markdown_it import MarkdownIt

    return f'<!DOCTYPE html><meta charset="utf-8"><style>{ISSUE}</style><body>{MarkdownIt("gfm-like", {"linkify": False}).render(text)}'


def draw() -> None:
    """Draw every picture."""
    from playwright.sync_api import sync_playwright

    PICTURES.mkdir(exist_ok=True)
    for name, command in TERMINAL.items():
        (PICTURES / f"{name}.svg").write_text(terminal(command), "utf-8")
    with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name, shot in BROWSER.items():
            file = Path(folder) / f"{name}.html"
            file.write_text(page(shot), "utf-8")
            shown = browser.new_page(
                viewport={"width": shot.width, "height": shot.height}, color_scheme="light", device_scale_factor=1
            )
            shown.goto(file.as_uri())
            shown.screenshot(path=PICTURES / f"{name}.png")
        browser.close()


# TABLES

SIBLING = "--host my-rds.example.test --sslrootcert captures/sibling-verify-ca/roots.pem"
TERMINAL = {
    "terminal": f"read captures/sibling-verify-ca/capture.pcapng {SIBLING} --sslmode verify-ca --color always | head -n 28",
}
BROWSER = {
    "page-refused": Shot("sibling-verify-full", "html", 940, 1590),
    "page-nobody-looked": Shot("no-root-file", "html", 940, 1130),
    "markdown": Shot("sibling-verify-full", "markdown", 940, 1130),
}
# no font from elsewhere: a picture asks nobody for anything
SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
    <style>
    .{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px; line-height: {line_height}px }}
    .{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>"""
ISSUE = """\
body { font: 16px/1.5 -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; color: #1f2328; margin: 24px 32px; max-width: 880px }
h3 { font-size: 1.25em; border-bottom: 1px solid #d1d9e0; padding-bottom: .3em }
code { background: #f0f1f3; border-radius: 6px; padding: .15em .35em; font: .88em "DejaVu Sans Mono", monospace }
pre { background: #f6f8fa; border-radius: 6px; padding: 14px; overflow: auto } pre code { background: none; padding: 0 }
table { border-collapse: collapse } th, td { border: 1px solid #d1d9e0; padding: 6px 13px } blockquote { border-left: 4px solid #d1d9e0; margin-left: 0; padding-left: 1em; color: #59636e }
"""


if __name__ == "__main__":
    draw()
