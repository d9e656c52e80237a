"""Many captures to one table: a capture's connections as rows of plain values, and what of it could not be read.

A row holds what one connection showed, never what somebody makes of it: `None` is what the capture does not say.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from tracer.findings import Sketch, sketch
from tracer.findings.several import retries
from tracer.packets.source import Source, moment
from tracer.report import Report
from tracer.streams import reassemble
from tracer.trace import Trace, follow

Value = str | int | bool | list[str] | None
Row = list[Value]  # in the order of `COLUMNS`
WINDOW = 1000  # connections that are put in the order in which they began
VERIFYING = {"verify-ca", "verify-full"}
CHECKED = {"certificate_alert", "no_startup"}  # evidence that only a client leaves that looked at the certificate


class Capture(NamedTuple):
    """One capture that was read: what it held, as plain values. Moments are ISO 8601 in UTC.

    `again`: what kept it from being read lies outside of it, and may be over the next time.
    """

    rows: list[Row]
    problems: list[str]
    format: str | None = None
    packets: int = 0
    bytes: int = 0
    dropped: int | None = None
    first: str | None = None
    last: str | None = None
    again: bool = False


def audit(source: Source, about: Callable[[Trace], Report], key_log: bytes = b"") -> Capture:
    """Every connection of a capture; `about` judges one. Raises what reading raises."""
    source.keys.add(key_log)
    rows: dict[int, Row] = {}
    for _, after in retries(_in_order(_seen(source, about, rows))):
        rows[after.id][DOWNGRADED] = True
    counts = source.counts
    return Capture(
        [rows[number] for number in sorted(rows)],
        list(source.problems),
        source.format,
        counts.packets,
        counts.bytes,
        counts.dropped,
        None if counts.first is None else written(moment(counts.first)),
        None if counts.last is None else written(moment(counts.last)),
    )


def written(time: datetime) -> str:
    """ISO 8601 in UTC, to the microsecond, without a zone: as a TIMESTAMP is read."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def _seen(source: Source, about: Callable[[Trace], Report], rows: dict[int, Row]) -> Iterator[Sketch]:
    for connection in reassemble(source):
        found = about(follow(connection, source.keys))
        drawn = sketch(found.trace)
        rows[connection.id] = [column.read(found, drawn) for column in COLUMNS]
        yield drawn


def _in_order(seen: Iterable[Sketch]) -> Iterator[Sketch]:
    """As they began: they settle in another order."""
    held: list[tuple[datetime, int, Sketch]] = []
    for one in seen:
        heapq.heappush(held, (one.started, one.id, one))
        if len(held) > WINDOW:
            yield heapq.heappop(held)[2]
    while held:
        yield heapq.heappop(held)[2]


# WHAT A ROW HOLDS


def _negotiation(found: Report, _: Sketch) -> str | None:
    asked = [f"{each.request} {each.answer or '?'}" for each in found.trace.negotiation]
    return ", ".join(asked) or {"unknown": None}.get(found.trace.preamble, found.trace.preamble)


def _tls(name: str) -> Callable[[Report, Sketch], Value]:
    return lambda found, _: getattr(found.trace.tls, name, None)


def _fingerprint(found: Report, _: Sketch) -> str | None:
    sent = found.presented.certificates
    return sent[0].sha256 if sent else None


def _chain(found: Report, _: Sketch) -> str | None:
    sent = found.presented.certificates
    return hashlib.sha256(b"".join(one.der for one in sent)).hexdigest() if sent else None


def _expires(found: Report, _: Sketch) -> str | None:
    sent = found.presented.certificates
    return written(sent[0].not_after) if sent and sent[0].not_after else None


def _alert(found: Report, _: Sketch) -> str | None:
    alert = found.trace.outcome.alert
    return None if alert is None else f"{alert.description} ({alert.code}) from the {alert.sender}"


