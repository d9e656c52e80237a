"""One connection as comments on its packets: what each packet ends, and where verification happens.

A comment is one line; all that is in it passes `escape`. Wireshark finds the places of verification with
`frame.comment contains "▶"`.
"""

from __future__ import annotations

from tracer.findings import Finding
from tracer.render.escape import escape
from tracer.render.text import WEIGHTS
from tracer.render.timeline import SESSION, group_summary, groups, marks, told_check
from tracer.render.words import headline
from tracer.report import Report
from tracer.trace import Message
from tracer.verify.model import Check

LONGEST = 1000  # characters of a comment
MOST = 50  # comments of one connection on one packet

Comments = dict[int, list[str]]  # by the number of the packet


def comments(report: Report, *, quote: bool) -> Comments:
    """What is to be said of each packet, its most general first.

    Unless `quote`, PostgreSQL's messages that only a key opened are named and not quoted.
    """
    trace = report.trace
    first = trace.connection.first_packet
    found: Comments = {first: [title(report)]}
    placed = marks(report)
    findings = list(report.findings)
    found[first] += [_check(report, check) for check in placed.pop(-1, ())]
    shown = {m.index for m in trace.messages}
    found[first] += [_finding(finding) for finding in findings if finding.message not in shown]
    for group in groups(trace.messages, 0):
        for part in _packets(group):
            lines = found.setdefault(part[-1].packet, [])
            lines.append(_messages(part, trace.tls.keys if trace.tls else "none", quote=quote))
            for message in part:
                lines += [_check(report, check) for check in placed.get(message.index, ())]
                lines += [_finding(finding) for finding in findings if finding.message == message.index]
    if trace.messages and not report.foreign:
        found[trace.messages[-1].packet].append(f"how it ended: {report.because}")
    return {packet: _bounded(lines) for packet, lines in found.items()}


def title(report: Report) -> str:
    """Which connection, and its verdict: the names in it are a stranger's."""
    tcp, verdict = report.trace.connection, report.verdict
    mark, _, words = headline(report)
    asked = f" [{verdict.client}, sslmode={verdict.sslmode}]" if report.asked else ""
    return f"pgtls, connection {tcp.id}, {tcp.client} → {tcp.server}: {mark} {words}{asked}"


def _packets(group: list[Message]) -> list[list[Message]]:
    """A group, packet by packet."""
    parts: dict[int, list[Message]] = {}
    for message in group:
        parts.setdefault(message.packet, []).append(message)
    return list(parts.values())


def _messages(part: list[Message], keys: str, *, quote: bool) -> str:
    first = part[0]
    arrow = "client →" if first.sender == "client" else "server →"
    lock = " 🔒" if first.sealed else " 🔓" if first.opened else ""
    kind = SESSION if len({m.kind for m in part}) > 1 else first.kind
    words = first.summary if len(part) == 1 else group_summary(part, keys)
    if first.opened and first.layer == "postgres" and len(part) == 1 and not quote:
        words = f"{first.length:,} bytes"
    many = f" ×{len(part)}" if len(part) > 1 else ""
    problem = next((f" ! {m.problem}" for m in part if m.problem), "")
    return f"{arrow}{lock} {kind}{many}{': ' if words else ''}{words}{problem}"


def _check(report: Report, check: Check) -> str:
    step, sign, _, words = told_check(report, check)
    return f"▶ {step} {sign} {words}"


def _finding(finding: Finding) -> str:
    mark, _ = WEIGHTS[finding.weight]
    return " ".join(part for part in (mark, finding.text, finding.advice, finding.spec and f"[{finding.spec}]") if part)


def _bounded(lines: list[str]) -> list[str]:
    """Escaped, and no more than one packet can bear."""
    left = len(lines) - MOST
    more = [f"pgtls: {left} more lines are left out here"] if left > 0 else []
    return [escape(line, LONGEST) for line in [*lines[:MOST], *more]]
