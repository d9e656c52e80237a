"""What a notebook shows of a value by itself (`_repr_html_`): pieces of the page, with its style and without its script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.render.html import checks, connection, environment, file
from tracer.render.judged import OUTCOMES
from tracer.render.path import shown
from tracer.render.words import who
from tracer.report import report
from tracer.verify.model import Trust, Verdict

if TYPE_CHECKING:
    from tracer.certificates import Presented
    from tracer.trace import Trace


def trace(value: Trace) -> str:
    """A connection as far as it can be judged without being told anything."""
    found = report(value, Trust(time=value.time), asked=False)
    return _piece("trace", connection(found, detailed=True))


def verdict(value: Verdict) -> str:
    """What one client would do, step by step."""
    return _piece(
        "verdict", {"v": value, "outcome": OUTCOMES[value.outcome], "who": who(value), "checks": checks(value)}
    )


def presented(value: Presented) -> str:
    """The chain as it was sent. What of it was in its time is asked of `replay`, with a time."""
    return _piece("presented", {"p": value, "chain": shown(value), "when": None})


def _piece(name: str, values: dict[str, Any]) -> str:
    template = environment().get_template("notebook.html.j2")
    return template.render({**values, "piece": name, "style": file("page.css")})
