"""One connection on one screen: the messages in order, and on that timeline the places where verification happens."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from tracer.findings import Finding
from tracer.glossary import GLOSSARY, Entry
from tracer.protocol.fields import Field
from tracer.render.escape import escape
from tracer.render.words import headline, who
from tracer.report import Report
from tracer.trace import Message, Trace
from tracer.verify.model import SSLMODES, Check

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDTH = 110
MARKS = {"chain": "①", "validity": "②", "name": "③"}
TITLES = {"chain": "chain", "validity": "dates", "name": "name"}
SIGNS = {"passed": ("✔", "green"), "failed": ("✘", "red"), "not_done": ("·", "yellow"), "cannot_tell": ("?", "cyan")}
OUTCOMES = {"accept": "connects", "refuse": "refuses", "plaintext": "plaintext", "cannot_tell": "cannot tell"}
COLOURS = {"accept": "green", "refuse": "red", "plaintext": "yellow", "cannot_tell": "cyan"}
WEIGHTS = {"danger": ("✘", "red"), "warning": ("!", "yellow"), "note": ("·", "cyan")}
SESSION = "session"
HEX_BYTES = 512  # of one message, with -vv


def connection(report: Report, *, width: int = WIDTH, color: bool = False, verbose: int = 0) -> str:
    """The whole screen of one connection."""
    page = _Page(width, color)
    _header(page, report)
    _timeline(page, report, verbose)
    _certificates(page, report)
    _ending(page, report)
    _table(page, report)
    _findings(page, report.findings)
    return page.text()


def line(report: Report, *, width: int = WIDTH, color: bool = False) -> str:
    """One line for a connection among many."""
    page = _Page(width, color)
    trace, verdict = report.trace, report.verdict
    page.add(
        (f"{trace.connection.id:>4}  ", "bold"),
        (f"{trace.connection.started:%H:%M:%S}  {trace.connection.client} → {trace.connection.server}  ", ""),
        (f"{_protocol(trace)}  ", ""),
        (f"{trace.outcome.kind.replace('_', ' ')}", _outcome_style(trace)),
        (f"  {verdict.sslmode}: {OUTCOMES[verdict.outcome]}", COLOURS[verdict.outcome]),
    )
    return page.text()


def together(findings: Iterable[Finding], *, width: int = WIDTH, color: bool = False) -> str:
    """Findings about several connections together."""
    page = _Page(width, color)
    _findings(page, list(findings))
    return page.text()


class _Page:
    """Lines of styled spans. Every span passes through `escape`: nothing else reaches the terminal."""

    def __init__(self, width: int, color: bool) -> None:
        from rich.console import Console

        self.file = io.StringIO()
        self.told: set[Entry] = set()  # what was explained already
        self.width = width
        self.console: Console = Console(
            file=self.file, width=width, force_terminal=color, no_color=not color, highlight=False, markup=False, emoji=False, legacy_windows=False,
            color_system="standard" if color else None,
        )  # fmt: skip

    def add(self, *spans: tuple[str, str], indent: int = 0) -> None:
        """A line; what is longer than the page is wrapped under `indent`."""
        from rich.text import Text

        text: Text = Text()
        for words, style in spans:
            text.append(escape(words, 1200), style or None)
        head, body = text[:indent], text[indent:]
        for at, part in enumerate(body.wrap(self.console, self.width - indent) if indent else [text]):
            part.rstrip()
            self.console.print((Text(" " * indent) if at else head) + part if indent else part, soft_wrap=True)

    def title(self, words: str) -> None:
        self.console.print()
        self.add((words, "bold"))

    def text(self) -> str:
        return self.file.getvalue()


# THE HEADER


def _header(page: _Page, report: Report) -> None:
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
    how = f", {KEYS[tls.keys]}" if protected else ", nothing sealed yet"
    return f"{tls.version or 'TLS, version not seen'}{', resumed' if tls.resumed else ''}{how}"


KEYS = {"all": "opened", "some": "opened in part", "none": "sealed: no keys"}


def _outcome_style(trace: Trace) -> str:
    return "green" if trace.outcome.kind == "established" else "red"


# THE TIMELINE


def _timeline(page: _Page, report: Report, verbose: int) -> None:
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
        words = first.summary if len(group) == 1 else _group_summary(group)
        style = (
            "red" if first.kind in ("Alert", "ErrorResponse", "UnencryptedData") else "dim" if first.sealed else "bold"
        )
        page.add(
            (f"{first.packet:>9} {elapsed:>6.1f}  {arrow} {lock}", "dim"),
            (f"{kind:<24}", style),
            (words, ""),
            indent=29,
        )
        if any(m.problem for m in group):
            page.add((" " * 29 + f"! {next(m.problem for m in group if m.problem)}", "red"), indent=31)
        if verbose:
            for m in group:
                _fields(page, m, verbose)
        for at in range(first.index, last.index + 1):
            for check in marks.pop(at, ()):
                _mark(page, check)
    for checks in marks.values():
        for check in checks:
            _mark(page, check)


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


def _group_summary(group: list[Message]) -> str:
    total = sum(m.length for m in group)
    sizes = ", ".join(str(m.length) for m in group[:6]) + (", …" if len(group) > 6 else "")
    return f"{total:,} bytes that no key at hand opens ({sizes})" if group[0].sealed else f"{total:,} bytes"


def _marks(report: Report) -> dict[int, list[Check]]:
    """The checks by the message behind which they happen; -1 for those that have no such place."""
    placed: dict[int, list[Check]] = {}
    if report.trace.tls is None:
        return placed
    seen = report.trace.presented.seen
    for check in report.verdict.checks:
        if check.step not in MARKS:
            place = check.after_message if check.after_message is not None else seen.get("answer", -1)
        else:
            place = seen.get("name" if check.step == "name" else "chain", -1)
        placed.setdefault(place, []).append(check)
    return placed


def _mark(page: _Page, check: Check) -> None:
    sign, style = SIGNS[check.outcome]
    title = f"{MARKS.get(check.step, '⓪')} {TITLES.get(check.step, check.step.replace('_', ' '))}"
    words = check.because
    if check.outcome == "not_done":
        words = f"nobody looked: {words}"
    page.add((" " * 20 + "╰─ ", "dim"), (f"{title} {sign} ", f"bold {style}"), (words, style), indent=33)


def _fields(page: _Page, m: Message, verbose: int) -> None:
    entry = GLOSSARY.get(m.kind)
    if entry and entry not in page.told:
        page.told.add(entry)
        page.add((" " * 22 + f"{entry.what} {entry.why} [{entry.spec}]", "italic"), indent=22)
    for field, depth in _walk(m.fields, 0):
        value = _value(field)
        page.add(
            (" " * (22 + 2 * depth) + f"{field.start:>4} ", "dim"),
            (f"{field.name} ", ""),
            (value, "cyan"),
            indent=30 + 2 * depth,
        )
        about = next(filter(None, map(GLOSSARY.get, _keys(m, field))), None)
        if about and about not in page.told:
            page.told.add(about)
            page.add((" " * (29 + 2 * depth) + f"{about.what} {about.why}", "dim"), indent=29 + 2 * depth)
    if verbose > 1:
        _hex(page, m)


def _keys(m: Message, field: Field) -> tuple[str, ...]:
    """Where the glossary may speak of a field, the closest first."""
    return f"{m.kind}.{field.name}", f"{field.name}.{field.text}", field.name


def _walk(fields: Iterable[Field], depth: int) -> Iterator[tuple[Field, int]]:
    for field in fields:
        yield field, depth
        yield from _walk(field.parts, depth + 1)


def _value(field: Field) -> str:
    if field.secret:
        return f"{field.stop - field.start} bytes withheld"
    if isinstance(field.value, bytes):
        shown = field.value[:24].hex() + ("…" if len(field.value) > 24 else "")
        return f"{shown} {field.text}".strip()
    if field.value is None:
        return field.text
    return f"{field.value} {field.text}".strip()


def _hex(page: _Page, m: Message) -> None:
    shown = visible(m)[:HEX_BYTES]
    for at in range(0, len(shown), 16):
        row = shown[at : at + 16]
        page.add((" " * 22 + f"{at:04x}  {row.hex(' ')}", "dim"))
    if m.length > HEX_BYTES:
        page.add((" " * 22 + f"… {m.length - HEX_BYTES:,} bytes more", "dim"))


def visible(m: Message) -> bytes:
    """A message's bytes with those of its secrets blanked out."""
    data = bytearray(m.data)
    for field, _ in _walk(m.fields, 0):
        if field.secret:
            data[field.start : field.stop] = b"*" * (field.stop - field.start)
    return bytes(data)