def _verifies(found: Report, drawn: Sketch) -> bool | None:
    """False: it went on where a mode that verifies would have left. True: it refused the server for its certificate."""
    if any(one.kind in CHECKED for one in found.evidence):
        return True
    session = drawn.kind in ("established", "plaintext") and drawn.transport in ("tls", "plaintext")
    left = set(found.consistent_with)  # none at all: a client that is not like the one that was replayed
    return False if session and left and not VERIFYING & left else None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its type in SQL, what it says, and how it is read off a connection."""

    name: str
    type: str
    what: str
    read: Callable[[Report, Sketch], Value]


COLUMNS = (
    Column("capture", "VARCHAR", "the file", lambda f, _: f.trace.connection.capture),
    Column("connection", "INTEGER", "its number in there, from 1", lambda _, s: s.id),
    Column("started", "TIMESTAMP", "when its first packet came, UTC", lambda _, s: written(s.started)),
    Column("client", "VARCHAR", "the client's address", lambda _, s: s.client),
    Column("client_port", "INTEGER", "and port", lambda f, _: f.trace.connection.client.port),
    Column(
        "user", "VARCHAR", "the role it asked for, where that could be read", lambda _, s: s.startup and s.startup[0]
    ),
    Column("database", "VARCHAR", "and the database", lambda _, s: s.startup and s.startup[1]),
    Column("server", "VARCHAR", "the server's address", lambda f, _: f.trace.connection.server.address),
    Column("server_port", "INTEGER", "and port", lambda f, _: f.trace.connection.server.port),
    Column("server_name", "VARCHAR", "the name that the client asked for (SNI)", lambda _, s: s.server_name),
    Column(
        "negotiation",
        "VARCHAR",
        "the requests in front of TLS, each with its answer; `direct`; `plaintext` where nothing was asked",
        _negotiation,
    ),
    Column("transport", "VARCHAR", "`tls`, `plaintext`, `gss` or `cancel`", lambda _, s: s.transport),
    Column("version", "VARCHAR", "the version of TLS", _tls("version")),
    Column("cipher_suite", "VARCHAR", "the cipher suite", _tls("cipher_suite")),
    Column("resumed", "BOOLEAN", "whether it resumed an earlier session: no certificate is sent then", _tls("resumed")),
    Column(
        "certificate",
        "VARCHAR",
        "what the server's certificate is called",
        lambda _, s: s.shown.called if s.shown else None,
    ),
    Column("fingerprint", "VARCHAR", "its SHA-256, as openssl prints it but for the colons", _fingerprint),
    Column("chain", "VARCHAR", "the SHA-256 of all certificates as they were sent, one behind the other", _chain),
    Column("expires", "TIMESTAMP", "when the server's certificate ends, UTC", _expires),
    Column(
        "authority",
        "VARCHAR",
        "the CA at the top of the chain, as far as it was sent; nothing for a certificate that vouches for itself",
        lambda _, s: s.shown.authority.name if s.shown and s.shown.authority else None,
    ),
    Column(
        "outcome",
        "VARCHAR",
        "`established`, `plaintext`, `refused_by_client`, `refused_by_server`, `closed` or `incomplete`",
        lambda _, s: s.kind,
    ),
    Column(
        "ended",
        "VARCHAR",
        "where it ended: `before_tls`, `in_handshake`, `after_handshake`",
        lambda f, _: f.trace.outcome.where,
    ),
    Column("alert", "VARCHAR", "the alert that ended it, with its number and its sender", _alert),
    Column("because", "VARCHAR", "how it ended, in words", lambda f, _: f.because),
    Column(
        "consistent_with",
        "VARCHAR[]",
        "the sslmodes that the capture does not contradict",
        lambda f, _: f.consistent_with,
    ),
    Column(
        "verifies",
        "BOOLEAN",
        "false: the client went on where verify-ca and verify-full both would have left; true: it refused the server for "
        "its certificate; else nobody can tell from this connection",
        _verifies,
    ),
    Column(
        "downgraded",
        "BOOLEAN",
        "in plaintext right after TLS had failed between the same two: sslmode=prefer's second attempt",
        lambda _, __: False,
    ),
    Column(
        "verify_ca",
        "VARCHAR",
        "what the client would do under sslmode=verify-ca: `accept`, `refuse`, `plaintext` or `cannot_tell`",
        lambda f, _: f.verdicts["verify-ca"].outcome,
    ),
    Column(
        "verify_full",
        "VARCHAR",
        "and under sslmode=verify-full",
        lambda f, _: f.verdicts["verify-full"].outcome,
    ),
    Column(
        "findings",
        "VARCHAR[]",
        "the kinds of what is worth knowing, the heaviest first",
        lambda f, _: list(dict.fromkeys(one.kind for one in f.findings)),
    ),
)
DOWNGRADED = next(at for at, column in enumerate(COLUMNS) if column.name == "downgraded")
