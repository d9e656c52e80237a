"""The page: one file that holds all it needs, asks nobody for anything, and lets no stranger's text be more than text.

Every value that a template prints passes `escape` and then jinja2's own escaping; the style and the script are the only
ones that the page's own policy (Content-Security-Policy) lets in, by their hashes. A connection is rendered once:
beyond `OPEN` of them each is folded, inside <noscript>, where a browser that runs scripts keeps it as unread text until
it is asked for, and one that runs none shows it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.advice import advice
from tracer.certificates import Presented
from tracer.findings import Finding
from tracer.glossary import GLOSSARY
from tracer.protocol.fields import Field
from tracer.render.escape import escape
from tracer.render.fields import keys, visible
from tracer.render.fields import shown as shown_fields
from tracer.render.json import tool_version
from tracer.render.judged import IN_BRACKETS, MARKS, OUTCOMES, TITLES, asked_with, colour, sign
from tracer.render.ladder import NARROW, WIDE, ladder
from tracer.render.modes import cell, whom
from tracer.render.path import names, picture, shown
from tracer.render.sections import OPEN, SHOWN, TONES, Section
from tracer.render.text import ends, has_table
from tracer.render.timeline import protocol
from tracer.render.words import echoes, headline, who
from tracer.report import Judged, Report
from tracer.trace import Message
from tracer.verify.model import SSLMODES, Verdict

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
LONGEST = 1200  # characters of one value
BYTES, FIELDS, MESSAGES = 4096, 1500, 200  # of a message, of a message, of a connection


def section(report: Report, detailed: bool = True) -> tuple[str, frozenset[str]]:
    """One connection, `detailed` with its fields and bytes; and the keys of the glossary that they use."""
    values = connection(report, detailed=detailed)
    shown = values["messages"]
    body = environment().get_template("connection.html.j2").render(values)
    return body, frozenset(key for m in shown for key in (m["key"], *(field["key"] for field in m["fields"])) if key)


def page(
    sections: Sequence[Section],
    findings: Sequence[Finding] = (),
    *,
    left_out: int = 0,
    captures: Sequence[str] = (),
    told: str = "",
) -> str:
    """The whole page; `left_out` connections were too many, `told` says what the client was told, and by whom."""
    from markupsafe import Markup

    style, script = file("page.css"), file("page.js")
    words = sorted({word for one in sections for word in one.words})
    return environment().get_template("page.html.j2").render(
        sections=[(one, Markup(one.body)) for one in sections],  # noqa: S704 (escaped where it was rendered)
        findings=[_finding(f) for f in findings],
        downgrades=[_downgrade(f, sections) for f in findings if f.kind == "came_back_in_plaintext"],
        left_out=left_out,
        shown=SHOWN,
        captures=captures,
        folded=len(sections) > OPEN,
        told=told,
        glossary=[(word, GLOSSARY[word]) for word in words],
        style=style,
        script=script,
        policy=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'",
        version=tool_version(),
    )  # fmt: skip


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates. Whatever they print is escaped twice over: for what it does to a reader, and to a parser."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        auto_reload=False,  # they are read once: `live` may give up the right to
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["in_brackets"] = IN_BRACKETS
    made.filters["sentence"] = sentence
    made.filters["short"] = lambda text, longest=120: escape(str(text), longest)
    return made


def _harmless(printed: Any) -> Any:  # noqa: ANN401 (whatever a template prints)
    from markupsafe import Markup

    return escape(printed, LONGEST) if isinstance(printed, str) and not isinstance(printed, Markup) else printed


@lru_cache(maxsize=4)
def file(name: str) -> Markup:
    """A file beside the templates, as it stands."""
    from markupsafe import Markup

    return Markup((TEMPLATES / name).read_text("utf-8"))  # noqa: S704 (a file of our own)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# ONE CONNECTION


def connection(report: Report, *, detailed: bool) -> dict[str, Any]:
    """Everything that a template shows of one connection."""
    trace = report.trace
    sign_, style, words = headline(report)
    return {
        "id": trace.connection.id,
        "tcp": trace.connection,
        "protocol": protocol(trace),
        "suite": ", ".join(filter(None, (trace.tls.cipher_suite, trace.tls.group))) if trace.tls else "",
        "mark": sign_,
        "tone": TONES[style],
        "headline": words,
        "ladders": [ladder(report, WIDE), ladder(report, NARROW)],
        "chain": picture(report),
        "when": report.trust.time,
        "wanted": report.trust.host if isinstance(report.trust.host, str) else None,
        "from_hello": report.host_from_hello,
        "names": names(report),
        "name_words": _name_words(report),
        "table": table(report) if has_table(report) else None,
        "basis": report.verdict.basis,
        "presented": shown(Presented(report.client_certificates), "the client's own"),
        "whom": report.who and whom(report.who),
        "who_because": report.who.because if report.who else (),
        "clients": _clients(report) if has_table(report) else [],
        "with_": asked_with(report),
        "seen": trace.tls is not None,
        "prints": report.verdict.prints if report.asked and report.verdict.outcome in ("refuse", "plaintext") else None,
        "client": report.verdict.client,
        "ends": ["".join(part for part, _ in line).strip() for line in ends(report) if " prints: " not in line[0][0]],
        "advice": advice(report),
        "findings": [_finding(finding) for finding in report.findings if not echoes(report, finding)],
        "messages": _messages(report) if detailed else [],
        "detailed": detailed,
        "more": max(0, len(trace.messages) - MESSAGES),
    }


def _clients(report: Report) -> list[dict[str, Any]]:
    """Every client's modes, where all were asked about: a row each."""
    rows = []
    for name, verdicts in report.clients.items():
        cells = [cell(verdicts[mode]) for mode in SSLMODES]
        rows.append({"name": name, "cells": [{"words": words, "tone": TONES.get(style, "")} for words, style in cells]})
    return rows


