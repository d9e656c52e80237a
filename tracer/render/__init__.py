"""Values in, text out: `text`, `html` and `markdown` for people, `json` for programs."""

from __future__ import annotations

import json as _json
from types import ModuleType

from tracer.render import html as _html
from tracer.render import json as document
from tracer.render import markdown as _markdown
from tracer.render import text as screen
from tracer.render.sections import Sections
from tracer.report import Report, report
from tracer.trace import Trace
from tracer.verify.model import Trust


def text(
    shown: Trace | Report,
    trust: Trust | None = None,
    *,
    width: int = screen.WIDTH,
    color: bool = False,
    verbose: int = 0,
) -> str:
    """One connection on one screen. A trace is judged with `trust`; without one, with what the capture itself says."""
    return screen.connection(_judged(shown, trust), width=width, color=color, verbose=verbose)


def json(shown: Trace | Report, trust: Trust | None = None, *, fields: bool = True) -> str:
    """One connection as a JSON object, with the keys of the document's `connections`."""
    return _json.dumps(document.connection(_judged(shown, trust), fields=fields), indent=1)


def html(shown: Trace | Report, trust: Trust | None = None) -> str:
    """One connection as a page of its own: one file that asks nobody for anything."""
    return _whole(_html, _judged(shown, trust))


def markdown(shown: Trace | Report, trust: Trust | None = None) -> str:
    """One connection as Markdown, to paste into an issue."""
    return _whole(_markdown, _judged(shown, trust))


def _whole(how: ModuleType, judged: Report) -> str:
    found = Sections(how.section)
    found.add(judged, bad=False)
    return str(how.page(found.ordered(), captures=[judged.trace.connection.capture]))


def _judged(shown: Trace | Report, trust: Trust | None) -> Report:
    if isinstance(shown, Report):
        return shown
    return report(shown, trust or Trust(time=shown.time), asked=trust is not None)


__all__ = ["document", "html", "json", "markdown", "screen", "text"]
