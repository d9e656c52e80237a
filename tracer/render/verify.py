"""A chain alone, on one page."""

from __future__ import annotations

from tracer.render.judged import MARKS, TITLES, certificates, sign, table
from tracer.render.modes import clients
from tracer.render.page import Page
from tracer.report import Judged


def verify(page: Page, judged: Judged) -> None:
    """The certificates, every check of the asked mode (verify-full where none was), and the table."""
    verdict = judged.verdict if judged.asked else judged.verdicts["verify-full"]
    page.add(("The chain", "bold"))
    certificates(page, judged.presented.certificates or (), judged.trust.time)
    page.title(f"What {verdict.client} checks with sslmode={verdict.sslmode}")
    for check in sorted(verdict.checks, key=lambda check: MARKS.get(check.step, "")):
        mark, style = sign(verdict, check)
        title = TITLES.get(check.step, check.step.replace("_", " "))
        words = f"nobody looked: {check.because}" if check.outcome == "not_done" else check.because
        page.add((f"  {MARKS.get(check.step, '•')} {title} {mark} ", f"bold {style}"), (words, style), indent=13)
    if verdict.prints:
        page.add((f"  {verdict.client} prints: ", "dim"), (verdict.prints.replace("\n", " / "), "red"), indent=2)
    table(page, judged, "What each sslmode would do")
    if judged.clients:
        clients(page, judged)
