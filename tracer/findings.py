"""Things worth saying about a trace, or about several together: one function per observation, a table at the bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from tracer.trace import Trace


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation: which message shows it, where the rule stands, and the ids of the connections it is about."""

    kind: str
    text: str
    message: int | None = None
    spec: str | None = None
    connections: tuple[int, ...] = ()


def explain(*traces: Trace) -> list[Finding]:
    """What is worth saying about each trace, then about all of them together."""
    found = []
    for trace in traces:
        found += [replace(finding, connections=(trace.connection.id,)) for look in EACH for finding in look(trace)]
    return found + [finding for look in TOGETHER for finding in look(traces)]


def bytes_behind_answer(trace: Trace) -> Iterator[Finding]:
    """Somebody put bytes in front of the encryption, to be read as if they had come inside it."""
    message = trace.of("UnencryptedData", "server")
    if message is not None:
        yield Finding(
            "bytes_behind_answer",
            f"{message.length} bytes that are not TLS stood behind the answer S. Whoever is on the path can put them there. A client that does "
            "not throw them away reads them as if they were protected; libpq refuses since its releases of November 2021.",
            message.index,
            "CVE-2021-23222",
        )


def went_on_in_plaintext(trace: Trace) -> Iterator[Finding]:
    if trace.outcome.kind == "plaintext" and trace.negotiation:
        yield Finding(
            "plaintext",
            "The client asked for TLS, was told no, and went on in plaintext: everything behind this can be read and changed on the way. "
            "Anybody on the path can say N. sslmode=require and above would have stopped here.",
            trace.negotiation[-1].message,
            "PostgreSQL documentation, 34.19.3",
        )


def password_in_clear(trace: Trace) -> Iterator[Finding]:
    asked = trace.of("AuthenticationCleartextPassword", "server")
    if asked is not None and not asked.protected:
        yield Finding(
            "password_in_clear",
            "The server asks for the password in clear, on a connection that is not encrypted.",
            asked.index,
        )


def gap(trace: Trace) -> Iterator[Finding]:
    for sender in ("client", "server"):
        stream = trace.connection.stream("client" if sender == "client" else "server")
        for start, stop in stream.gaps[:3]:
            yield Finding(
                "gap",
                f"Bytes {start} to {stop} of what the {sender} sent are not in the capture; what stood there is not known.",
            )


def came_back_in_plaintext(traces: Sequence[Trace]) -> Iterator[Finding]:
    """TLS was refused by the client, and the same client comes back without it: prefer's silent retry."""
    refused: dict[tuple[str, str, int], Trace] = {}
    for trace in sorted(traces, key=lambda t: t.connection.started):
        connection = trace.connection
        key = (connection.client.address, connection.server.address, connection.server.port)
        before = refused.pop(key, None)
        near = before is not None and (connection.started - before.connection.started).total_seconds() < RETRY_SECONDS
        if before is not None and near and trace.preamble == "plaintext":
            how = f"alert {before.outcome.alert.description}" if before.outcome.alert else before.outcome.because
            yield Finding(
                "came_back_in_plaintext",
                f"The client refused the server of connection {before.connection.id} ({how}) and came back on connection {connection.id} in "
                "plaintext, without a word to its user. That is sslmode=prefer: an attacker only has to make TLS fail.",
                connections=(before.connection.id, connection.id),
                spec="PostgreSQL: fe-connect.c, PQconnectPoll",
            )
        if trace.outcome.kind in ("refused_by_client", "refused_by_server") and trace.transport == "tls":
            refused[key] = trace


RETRY_SECONDS = 5.0  # libpq comes back at once

EACH: tuple[Callable[[Trace], Iterator[Finding]], ...] = (
    bytes_behind_answer,
    went_on_in_plaintext,
    password_in_clear,
    gap,
)
TOGETHER: tuple[Callable[[Sequence[Trace]], Iterator[Finding]], ...] = (came_back_in_plaintext,)
