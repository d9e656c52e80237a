"""One connection on one screen: the messages in order, and on that timeline the places where verification happens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracer.advice import advice
from tracer.findings import Finding
from tracer.render.fields import fields
from tracer.render.judged import OUTCOMES, certificates, colour, table
from tracer.render.modes import clients, recognised
from tracer.render.page import Page
from tracer.render.timeline import SESSION, group_summary, groups, marks, protocol, told_check
from tracer.render.words import NO_TLS, echoes, headline
from tracer.report import Report
from tracer.settings import Settings, sentence
from tracer.trace import Trace
from tracer.verify.model import Check

WIDTH = 110
UNKNOWN_CA = 48
OTHER_ROOT = "perhaps this client has another one, or is short of a revocation list."
BAD = ("ErrorResponse", "UnencryptedData")
WEIGHTS = {"danger": ("✘", "red"), "warning": ("!", "yellow"), "note": ("·", "cyan")}


def connection(report: Report, *, width: int = WIDTH, color: bool = False, verbose: int = 0) -> str:
    """The whole screen of one connection."""
    page = Page(width, color)
    _header(page, report)
    _timeline(page, report, verbose)
    if report.presented.certificates:
        page.title("What the server presented")
        certificates(page, report.presented.certificates, report.trust.time)
    if report.client_certificates:
        page.title("What the client presented")
        certificates(page, report.client_certificates, report.trust.time)
    _ending(page, report)
    if has_table(report):
        table(
            page, report, "What each sslmode would have done" if report.trace.tls else "What each sslmode would do here"
        )
    if report.who is not None:
        recognised(page, report.who)
    if report.clients and report.trace.transport != "cancel":
        clients(page, report)
    _advice(page, report)
    _findings(page, [finding for finding in report.findings if not echoes(report, finding)])
    return page.text()


def has_table(report: Report) -> bool:
    """Whether an sslmode has a say in it: not in a request to cancel, nor in what is not PostgreSQL or went by GSSAPI."""
    transport = report.trace.transport
    by_gssapi = transport == "gss" and report.verdict.outcome == "cannot_tell"
    return transport != "cancel" and not by_gssapi and not report.foreign


def line(report: Report, *, width: int = WIDTH, color: bool = False) -> str:
    """One line for a connection among many, with the mark of its headline in front."""
    page = Page(width, color)
    trace, verdict = report.trace, report.verdict
    mark, style, _ = headline(report)
    judged = report.asked and trace.transport != "cancel"
    page.add(
        (f"{mark} ", f"bold {style}"),
        (f"{trace.connection.id:>2}  ", "bold"),
        (f"{trace.connection.started:%H:%M:%S}  {trace.connection.client} → {trace.connection.server}  ", ""),
        (f"{protocol(trace, short=True)}{', not PostgreSQL' * report.foreign}  ", ""),
        (f"{trace.outcome.kind.replace('_', ' ')}", _outcome_style(trace)),
        *([(f"  {verdict.sslmode}: {OUTCOMES[verdict.outcome]}", colour(verdict))] if judged else []),
        indent=6,
    )
    return page.text()


def title(capture: str, *, width: int = WIDTH, color: bool = False) -> str:
    """The name of a capture above its connections."""
    page = Page(width, color)
    page.add((capture, "bold"), indent=2)
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
    ends = f"  {tcp.client} → {tcp.server}"
    rest = f"  {tcp.started:%Y-%m-%d %H:%M:%S} UTC  {protocol(trace)}"
    name = (f"Connection {tcp.id}", "bold")
    if len(name[0] + ends + rest) <= page.width:
        page.add(name, (ends + rest, ""), indent=2)
    else:
        page.add(name, (ends, ""), indent=2)
        page.add((rest, ""), indent=2)
    mark, style, words = headline(report)
    page.add((f"{mark} {words}", f"bold {style}"), indent=2)


def _outcome_style(trace: Trace) -> str:
    """A request to cancel is answered by closing, and that is no harm."""
    if trace.transport == "cancel":
        return ""
    return "green" if trace.outcome.kind == "established" else "red"


# THE TIMELINE


def _timeline(page: Page, report: Report, verbose: int) -> None:
    trace = report.trace
    start = trace.connection.started
    page.title(" packet     ms  who          message")
    placed = marks(report)
    for group in groups(trace.messages, verbose):
        first, last = group[0], group[-1]
        elapsed = (first.time - start).total_seconds() * 1000
        arrow = "client →" if first.sender == "client" else "← server"
        lock = "🔒" if first.sealed else "🔓" if first.opened else "  "
        kind = first.kind if len(group) == 1 else f"{first.kind} ×{len(group)}"
        if len({m.kind for m in group}) > 1:
            kind = f"{SESSION} ×{len(group)}"
        words = first.summary if len(group) == 1 else group_summary(group, trace.tls.keys if trace.tls else "none")
        bad = first.kind in BAD or (first.kind == "Alert" and "close_notify" not in first.summary)
        style = "red" if bad else "dim" if first.sealed else "bold"
        page.add(
            (f"{first.packet:>7} {elapsed:>6.1f}  {arrow} {lock} ", "dim"),
            (f"{kind:<23} ", style),
            (words, ""),
            indent=28,
        )
        if any(m.problem for m in group) and not (report.foreign and first.layer == "postgres"):
            page.add((" " * 28 + f"! {next(m.problem for m in group if m.problem)}", "red"), indent=30)
        if verbose:
            for m in group:
                fields(page, m, verbose)
        for at in range(first.index, last.index + 1):
            for check in placed.pop(at, ()):
                _mark(page, report, check)
    for checks in placed.values():
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


def _mark(page: Page, report: Report, check: Check) -> None:
    title, shown, style, words = told_check(report, check)
    page.add((" " * 18 + "╰─ ", "dim"), (f"{title} {shown} ", f"bold {style}"), (words, style), indent=31)


# THE END


def _ending(page: Page, report: Report) -> None:
    lines = list(ends(report))
    if lines:
        page.title("How it ended")
    for line in lines:
        page.add(*line, indent=2)


def ends(report: Report) -> Iterator[list[tuple[str, str]]]:
    """How it ended, unless the headline has said so; what the client prints; and whether that is what was seen."""
    outcome = report.trace.outcome
    inferred = " (read off sizes and closes: what is sealed is not known)" if outcome.inferred else ""
    where = NO_TLS if report.trace.answer == "N" else "the handshake is whole, and neither side refused the other"
    because = f"the probe stopped here, as it was meant to: {where}" if report.stopped else report.because
    if inferred or because.lower() not in headline(report)[2].lower():
        yield [(f"  {because}{inferred}", "")]
    verdict = report.verdict
    if report.asked and verdict.outcome in ("refuse", "plaintext") and verdict.prints:
        yield [(f"  {verdict.client} prints: ", "dim"), (verdict.prints.replace("\n", " / "), "red")]
    agreement = report.agreement(verdict) if report.asked else None
    if agreement is not None:
        words = (
            "what this client would have done"
            if agreement
            else f"something else than this client would have done: {verdict.on_the_wire}"
        )
        yield [(f"  The capture shows {words}.", "green" if agreement else "red")]
    if _other_root(report):
        yield [("  With the root file that you named the chain passes: ", ""), (OTHER_ROOT, "")]


def _other_root(report: Report) -> bool:
    """Whether the client said unknown_ca to a chain that passes with the named roots, and no finding says what that may be."""
    outcome, chain = report.trace.outcome, report.verdict.check("chain")
    refused = outcome.kind == "refused_by_client" and outcome.alert is not None and outcome.alert.code == UNKNOWN_CA
    told = any(finding.kind == "root_not_trusted" for finding in report.findings)
    return report.asked and refused and not told and chain is not None and chain.outcome == "passed"


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
