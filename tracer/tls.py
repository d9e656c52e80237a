"""The TLS part of a side: records to handshake messages, alerts, and the bytes of the application.

Behind lost bytes reading goes on where a message is known to begin: in a record that holds whole messages and nothing
else. What is sealed opens behind lost records when its tag fits one of the next sequence numbers.
"""

from __future__ import annotations

from collections.abc import Callable

from tracer.framing import Lost, framed
from tracer.layers import Layer
from tracer.protocol import handshake, postgres
from tracer.protocol.fields import Reader
from tracer.protocol.keys import Opener
from tracer.protocol.records import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, Record
from tracer.protocol.session import Session, learn
from tracer.sides import MOST_MESSAGES, Draft, Side, captured, lost

MOST_LOST_RECORDS = 64  # behind lost records so many sequence numbers are tried
MOST_TRIES = 4096  # in all of one side


class TlsSide:
    """One side's records, read in two passes: what is in clear first, because it says how the rest is read."""

    def __init__(self, side: Side, session: Session) -> None:
        self.side = side
        self.session = session
        self.next = session  # what a handshake inside TLS settles for what comes behind it
        self.handshake = Layer()
        self.application = Layer()
        self.alerts = Layer()  # a record of one byte: half an alert (RFC 5246 §6.2.1)
        self.rest: list[Record | Lost] = []
        self.changed = False
        self.broken: str | None = None  # what was lost, while it is not known where a handshake message begins
        self.lost = 0  # records that may have gone by unseen since one was opened
        self.tries = MOST_TRIES

    def read_clear(self) -> None:
        """Read the records up to the first protected one; `rest` are those from there on."""
        side = self.side
        if side.sender == "client" and handshake.is_sslv2_client_hello(side.data, side.at):
            length = 2 + (int.from_bytes(side.data[side.at : side.at + 2], "big") & 0x7FFF)
            hello = side.take("SSLv2ClientHello", length, handshake.sslv2_client_hello, "tls")
            learn(self.session, side.sender, hello.kind, hello.data, hello.read)
        found = framed(side.stream, side.at)
        side.records = [piece for piece in found if isinstance(piece, Record)]
        clear = self._last_clear(found)
        for position, piece in enumerate(found):
            if len(side.drafts) >= MOST_MESSAGES or (isinstance(piece, Record) and self._protected(piece)):
                self.rest = found[position:][::-1]
                break
            if isinstance(piece, Lost):
                self._lost(piece)
            elif (
                self.broken
                and position > clear
                and piece.type == HANDSHAKE
                and self.session.version != handshake.TLS_1_3
            ):
                self.changed = True  # its ChangeCipherSpec was lost: this is the Finished
                self.rest = found[position:][::-1]
                break
            else:
                self._clear_record(piece)
        if self.rest:
            self._partial()  # no message goes on behind a change of keys (RFC 8446 §5.1)
        if found:
            side.at = found[-1].stop
        side.leftover("tls", "no TLS record stands here")

    def read_protected(self, opener: Opener | None, following: Session) -> bool:
        """Read the protected records with what keys there are; whether it stopped where other keys begin.

        Such a place is the ChangeCipherSpec of a renegotiation: `following` has learned by then what opens the rest.
        """
        self.next = following
        while self.rest:
            piece = self.rest.pop()
            if len(self.side.drafts) >= MOST_MESSAGES:
                end = self.rest[0].stop if self.rest else piece.stop
                why = "there are more messages than are shown"
                self.side.clear("Unread", piece.start, end, postgres.unread_bytes, "tls", why)
                self.rest.clear()
                break
            if isinstance(piece, Lost):
                self._lost(piece)
                continue
            self._protected_record(piece, opener)
            if piece.type == CHANGE_CIPHER_SPEC and self._protected(piece) and opener is not None:
                return True
        self._partial()
        return False

    def _last_clear(self, found: list[Record | Lost]) -> int:
        """The position of the last record that is surely in clear; only asked where some were lost."""
        if not any(isinstance(piece, Lost) for piece in found):
            return len(found)
        sure = (
            n
            for n in range(len(found) - 1, -1, -1)
            if isinstance(piece := found[n], Record)
            and (piece.type == CHANGE_CIPHER_SPEC or (piece.type == HANDSHAKE and self._begins(piece)))
        )
        return next(sure, -1)

    def _begins(self, record: Record) -> bool:
        """Whether whole handshake messages stand in a record, and nothing else: they begin where it begins."""
        whole = self.side.stream.missing(record.start, record.stop) is None
        return whole and handshake.whole_messages(self.side.data[record.body : record.stop])

    def _lost(self, piece: Lost) -> None:
        """Records went by that were not captured, nobody knows how many."""
        self._break(piece.why)
        self.lost = min(self.lost + (piece.stop - piece.start) // HEADER, MOST_LOST_RECORDS)
        self.side.clear("Unread", piece.start, piece.stop, postgres.unread_bytes, "tls", piece.problem)

    def _break(self, why: str) -> None:
        """Bytes of the layers are missing here: nothing is put together over that."""
        self._partial(why)
        self.application.end(why)
        self.broken = why

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
            return not self._alert_in_clear(record)
        # with nothing known of the version: a second ClientHello comes in clear behind TLS 1.3's decoration
        return not (body[:1] == b"\1" and int.from_bytes(body[1:4], "big") == len(body) - HEADER + 1)

    def _between(self, record: Record) -> bool:
        """Whether a record stands in clear between protected ones."""
        if record.type == ALERT:
            return self._alert_in_clear(record)
        if record.type == CHANGE_CIPHER_SPEC:
            return not self._protected(record)
        # TLS 1.3 protects nothing but application_data: a second ClientHello comes in clear behind early data
        return record.type == HANDSHAKE and self.session.version == handshake.TLS_1_3

    def _alert_in_clear(self, record: Record) -> bool:
        half = record.length == 1 and len(self.alerts.data) > self.alerts.done
        return half or handshake.alert_record(self.side.data[record.body : record.stop])

    def _clear_record(self, record: Record) -> None:
        side = self.side
        body = side.data[record.body : record.stop]
        if record.type == HANDSHAKE:
            if self.broken and not self._begins(record):
                why = f"{self.broken}: where a message begins in this record is not known"
                side.clear("Unread", record.body, record.stop, postgres.unread_bytes, "tls", why)
                return
            self.broken = None
            self.handshake.add(body, record.body, record.stop, exact=True)
            self._messages()
            return
        if record.type == CHANGE_CIPHER_SPEC:
            self.changed = True
        if record.type == ALERT and self._half_alert(body, record.body, record.stop, exact=True):
            return
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
                opened = self._open(opener, side.data[record.start : record.body], body)
        if opened is None:
            self._sealed(record, body, tried=opener is not None and not damaged)
            return
        side.opened += 1
        self._plaintext(record, *opened, opener)

    def _open(self, opener: Opener, header: bytes, body: bytes) -> tuple[int, bytes] | None:
        """Open a record; behind lost ones with the sequence numbers that it may have."""
        opened = opener.open(header, body, self.lost)
        self.tries -= self.lost
        if opened is not None or self.tries < 0:
            self.lost = 0
        return opened

    def _sealed(self, record: Record, body: bytes, *, tried: bool) -> None:
        where = (record.body, record.stop)
        problem = lost(self.side.stream, (where,))
        if problem or tried:
            self._break(problem or "a record in front of it was not opened")
        if problem is None and tried and self.lost:
            problem = f"records in front of it were lost, and none of the next {self.lost} sequence numbers opens it"
        self._draft("Sealed", body, record, postgres.unread_bytes, captured(self.side.stream, (where,)), problem)

    def _draft(
        self,
        kind: str,
        data: bytes,
        record: Record,
        read: Callable[[Reader], None],
        seen: int | None = None,
        problem: str | None = None,
    ) -> None:
        """A message that is a protected record: sealed, or an alert that was opened."""
        opened = kind != "Sealed"
        where = (0, len(data)) if opened else (record.body, record.stop)
        spans = ((record.start, record.stop) if opened else (record.body, record.stop),)
        problem = problem or _cut(record)
        self.side.drafts.append(Draft(kind, "tls", data, where, spans, read, True, opened, seen, problem))

    def _plaintext(self, record: Record, kind: int, plaintext: bytes, opener: Opener | None) -> None:
        if kind == HANDSHAKE and self.broken and not handshake.whole_messages(plaintext):
            why = f"{self.broken}: where a message begins in this record is not known"
            self._draft("Unread", plaintext, record, postgres.unread_bytes, problem=why)
        elif kind == HANDSHAKE:
            self.broken = None
            self.handshake.add(plaintext, record.start, record.stop, exact=False)
            self._messages(opener)
        elif kind == ALERT and self._half_alert(plaintext, record.start, record.stop, exact=False):
            return
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

    def _half_alert(self, half: bytes, start: int, stop: int, *, exact: bool) -> bool:
        """Take in a record of one byte of an alert: two of them are one."""
        layer = self.alerts
        if len(half) != 1:
            self._partial_alert()
            return False
        layer.add(half, start, stop, exact=exact)
        if len(layer.data) - layer.done == 2:
            self._partial_alert()
        return True

    def _partial_alert(self) -> None:
        layer, at = self.alerts, self.alerts.done
        if at == len(layer.data):
            return
        layer.done = len(layer.data)
        spans = layer.spans(at, layer.done)
        opened = not layer.within(at, layer.done)[0][0].exact
        where = (0, layer.done - at) if opened else (spans[0][0], spans[-1][1])
        data, seen = bytes(layer.data[at:]), captured(self.side.stream, spans)
        problem = lost(self.side.stream, spans)
        self.side.drafts.append(
            Draft("Alert", "tls", data, where, spans, handshake.alert, opened, opened, seen, problem)
        )

    def _messages(self, opener: Opener | None = None) -> None:
        """Cut the handshake messages that are whole by now."""
        layer = self.handshake
        while len(layer.data) >= layer.done + handshake.HEADER:
            if opener is None and self._header_lost():
                return
            length = handshake.HEADER + int.from_bytes(layer.data[layer.done + 1 : layer.done + 4], "big")
            if len(layer.data) < layer.done + length or len(self.side.drafts) >= MOST_MESSAGES:
                return
            self._message(length, sealed=opener is not None)
            kind = self.side.drafts[-1].kind
            if opener is not None and kind == "Finished":
                opener.finished()
            elif opener is not None and kind == "KeyUpdate":
                opener.update()

    def _header_lost(self) -> bool:
        """Whether the next message's type and length were not captured: then the bytes here are no message."""
        layer, stream = self.handshake, self.side.stream
        gap = lost(stream, layer.spans(layer.done, layer.done + handshake.HEADER))
        if gap is None:
            return False
        start, layer.done = layer.done, len(layer.data)
        where, spans = layer.place(start, layer.done)
        problem = f"{gap}: which messages stand here is not known"
        data = bytes(layer.data[start:])
        seen = captured(stream, spans)
        self.side.drafts.append(
            Draft("Unread", "tls", data, where, spans, postgres.unread_bytes, captured=seen, problem=problem)
        )
        self.broken = gap
        return True

    def _message(self, length: int, *, sealed: bool, problem: str | None = None) -> None:
        layer, side = self.handshake, self.side
        start, stop = layer.done, layer.done + length
        layer.done = stop
        data = bytes(layer.data[start:stop])
        where, spans = layer.place(start, stop)
        session = self.next if self.next.version is not None else self.session
        kind, read = handshake.message(data, session.version, session.suite)
        seen = None if sealed else captured(side.stream, spans)
        if seen is not None:
            problem = lost(side.stream, spans)
        draft = Draft(kind, "tls", data, where, spans, read, sealed, sealed, seen, problem)
        side.drafts.append(draft)
        inside = sealed and problem is None and self.session.version != handshake.TLS_1_3  # of a renegotiation
        if seen is None and (inside or not sealed):
            learn(self.next, side.sender, kind, data, read)

    def _partial(self, problem: str = "its end is not in the capture") -> None:
        """A handshake message, or an alert, of which the end did not come."""
        self._partial_alert()
        layer = self.handshake
        left = len(layer.data) - layer.done
        if left > 0:
            sealed = not layer.within(layer.done, len(layer.data))[0][0].exact
            self._message(left, sealed=sealed, problem=problem)


def _cut(record: Record) -> str | None:
    return "the end of its record is not in the capture" if record.cut else None


CLEAR: dict[int, tuple[str, Callable[[Reader], None]]] = {
    CHANGE_CIPHER_SPEC: ("ChangeCipherSpec", handshake.change_cipher_spec),
    ALERT: ("Alert", handshake.alert),
}
