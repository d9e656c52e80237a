"""All that is made of one connection, by whichever process looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tracer.commands.options import Question, asked_status
from tracer.part import Form, Part, Wanted, part
from tracer.protocol.fields import content, first
from tracer.protocol.keys import PREMASTER, Keys
from tracer.serverkey import load
from tracer.streams import Connection
from tracer.trace import Trace, follow


class Job(NamedTuple):
    """What every process is told: the same for all captures."""

    question: Question
    form: Form
    key_log: bytes = b""
    server_key: str | None = None
    via: str | None = None
    all_tls: bool = False

    def keys(self) -> Keys:
        """What was given beside a capture. Raises `TracerError`."""
        found = Keys(decrypt=load(self.server_key) if self.server_key else None)
        found.add(self.key_log)
        return found


class Told(NamedTuple):
    """What was made of a connection: how it ended, the exit status that was asked for, and what may be written of it.

    `randoms`: by what a key log names it.
    """

    kind: str
    status: int
    part: Part
    randoms: tuple[bytes, ...] = ()


def looked_at(job: Job, connection: Connection, keys: Keys, wanted: Wanted) -> Told:
    """All that is made of one connection."""
    trace = follow(connection, keys)
    found = job.question.about(trace)
    said = tuple(randoms(trace)) if job.key_log else ()
    return Told(trace.outcome.kind, asked_status(found), part(found, job.form, wanted), said)


def randoms(trace: Trace) -> Iterator[bytes]:
    """By what a key log names the secrets of a connection."""
    for message in trace.messages:
        if message.kind == "ClientHello":
            random = first(message.fields, "random")
            if random is not None and isinstance(random.value, bytes):
                yield random.value
        elif message.kind == "ClientKeyExchange":
            sealed = first(message.fields, "encrypted_pre_master_secret")
            if sealed is not None:
                yield content(sealed)[:PREMASTER]  # as a line `RSA` does
