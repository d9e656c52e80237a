"""What a connection cost before anybody was asked for a password: round trips, bytes and seconds, by phase.

The password exchange behind that is the same for every sslmode, and hashing takes longer than all the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from tracer.trace import Message, Trace

PHASES = ("connect", "negotiate", "handshake", "authenticate")


@dataclass(frozen=True, slots=True)
class Cost:
    """`seconds` by phase, None if not seen.

    `connect` is from the SYN to the client's first byte, `negotiate` from there to its ClientHello, `handshake` to both
    sides' Finished, `authenticate` to the server's first word about authentication.
    """

    round_trips: int
    bytes_client: int
    bytes_server: int
    seconds: Mapping[str, float | None]

    @property
    def total(self) -> float | None:
        """Seconds from the SYN to the authentication request; None where that was not seen."""
        if self.seconds["connect"] is None or self.seconds["authenticate"] is None:
            return None
        return sum(seconds for seconds in self.seconds.values() if seconds is not None)


def cost(trace: Trace) -> Cost:
    """Measured up to the authentication request where it was seen, else over what the capture shows."""
    end = _asked(trace)
    messages = [m for m in trace.messages if end is None or m.index <= end.index]
    waited = [m for m in messages if m.kind != "NewSessionTicket"]  # nobody waits for these
    turns = sum(1 for a, b in pairwise(waited) if (a.sender, b.sender) == ("client", "server"))
    return Cost(
        round_trips=turns + (1 if trace.connection.whole else 0),
        bytes_client=_bytes(messages, "client"),
        bytes_server=_bytes(messages, "server"),
        seconds=_seconds(trace, end),
    )


def _asked(trace: Trace) -> Message | None:
    return next((m for m in trace.messages if m.sender == "server" and m.kind.startswith("Authentication")), None)


def _bytes(messages: list[Message], sender: str) -> int:
    return max((m.spans[-1][1] for m in messages if m.sender == sender), default=0)


def _seconds(trace: Trace, end: Message | None) -> dict[str, float | None]:
    start = trace.messages[0] if trace.messages else None
    hello = trace.of("ClientHello", "client")
    done = trace.presented.seen.get("name")  # both sides' Finished: of one that is sealed nobody knows when it came
    finished = None if done is None else trace.messages[done]

    def between(a: Message | None, b: Message | None) -> float | None:
        return None if a is None or b is None else round((b.time - a.time).total_seconds(), 6)

    connect = None
    if start is not None and trace.connection.whole:
        connect = round((start.time - trace.connection.started).total_seconds(), 6)
    negotiated = hello or trace.of("StartupMessage", "client")
    return {
        "connect": connect,
        "negotiate": between(start, negotiated) if trace.preamble != "direct" else 0.0,
        "handshake": between(hello, finished),
        "authenticate": between(finished if hello is not None else negotiated, end),
    }
