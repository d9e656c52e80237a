"""A connection to its trace: every message of both sides, in order, and what they settle.

`follow` never raises: bytes that are not what they should be are a message with a `problem`, and what no key opens is a
message of kind `Sealed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

from tracer.layers import Layer, Span
from tracer.packets.source import moment
from tracer.preamble import Answer, Preamble, Request, Transport, preamble
from tracer.protocol import postgres
from tracer.protocol.fields import Field, Fields, content, every, first, number, parse
from tracer.protocol.handshake import TLS_1_3, Read, certificate_message, decompressed
from tracer.protocol.keys import Keys, opener
from tracer.protocol.numbers import VERSIONS
from tracer.protocol.records import HANDSHAKE, Record, is_header
from tracer.protocol.session import Session
from tracer.segments import Arrival, Stream
from tracer.sides import Draft, Side
from tracer.speech import client_messages, server_messages
from tracer.streams import Connection, Sender
from tracer.summaries import summary
from tracer.tls import TlsSide

if TYPE_CHECKING:
    from tracer.certificates import Presented
    from tracer.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    `range` is into its side's handshake bytes, or into the plaintext of its record when that was opened; `spans` are
    the ranges of the TCP stream that carried it. `time` is when it was complete, `packet` the packet that completed it.
    """

    index: int
    time: datetime
    packet: int
    sender: Sender
    layer: str
    kind: str
    protected: bool
    opened: bool
    range: Span
    spans: tuple[Span, ...]
    data: bytes
    fields: tuple[Field, ...]
    problem: str | None
    summary: str

    @property
    def length(self) -> int:
        return len(self.data)

    @property
    def sealed(self) -> bool:
        return self.protected and not self.opened


@dataclass(frozen=True, slots=True)
class Negotiation:
    """A request in front of TLS and the one byte that answered it; `message` is the request's index."""

    request: str
    answer: Answer | None
    message: int | None


@dataclass(frozen=True, slots=True)
class Tls:
    """What the hellos and certificates settled; None is what stayed sealed or was not seen."""

    version: str | None
    cipher_suite: str | None
    group: str | None
    server_name: str | None
    alpn: str | None
    hello_retry_request: bool
    resumed: bool
    client_certificate: Literal["none", "requested", "sent"] | None
    keys: Literal["all", "some", "none"]


@dataclass(frozen=True)
class Trace:
    """Everything that one connection says, in order."""

    connection: Connection
    messages: tuple[Message, ...]
    records: dict[Sender, tuple[Record, ...]]
    negotiation: tuple[Negotiation, ...]
    preamble: Preamble
    answer: Answer | None
    transport: Transport | None
    tls: Tls | None

    @property
    def asked_for_tls(self) -> bool:
        """Whether there was an SSLRequest."""
        return any(n.request == "SSLRequest" for n in self.negotiation)

    def of(self, kind: str, sender: Sender | None = None) -> Message | None:
        """The first message of a kind."""
        for message in self._kinds.get(kind, ()):
            if sender is None or message.sender == sender:
                return message
        return None

    def every(self, kind: str, sender: Sender | None = None) -> Iterator[Message]:
        return (m for m in self._kinds.get(kind, ()) if sender is None or m.sender == sender)

    @cached_property
    def _kinds(self) -> dict[str, list[Message]]:
        of = {message.kind: list[Message]() for message in self.messages}
        for message in self.messages:
            of[message.kind].append(message)
        return of

    @cached_property
    def certificates(self) -> tuple[bytes, ...]:
        """The server's certificates as sent, DER, the leaf first; empty when none was sent or they are sealed."""
        return _sent(self.certificate) if self.certificate else ()

    @cached_property
    def client_certificates(self) -> tuple[bytes, ...]:
        """The client's certificates as sent, DER, its own first; empty when it sent none or they are sealed."""
        shown = (*self.every("Certificate", "client"), *self.every("CompressedCertificate", "client"))
        return next(filter(None, map(_sent, shown)), ())

    @property
    def certificate(self) -> Message | None:
        """The server's Certificate message, compressed or not."""
        return self.of("Certificate", "server") or self.of("CompressedCertificate", "server")

    @cached_property
    def presented(self) -> Presented:
        """What the server showed, as plain values."""
        from tracer.certificates import Presented

        return Presented.of(self)

    @cached_property
    def outcome(self) -> Outcome:
        """How it ended, and where."""
        from tracer.outcome import outcome

        return outcome(self)

    @property
    def time(self) -> datetime:
        """When the client judged the server: its Certificate message, or the start where that was not seen."""
        message = self.certificate
        return message.time if message else self.connection.started

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        from tracer.render import notebook

        return notebook.trace(self)


