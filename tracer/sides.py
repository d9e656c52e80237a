"""One side's stream to its messages, in the order of its bytes.

A side speaks PostgreSQL in clear, then TLS records, then PostgreSQL inside them. `Draft` is a message before it is put
in order with the other side's: what it is called, its bytes, where they stood and how they are read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tracer.layers import Layer, Span
from tracer.protocol import handshake, postgres
from tracer.protocol.fields import Malformed, Reader
from tracer.protocol.keys import Opener
from tracer.protocol.records import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, Record, records
from tracer.protocol.session import Session, learn
from tracer.segments import Stream
from tracer.streams import Sender

MOST_MESSAGES = 4000  # of one side; what is behind them is one message of kind Unread


@dataclass(frozen=True, slots=True)
class Draft:
    """A message of one side. `captured`: how many of its bytes were really seen, where some are missing."""

    kind: str
    layer: str
    data: bytes
    range: Span
    spans: tuple[Span, ...]
    read: Callable[[Reader], None]
    protected: bool = False
    opened: bool = False
    captured: int | None = None
    problem: str | None = None


class Side:
    """The messages of one side. `at` is the offset of the first byte that is no message yet."""

    def __init__(self, sender: Sender, stream: Stream) -> None:
        self.sender = sender
        self.stream = stream
        self.data = stream.data
        self.at = 0
        self.drafts: list[Draft] = []
        self.records: list[Record] = []
        self.sealed = 0
        self.opened = 0

    def take(self, kind: str, length: int, read: Callable[[Reader], None], layer: str = "postgres") -> Draft:
        """The next `length` bytes of the stream are a message in clear."""
        start, stop = self.at, min(self.at + length, len(self.data))
        self.at = stop
        return self.clear(kind, start, stop, read, layer)

    def clear(
        self, kind: str, start: int, stop: int, read: Callable[[Reader], None], layer: str, problem: str | None = None
    ) -> Draft:
        """A message that stands in the stream as it is."""
        lost = self.stream.missing(start, stop)
        captured = None if lost is None else lost[0] - start
        draft = Draft(
            kind,
            layer,
            self.data[start:stop],
            (start, stop),
            ((start, stop),),
            read,
            captured=captured,
            problem=problem,
        )
        self.drafts.append(draft)
        return draft

    def sealed_by_gssapi(self) -> None:
        """Tokens, then sealed packets, each behind its length in four bytes (be-secure-gssapi.c, be_gssapi_write)."""
        while self.at + 4 <= len(self.data) and len(self.drafts) < MOST_MESSAGES:
            start, stop = self.at, self.at + 4 + int.from_bytes(self.data[self.at : self.at + 4], "big")
            if stop > len(self.data) or self.stream.missing(start, stop) is not None:
                return
            where, data = (start, stop), self.data[start:stop]
            self.drafts.append(
                Draft("Sealed", "postgres", data, where, (where,), postgres.unread_bytes, protected=True)
            )
            self.at = stop

    def leftover(self, layer: str, problem: str) -> None:
        """What nobody can read: the rest of the stream."""
        if self.at < len(self.data):
            if self.stream.missing(self.at, len(self.data)):
                problem = "bytes in front of it, or of it, were not captured"
            self.clear("Unread", self.at, len(self.data), postgres.unread_bytes, layer, problem)
            self.at = len(self.data)


class TlsSide:
    """The TLS part of a side: records to handshake messages, alerts, and the bytes of the application."""

    def __init__(self, side: Side, session: Session) -> None:
        self.side = side
        self.session = session
        self.next = session  # what a handshake inside TLS settles for what comes behind it
        self.handshake = Layer()
        self.application = Layer()
        self.rest: list[Record] = []
        self.changed = False

    def read_clear(self) -> None:
        """Read the records up to the first protected one; `rest` are those from there on."""
        side = self.side
        if side.sender == "client" and handshake.is_sslv2_client_hello(side.data, side.at):
            length = 2 + (int.from_bytes(side.data[side.at : side.at + 2], "big") & 0x7FFF)
            hello = side.take("SSLv2ClientHello", length, handshake.sslv2_client_hello, "tls")
            learn(self.session, side.sender, hello.kind, hello.data, hello.read)
        found = list(records(side.data, side.at))
        side.records = found
        for position, record in enumerate(found):
            if self._protected(record) or len(side.drafts) >= MOST_MESSAGES:
                self.rest = found[position:][::-1]
                break
            self._clear_record(record)
        if found:
            side.at = found[-1].stop
        side.leftover("tls", "no TLS record stands here")

    def read_protected(self, opener: Opener | None, following: Session) -> bool:
        """Read the protected records with what keys there are; whether it stopped where other keys begin.

        Such a place is the ChangeCipherSpec of a renegotiation: `following` has learned by then what opens the rest.
        """
        self.next = following
        while self.rest:
            record = self.rest.pop()
            if len(self.side.drafts) >= MOST_MESSAGES:
                end = self.rest[0].stop if self.rest else record.stop
                why = "there are more messages than are shown"
                self.side.clear("Unread", record.start, end, postgres.unread_bytes, "tls", why)
                self.rest.clear()
                break
            self._protected_record(record, opener)
            if record.type == CHANGE_CIPHER_SPEC and self._protected(record) and opener is not None:
                return True
        self._partial()
        return False

    def _protected(self, record: Record) -> bool:
        if record.type == APPLICATION_DATA:
            return True
        if self.session.version == handshake.TLS_1_3:
            return False
        if not self.changed:  # seen: a capture can begin behind it, and then a long alert is a sealed one
            return record.type == ALERT and record.length >= handshake.SEALED_ALERT
        if record.type == CHANGE_CIPHER_SPEC:
            return record.length > 1  # of a renegotiation: the first one is a byte in clear
        body = self.side.data[record.body : record.stop]
        if record.type == ALERT:
            return not handshake.alert_record(body)
        # with nothing known of the version: a second ClientHello comes in clear behind TLS 1.3's decoration
        return not (body[:1] == b"\1" and int.from_bytes(body[1:4], "big") == len(body) - HEADER + 1)

    def _between(self, record: Record) -> bool:
        """Whether a record stands in clear between protected ones."""
        if record.type == ALERT:
            return handshake.alert_record(self.side.data[record.body : record.stop])
        if record.type == CHANGE_CIPHER_SPEC:
            return not self._protected(record)
        # TLS 1.3 protects nothing but application_data: a second ClientHello comes in clear behind early data
        return record.type == HANDSHAKE and self.session.version == handshake.TLS_1_3

    def _clear_record(self, record: Record) -> None:
        side = self.side
        if record.type == HANDSHAKE:
            self.handshake.add(side.data[record.body : record.stop], record.body, record.stop, exact=True)
            self._messages()
            return
        if record.type == CHANGE_CIPHER_SPEC:
            self.changed = True
        kind, read = CLEAR[record.type]
        side.clear(kind, record.body, record.stop, read, "tls", _cut(record))

    def _protected_record(self, record: Record, opener: Opener | None) -> None:
        side = self.side
        body = side.data[record.body : record.stop]
        if self._between(record):
            self._clear_record(record)
            return
        side.sealed += 1
        damaged = record.cut or side.stream.missing(record.start, record.stop) is not None
        opened = None
        if opener is not None:
            if damaged:
                opener.skip(body)
            else:
                opened = opener.open(side.data[record.start : record.body], body)
        if opened is None:
            lost = side.stream.missing(record.body, record.stop)
            self._draft("Sealed", body, record, postgres.unread_bytes, None if lost is None else lost[0] - record.body)
            return
        side.opened += 1
        self._plaintext(record, *opened, opener)

    def _draft(
        self, kind: str, data: bytes, record: Record, read: Callable[[Reader], None], captured: int | None = None
    ) -> None:
        """A message that is a protected record: sealed, or an alert that was opened."""
        opened = kind != "Sealed"
        where = (0, len(data)) if opened else (record.body, record.stop)
        spans = ((record.start, record.stop) if opened else (record.body, record.stop),)
        self.side.drafts.append(Draft(kind, "tls", data, where, spans, read, True, opened, captured, _cut(record)))

    def _plaintext(self, record: Record, kind: int, plaintext: bytes, opener: Opener | None) -> None:
        if kind == HANDSHAKE:
            self.handshake.add(plaintext, record.start, record.stop, exact=False)
            self._messages(opener)
        elif kind == ALERT:
            self._draft("Alert", plaintext, record, handshake.alert)
        elif kind == APPLICATION_DATA and opener is not None and opener.stage == "early":
            self._draft("EarlyData", plaintext, record, postgres.unread_bytes)
        elif kind == APPLICATION_DATA:
            self.application.add(plaintext, record.start, record.stop, exact=False)
        elif kind == CHANGE_CIPHER_SPEC:
            self._draft("ChangeCipherSpec", plaintext, record, handshake.change_cipher_spec)
        else:
            self._draft("Unread", plaintext, record, postgres.unread_bytes)

    def _messages(self, opener: Opener | None = None) -> None:
        """Cut the handshake messages that are whole by now."""
        layer = self.handshake
        while len(layer.data) >= layer.done + handshake.HEADER:
            length = handshake.HEADER + int.from_bytes(layer.data[layer.done + 1 : layer.done + 4], "big")
            if len(layer.data) < layer.done + length or len(self.side.drafts) >= MOST_MESSAGES:
                return
            self._message(length, sealed=opener is not None)
            kind = self.side.drafts[-1].kind
            if opener is not None and kind == "Finished":
                opener.finished()
            elif opener is not None and kind == "KeyUpdate":
                opener.update()

    def _message(self, length: int, *, sealed: bool, problem: str | None = None) -> None:
        layer, side = self.handshake, self.side
        start, stop = layer.done, layer.done + length
        layer.done = stop
        data = bytes(layer.data[start:stop])
        spans = layer.spans(start, stop)
        session = self.next if self.next.version is not None else self.session
        kind, read = handshake.message(data, session.version, session.suite)
        captured = None if sealed else _captured(side.stream, spans)
        draft = Draft(kind, "tls", data, layer.range(start, stop), spans, read, sealed, sealed, captured, problem)
        side.drafts.append(draft)
        inside = sealed and problem is None and self.session.version != handshake.TLS_1_3  # of a renegotiation
        if captured is None and (inside or not sealed):
            learn(self.next, side.sender, kind, data, read)

    def _partial(self) -> None:
        """A handshake message of which the end did not come."""
        left = len(self.handshake.data) - self.handshake.done
        if left > 0:
            sealed = not next(self.handshake.within(self.handshake.done, len(self.handshake.data)))[0].exact
            self._message(left, sealed=sealed, problem="its end is not in the capture")


def _captured(stream: Stream, spans: tuple[Span, ...]) -> int | None:
    """How many bytes stand before the first gap in the spans of a message; None when none is missing."""
    before = 0
    for start, stop in spans:
        lost = stream.missing(start, stop)
        if lost is not None:
            return before + lost[0] - start
        before += stop - start
    return None


def _cut(record: Record) -> str | None:
    return "the end of its record is not in the capture" if record.cut else None


CLEAR: dict[int, tuple[str, Callable[[Reader], None]]] = {
    CHANGE_CIPHER_SPEC: ("ChangeCipherSpec", handshake.change_cipher_spec),
    ALERT: ("Alert", handshake.alert),
}


# POSTGRESQL, in clear or opened


def server_messages(side: Side, layer: Layer, *, opened: bool) -> list[int]:
    """Cut a server's PostgreSQL messages; returns the authentication requests that want an answer, in order."""
    asked: list[int] = []
    ready = False
    data = bytes(layer.data)

    def frame(at: int) -> postgres.Frame | None:
        nonlocal ready
        found = postgres.server_frame(data, at, ready)
        if found is not None and found.read is postgres.authentication:
            asked.append(int.from_bytes(data[at + 5 : at + 9], "big"))
        ready = ready or (found is not None and found.kind == "ReadyForQuery")
        return found

    _cut_messages(side, layer, frame, opened=opened)
    return [kind for kind in asked if kind not in (0, 12)]


