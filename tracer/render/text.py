"""One connection on one screen: the messages in order, and on that timeline the places where verification happens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from tracer.advice import advice
from tracer.findings import Finding
from tracer.render.fields import fields
from tracer.render.judged import COLOURS, MARKS, OUTCOMES, SIGNS, TITLES, certificates, sign, table
from tracer.render.modes import clients, recognised
from tracer.render.page import Page
from tracer.render.words import NO_TLS, headline
from tracer.report import Report
from tracer.settings import Settings, sentence
from tracer.trace import Message, Trace
from tracer.verify.model import Check

if TYPE_CHECKING:
    pass

WIDTH = 110
WEIGHTS = {"danger": ("✘", "red"), "warning": ("!", "yellow"), "note": ("·", "cyan")}
WOULD = {
    "passed": "would accept it",
    "failed": "would refuse it",
    "cannot_tell": "cannot be told",
    "not_done": "does not",
}
SESSION = "session"


def connection(report: Report, *, width: int = WIDTH, color: bool = False, verbose: int = 0) -> str:
    """The whole screen of one connection."""
    page = Page(width, color)
    _header(page, report)
    _timeline(page, report, verbose)
    if report.presented.certificates:
        page.title("What the server presented")
        certificates(page, report.presented.certificates, report.trust.time)
    _ending(page, report)
    if report.trace.transport != "cancel":
        table(
            page, report, "What each sslmode would have done" if report.trace.tls else "What each sslmode would do here"
        )
    if report.who is not None:
        recognised(page, report.who)
    if report.clients and report.trace.transport != "cancel":
        clients(page, report)
    _advice(page, report)
    _findings(page, report.findings)
    return page.text()


def line(report: Report, capture: str = "", *, width: int = WIDTH, color: bool = False) -> str:
    """One line for a connection among many, and of which capture it is where there are several."""
    page = Page(width, color)
    trace, verdict = report.trace, report.verdict
    page.add(
        (f"{capture + '  ' if capture else ''}{trace.connection.id:>4}  ", "bold"),
        (f"{trace.connection.started:%H:%M:%S}  {trace.connection.client} → {trace.connection.server}  ", ""),
        (f"{_protocol(trace)}  ", ""),
        (f"{trace.outcome.kind.replace('_', ' ')}", _outcome_style(trace)),
        (f"  {verdict.sslmode}: {OUTCOMES[verdict.outcome]}", COLOURS[verdict.outcome]),
        indent=6,
    )
    return page.text()


def told(settings: Settings, *, width: int = WIDTH, color: bool = False) -> str:
    """What the client was told, and by whom: one line."""
    page = Page(width, color)
    page.add(("Told: ", "dim"), (sentence(settings) or "nothing; libpq's defaults", ""), indent=6)
    return page.text() + "\n"


def together(findings: Iterable[Finding], *, width: int = WIDTH, color: bool = False) -> str:
    """Findings about several connections together."""
    page = Page(width, color)
    _findings(page, list(findings))
    return page.text()


# THE HEADER


def _header(page: Page, report: Report) -> None:
    trace = report.trace
    tcp = trace.connection
    page.add(
        (f"Connection {tcp.id}", "bold"),
        (f"  {tcp.client} → {tcp.server}  {tcp.started:%Y-%m-%d %H:%M:%S} UTC  {_protocol(trace)}", ""),
        indent=2,
    )
    mark, style, words = headline(report)
    page.add((f"{mark} {words}", f"bold {style}"), indent=2)


def _protocol(trace: Trace) -> str:
    tls = trace.tls
    if tls is None:
        return {"plaintext": "no TLS", "cancel": "cancel request", "gss": "GSSAPI"}.get(
            trace.transport or "", "nothing settled"
        )
    protected = any(m.protected for m in trace.messages)
    how = f", {KEYS[tls.keys]}" if protected else ", ends before encryption"
    return f"{tls.version or 'TLS, version not seen'}{', resumed' if tls.resumed else ''}{how}"


KEYS = {"all": "opened with keys", "some": "opened in part", "none": "sealed: no keys"}


def _outcome_style(trace: Trace) -> str:
    return "green" if trace.outcome.kind == "established" else "red"


# THE TIMELINE


def _timeline(page: Page, report: Report, verbose: int) -> None:
    trace = report.trace
    start = trace.connection.started
    page.title("   packet     ms  who       message")
    marks = _marks(report)
    for group in _groups(trace.messages, verbose):
        first, last = group[0], group[-1]
        elapsed = (first.time - start).total_seconds() * 1000
        arrow = "client →" if first.sender == "client" else "← server"
        lock = "🔒" if first.sealed else "🔓" if first.opened else "  "
        kind = first.kind if len(group) == 1 else f"{first.kind} ×{len(group)}"
        if len({m.kind for m in group}) > 1:
            kind = f"{SESSION} ×{len(group)}"
        words = first.summary if len(group) == 1 else _group_summary(group, trace.tls.keys if trace.tls else "none")
        style = (
            "red" if first.kind in ("Alert", "ErrorResponse", "UnencryptedData") else "dim" if first.sealed else "bold"
        )
        page.add(
            (f"{first.packet:>9} {elapsed:>6.1f}  {arrow} {lock}", "dim"),
            (f"{kind:<23} ", style),
            (words, ""),
            indent=29,
        )
        if any(m.problem for m in group):
            page.add((" " * 29 + f"! {next(m.problem for m in group if m.problem)}", "red"), indent=31)
        if verbose:
            for m in group:
                fields(page, m, verbose)
        for at in range(first.index, last.index + 1):
            for check in marks.pop(at, ()):
                _mark(page, report, check)
    for checks in marks.values():
        for check in checks:
            _mark(page, report, check)
    _legend(page, trace)


def _legend(page: Page, trace: Trace) -> None:
    """What the locks mean, where there are some."""
    told = {
        "🔓 encrypted on the wire, opened here with a key": any(m.protected and m.opened for m in trace.messages),
        "🔒 encrypted, and no key here": any(m.sealed for m in trace.messages),
    }
    if any(told.values()):
        page.add(("  " + "   ".join(words for words, shown in told.items() if shown), "dim"), indent=2)


def _groups(messages: tuple[Message, ...], verbose: int) -> Iterator[list[Message]]:
    """Neighbours of the same kind and side are one line; so is the session behind the startup, which is not ours."""
    ready = next((m.index for m in messages if m.kind == "ReadyForQuery"), len(messages))

    def key(m: Message) -> tuple[str, str, int]:
        if verbose or m.problem:
            return m.sender, m.kind, m.index
        if m.index > ready and m.layer == "postgres":
            return "", SESSION, -1
        return m.sender, m.kind, -1

    for _, group in groupby(messages, key=key):
        yield list(group)


def _group_summary(group: list[Message], keys: str) -> str:
    total = sum(m.length for m in group)
    sizes = ", ".join(str(m.length) for m in group[:6]) + (", …" if len(group) > 6 else "")
    if not group[0].sealed:
        return f"{total:,} bytes"
    why = "that no key at hand opens" if keys == "none" else "not opened: a key, or bytes in front of them, are missing"
    return f"{total:,} bytes {why} ({sizes})"


def _marks(report: Report) -> dict[int, list[Check]]:
    """The checks by the message behind which they happen; -1 for those that have no such place."""
    placed: dict[int, list[Check]] = {}
    if report.trace.tls is None:
        return placed
    seen = report.trace.presented.seen
    ends = _sealed_end(report.trace)
    for check in sorted(report.verdict.checks, key=lambda check: MARKS.get(check.step, "")):
        if check.step not in MARKS:
            place = check.after_message if check.after_message is not None else seen.get("answer", -1)
        elif check.step == "name":
            place = seen.get("name", ends)
        else:
            place = seen.get("chain", -1)
        placed.setdefault(place, []).append(check)
    return placed


def _sealed_end(trace: Trace) -> int:
    """Where a handshake that is sealed ends at the earliest: with the first sealed record of who finishes last."""
    last = "client" if trace.tls and trace.tls.version == "TLS 1.3" else "server"
    return next((m.index for m in trace.messages if m.sealed and m.sender == last), -1)


def _mark(page: Page, report: Report, check: Check) -> None:
    shown, style = sign(report.verdict, check)
    title = f"{MARKS.get(check.step, '•')} {TITLES.get(check.step, check.step.replace('_', ' '))}"
    words = check.because
    if check.outcome == "not_done" and not report.asked and check.step == "name":
        strict = report.verdicts["verify-full"].check("name")
        shown, style = SIGNS["cannot_tell"]
        words = "only verify-full compares it" + (f", and {WOULD[strict.outcome]}: {strict.because}" if strict else "")
    elif check.outcome == "not_done":
        words = f"nobody looked: {words}"
    elif report.verdict.unreached(check):
        words = f"the client does not come this far; else: {words}"
    page.add((" " * 20 + "╰─ ", "dim"), (f"{title} {shown} ", f"bold {style}"), (words, style), indent=33)


# THE END


def _ending(page: Page, report: Report) -> None:
    outcome = report.trace.outcome
    page.title("How it ended")
    inferred = " (read off sizes and closes: what is sealed is not known)" if outcome.inferred else ""
    where = NO_TLS if report.trace.answer == "N" else "the handshake is whole, and neither side refused the other"
    because = f"the probe stopped here, as it was meant to: {where}" if report.stopped else report.because
    page.add((f"  {because}{inferred}", ""), indent=2)
    verdict = report.verdict
    if report.asked and verdict.outcome in ("refuse", "plaintext") and verdict.prints:
        page.add((f"  {verdict.client} prints: ", "dim"), (verdict.prints.replace("\n", " / "), "red"), indent=2)
    agreement = report.agreement(verdict) if report.asked else None
    if agreement is not None:
        words = (
            "as this client would have done it"
            if agreement
            else f"not what this client would have done: {verdict.on_the_wire}"
        )
        page.add((f"  The capture is {words}.", "green" if agreement else "red"), indent=2)


def _advice(page: Page, report: Report) -> None:
    words = advice(report)
    if words:
        page.title("What to do")
        page.add((f"  {words}", ""), indent=2)


def _findings(page: Page, findings: list[Finding]) -> None:
    if not findings:
        return
    page.title("Worth knowing")
    for finding in findings:
        mark, style = WEIGHTS[finding.weight]
        spec = f" [{finding.spec}]" if finding.spec else ""
        advice = f" {finding.advice}" if finding.advice else ""
        page.add((f"  {mark} ", style), (finding.text, ""), (advice, "bold"), (spec, "dim"), indent=4)
