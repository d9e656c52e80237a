"""Markdown to paste into an issue: what the page says, in tables and lists, with the messages in a fold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tracer.advice import advice
from tracer.findings import Finding
from tracer.render.escape import escape
from tracer.render.judged import IN_BRACKETS, MARKS, OUTCOMES, asked_with, sign
from tracer.render.modes import cell, whom
from tracer.render.path import names, picture
from tracer.render.sections import OPEN, SHOWN, Section
from tracer.render.text import ends, has_table
from tracer.render.timeline import group_summary, groups, marks, protocol, told_check
from tracer.render.words import echoes, headline, who
from tracer.report import Report
from tracer.verify.model import SSLMODES

LONGEST = 1200  # characters of one sentence
SHORT = 120  # characters of a name
ROWS = 100  # messages of one connection


def section(report: Report, detailed: bool = True) -> tuple[str, frozenset[str]]:
    """One connection; its messages with `detailed`."""
    parts = [*_head(report), *_table(report), *_clients(report), *_chain(report), *_findings(_worth(report))]
    if detailed:
        parts += ["<details><summary>Every message</summary>\n", _messages(report), "</details>\n"]
    return "\n".join(parts), frozenset()


def page(
    sections: Sequence[Section],
    findings: Sequence[Finding] = (),
    *,
    left_out: int = 0,
    captures: Sequence[str] = (),
    told: str = "",
) -> str:
    """The whole text; `left_out` connections were too many, `told` says what the client was told, and by whom."""
    about = ", ".join(code(name) for name in captures) + (f"; the client was told {plain(told)}" if told else "")
    if not sections:
        return f"No PostgreSQL connection in {about}.\n"
    if len(sections) == 1:
        return f"{sections[0].body}\n<sub>pgtls on {about}</sub>\n"
    parts = [f"## {len(sections) + left_out:,} connections to PostgreSQL\n", *_findings(findings), *_overview(sections)]
    if left_out:
        parts.append(
            f"{left_out:,} connection{'s more are' if left_out > 1 else ' more is'} not here: of {SHOWN:,} those that ended badly come first.\n"
        )
    for one in sections:
        if len(sections) > OPEN:
            title = f"Connection {one.id}: {one.row.mark} {plain(one.row.headline)}"
            parts.append(f"<details><summary>{title}</summary>\n\n{one.body}\n</details>\n")
        else:
            parts.append(f"## Connection {one.id}\n\n{one.body}")
    return "\n".join([*parts, f"<sub>pgtls on {about}</sub>\n"])


# A STRANGER'S TEXT


def plain(text: str, longest: int = LONGEST) -> str:
    """Text that is nothing but text: no markup, no link, and nobody is called by it."""
    shown = escape(text, longest).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    shown = re.sub(r"([\\`*_\[\]|~$])", r"\\\1", shown)
    return re.sub(r"[@#]|www(?=\.)|(?i:https?|ftp|mailto)(?=:)", lambda found: f"{found[0]}<!-- -->", shown)


def code(text: str, longest: int = SHORT) -> str:
    """A name as code: in a table, too, where a bar would end the cell."""
    return f"`{escape(text, longest).replace('`', 'ˋ').replace('|', '¦') or ' '}`"


# ONE CONNECTION


def _head(report: Report) -> Iterator[str]:
    trace = report.trace
    shown, _, words = headline(report)
    yield f"**{shown} {plain(words)}**\n"
    tcp = trace.connection
    yield f"{tcp.client} → {tcp.server}, {tcp.started:%Y-%m-%d %H:%M:%S} UTC, {plain(protocol(trace))}\n"
    for line in ends(report):
        words_ = "".join(part for part, _ in line).strip().rstrip(".")
        yield f"{plain(words_[:1].upper() + words_[1:] if words_.startswith('the ') else words_)}.\n"
    words = advice(report) or ""
    if words:
        yield f"**What to do.** {plain(words)}\n"


def _table(report: Report) -> Iterator[str]:
    if not has_table(report):
        return
    rows = ["| sslmode | outcome | ① chain | ② dates | ③ name | who is at the other end |", "|---|---|---|---|---|---|"]
    for mode in SSLMODES:
        verdict = report.verdicts[mode]
        asked = report.asked and mode == report.trust.sslmode
        cells = [sign(verdict, verdict.check(step))[0] for step in MARKS]
        words = plain(who(verdict, report.presented))
        rows.append(
            f"| {f'**{mode}** ▸' if asked else mode} | {OUTCOMES[verdict.outcome]} | {' | '.join(cells)} | {words} |"
        )
    yield "\n".join(rows) + "\n"
    yield f"{plain(asked_with(report))}. ✔ passed, ✘ failed, · nobody looks, ? cannot be told, {IN_BRACKETS}.\n"


def _clients(report: Report) -> Iterator[str]:
    """Whom it was taken for, and what every client would do, where that was asked."""
    if report.who is not None:
        yield f"**Who is this client?** {plain(''.join(whom(report.who)))}\n"
    if report.clients and has_table(report):
        rows = [f"| client | {' | '.join(SSLMODES)} |", "|---" * (1 + len(SSLMODES)) + "|"]
        for name, verdicts in report.clients.items():
            rows.append(f"| {name} | {' | '.join(cell(verdicts[mode])[0] for mode in SSLMODES)} |")
        yield "\n".join(rows) + "\n"


def _chain(report: Report) -> Iterator[str]:
    shown = picture(report)
    if shown is None:
        return
    yield "**The chain of trust**\n"
    lines = []
    for number, link in enumerate(shown.links, 1):
        c = link.certificate
        dates = f"{c.not_before:%Y-%m-%d} … {c.not_after:%Y-%m-%d}" if c.not_before and c.not_after else "?"
        signed = {True: "; ✔ signed by the next", False: "; ✘ not signed by the next", None: ""}[link.signed]
        faults = "".join(f"; ✘ {plain(fault)}" for fault in link.faults)
        words = f"{link.role}, {plain(link.origin)}; {dates}, {link.dates.state}; {plain(c.public_key)}"
        lines.append(f"{number}. {code(c.short)}: {words}{signed}{faults}")
    yield "\n".join(lines) + "\n"
    yield f"{STATES[shown.state or 'cannot_tell']} {plain(shown.ending)}.\n"
    found = ", ".join(f"{code(name.text)} ({name.state})" for name in names(report))
    wanted = report.trust.host if isinstance(report.trust.host, str) else None
    yield f"**The names.** Wanted: {code(wanted) if wanted else 'not known'}. Shown: {found or 'none'}.\n"


def _worth(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if not echoes(report, finding)]


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    if findings:
        lines = [f"- **{f.weight}**: {plain(f.text)}{f' **{plain(f.advice)}**' if f.advice else ''}" for f in findings]
        yield "\n".join(["**Worth knowing**\n", *lines]) + "\n"


def _overview(sections: Sequence[Section]) -> Iterator[str]:
    rows = ["| no. | time | client → server | protocol | ended | verdict |", "|---|---|---|---|---|---|"]
    for one in sections:
        r = one.row
        ends_ = f"{r.client} → {r.server}"
        rows.append(
            f"| {one.id} | {r.started:%H:%M:%S} | {ends_} | {plain(r.protocol)} | {r.mark} {r.ended} | {r.verdict} |"
        )
    yield "\n".join(rows) + "\n"


def _messages(report: Report) -> str:
    """The messages and the checks, as text: no line of it can end the block, since each begins with a blank."""
    trace = report.trace
    rows, placed = [], marks(report)
    for group in list(groups(trace.messages, 0))[:ROWS]:
        first = group[0]
        words = first.summary if len(group) == 1 else group_summary(group, trace.tls.keys if trace.tls else "none")
        kind = f"{first.kind}{f' ×{len(group)}' if len(group) > 1 else ''}"
        ms = f"{(first.time - trace.connection.started).total_seconds() * 1000:.1f}"
        arrow = "client →" if first.sender == "client" else "← server"
        rows.append(f" {first.packet:>6} {ms:>8}  {arrow}  {kind:<24} {escape(words)}".rstrip())
        for at in range(first.index, group[-1].index + 1):
            told = (told_check(report, check) for check in placed.pop(at, ()))
            rows += [f"{'':18}╰ {title} {sign_} {escape(words)}" for title, sign_, _, words in told]
    return "\n".join(["```text", " packet       ms  who       message", *rows, "```\n"])


STATES = {
    "passed": "✔ Anchored:",
    "failed": "✘ Not trusted:",
    "not_done": "· Nobody looked:",
    "cannot_tell": "? Cannot be told:",
}
