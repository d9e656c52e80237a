"""Replaying a client's checks, and comparing what it would do with what a capture shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.certificates import Presented
from tracer.verify import clients, remembered
from tracer.verify.evidence import Evidence, agrees, consistent_with, evidence, left, observed
from tracer.verify.model import SSLMODES, UNKNOWN, Check, Trust, Unknown, Unusable, Verdict

if TYPE_CHECKING:
    from tracer.trace import Trace

__all__ = [
    "SSLMODES",
    "UNKNOWN",
    "Check",
    "Evidence",
    "Trust",
    "Unusable",
    "Verdict",
    "agrees",
    "clients",
    "consistent_with",
    "evidence",
    "known",
    "left",
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
    return remembered.table(presented, trust, clients.get(client) if isinstance(client, str) else client)


def known(trust: Trust) -> bool:
    """Whether host and roots were told: only then can a verdict be held against a capture."""
    return not isinstance(trust.host, Unknown) and not isinstance(trust.roots, Unknown)
