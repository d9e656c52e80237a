"""Replaying a client's checks, and comparing what it would do with what a capture shows."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from tracer.certificates import Presented
from tracer.verify import clients
from tracer.verify.model import SSLMODES, UNKNOWN, Check, Trust, Unknown, Unusable, Verdict

if TYPE_CHECKING:
    from tracer.trace import Trace

__all__ = [
    "SSLMODES",
    "UNKNOWN",
    "Check",
    "Trust",
    "Unusable",
    "Verdict",
    "agrees",
    "clients",
    "consistent_with",
    "observed",
    "replay",
    "table",
]


def replay(shown: Trace | Presented, trust: Trust, client: clients.Client | str = "libpq") -> Verdict:
    """What a client would do that was told `trust`. Raises nothing but `TracerError` for an unknown client."""
    presented = shown if isinstance(shown, Presented) else shown.presented
    return (clients.get(client) if isinstance(client, str) else client)(presented, trust)


def table(shown: Trace | Presented, trust: Trust, client: clients.Client | str = "libpq") -> dict[str, Verdict]:
    """The verdict of every sslmode, from disable to verify-full, with all else as in `trust`."""
    presented = shown if isinstance(shown, Presented) else shown.presented
    return dict(_table(presented, trust, client))


@lru_cache(maxsize=1024)
def _table(presented: Presented, trust: Trust, client: clients.Client | str) -> dict[str, Verdict]:
    """The same, remembered: a server shows one chain to many clients."""
    return {mode: replay(presented, replace(trust, sslmode=mode), client) for mode in SSLMODES}


def observed(trace: Trace) -> str | None:
    """What the client of a trace did, in the words of `Verdict.wire`; None when the capture does not show it.

    `unasked` (plaintext without an SSLRequest), `plaintext` (behind N), `alert:48` (by number), `no_hello` (closed behind `S`), `no_startup` (closed behind a whole handshake),
    `session` (went on inside TLS), `gave_up` (closed behind the answer).
    """
    outcome = trace.outcome
    if trace.transport == "plaintext":
        return "plaintext" if trace.negotiation else "unasked"
    if outcome.kind == "refused_by_client":
        if outcome.alert is not None:
            return f"alert:{outcome.alert.code}"
        return {"before_tls": "no_hello" if trace.answer == "S" else "gave_up", "after_handshake": "no_startup"}.get(
            outcome.where or ""
        )
    if outcome.kind == "established" or (outcome.kind == "refused_by_server" and outcome.where == "after_handshake"):
        return "session"
    return None


def agrees(verdict: Verdict, trace: Trace) -> bool | None:
    """Whether a client with that verdict would have left this capture; None where one of them does not say."""
    seen = observed(trace)
    if seen is None or verdict.wire is None:
        return None
    # a comma stands in front of what comes on a second connection, a bar between what may come on this one
    first = {way.split(",")[0] for way in verdict.wire.split("|")}
    if seen not in first and trace.outcome.inferred and first & {"no_startup", "session"}:
        return None
    return seen in first


def consistent_with(verdicts: dict[str, Verdict], trace: Trace) -> list[str]:
    """The sslmodes that this capture does not contradict."""
    return [mode for mode, verdict in verdicts.items() if agrees(verdict, trace) is not False]


def known(trust: Trust) -> bool:
    """Whether host and roots were told: only then can a verdict be held against a capture."""
    return not isinstance(trust.host, Unknown) and not isinstance(trust.roots, Unknown)
