"""A bundle on a page: tests/commands/test_judging.py reads whole ones; here are the marks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tracer.bundle import entries
from tracer.certificates import from_pem
from tracer.render.bundle import bundles
from tracer.render.page import Page

ROOT = from_pem((Path(__file__).resolve().parents[2] / "captures" / "verify-full" / "roots.pem").read_bytes())


def test_states_are_counted() -> None:
    """What has ended is said in the first line and at its entry; a copy names the first."""
    time = datetime(2100, 1, 1, tzinfo=UTC)
    page = Page(110, color=False)
    bundles(page, [("old.pem", entries(ROOT * 2, time))], [], time)
    first, _, second = page.text().splitlines()
    assert first == "old.pem: 2 certificates, 2 expired"
    assert second.endswith("expired, the same as 0")
