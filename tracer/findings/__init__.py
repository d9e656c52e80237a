"""Things worth saying about a trace, or about several together: one function per observation, two tables at the bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from tracer.findings import encryption, endings, identity, several
from tracer.findings.identity import with_roots
from tracer.findings.model import Finding, by_weight
from tracer.findings.sketch import Sketch, sketch, told_apart
from tracer.trace import Trace

__all__ = ["EACH", "TOGETHER", "Finding", "Sketch", "explain", "sketch", "together", "with_roots"]

MOST = 20  # findings of one kind about several connections


def explain(*traces: Trace) -> list[Finding]:
    """What is worth saying about each trace, and about all of them together; the heaviest first."""
    found = []
    for trace in traces:
        found += [replace(finding, connections=(trace.connection.id,)) for look in EACH for finding in look(trace)]
    compared = together([sketch(trace) for trace in traces]) if len(traces) > 1 else []
    return sorted([*compared, *found], key=by_weight)


def together(seen: Sequence[Sketch]) -> list[Finding]:
    """What the sketches of several connections show together; the heaviest first."""
    in_order = sorted(told_apart(seen), key=lambda one: (one.started, one.id))
    return sorted((f for look in TOGETHER for f in islice(look(in_order), MOST)), key=by_weight)


# TABLES

EACH: tuple[Callable[[Trace], Iterator[Finding]], ...] = (
    encryption.bytes_behind_answer,
    encryption.plaintext,
    encryption.cancel_request,
    encryption.password,
    encryption.downgrade,
    endings.error_before_tls,
    endings.not_postgres,
    endings.no_client_hello,
    endings.no_direct_tls,
    endings.closed,
    endings.client_alert,
    endings.server_alert,
    encryption.old_version,
    encryption.weak_cipher,
    encryption.no_forward_secrecy,
    identity.certificates,
    endings.client_certificate,
    encryption.resumed,
    encryption.renegotiated,
    encryption.no_server_name,
    encryption.gssapi,
    endings.gap,
    endings.rewritten,
    endings.urgent,
)
TOGETHER: tuple[Callable[[Sequence[Sketch]], Iterator[Finding]], ...] = (
    several.came_back_in_plaintext,
    several.siblings,
    several.server_changed,
    several.refused_again,
    several.mixed_modes,
)
