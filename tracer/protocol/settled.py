"""What reassembly asks about a connection in flight: pure functions of the bytes seen so far."""

from __future__ import annotations

from typing import Literal

from tracer.protocol.postgres import offers_postgresql, recognise, recognise_server
from tracer.protocol.records import APPLICATION_DATA, is_header, records

READY = b"Z\0\0\0\5"


def is_postgres(client: bytes, server: bytes, all_tls: bool) -> Literal["client", "server", "more"] | None:
    """Whether a side's first bytes are those of a PostgreSQL client ("client") or server ("server").

    "more": too few bytes to tell. None: no PostgreSQL, or nothing said yet. `server` is what the other side said.
    """
    if not client:
        return None
    speech = recognise(client)
    if speech == "more":
        return "more"
    if speech == "TLS":
        if all_tls or server[:1] == b"S":
            return "client"
        offers = offers_postgresql(client)
        return "more" if offers is None else "client" if offers else None
    if speech is not None:
        return "client"
    if recognise_server(client):
        return "server"
    return "more" if b"S\x16\x03".startswith(client[:3]) else None


def ends_in_alert(data: bytes | bytearray) -> bool:
    """Whether a side's bytes end with a fatal alert in clear."""
    return len(data) >= 7 and data[-7] == 21 and data[-6] == 3 and data[-4:-2] == b"\0\2" and data[-2] == 2


def _tls_at(client: bytes | bytearray, server: bytes | bytearray) -> bool:
    return server[:1] == b"S" or is_header(bytes(client[:8]), 0)


def spoke_both_ways(client: bytes, server: bytes) -> bool:
    """Whether both sides have sent application data; in plaintext, whether the server said ReadyForQuery."""
    if not _tls_at(client, server):
        return READY in server
    start = 8 if server[:1] == b"S" else 0
    return _sealed(client, _first_record(client, start)) and _sealed(server, _first_record(server, 1 if start else 0))


def _first_record(data: bytes, at: int) -> int:
    """Skip requests and answers in front of TLS: GSSENCRequest may come before SSLRequest."""
    while at < min(len(data), 24) and not is_header(data, at):
        at += 1
    return at


def _sealed(data: bytes, at: int) -> bool:
    return any(record.type == APPLICATION_DATA for record in records(data, at))
