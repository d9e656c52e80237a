"""A cell of the matrix: what a real libpq did beside what the replay says, in words that can be compared."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import tracer
from tests.differential.certificates import Issued, Server, ca
from tests.differential.lab import Answer
from tracer import rootfile
from tracer.certificates import Certificate
from tracer.outcome import Ended
from tracer.verify import SSLMODES, clients, consistent_with, observed
from tracer.verify.clients import Client
from tracer.verify.model import Trust, Verdict

PREFIX = re.compile(r'^connection to server at "[^"]*"(?: \([^)]*\))?, port \d+ failed: ', re.MULTILINE)


@dataclass(frozen=True)
class Profile:
    """A libpq of this machine as the replay knows it: client, OpenSSL, security level."""

    client: str
    openssl: str
    level: int

    def replayed(self) -> Client:
        return clients.get(self.client, openssl=self.openssl)


@dataclass(frozen=True)
class Seen:
    """What came of one attempt to connect: the outcome, what was printed, and the client's way on each connection."""

    outcome: str
    printed: str
    wire: tuple[str, ...]


def real(answer: Answer) -> Seen:
    """What a libpq did, without the prefix that names the server."""
    printed = PREFIX.sub("", answer.printed).removesuffix("\n")
    return Seen(answer.outcome, printed, tuple(observed(trace) or "?" for trace in answer.traces))


def predicted(verdict: Verdict) -> Seen:
    """What the replay says."""
    # what is wired behind a comma comes on a second connection, in plaintext and without an SSLRequest
    ways = (
        () if verdict.wire == "nothing" else tuple((verdict.wire or "?").replace(",plaintext", ",unasked").split(","))
    )
    return Seen(verdict.outcome, verdict.prints or "", ways)


def presented(server: Server) -> tracer.Presented:
    """What a server of the table shows, as somebody would know who has its certificates and no capture."""
    return tracer.Presented.from_der([issued.der for issued in server.sends])


def problems(profile: Profile, seen: Seen, verdict: Verdict) -> list[str]:
    """Where a real libpq and the replay differ."""
    wanted = predicted(verdict)
    found = [
        f"{field}: the client {getattr(seen, field)!r}, the replay {getattr(wanted, field)!r}"
        for field in ("outcome", "printed")
        if getattr(seen, field) != getattr(wanted, field)
    ]
    if not _same_wire(seen.wire, wanted.wire):
        found.append(f"wire: the client {seen.wire}, the replay {wanted.wire}")
    return found


def _same_wire(seen: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return len(seen) == len(wanted) and all(a in b.split("|") for a, b in zip(seen, wanted, strict=True))