# CERTIFICATES, END, TABLE


def _certificates(page: _Page, report: Report) -> None:
    sent = report.trace.presented.certificates
    if not sent:
        return
    page.title("What the server presented")
    time = report.trust.time
    for position, c in enumerate(sent):
        dates = (
            f"{c.not_before:%Y-%m-%d} … {c.not_after:%Y-%m-%d}" if c.not_before and c.not_after else "dates unreadable"
        )
        late = c.not_after is not None and c.not_after <= time
        names = ", ".join(name.text for name in c.names[:4]) + (", …" if len(c.names) > 4 else "")
        role = (
            "root, signed by itself" if c.subject_der == c.issuer_der and position else f"issued by {_issuer(c.issuer)}"
        )
        page.add((f"  {position}  ", "dim"), (c.short, "bold"), (f"  {role}", ""), indent=5)
        page.add(
            ("     ", ""),
            (dates, "red" if late else ""),
            (f"  {c.public_key}, {c.signature_name}" + (f"  for {names}" if names else ""), "dim"),
            indent=5,
        )


def _issuer(name: str) -> str:
    return next((part[3:] for part in name.split(", ") if part.startswith("CN=")), name)


def _ending(page: _Page, report: Report) -> None:
    outcome = report.trace.outcome
    page.title("How it ended")
    inferred = " (read off sizes and closes: what is sealed is not known)" if outcome.inferred else ""
    page.add((f"  {outcome.because}{inferred}", ""), indent=2)
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


