"""What is remembered of a connection to compare it with others: small, whatever the connection held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from tracer.findings.chains import Chain, chain
from tracer.findings.identity import called, issuer_of, names_of
from tracer.findings.model import shorten
from tracer.protocol.fields import every
from tracer.trace import Trace
from tracer.verify.extensions import facts
from tracer.verify.names import match
from tracer.verify.syntax import folded

FAILED = ("refused_by_client", "refused_by_server", "closed")
FEW_NAMES = 8  # of a certificate


@dataclass(frozen=True, slots=True)
class Authority:
    """The CA of a chain. `proven`: it was sent, and the signatures up to it are good; else the chain only names it."""

    name: str
    key: str
    proven: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What a server showed: its own certificate by its hash and names, and who vouches for it."""

    leaf: str
    called: str
    names: tuple[str, ...]
    begins: datetime | None
    authority: Authority | None  # None: it vouches for itself


@dataclass(frozen=True, slots=True)
class Sketch:
    """One connection: who with whom, how, and how it ended."""

    id: int
    started: datetime
    last: datetime  # when the last message was said
    client: str
    server: str
    server_name: str | None
    transport: str | None
    asked: bool  # for TLS, or began with it
    kind: str
    reason: str
    retried: bool  # prefer would come back in plaintext
    startup: tuple[str, str] | None  # user and database, where they were seen
    shown: Shown | None
    misnamed: bool  # the client asked for a name, and the certificate has another
    capture: str = ""
    named: str = ""  # how a sentence calls it, where its number alone is not enough

    @property
    def label(self) -> str:
        """Its number, and the capture's name where another capture has that number, too."""
        return self.named or str(self.id)

    @property
    def session(self) -> bool:
        """Whether it became a session inside TLS."""
        return self.kind == "established" and self.transport == "tls"


def sketch(trace: Trace) -> Sketch:
    tcp, outcome, found = trace.connection, trace.outcome, chain(trace)
    name = trace.tls.server_name if trace.tls else None
    return Sketch(
        id=tcp.id,
        started=tcp.started,
        last=trace.messages[-1].time if trace.messages else tcp.started,
        client=tcp.client.address,
        server=str(tcp.server),
        server_name=shorten(name) if name else None,
        transport=trace.transport,
        asked=trace.transport == "tls" or trace.asked_for_tls,
        kind=outcome.kind,
        reason=shorten(f"alert {outcome.alert.description}" if outcome.alert else outcome.because),
        retried=retried(trace),
        startup=startup(trace),
        shown=shown(found) if found else None,
        misnamed=bool(found and name and match(found.leaf, name).matched is None),
        capture=tcp.capture,
    )


def told_apart(seen: Sequence[Sketch]) -> list[Sketch]:
    """The same; where two captures have a number in common, each is called by its number and its capture."""
    numbers = {(one.id, one.capture) for one in seen}
    if len(numbers) == len({number for number, _ in numbers}):
        return list(seen)
    return [replace(one, named=f"{one.id} of {shorten(one.capture)}") for one in seen]


def retried(trace: Trace) -> bool:
    """Whether a client with sslmode=prefer comes back in plaintext (fe-connect.c, PQconnectPoll).

    It does when TLS was agreed on and failed up to the end of the handshake, or when the server refused the session in
    it. A name is compared behind the handshake, and not by prefer; nor may it begin with TLS.
    """
    outcome, ended = trace.outcome, trace.presented.ended
    if trace.transport != "tls" or trace.preamble == "direct" or outcome.kind not in FAILED:
        return False
    if outcome.where in ("before_tls", "in_handshake"):
        return True
    return ended is not None and ended.how == "error" and not trace.presented.admitted


def startup(trace: Trace) -> tuple[str, str] | None:
    """Who wants to go where: the database is named like the user where it is not named."""
    message = trace.of("StartupMessage", "client")
    if message is None or message.problem:
        return None
    given = [tuple(part.value for part in field.parts) for field in every(message.fields, "parameter")]
    words = {str(name): shorten(str(value)) for name, value in given}
    user = words.get("user", "")
    return user, words.get("database", user)


def shown(found: Chain) -> Shown:
    leaf = found.leaf
    names = tuple(shorten(name) for name in names_of(leaf)[:FEW_NAMES])
    return Shown(leaf.sha256, called(leaf), names, leaf.not_before, authority(found))


def authority(found: Chain) -> Authority | None:
    if found.rooted:
        return Authority(called(found.top), digest(found.top.spki), found.signed) if len(found.path) > 1 else None
    wanted = facts(found.top).authority_key_id
    named = repr(folded(found.top.issuer_der)).encode()
    return Authority(issuer_of(found.top), digest(named, (wanted and wanted.key_id) or b""), proven=False)


def digest(*parts: bytes) -> str:
    return sha256(b"".join(parts)).hexdigest()
