"""How a connection ended, and where: in front of TLS, inside the handshake or behind it.

What is sealed is not guessed: where an outcome rests on sizes and closes alone, `inferred` is true and `because` says so.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tracer.protocol.fields import Field, first, number
from tracer.protocol.records import ALERT, APPLICATION_DATA

if TYPE_CHECKING:
    from tracer.segments import Stream
    from tracer.streams import Sender
    from tracer.trace import Message, Trace

Kind = Literal["established", "plaintext", "refused_by_client", "refused_by_server", "closed", "incomplete"]
Where = Literal["before_tls", "in_handshake", "after_handshake"]


@dataclass(frozen=True, slots=True)
class Alert:
    level: str
    description: str
    code: int
    sender: Sender


@dataclass(frozen=True, slots=True)
class Outcome:
    kind: Kind
    where: Where | None
    because: str
    alert: Alert | None = None
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """How a server ended a connection before its session began, and where.

    It closed, it reset, it spoke no TLS behind `S`, it sent a fatal `alert`, or an error: `text`, as a client prints it.
    An alert without a number is sealed; `sealed` is an end of which not even that is known: an error, or a session's end.
    """

    how: Literal["closed", "reset", "not_tls", "alert", "error", "sealed"]
    where: Where
    alert: int | None = None
    text: str | None = None


def outcome(trace: Trace) -> Outcome:
    """Read the outcome off a trace; the first rule that applies."""
    rules = (_cancel, _one_sided, _no_tls, _before_hello, _alert, _behind_handshake, _unfinished)
    return next(found for rule in rules if (found := rule(trace)) is not None)


def closed_by(trace: Trace) -> Sender | None:
    """Who closed or reset first, as far as the capture shows it."""
    connection = trace.connection
    client, server = connection.client_stream.closed, connection.server_stream.closed
    if client and (not server or connection.closed_first == "client"):
        return "client"
    return "server" if server else None


def not_tls(trace: Trace) -> bool:
    """Whether the server answered the ClientHello with bytes that are no TLS record."""
    said = next((m for m in trace.messages if m.sender == "server" and m.kind not in BEFORE_TLS), None)
    if said is None or said.kind != "Unread" or said.layer != "tls":
        return False
    return trace.connection.server_stream.missing(*said.range) is None  # what was not captured may have been TLS


def refusal(trace: Trace) -> Message | None:
    """The error with which the server refused the session: one behind ReadyForQuery is about a query."""
    error, ready = trace.of("ErrorResponse", "server"), trace.of("ReadyForQuery", "server")
    return error if error is not None and (ready is None or error.index < ready.index) else None


def _cancel(trace: Trace) -> Outcome | None:
    if trace.transport == "cancel":
        return Outcome("closed", None, "a request to cancel a query: it carries no session and gets no answer")
    if trace.transport == "gss":
        return _gss(trace)
    return None


def _gss(trace: Trace) -> Outcome:
    """Behind G the client speaks first, if it has a ticket for this server (fe-secure-gssapi.c, pqsecure_open_gss)."""
    if trace.of("Sealed", "client") is not None or trace.of("Unread", "client") is not None:
        return Outcome("established", "before_tls", "sealed by GSSAPI encryption, not by TLS")
    if closed_by(trace) == "client":
        why = "the server agreed to GSSAPI encryption, and the client closed without beginning it"
        return Outcome("refused_by_client", "before_tls", why)
    return Outcome("incomplete", "before_tls", "the capture ends behind the answer G")


def _one_sided(trace: Trace) -> Outcome | None:
    """Nothing of one side was captured, not even its SYN or its close, or the other acknowledges bytes that are not here."""
    if trace.transport == "plaintext":
        return None
    connection = trace.connection
    sides: tuple[tuple[Stream, Sender], ...] = (
        (connection.server_stream, "client"),
        (connection.client_stream, "server"),
    )
    for silent, other in sides:
        spoke = connection.stream(other).arrivals
        missed = not connection.whole or any(arrival.heard > 0 for arrival in spoke)
        if not silent.data and silent.closed is None and spoke and missed:
            where: Where = "in_handshake" if trace.tls else "before_tls"
            return Outcome("incomplete", where, f"only one side was captured: what the {other} said")
    return None


def _no_tls(trace: Trace) -> Outcome | None:
    """Settled in front of TLS."""
    if trace.transport == "plaintext":
        error = refusal(trace)
        if error is not None:
            return Outcome("refused_by_server", "before_tls", f"in plaintext, the server refused: {error.summary}")
        why = (
            "the server has no TLS and the client went on without"
            if trace.asked_for_tls
            else "the client did not ask for TLS"
        )
        return Outcome("plaintext", "before_tls", why)
    if trace.transport is None and trace.negotiation:
        return _no_agreement(trace, trace.negotiation[-1].request, trace.negotiation[-1].answer)
    return None


def _no_agreement(trace: Trace, request: str, answer: str | None) -> Outcome:
    """What was asked for was not agreed on, and nothing came behind it."""
    closed, error = closed_by(trace), refusal(trace)
    if answer == "E":
        said = error.summary if error else "no more than its first byte"
        return Outcome("refused_by_server", "before_tls", f"the server answered {request} with an error: {said}")
    if answer == "N" and closed == "client":
        what = "TLS" if request == "SSLRequest" else "GSSAPI encryption"
        because = f"the server has no {what}, and the client would not go on without"
        return Outcome("refused_by_client", "before_tls", because)
    if answer == "other":
        return Outcome("closed", "before_tls", f"the answer to {request} is none that PostgreSQL knows")
    if closed == "client":
        return Outcome("closed", "before_tls", f"the client closed and did not wait for the answer to {request}")
    if closed == "server":
        behind = "behind its N" if answer == "N" else f"without an answer to {request}"
        return Outcome("closed", "before_tls", f"the server closed {behind}")
    return Outcome("incomplete", "before_tls", f"the capture ends behind {request}")


def _before_hello(trace: Trace) -> Outcome | None:
    """TLS was agreed on, and the client never began it."""
    began = any(m.sender == "client" and m.layer == "tls" for m in trace.messages)
    if trace.transport != "tls" or trace.answer != "S" or began or trace.connection.client_stream.gaps:
        return None
    closed = closed_by(trace)
    if closed == "client":
        because = "the client closed behind the answer S and sent no ClientHello: something in its own files stopped it"
        return Outcome("refused_by_client", "before_tls", because)
    if closed == "server":
        return Outcome("closed", "in_handshake", "the server said S and closed")
    return Outcome("incomplete", "before_tls", "the capture ends behind the answer S")


def _alert(trace: Trace) -> Outcome | None:
    """A fatal alert that can be read says who refused. What made it send that is for the replay to say.

    One behind a session's first words undoes no handshake, and ends what was established. One that answers the other side's close is no refusal: OpenSSL 3 says decode_error to a peer that has gone.
    """
    for message in trace.every("Alert"):
        level, code = first(message.fields, "level"), first(message.fields, "description")
        if level is None or code is None or not _ends(trace, level, code) or _answers_close(trace, message):
            continue
        alert = Alert(level.text, code.text, number(code) or 0, message.sender)
        if _in_session(trace, message):
            return None if refusal(trace) is not None else _ended_by(alert)
        where: Where = "after_handshake" if _finished(trace, message) else "in_handshake"
        return Outcome(
            "refused_by_client" if message.sender == "client" else "refused_by_server",
            where,
            f"the {message.sender} sent the fatal alert {alert.description} ({alert.code})",
            alert,
        )
    return None


def _ended_by(alert: Alert) -> Outcome:
    why = f"the client went on inside TLS, and the {alert.sender} ended the session with the fatal alert {alert.description} ({alert.code})"
    return Outcome("established", "after_handshake", why, alert)


def _in_session(trace: Trace, alert: Message) -> bool:
    """Whether both sides had spoken inside TLS in front of an alert, as far as that is known for certain."""
    said = {m.sender for m in trace.messages[: alert.index] if _is_application(trace, m)}
    return len(said) == 2


def _is_application(trace: Trace, message: Message) -> bool:
    if message.layer == "postgres":
        return message.opened
    # up to TLS 1.2 a record's type says what is sealed in it
    return message.sealed and not _is_1_3(trace) and _record_type(trace, message) == APPLICATION_DATA


def _ends(trace: Trace, level: Field, code: Field) -> bool:
    """Fatal by its level; in TLS 1.3 by its description, whatever the level says (RFC 8446 §6)."""
    if trace.tls is not None and trace.tls.version == "TLS 1.3":
        return number(code) not in (CLOSE_NOTIFY, USER_CANCELED)
    return level.text == "fatal"


def _answers_close(trace: Trace, message: Message) -> bool:
    """Whether a message was sent by one who had seen the other side's FIN: it acknowledges the number behind the last byte."""
    other = trace.connection.stream("server" if message.sender == "client" else "client")
    sent = trace.connection.stream(message.sender).arrival(message.spans[-1][1])
    return other.closed == "fin" and sent.heard > len(other.data)


