"""What is written of one connection: made apart from what is written around it, so that another process may make it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracer.findings import Sketch, sketch
from tracer.render import document, screen
from tracer.render.html import page as html_page
from tracer.render.html import section as html_section
from tracer.render.markdown import page as markdown_page
from tracer.render.markdown import section as markdown_section
from tracer.render.sections import Section, section

if TYPE_CHECKING:
    from tracer.report import Report


@dataclass(frozen=True, slots=True)
class Form:
    """How connections are written. `only` shows one connection, in full."""

    name: str
    width: int
    color: bool
    verbose: int
    only: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the next connection may be shown, by what was shown before it.

    `full`: a screen of its own; `bad`: that of one that ended badly. `sections`: of one that ended badly or did not, with
    its details, without them, or either, where it depends on those that are on their way.
    """

    full: bool
    bad: bool
    sections: dict[bool, tuple[bool, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """What may be written of a connection; its `sketch` is for comparing it, and missing where that says nothing."""

    id: int
    capture: str
    bad: bool
    sketch: Sketch | None
    line: str = ""
    full: str | None = None
    sections: dict[bool, Section] = field(default_factory=dict)  # with details or not


def part(report: Report, form: Form, wanted: Wanted) -> Part:
    """Render a connection, as far as it is wanted."""
    tcp = report.trace.connection
    bad = ended_badly(report)
    drawn = None if report.foreign else sketch(report.trace)
    if form.only not in (None, tcp.id):
        return Part(tcp.id, tcp.capture, bad, drawn)
    if form.name in PAGES:
        render = PAGES[form.name][0]
        made = {details: section(render, report, bad, details) for details in wanted.sections[bad]}
        return Part(tcp.id, tcp.capture, bad, drawn, sections=made)
    if form.name != "text":
        said = document.text(document.connection(report, fields=form.verbose > 0))
        return Part(tcp.id, tcp.capture, bad, drawn, said)
    full = None
    if wanted.full or (bad and wanted.bad):
        full = screen.connection(report, width=form.width, color=form.color, verbose=form.verbose)
    return Part(tcp.id, tcp.capture, bad, drawn, screen.line(report, width=form.width, color=form.color), full)


def ended_badly(report: Report) -> bool:
    """Refused, in plaintext, or not what the client's verdict says."""
    if report.foreign or report.trace.transport == "cancel":
        return False
    return report.trace.outcome.kind != "established" or (report.asked and report.agreement(report.verdict) is False)


PAGES = {"html": (html_section, html_page), "markdown": (markdown_section, markdown_page)}  # whole, at the end
