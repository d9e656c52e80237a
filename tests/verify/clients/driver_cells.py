"""What the tests of the drivers' profiles share: a good server, and one line that says what a driver did with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import tracer
from tracer.certificates import from_pem
from tracer.outcome import Ended
from tracer.verify.model import Roots

CAPTURES = Path(__file__).resolve().parents[3] / "captures"
HOST, OTHER, FILE = "my-rds.example.test", "other.example.test", "/etc/roots.pem"
Cell = tuple[str, str | None, str | None]  # outcome, wire, text


@cache
def trace() -> tracer.Trace:
    """The story of a client that checks everything, in TLS 1.3."""
    source = tracer.read(CAPTURES / "verify-full" / "capture.pcapng")
    return next(tracer.follow(connection, source.keys) for connection in tracer.reassemble(source))


@cache
def roots(kind: str) -> tuple[Roots, str | None]:
    """A root file of that kind, and its name."""
    return {
        "good": (from_pem((CAPTURES / "verify-full" / "roots.pem").read_bytes()), FILE),
        "bad": (from_pem((CAPTURES / "wrong-root" / "roots.pem").read_bytes()), FILE),
        "absent": (None, FILE),
        "garbage": (tracer.Unusable("no certificate or crl found"), FILE),
        "": (None, None),
        "unknown": (tracer.UNKNOWN, None),
        "system": ("system", None),
    }[kind]


def verdict(
    client: str, mode: str, file: str, host: str = HOST, *, late: bool = False, **shown: object
) -> tracer.Verdict:
    """What a client says of that server; `late`, when its certificate has ended; `shown` is what else it presented."""
    found, path = roots(file)
    presented = replace(trace().presented, **shown)
    time = trace().time + timedelta(days=500 * late)
    return tracer.replay(
        presented, tracer.Trust(host=host, sslmode=mode, roots=found, root_path=path, time=time), client
    )


def cell(client: str, mode: str, file: str, host: str = HOST, **shown: object) -> Cell:
    """Outcome, wire, and the text as far as it is known."""
    said = verdict(client, mode, file, host, **shown)
    return said.outcome, said.wire, said.prints


def without_tls(client: str, mode: str, answer: str | None = "N", *, refused: bool = False) -> Cell:
    """What a client does behind an answer that is not S; `refused`: the server refuses plaintext as well."""
    ended = Ended("error", "before_tls", text="FATAL:  no encryption") if refused else None
    if answer is None and not refused:
        ended = Ended("closed", "before_tls")
    return cell(client, mode, "good", certificates=None, version=None, answer=answer, ended=ended, authentication=None)


TLS: Cell = ("accept", "session", None)
CLEAR: Cell = ("plaintext", "unasked", None)
BEHIND_N: Cell = ("plaintext", "plaintext", None)
