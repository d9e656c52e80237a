"""How a connection ended, and where: in front of TLS, inside the handshake or behind it.

What is sealed is not guessed: where an outcome rests on sizes and closes alone, `inferred` is true and `because` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tracer.protocol.fields import every, first, number
from tracer.protocol.handshake import TLS_1_3

if TYPE_CHECKING:
    from tracer.streams import Sender
    from tracer.trace import Message, Trace

Kind = Literal["established", "plaintext", "refused_by_client", "refused_by_server", "closed", "incomplete"]
Where = Literal["before_tls", "in_handshake", "after_handshake"]

SEALED_ALERT_13 = 19  # two bytes, the content type, and the tag: RFC 8446 §5.2 without padding, as OpenSSL sends it


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


def outcome(trace: Trace) -> Outcome:
    """Read the outcome off a trace; the first rule that applies."""
    rules = (_cancel, _no_tls, _alert, _before_hello, _behind_handshake, _unfinished)
    return next(found for rule in rules if (found := rule(trace)) is not None)


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
    if _closed(trace) == "client":
        why = "the server agreed to GSSAPI encryption, and the client closed without beginning it"
        return Outcome("refused_by_client", "before_tls", why)
    return Outcome("incomplete", "before_tls", "the capture ends behind the answer G")


def _no_tls(trace: Trace) -> Outcome | None:
    """Settled in front of TLS."""
    if trace.transport == "plaintext":
        error = _error(trace)
        if error is not None:
            return Outcome("refused_by_server", "before_tls", f"in plaintext, the server refused: {error}")
        why = (
            "the server has no TLS and the client went on without"
            if trace.negotiation
            else "the client did not ask for TLS"
        )
        return Outcome("plaintext", "before_tls", why)
    if trace.transport is None and trace.negotiation:
        request, answer = trace.negotiation[-1].request, trace.negotiation[-1].answer
        closed = _closed(trace)
        if answer == "E":
            return Outcome(
                "refused_by_server", "before_tls", f"the server answered {request} with an error: {_error(trace)}"
            )
        if answer == "N" and closed:
            return Outcome(
                "refused_by_client", "before_tls", "the server has no TLS, and the client would not go on without"
            )
        if answer == "other":
            return Outcome("closed", "before_tls", f"the answer to {request} is none that PostgreSQL knows")
        if closed == "server":
            return Outcome("closed", "before_tls", f"the server closed without an answer to {request}")
        return Outcome("incomplete", "before_tls", f"the capture ends behind {request}")
    return None


def _alert(trace: Trace) -> Outcome | None:
    """A fatal alert that can be read says who refused. What made it send that is for the replay to say."""
    for message in trace.every("Alert"):
        level, code = first(message.fields, "level"), first(message.fields, "description")
        if level is None or code is None or level.text != "fatal":
            continue
        alert = Alert(level.text, code.text, number(code) or 0, message.sender)
        where: Where = "after_handshake" if _finished(trace, message) else "in_handshake"
        return Outcome(
            "refused_by_client" if message.sender == "client" else "refused_by_server",
            where,
            f"the {message.sender} sent the fatal alert {alert.description} ({alert.code})",
            alert,
        )
    return None


def _before_hello(trace: Trace) -> Outcome | None:
    if trace.transport == "tls" and not trace.connection.client_stream.data[8:] and trace.answer == "S":
        if _closed(trace) == "client":
            because = (
                "the client closed behind the answer S and sent no ClientHello: something in its own files stopped it"
            )
            return Outcome("refused_by_client", "before_tls", because)
        return Outcome("incomplete", "before_tls", "the capture ends behind the answer S")
    return None


def _behind_handshake(trace: Trace) -> Outcome | None:
    """The handshake was completed by both, as far as that can be seen."""
    if trace.tls is None or not _handshake_done(trace):
        return None
    error = _error(trace)
    if error is not None and trace.of("ReadyForQuery") is None:
        return Outcome("refused_by_server", "after_handshake", f"the server refused: {error}")
    if trace.of("StartupMessage", "client") is not None:
        return Outcome("established", "after_handshake", "the client went on inside TLS")
    if trace.of("CancelRequest", "client") is not None:
        why = "the client went on inside TLS, with a request to cancel a query: that carries no session and gets no answer"
        return Outcome("established", "after_handshake", why)
    if any(m.opened and m.layer == "postgres" and m.sender == "client" for m in trace.messages):
        return Outcome(
            "established", "after_handshake", "the client went on inside TLS, with what cannot be read as PostgreSQL"
        )
    return _sealed_end(trace)


def _sealed_end(trace: Trace) -> Outcome | None:
    """Behind a handshake that was not opened to its end, the sizes of sealed records are all there is."""
    client, server = (list(trace.every("Sealed", sender)) for sender in ("client", "server"))
    sent = _behind_finished(trace, client)
    closed = _closed(trace)
    if not sent and trace.of("Alert", "client") is None:
        if closed == "client":
            return Outcome(
                "refused_by_client",
                "after_handshake",
                "the client closed behind a complete handshake and said nothing more",
            )
        return Outcome("incomplete", "after_handshake", "the capture ends behind the handshake")
    if all(_may_be_alert(trace, m) for m in sent):
        if closed:
            because = "the client completed the handshake, closed TLS and sent no StartupMessage"
            inferred = bool(sent)
            if inferred:
                because = "behind a complete handshake the client sent one sealed record of an alert's size and closed: no StartupMessage fits in it"
            return Outcome("refused_by_client", "after_handshake", because, inferred=inferred)
        return Outcome("incomplete", "after_handshake", "the capture ends behind the handshake")
    if (
        trace.tls
        and trace.tls.version == "TLS 1.3"
        and server
        and server[-1].length == SEALED_ALERT_13
        and closed
        and len(sent) == 1
    ):
        return Outcome(
            "refused_by_server",
            "after_handshake",
            "the server's last sealed record has the size of an alert, and the session never began",
            inferred=True,
        )
    return Outcome(
        "established",
        "after_handshake",
        "the client went on inside TLS: its sealed records are longer than an alert",
        inferred=True,
    )


def _unfinished(trace: Trace) -> Outcome:
    closed = _closed(trace)
    where: Where = "in_handshake" if trace.transport == "tls" else "before_tls"
    if closed:
        return Outcome(
            "closed", where, f"the {closed} closed without a word" + (" inside the handshake" if trace.tls else "")
        )
    return Outcome(
        "incomplete",
        where,
        "the capture ends " + ("inside the handshake" if trace.tls else "before anything is settled"),
    )


# WHAT WAS SEEN


def _closed(trace: Trace) -> Sender | None:
    """Who closed first, as far as the capture shows it."""
    connection = trace.connection
    client, server = connection.client_stream.closed, connection.server_stream.closed
    if client and (not server or connection.closed_first == "client"):
        return "client"
    return "server" if server else None


def _error(trace: Trace) -> str | None:
    message = trace.of("ErrorResponse", "server")
    return message.summary if message is not None else None


def _finished(trace: Trace, before: Message) -> bool:
    return any(m.kind == "Finished" and m.sender == "client" and m.index < before.index for m in trace.messages)


def _handshake_done(trace: Trace) -> bool:
    """Both sides' Finished were there: read, or sealed where only they can be."""
    if trace.of("Finished", "client") is not None:
        return True
    sealed = trace.of("Sealed", "client")
    if trace.tls is None or sealed is None:
        return False
    if trace.tls.version == "TLS 1.3":
        return trace.of("ServerHello", "server") is not None or trace.of("Sealed", "server") is not None
    return trace.of("Sealed", "server") is not None


def _behind_finished(trace: Trace, sealed: list[Message]) -> list[Message]:
    """The client's sealed records behind its Finished."""
    if trace.of("Finished", "client") is not None:
        return sealed
    rest = sealed[1:]
    if trace.tls and trace.tls.version == "TLS 1.3" and trace.tls.client_certificate is None and len(sealed) > 2:
        # a client that was asked for a certificate sends an empty Certificate in front of its Finished
        sizes = {17 + 4 + 32, 17 + 4 + 48}
        finished = next((i for i, m in enumerate(sealed) if m.length in sizes), 0)
        rest = sealed[finished + 1 :]
    return rest


def _may_be_alert(trace: Trace, message: Message) -> bool:
    if trace.tls and trace.tls.version == "TLS 1.3":
        return message.length == SEALED_ALERT_13
    record = next((r for r in trace.records[message.sender] if r.body == message.range[0]), None)
    return record is not None and record.type == 21


__all__ = ["TLS_1_3", "Alert", "Outcome", "every", "outcome"]