def _behind_handshake(trace: Trace) -> Outcome | None:
    """The handshake was completed by both, as far as that can be seen."""
    if trace.tls is None:
        return None
    sent = _behind_finished(trace)
    if sent is None:
        return None
    error = refusal(trace)
    if error is not None:
        return Outcome("refused_by_server", "after_handshake", f"the server refused: {error.summary}")
    if trace.of("StartupMessage", "client") is not None:
        return Outcome("established", "after_handshake", "the client went on inside TLS")
    if trace.of("CancelRequest", "client") is not None:
        why = "the client went on inside TLS, with a request to cancel a query: that carries no session and gets no answer"
        return Outcome("established", "after_handshake", why)
    if any(m.opened and m.layer == "postgres" and m.sender == "client" for m in trace.messages):
        return Outcome(
            "established", "after_handshake", "the client went on inside TLS, with what cannot be read as PostgreSQL"
        )
    return _said_nothing(trace, sent) if all(_may_be_alert(trace, m) for m in sent) else _sealed_session(trace, sent)


def _said_nothing(trace: Trace, sent: list[Message]) -> Outcome:
    """Behind the handshake came no more from the client than an alert: no StartupMessage."""
    if any(m.opened and m.sender == "server" and m.kind in ADMITTED for m in trace.messages):
        why = "the server let the client in; what the client said is not in the capture"
        return Outcome("established", "after_handshake", why)
    if trace.connection.client_stream.gaps:
        why = "bytes of the client are missing: whether it went on inside TLS is not known"
        return Outcome("incomplete", "after_handshake", why)
    closed = closed_by(trace)
    if closed and (ended := _ended_by_server(trace, sent)):
        return ended
    if closed == "client" or (closed and (sent or trace.of("Alert", "client"))):
        inferred = bool(sent) and _is_1_3(trace)  # TLS 1.2 shows that it is an alert
        because = "the client completed the handshake, closed TLS and sent no StartupMessage"
        if inferred:
            because = "behind a complete handshake the client sent one sealed record of an alert's size and closed: no StartupMessage fits in it"
        elif not sent and trace.of("Alert", "client") is None:
            because = "the client closed behind a complete handshake and said nothing more"
        return Outcome("refused_by_client", "after_handshake", because, inferred=inferred)
    if closed == "server":
        return Outcome(
            "closed", "after_handshake", "the server closed behind the handshake, and the client had said nothing"
        )
    return Outcome("incomplete", "after_handshake", "the capture ends behind the handshake")