def _sent(message: Message) -> tuple[bytes, ...]:
    """The certificates of a Certificate message, compressed or not."""
    fields = message.fields
    if message.kind == "CompressedCertificate":
        inside = decompressed(message.data)
        fields = parse(certificate_message, inside)[0] if inside else ()
    return tuple(der for field in every(fields, "cert_data") if (der := content(field)))


def follow(connection: Connection, keys: Keys | None = None) -> Trace:
    """Read both sides of a connection with what keys there are. Raises nothing."""
    client = Side("client", connection.client_stream)
    server = Side("server", connection.server_stream)
    requests, kind, transport = preamble(client, server, whole=connection.whole)
    if transport == "tls":
        session = _tls(client, server, keys or Keys())
    else:
        session = None
        _plain(client, server, transport)
    messages = tuple(_in_order(client, server))
    negotiation = tuple(_negotiation(requests, messages))
    tls = _agreed(messages, session, client, server) if session is not None else None
    return Trace(
        connection=connection,
        messages=messages,
        records={"client": tuple(client.records), "server": tuple(server.records)},
        negotiation=negotiation,
        preamble=kind,
        answer=negotiation[-1].answer if negotiation else None,
        transport=transport,
        tls=tls,
    )


def _negotiation(requests: list[Request], messages: tuple[Message, ...]) -> Iterator[Negotiation]:
    seen = iter([m.index for m in messages if m.kind in ("SSLRequest", "GSSENCRequest")])
    for request, answer in requests:
        yield Negotiation(request, answer, next(seen, None))


# IN CLEAR


def _plain(client: Side, server: Side, transport: Transport | None) -> None:
    if transport == "plaintext":
        asked = server_messages(server, _rest(server), opened=False)
        client_messages(client, _rest(client), asked, opened=False)
        return
    for side in (client, server):
        if transport == "gss":
            side.sealed_by_gssapi()
        side.leftover(
            "postgres", "its end is not in the capture" if transport == "gss" else "nothing that PostgreSQL knows"
        )


def _rest(side: Side) -> Layer:
    layer = Layer()
    if side.at < len(side.data):
        layer.add(side.data[side.at :], side.at, len(side.data), exact=True)
    return layer


# TLS


def _tls(client: Side, server: Side, keys: Keys) -> Session:
    """Both sides of TLS: what is in clear first, because it says how the rest is read."""
    session = Session()
    _waiting_bytes(server, client)
    reading = {side.sender: TlsSide(side, session) for side in (server, client)}
    for tls in reading.values():
        tls.read_clear()
    current, again = session, True
    while again:
        following = Session()
        stopped = [tls.read_protected(opener(current, keys, sender), following) for sender, tls in reading.items()]
        current, again = following, any(stopped)
    asked = server_messages(server, reading["server"].application, opened=True)
    client_messages(client, reading["client"].application, asked, opened=True)
    return session


def _waiting_bytes(server: Side, client: Side) -> None:
    """Bytes behind the answer `S` that are no TLS: whoever put them there wants them read as if they were protected.

    They end with the segment that carried them: a server says nothing more until it has a ClientHello (CVE-2021-23222).
    Bytes of one that has heard the ClientHello are its answer to that, whatever they are.
    """
    if server.at >= len(server.data) or is_header(server.data, server.at):
        return
    if client.at < server.stream.arrival(server.at + 1).heard:
        return
    if server.stream.missing(server.at, len(server.data)):
        return  # what was not captured may have been TLS
    if len(server.data) - server.at < 5 and server.data[server.at] == HANDSHAKE:
        return
    stop = next(
        (a.stop for a in server.stream.arrivals if a.stop > server.at and is_header(server.data, a.stop)),
        len(server.data),
    )
    server.take("UnencryptedData", stop - server.at, postgres.unread_bytes)


# IN ORDER


def _in_order(client: Side, server: Side) -> Iterator[Message]:
    """Both sides' messages as they came to be: what a sender had heard first, then by time (RFC 9293 §3.4, ACK)."""
    ours, theirs = _arrived(client), _arrived(server)
    index = 0
    while ours or theirs:
        pick = ours if not theirs or (ours and _before(ours[-1], theirs[-1])) else theirs
        draft, _, arrival = pick.pop()
        yield _message(index, draft, arrival, "client" if pick is ours else "server")
        index += 1


Arrived = tuple[Draft, int, Arrival]


def _arrived(side: Side) -> list[Arrived]:
    """The side's drafts with where they end and when they were complete, the last one first."""
    drafts = sorted(((draft, draft.spans[-1][1]) for draft in side.drafts), key=lambda pair: pair[1])
    return [(draft, stop, side.stream.arrival(stop)) for draft, stop in reversed(drafts)]