def _table(page: _Page, report: Report) -> None:
    verdict = report.verdict
    page.title(
        "What each sslmode would have done" if report.trace.tls else "What each sslmode would do with this server"
    )
    host = f"host {report.trust.host}" if isinstance(report.trust.host, str) else "host not known"
    if report.host_from_hello:
        host += " (from the ClientHello)"
    page.add(
        (f"  {verdict.client}, {host}, {_roots(report)}, at {report.trust.time:%Y-%m-%d %H:%M} UTC", "dim"), indent=2
    )
    page.add((f"  {'sslmode':<13}{'outcome':<13}chain  dates  name   who is at the other end", "dim"), indent=50)
    for mode in SSLMODES:
        v = report.verdicts[mode]
        marker = "▸" if mode == report.trust.sslmode and report.asked else " "
        cells: list[tuple[str, str]] = [
            (f"{marker} {mode:<13}", "bold"),
            (f"{OUTCOMES[v.outcome]:<13}", COLOURS[v.outcome]),
        ]
        for step in MARKS:
            sign, style = SIGNS[check.outcome] if (check := v.check(step)) else ("·", "yellow")
            cells.append((f"{sign:<7}", style))
        page.add(*cells, (who(v), ""), indent=50)
    page.add(("  ✔ passed  ✘ failed  · nobody looked  ? cannot be told from here", "dim"), indent=2)


def _roots(report: Report) -> str:
    roots = report.trust.roots
    path = report.trust.root_path or "~/.postgresql/root.crt"
    if roots is None:
        return f"no root file ({path})"
    if roots == "system":
        return "sslrootcert=system"
    return (
        "root file not known"
        if report.trust.anchors() is None and report.trust.root_path is None
        else f"root file {path}"
    )


def _findings(page: _Page, findings: list[Finding]) -> None:
    if not findings:
        return
    page.title("Worth knowing")
    for finding in findings:
        mark, style = WEIGHTS[finding.weight]
        spec = f" [{finding.spec}]" if finding.spec else ""
        advice = f" {finding.advice}" if finding.advice else ""
        page.add((f"  {mark} ", style), (finding.text, ""), (advice, "bold"), (spec, "dim"), indent=4)
