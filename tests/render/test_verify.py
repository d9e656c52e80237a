"""A chain alone on a page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tracer.certificates import Presented
from tracer.render.page import Page
from tracer.render.verify import verify
from tracer.report import judge
from tracer.verify import Trust

ROOT = (Path(__file__).resolve().parents[2] / "captures" / "verify-full" / "roots.pem").read_text()


def test_the_strictest_mode_speaks_when_none_was_asked() -> None:
    """Then every check has a line of its own, and what is not known is said."""
    page = Page(110, color=False)
    verify(page, judge(Presented.from_pem(ROOT), Trust(time=datetime(2030, 1, 1, tzinfo=UTC)), asked=False))
    assert "sslmode=verify-full" in page.text()
    assert "③ name ?" in page.text()