def _before(a: Arrived, b: Arrived) -> bool:
    a_heard_b, b_heard_a = a[2].heard >= b[1], b[2].heard >= a[1]
    if a_heard_b != b_heard_a:
        return b_heard_a
    return a[2][2:0:-1] <= b[2][2:0:-1]  # time, then packet


def _message(index: int, draft: Draft, arrival: Arrival, sender: Sender) -> Message:
    said = _remembered if len(draft.data) <= REMEMBERED_BYTES else _said
    fields, problem, text = said(draft.kind, draft.read, draft.data, draft.captured)
    return Message(
        index, moment(arrival.time), arrival.number, sender, draft.layer, draft.kind, draft.protected, draft.opened,
        draft.range, draft.spans, draft.data, fields, draft.problem or problem, text,
    )  # fmt: skip


def _said(kind: str, read: Read, data: bytes, captured: int | None) -> tuple[Fields, str | None, str]:
    """A message's fields, its problem, and its summary."""
    fields, problem = parse(read, data, captured)
    return fields, problem, summary(kind, fields, len(data), cut=captured is not None and captured < len(data))


# A server says much the same to everybody.
REMEMBERED, REMEMBERED_BYTES = 512, 1 << 14
_remembered = lru_cache(REMEMBERED)(_said)


# WHAT WAS AGREED


def _agreed(messages: tuple[Message, ...], session: Session, client: Side, server: Side) -> Tls:
    began = _first_handshake(messages)

    def find(kind: str, name: str) -> Field | None:
        found = (first(m.fields, name) for m in began if m.kind == kind)
        return next((field for field in found if field is not None), None)

    group = find("ServerHello", "group") or find("ServerKeyExchange", "named_curve")
    alpn = find("EncryptedExtensions", "protocol_name") or find("ServerHello", "protocol_name")
    name = find("ClientHello", "host_name")
    return Tls(
        version=VERSIONS.get(session.version, f"0x{session.version:04x}") if session.version is not None else None,
        cipher_suite=session.suite or None,
        group=group.text if group else None,
        server_name=name.text if name else None,
        alpn=alpn.text if alpn else None,
        hello_retry_request=any(m.kind == "HelloRetryRequest" for m in began),
        resumed=_resumed(began, session),
        client_certificate=_client_certificate(messages, session),
        keys=_opened(client.sealed + server.sealed, client.opened + server.opened),
    )


def _first_handshake(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages in front of a renegotiation: what they agreed on is what the client judged the server by."""
    return tuple(takewhile(lambda m: not (m.kind == "ClientHello" and m.opened), messages))


def _resumed(messages: tuple[Message, ...], session: Session) -> bool:
    server = next((m for m in messages if m.kind == "ServerHello"), None)
    client = next((m for m in reversed(messages) if m.kind == "ClientHello"), None)
    if server is None or client is None:
        return False
    if session.version == TLS_1_3:
        chosen = number(first(server.fields, "selected_identity"))
        ages = [number(age) for age in every(client.fields, "obfuscated_ticket_age")]
        # a ticket of no age is a key that the two have from elsewhere (RFC 8446 §4.2.11)
        return chosen is not None and ages[chosen : chosen + 1] != [0]
    offered = content(first(client.fields, "legacy_session_id"))
    full = any(m.kind in ("Certificate", "ServerHelloDone", "ServerKeyExchange") for m in messages)
    return bool(offered) and offered == content(first(server.fields, "legacy_session_id_echo")) and not full


def _client_certificate(messages: tuple[Message, ...], session: Session) -> Literal["none", "requested", "sent"] | None:
    given = [m for m in messages if m.sender == "client" and m.kind in ("Certificate", "CompressedCertificate")]
    # what cannot be unpacked is not empty: nobody packs that
    if any(_sent(m) or (m.kind == "CompressedCertificate" and decompressed(m.data) is None) for m in given):
        return "sent"
    if any(m.kind == "CertificateRequest" for m in messages):
        return "requested"
    # in TLS 1.3 the request is sealed: unless all up to the server's Finished was opened nobody knows
    last = "Finished" if session.version == TLS_1_3 else "ServerHelloDone"
    said = [m.kind for m in messages if m.sender == "server"]
    seen = last in said and "Sealed" not in said[: said.index(last)]
    return "none" if seen or _resumed(_first_handshake(messages), session) else None


def _opened(sealed: int, opened: int) -> Literal["all", "some", "none"]:
    if not opened:
        return "none"
    return "all" if opened == sealed else "some"


__all__ = ["Message", "Negotiation", "Stream", "Tls", "Trace", "follow", "number"]
