"""A cell of the matrix: what a real libpq did beside what the replay says, in words that can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import tracer
from tests.differential.certificates import Server
from tests.differential.lab import Answer
from tests.verify import pki
from tracer.verify import SSLMODES, clients, consistent_with, observed
from tracer.verify.clients import Client
from tracer.verify.model import Trust, Verdict

PREFIX = re.compile(r'^connection to server at "[^"]*"(?: \([^)]*\))?, port \d+ failed: ', re.MULTILINE)


@dataclass(frozen=True)
class Profile:
    """A libpq of this machine as the replay knows it: client, OpenSSL, and the security level that it was built with."""

    client: str
    openssl: str
    level: int

    def replayed(self) -> Client:
        return clients.get(self.client, openssl=self.openssl)

    def since(self, version: int) -> bool:
        return int(self.client.removeprefix("libpq-")) >= version


SYSTEM = pki.openssl3()
PROFILES = {
    "deb15": Profile("libpq-15", ".".join(map(str, SYSTEM.number)) if SYSTEM else "3.0", 2),
    "psy17": Profile("libpq-17", "3.5", 2),
    "psy18": Profile("libpq-18", "3.5", 2),
    **{f"npm{version}": Profile(f"libpq-{version}", "1.1.1", 1) for version in range(12, 19)},
}


@dataclass(frozen=True)
class Seen:
    """What came of one attempt to connect: the outcome, what was printed, and the client's way on each connection."""

    outcome: str
    printed: str | None
    wire: tuple[str, ...]


def real(answer: Answer) -> Seen:
    """What a libpq did, without the prefix that names the server."""
    text = answer.printed.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    printed = PREFIX.sub("", text).removesuffix("\n")
    return Seen(answer.outcome, printed, tuple(observed(trace) or "?" for trace in answer.traces))


def predicted(verdict: Verdict) -> Seen:
    """What the replay says."""
    printed = verdict.prints if verdict.outcome == "refuse" else ""
    # what is wired behind a comma comes on a second connection
    ways = () if verdict.wire == "nothing" else tuple((verdict.wire or "?").split(","))
    return Seen(verdict.outcome, printed, ways)


def presented(server: Server) -> tracer.Presented:
    """What a server of the table shows, as somebody would know who has its certificates and no capture."""
    return tracer.Presented.from_der([issued.der for issued in server.sends])


def differences(answer: Answer, verdict: Verdict) -> Iterator[str]:
    """Where a real libpq and a verdict differ."""
    did, said = real(answer), predicted(verdict)
    if did.outcome != said.outcome:
        yield f"outcome: the client {did.outcome}, the replay {said.outcome}"
    if did.printed != said.printed:
        yield f"printed: the client {did.printed!r}, the replay {said.printed!r}"
    if len(did.wire) != len(said.wire) or any(a not in b.split("|") for a, b in zip(did.wire, said.wire, strict=True)):
        yield f"wire: the client {did.wire}, the replay {said.wire}"


def contradictions(answer: Answer, trust: Trust, profile: Profile) -> Iterator[str]:
    """Where the client's own capture, opened or sealed, does not agree with the verdict on it."""
    for label, traces in (("opened", answer.traces), ("sealed", answer.sealed)):
        for trace in traces[:1]:
            table = tracer.table(trace, replace(trust, time=trace.time), profile.replayed())
            verdict = table[trust.sslmode]
            agrees = tracer.agrees(verdict, trace)
            if agrees is False or (agrees is None and label == "opened" and verdict.outcome != "cannot_tell"):
                yield f"{label}: agrees {agrees}, {observed(trace)} beside {verdict.wire}"
            if trust.sslmode not in (modes := consistent_with(table, trace)):
                yield f"{label}: consistent with {', '.join(modes)} and not with {trust.sslmode}"
            if set(SSLMODES) - set(table):
                yield f"{label}: the table is not whole"
