"""What reassembly asks about a connection in flight: pure functions of the bytes seen so far."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby, takewhile
from typing import Literal

from tracer.protocol.handshake import HEADER, TLS_1_3, message
from tracer.protocol.postgres import SSL_REQUEST, offers_postgresql, recognise, recognise_server
from tracer.protocol.records import APPLICATION_DATA, HANDSHAKE, Record, records
from tracer.protocol.session import Session, learn

Marks = Sequence[tuple[int, int]]  # an offset, and the packet with which the bytes before it were complete


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


def lost_request(offset: int, client: bytes, server: bytes) -> bool:
    """Whether only the SSLRequest was not captured: `S`, and a ClientHello at the offset behind a gap of its size.

    The offset counts from the client's SYN. Nothing else that is 8 bytes long is answered with `S`.
    """
    said = server == b"S" or recognise_server(server)
    return offset == len(SSL_REQUEST) and said and recognise(client) == "TLS"


def ends_in_alert(data: bytes | bytearray) -> bool:
    """Whether a side's bytes end with a fatal alert in clear, in one record or in two of a byte each."""
    end = bytes(data[-12:])
    return FATAL_ALERT.search(end) is not None


def began(client: bytes, server: bytes, client_marks: Marks, server_marks: Marks) -> bool | None:
    """Whether a session has begun, and the server has answered what the client said last; None: perhaps.

    In plaintext ReadyForQuery says so. Up to TLS 1.2 every record of type application_data is that. In TLS 1.3 the
    handshake's end is sealed in such records, too: the server's flight, the client's, and the server's tickets, and the
    client's first words may come with its Finished. What answers a second flight of the client is a session.
    """
    starts = _tls_starts(client, server)
    if starts is None:
        return READY in server
    ours, theirs = list(records(client, starts[0])), list(records(server, starts[1]))
    said, heard = _application(ours, client_marks), _application(theirs, server_marks)
    turns = _turns(said, heard)
    version = _version(server, theirs)
    if version is not None and version < TLS_1_3:
        return turns.endswith("cs")
    turns = turns[turns.find("s") :]  # early data come in front of that
    if turns.endswith("scscs"):
        return True
    # one record is the Finished alone; one of the server's behind the second is an answer, or a ticket
    return None if turns.endswith("scs") and len([n for n in said if n >= heard[0]]) > 1 else False


def _tls_starts(client: bytes, server: bytes) -> tuple[int, int] | None:
    """The offsets at which TLS begins, behind the requests and answers in front of it."""
    at = answers = 0
    while (speech := recognise(client[at : at + 8])) in ("SSLRequest", "GSSENCRequest"):
        answer = server[answers : answers + 1]
        at, answers = at + len(SSL_REQUEST), answers + 1
        if speech == "SSLRequest" and answer == b"S":
            return at, answers
        if answer != b"N":
            return None
    if speech == "TLS":
        return at, answers + (server[answers : answers + 1] == b"S")
    return None


def _version(server: bytes, found: list[Record]) -> int | None:
    """The version that the ServerHello settles; None until it is whole."""
    said = b"".join(server[r.body : r.stop] for r in takewhile(lambda r: r.type == HANDSHAKE, found))
    hello = said[: HEADER + int.from_bytes(said[1:HEADER], "big")]
    if len(said) <= HEADER or len(hello) > len(said):
        return None
    session = Session()
    kind, read = message(hello, None, "")
    learn(session, "server", kind, hello, read)
    return session.version


def _application(found: list[Record], marks: Marks) -> list[int]:
    """The packets with which the records of type application_data were complete."""
    ends = [record.stop for record in found if record.type == APPLICATION_DATA and not record.cut]
    return [marks[bisect_left(marks, (stop,))][1] for stop in ends]


def _turns(client: list[int], server: list[int]) -> str:
    """Who spoke, turn by turn: `c` or `s`, from the packets in which each one's records came."""
    said = sorted([(number, "c") for number in client] + [(number, "s") for number in server])
    return "".join(sender for sender, _ in groupby(sender for _, sender in said))


# TABLES

READY = b"Z\0\0\0\5"
FATAL_ALERT = re.compile(rb"\x15\x03[\x00-\x04](?:\x00\x02\x02.|\x00\x01\x02\x15\x03[\x00-\x04]\x00\x01.)\Z", re.DOTALL)