def _sealed_session(trace: Trace, sent: list[Message]) -> Outcome:
    """The client sent more than an alert, and it is sealed: the sizes of records and the closes are all there is."""
    if closed_by(trace) and (ended := _ended_by_server(trace, sent)):
        return ended
    return Outcome(
        "established",
        "after_handshake",
        "the client went on inside TLS: its sealed records are longer than an alert",
        inferred=True,
    )


def _ended_by_server(trace: Trace, sent: list[Message]) -> Outcome | None:
    """Where what is sealed of the server ends the connection in front of any end of the client's, behind a login's words at most.

    Whatever a session begins with is longer than an alert: where the server said nothing else, none began. What it said in
    between may be an error or a welcome, and its size does not tell which.
    """
    last = next((m for m in reversed(trace.messages) if m.sender == "server"), None)
    words = [m for m in sent if not _may_be_alert(trace, m)]
    if last is None or last.kind != "Sealed" or len(words) > LOGIN or (words and words[-1].length in TERMINATE):
        return None
    alert = _may_be_alert(trace, last)
    own = [m for m in sent if m not in words and m.index < last.index]
    if own or (_answers_close(trace, last) if alert else closed_by(trace) != "server" or len(sent) > len(words)):
        return None  # the client had closed before
    if words and any(m.sender == "server" and words[0].index < m.index <= last.index - alert for m in trace.messages):
        return Outcome("incomplete", "after_handshake", SEALED_END, inferred=True)
    refused = Outcome("refused_by_server", "after_handshake", SEALED_REFUSAL, inferred=True)
    return refused if alert and len(words) < 2 else None


