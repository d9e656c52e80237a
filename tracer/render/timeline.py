"""A connection's messages in lines, and on that timeline the places where verification happens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from tracer.render.judged import MARKS, SIGNS, TITLES, sign
from tracer.report import Report
from tracer.trace import Message, Trace
from tracer.verify.model import Check

WOULD = {
    "passed": ", and would accept it",
    "failed": ", and would refuse it",
    "cannot_tell": "",
    "not_done": ", and does not here",
}
SESSION = "session"
NOTHING_SHOWN, CHAIN_AND_DATES = "nothing_shown", "chain_and_dates"  # one line for several checks
SEVERAL = {NOTHING_SHOWN: "① ② ③", CHAIN_AND_DATES: "① chain ② dates"}
# libpq's, where several checks stand behind one message; what is not here comes after these
STEPS = (
    "root_file",
    "server_name",
    "version",
    CHAIN_AND_DATES,
    "chain",
    "revocation",
    "validity",
    "alpn",
    "name",
    "injected",
)
ORDER = {step: at for at, step in enumerate(STEPS)}
KEYS = {"all": ", opened with keys", "some": ", opened in part", "none": ", sealed: no keys"}
KEYS_SHORT = {"all": "", "some": "", "none": ", sealed"}


def protocol(trace: Trace, *, short: bool = False) -> str:
    """What was spoken, and whether it could be opened."""
    tls = trace.tls
    if tls is None:
        unsettled = "no TLS" if trace.answer and trace.asked_for_tls else "nothing settled"
        return {"plaintext": "no TLS", "cancel": "cancel request", "gss": "GSSAPI"}.get(
            trace.transport or "", unsettled
        )
    if tls.version is None and not short:
        return _unversioned(trace)
    protected = any(m.protected for m in trace.messages)
    how = (KEYS_SHORT if short else KEYS)[tls.keys] if protected else "" if short else ", ends before encryption"
    return f"{tls.version or 'TLS'}{', resumed' if tls.resumed else ''}{how}"


def _unversioned(trace: Trace) -> str:
    hello, tcp = trace.of("ClientHello", "client"), trace.connection
    if tcp.client_stream.gaps or tcp.server_stream.gaps:
        return "TLS, version not known: cut off by the capture"
    if trace.outcome.kind == "incomplete":
        return "TLS, version not known" if hello else "TLS not begun"
    return "TLS, no version agreed" if hello else "TLS not begun"


def groups(messages: tuple[Message, ...], verbose: int) -> Iterator[list[Message]]:
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


def group_summary(group: list[Message], keys: str) -> str:
    total = sum(m.length for m in group)
    sizes = ", ".join(str(m.length) for m in group[:6]) + (", …" if len(group) > 6 else "")
    if not group[0].sealed:
        whose = " of the session itself" if len({m.kind for m in group}) > 1 else ""
        return f"{total:,} bytes{whose}"
    why = "" if keys == "none" else " not opened: a key, or bytes in front of them, are missing"
    return f"{total:,} bytes{why} ({sizes})"


def marks(report: Report) -> dict[int, list[Check]]:
    """The checks by the message behind which they happen; -1 for those that have no such place."""
    placed: dict[int, list[Check]] = {}
    if report.trace.tls is None or report.foreign:
        return placed
    places = dict(report.trace.presented.seen)
    places.setdefault("chain", _sealed_flight(report.trace))
    places.setdefault("name", _sealed_end(report.trace))
    for check in sorted(_to_mark(report), key=lambda check: ORDER.get(check.step, len(ORDER))):
        at = check.after_message
        placed.setdefault(places.get(_phase(check), -1) if at is None else at, []).append(check)
    return placed


def _to_mark(report: Report) -> Iterator[Check]:
    """The checks of the verdict; one line stands for several of which the same is to be said.

    For all that need a certificate where none was sent; for chain and dates where both have one reason.
    """
    why, verdict = report.presented.absent, report.verdict
    chain, dates = verdict.check("chain"), verdict.check("validity")
    same = chain and dates and (chain.outcome, chain.because) == (dates.outcome, dates.because)
    instead = MARKS if why else ("chain", "validity") if same else ()
    yield from (check for check in verdict.checks if check.step not in instead)
    if why:
        yield Check(NOTHING_SHOWN, "not_done", why)
    elif chain and same:
        yield replace(chain, step=CHAIN_AND_DATES)


def _phase(check: Check) -> str:
    """The message of `Presented.seen` behind which a check stands that names none: one that was not done keeps its place."""
    if check.when is None:
        return "name" if check.step in ("name", NOTHING_SHOWN) else "chain"
    return {"before_tls": "answer", "in_handshake": "chain", "after_handshake": "name"}[check.when]


def _sealed_flight(trace: Trace) -> int:
    """Where a certificate that is sealed has come at the latest: with the server's last record before the client's first."""
    client = next((m.index for m in trace.messages if m.sealed and m.sender == "client"), len(trace.messages))
    sealed = (m.index for m in trace.messages if m.sealed and m.sender == "server" and m.index < client)
    return max(sealed, default=-1)


def _sealed_end(trace: Trace) -> int:
    """Where a handshake that is sealed ends at the earliest: with the first sealed record of who finishes last."""
    last = "client" if trace.tls and trace.tls.version == "TLS 1.3" else "server"
    return next((m.index for m in trace.messages if m.sealed and m.sender == last), -1)


def told_check(report: Report, check: Check) -> tuple[str, str, str, str]:
    """A check's title, its sign and colour, and what is to be said of it."""
    shown, style = sign(report.verdict, check)
    plain = f"{MARKS.get(check.step, '•')} {TITLES.get(check.step, check.step.replace('_', ' '))}"
    title = SEVERAL.get(check.step, plain)
    words = check.because
    if check.step == NOTHING_SHOWN:
        pass
    elif check.outcome == "not_done" and not report.asked and check.step == "name":
        strict = report.verdicts["verify-full"].check("name")
        shown, style = SIGNS["cannot_tell"]
        words = "only verify-full compares it" + (f"{WOULD[strict.outcome]}; {strict.because}" if strict else "")
    elif check.outcome == "not_done":
        words = f"nobody looked: {words}"
    elif report.verdict.unreached(check):
        words = f"the client does not come this far{'; else' * (check.outcome != 'cannot_tell')}: {words}"
    return title, shown, style, words