def _name_words(report: Report) -> str:
    """What became of the names; where this mode does not look at them, what verify-full would have made of them."""
    check = report.verdict.check("name")
    strict = report.verdicts["verify-full"].check("name")
    if check is not None and check.outcome != "not_done":
        return check.because
    return f"{report.verdict.sslmode} does not compare them; verify-full does: {strict.because}" if strict else ""


def sentence(words: str) -> str:
    """Words with a capital letter and a full stop; a parameter's value keeps its small letters."""
    first = words.partition(" ")[0]
    begun = words if first in SSLMODES or "-" in first or "." in first else words[:1].upper() + words[1:]
    return begun if begun.endswith((".", ":")) else f"{begun}."


def checks(verdict: Verdict) -> list[dict[str, str]]:
    """Every check of a verdict as a template shows it."""
    return [
        {
            "title": f"{MARKS.get(check.step, '')} {TITLES.get(check.step, check.step.replace('_', ' '))}".strip(),
            "sign": (shown := sign(verdict, check)[0]),
            "state": STATES[shown if "(" not in shown else "not reached"],
            "words": check.because,
        }
        for check in verdict.checks
    ]


def table(judged: Judged) -> list[dict[str, Any]]:
    """The verdict of every sslmode, a row each, as a template shows it."""
    rows = []
    for mode in SSLMODES:
        verdict = judged.verdicts[mode]
        signs = [sign(verdict, verdict.check(step)) for step in MARKS]
        cells = [{"sign": shown, "state": STATES[shown if "(" not in shown else "not reached"]} for shown, _ in signs]
        rows.append(
            {
                "mode": mode,
                "asked": judged.asked and mode == judged.trust.sslmode,
                "outcome": OUTCOMES[verdict.outcome],
                "tone": TONES[colour(verdict)],
                "cells": cells,
                "who": who(verdict, judged.presented),
            }
        )
    return rows


def _finding(finding: Finding) -> dict[str, Any]:
    weight = WEIGHTS[finding.weight]
    return {
        "weight": finding.weight,
        "sign": weight,
        "text": finding.text,
        "advice": finding.advice,
        "spec": finding.spec,
    }


def _downgrade(finding: Finding, sections: Iterable[Section]) -> dict[str, Any]:
    """The two connections of a silent retry: ids alone where one of them is not on the page."""
    rows = {one.id: one.row for one in sections}
    first, second = finding.connections[:2]
    a, b = rows.get(first), rows.get(second)
    wait = f"{(b.started - a.started).total_seconds() * 1000:,.0f} ms" if a and b else ""
    return {"first": first, "second": second, "a": a, "b": b, "wait": wait}


# MESSAGES


def _messages(report: Report) -> list[dict[str, Any]]:
    """The messages; what is behind ReadyForQuery is the session's own and stays closed."""
    ready = report.trace.of("ReadyForQuery")
    start = report.trace.connection.started
    return [
        message(m, start, open_=not m.sealed and (ready is None or m.index <= ready.index or m.layer == "tls"))
        for m in report.trace.messages[:MESSAGES]
    ]


def message(m: Message, start: Any, *, open_: bool) -> dict[str, Any]:  # noqa: ANN401 (a datetime)
    """One message as a template shows it."""
    from markupsafe import Markup

    data = visible(m)[:BYTES] if open_ else b""
    return {
        "index": m.index,
        "packet": m.packet,
        "time": f"{(m.time - start).total_seconds() * 1000:,.1f}",
        "sender": m.sender,
        "kind": m.kind,
        "key": m.kind if m.kind in GLOSSARY else "",
        "about": GLOSSARY.get(m.kind),
        "lock": "sealed" if m.sealed else "opened" if m.opened and m.protected else "",
        "summary": m.summary,
        "problem": m.problem,
        "length": m.length,
        "fields": [_field(m, *each) for each in islice(shown_fields(m.fields, 0), FIELDS)] if open_ else [],
        "hex": Markup(data.hex(" ")),  # noqa: S704 (digits)
        "cut": max(0, m.length - BYTES) if open_ else 0,
        "open": open_,
    }


def _field(m: Message, field: Field, value: str, depth: int) -> dict[str, Any]:
    key = next((key for key in keys(m, field) if key in GLOSSARY), "")
    return {
        "name": field.name,
        "value": value,
        "start": field.start,
        "stop": field.stop,
        "depth": min(depth, 7),
        "key": key,
    }


# TABLES

STATES = {"✔": "passed", "✘": "failed", "·": "empty", "?": "unknown", "not reached": "behind"}
WEIGHTS = {"danger": "✘", "warning": "!", "note": "i"}
