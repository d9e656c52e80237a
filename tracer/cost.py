"""What a connection cost before its first query could go: round trips, bytes and seconds, by phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from tracer.trace import Message, Trace


@dataclass(frozen=True, slots=True)
class Cost:
    """`seconds` by phase: connect (SYN to the first message), negotiate, handshake, authenticate; None if not seen."""

    round_trips: int
    bytes_client: int
    bytes_server: int
    seconds: Mapping[str, float | None]


def cost(trace: Trace) -> Cost:
    """Measured up to ReadyForQuery where it was opened, else over what the capture shows."""
    end = trace.of("ReadyForQuery")
    messages = [m for m in trace.messages if end is None or m.index <= end.index]
    waited = [m for m in messages if m.kind != "NewSessionTicket"]  # nobody waits for these
    turns = sum(1 for a, b in pairwise(waited) if (a.sender, b.sender) == ("client", "server"))
    return Cost(
        round_trips=turns + (1 if trace.connection.whole else 0),
        bytes_client=_bytes(messages, "client"),
        bytes_server=_bytes(messages, "server"),
        seconds=_seconds(trace, messages),
    )


def _bytes(messages: list[Message], sender: str) -> int:
    return max((m.spans[-1][1] for m in messages if m.sender == sender), default=0)


def _seconds(trace: Trace, messages: list[Message]) -> dict[str, float | None]:
    hello = next((m for m in messages if m.kind == "ClientHello"), None)
    end = trace.presented.seen.get("name")  # both sides' Finished: of one that is sealed nobody knows when it came
    finished = None if end is None else trace.messages[end]
    ready = next((m for m in messages if m.kind == "ReadyForQuery"), None)
    start = messages[0] if messages else None

    def between(a: Message | None, b: Message | None) -> float | None:
        return None if a is None or b is None else round((b.time - a.time).total_seconds(), 6)

    connect = None
    if start is not None and trace.connection.whole:
        connect = round((start.time - trace.connection.started).total_seconds(), 6)
    return {
        "connect": connect,
        "negotiate": between(start, hello) if trace.preamble != "direct" else 0.0,
        "handshake": between(hello, finished),
        "authenticate": between(finished, ready),
    }