def _unfinished(trace: Trace) -> Outcome:
    closed = closed_by(trace)
    where: Where = "in_handshake" if trace.transport == "tls" else "before_tls"
    if closed and not_tls(trace):
        return Outcome("closed", where, "what the server sent is no TLS")
    if closed is None:
        inside = "inside the handshake" if trace.tls else "before anything is settled"
        return Outcome("incomplete", where, f"the capture ends {inside}")
    last = next((m for m in reversed(trace.messages) if m.sender == closed), None)
    if trace.tls and last is not None and last.kind == "Sealed" and _may_be_alert(trace, last):
        because = f"the {closed} ended the handshake: its last sealed record has the size of an alert"
        return Outcome(
            "refused_by_client" if closed == "client" else "refused_by_server", where, because, inferred=True
        )
    if trace.connection.stream(closed).gaps:
        return Outcome("incomplete", where, f"the {closed} closed; bytes in front of that are not in the capture")
    return Outcome(
        "closed", where, f"the {closed} closed without a word" + (" inside the handshake" if trace.tls else "")
    )


# WHAT WAS SEEN


def _finished(trace: Trace, before: Message) -> bool:
    """Whether the handshake was over: in TLS 1.3 for the client with its Finished, before that with those of both."""
    sent = {m.sender for m in trace.every("Finished") if m.index < before.index}
    return "client" in sent and (_is_1_3(trace) or len(sent) == 2)


def _is_1_3(trace: Trace) -> bool:
    return trace.tls is not None and trace.tls.version == "TLS 1.3"


def _behind_finished(trace: Trace) -> list[Message] | None:
    """The client's sealed records behind its Finished; None where the handshake is not known to be complete.

    Sealed, a Finished is known by its place in TLS 1.2. In TLS 1.3 the client's Certificate and CertificateVerify come in
    front of it where it was asked for one, and a client that refuses sends an alert instead: only the size tells.
    """
    sealed = list(trace.every("Sealed", "client"))
    if trace.of("Finished", "client") is not None:
        return sealed if _is_1_3(trace) or _server_finished(trace) else None
    if not sealed:
        return None
    if not _is_1_3(trace):
        return sealed[1:] if _server_finished(trace) else None
    for at, message in enumerate(sealed[:MOST_IN_FLIGHT]):
        if message.length in SEALED_FINISHED_13:
            return sealed[at + 1 :]
    # with the client's own Certificate in the same record
    longer = [at for at, message in enumerate(sealed) if message.length > max(SEALED_FINISHED_13)]
    return sealed[longer[0] + 1 :] if longer else None


def _server_finished(trace: Trace) -> bool:
    """Up to TLS 1.2, what the server sends sealed begins with its Finished; where bytes are missing it may be among them."""
    if trace.of("Sealed", "server") is not None or trace.of("Finished", "server") is not None:
        return True
    return trace.of("Finished", "client") is not None and bool(trace.connection.server_stream.gaps)


def _may_be_alert(trace: Trace, message: Message) -> bool:
    if _is_1_3(trace):
        return message.length in SEALED_ALERT_13
    return _record_type(trace, message) == ALERT


def _record_type(trace: Trace, message: Message) -> int | None:
    """The type of the record that is a sealed message."""
    records = trace.records[message.sender]
    at = bisect_left(records, message.range[0], key=lambda record: record.body)
    return records[at].type if at < len(records) and records[at].body == message.range[0] else None


SEALED_END = "the server answered the client's first words with sealed records and ended the connection: an error looks like that, and so may a session that the server ended"
SEALED_REFUSAL = "behind the handshake the server ended the connection with a sealed record of an alert's size, and no session began: a refused client certificate looks like that"
ADMITTED = ("AuthenticationOk", "ReadyForQuery")
# Sealed records of TLS 1.3: the content type and the tag are 17 bytes more, 9 with a short tag (RFC 8446 §5.2)
TAGS = (17, 9)
SEALED_ALERT_13 = {2 + 17, 2 + 9, 2 + 17 + 16}  # OpenSSL and Go do not pad; Java does, with 16 bytes
# SHA-256 and SHA-384; alone, or in one record with the empty Certificate of a client that was asked for one
SEALED_FINISHED_13 = {empty + 4 + digest + tag for digest in (32, 48) for tag in TAGS for empty in (0, 8)}
BEFORE_TLS = ("SSLResponse", "GSSENCResponse", "UnencryptedData")
MOST_IN_FLIGHT = 4  # a Certificate, a CertificateVerify, a Finished, and one to spare
LOGIN = 3  # the client's messages up to the server's welcome, with SCRAM
# Sealed, in TLS 1.3 and with AES-GCM or ChaCha20 in 1.2: no word of a login is as short
TERMINATE = {5 + added for added in (9, 16, 17, 24)}
CLOSE_NOTIFY, USER_CANCELED = 0, 90
