"""The pictures of the documents: of what pgtls shows today, of a fitting size, and with words for who does not see them."""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

sys.path.append(str(CHECKOUT / "docs"))
import pictures

DOCUMENTS = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
LARGEST = 250_000  # bytes


def words(svg: str) -> list[tuple[str, str]]:
    """The texts of a terminal, each with what its class looks like: rich may number them otherwise another day."""
    looks = dict(re.findall(r"\.(pgtls-r\d+) \{ (.*?) \}", svg))
    return [(looks[kind], text) for kind, text in re.findall(r'<text class="(pgtls-r\d+)"[^>]*>(.*?)</text>', svg)]


@pytest.mark.parametrize("name", pictures.TERMINAL)
def test_the_terminal_is_what_pgtls_prints_today(name: str) -> None:
    """Else: make pictures."""
    kept = (pictures.PICTURES / f"{name}.svg").read_text("utf-8")
    shown = words(kept)
    assert shown == words(pictures.terminal(pictures.TERMINAL[name]))
    assert any("③" in text for _, text in shown)
    assert "http" not in kept.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("name", pictures.BROWSER)
def test_a_page_is_a_picture_of_its_size(name: str) -> None:
    data = (pictures.PICTURES / f"{name}.png").read_bytes()
    shot = pictures.BROWSER[name]
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (shot.width, shot.height)
    assert 20_000 < len(data) < LARGEST


def test_every_picture_is_shown_and_told() -> None:
    """None is missing, none is left over, and each has words for who does not see it."""
    shown: dict[Path, str] = {}
    for document in DOCUMENTS:
        for told, path in re.findall(r"!\[(.*?)\]\((.*?)\)", document.read_text("utf-8")):
            shown[(document.parent / path).resolve()] = told
    assert set(shown) == set(pictures.PICTURES.iterdir())
    assert all(len(told.split()) > 5 for told in shown.values())