def client_messages(side: Side, layer: Layer, asked: list[int], *, opened: bool) -> None:
    """Cut a client's PostgreSQL messages: a startup or cancel request first, then those with a type."""
    answers = iter(asked)
    data = bytes(layer.data)

    def frame(at: int) -> postgres.Frame | None:
        if at == 0:
            speech = postgres.recognise(data)
            if speech not in postgres.REQUESTS:
                raise Malformed("type", 0, "no PostgreSQL client begins like this")
            stop = int.from_bytes(data[:4], "big")
            return postgres.Frame(speech, 0, stop, postgres.REQUESTS[speech]) if stop <= len(data) else None
        reply = data[at : at + 1] == b"p"
        return postgres.client_frame(data, at, next(answers, None) if reply else None, ready=False)

    _cut_messages(side, layer, frame, opened=opened)


def _cut_messages(side: Side, layer: Layer, frame: Callable[[int], postgres.Frame | None], *, opened: bool) -> None:
    end = len(layer.data)
    draft = partial(_postgres_draft, side, layer, opened)
    while layer.done < end:
        at = layer.done
        try:
            found = frame(at)
        except Malformed as malformed:
            draft("Unread", at, end, postgres.unread_bytes, str(malformed))
            return
        if found is None or len(side.drafts) >= MOST_MESSAGES:
            draft("Unread", at, end, postgres.unread_bytes, "the message is not whole in the capture")
            return
        draft(found.kind, at, found.stop, found.read, None)
        layer.done = found.stop


def _postgres_draft(
    side: Side,
    layer: Layer,
    opened: bool,
    kind: str,
    start: int,
    stop: int,
    read: Callable[[Reader], None],
    problem: str | None,
) -> None:
    spans = layer.spans(start, stop)
    captured = None if opened else _captured(side.stream, spans)
    data = bytes(layer.data[start:stop])
    where = layer.range(start, stop) if opened else spans[0]
    side.drafts.append(Draft(kind, "postgres", data, where, spans, read, opened, opened, captured, problem))
