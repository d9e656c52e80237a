"""What the tests of findings share."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import tracer
from tests import authority
from tests.authority import Identity
from tests.wire import Tls, follow, packets, source
from tracer.findings import Finding, explain
from tracer.packets.source import Packet
from tracer.protocol.keys import Keys
from tracer.trace import Trace

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
WHEN = datetime(2026, 6, 1, tzinfo=UTC)


def kinds(*traces: Trace) -> list[str]:
    return [finding.kind for finding in explain(*traces)]


def only(kind: str, *traces: Trace) -> Finding:
    """The one finding of that kind."""
    (finding,) = [finding for finding in explain(*traces) if finding.kind == kind]
    return finding


def story(name: str) -> list[Trace]:
    """The traces of a story's capture."""
    read = tracer.read(CAPTURES / name / "capture.pcapng")
    return [tracer.follow(connection, read.keys) for connection in tracer.reassemble(read)]


def at(given: list[Packet], when: datetime) -> list[Packet]:
    """The same packets, begun at that time."""
    shift = when.timestamp() - given[0].time
    return [packet._replace(time=packet.time + shift) for packet in given]


@cache
def shake(*chain: Identity, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2, **how: object) -> Tls:
    """A handshake with a server that shows this chain."""
    return Tls(version, identity=authority.files(*chain), **how).run()  # type: ignore[arg-type]


def shown(*chain: Identity, when: datetime = WHEN, **how: object) -> Trace:
    """The trace of a session with a server that shows this chain."""
    made = shake(*chain, **how)
    return follow(at(packets(made.preambled()), when), made.keys())


def healthy(**how: object) -> Trace:
    """A session as it should be."""
    return shown(authority.server(), authority.subordinate(), **how)


def capture(*connections: list[Packet], logs: Iterable[bytes] = (), apart: float = 1.0) -> list[Trace]:
    """One capture with these connections of one client to one server, `apart` seconds from each other."""
    given: list[Packet] = []
    for place, made in enumerate(connections):
        moved = at(made, WHEN + timedelta(seconds=place * apart))
        given += [p._replace(flow=_port(p.flow, place), number=len(given) + i + 1) for i, p in enumerate(moved)]
    keys = Keys()
    for log in logs:
        keys.add(log)
    return [tracer.follow(connection, keys) for connection in tracer.reassemble(source(given))]


def _port(flow: bytes, place: int) -> bytes:
    """The flow with a client's port of its own."""
    return flow.replace((40000).to_bytes(2, "big"), (40000 + place).to_bytes(2, "big"))


def error(code: str, text: str) -> bytes:
    """A server's FATAL ErrorResponse."""
    fields = f"SFATAL\0C{code}\0M{text}\0\0".encode()
    return b"E" + (4 + len(fields)).to_bytes(4, "big") + fields
