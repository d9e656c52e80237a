"""What a trace shows of its server, and behind which message each of the client's checks happens."""

from __future__ import annotations

from tracer.certificates import Certificate, Presented
from tracer.outcome import Ended, closed_by, not_tls, refusal
from tracer.protocol.fields import Field, every, first, number
from tracer.protocol.handshake import TLS_1_3
from tracer.protocol.numbers import VERSIONS
from tracer.trace import Message, Trace


def presented(trace: Trace) -> Presented:
    tls = trace.tls
    reply = trace.of("SSLResponse", "server")
    return Presented(
        certificates=tuple(Certificate.from_der(data) for data in trace.certificates) or None,
        answer=_agreed(trace),
        version=tls.version if tls else None,
        alpn=tls.alpn if tls else None,
        authentication=_authentication(trace),
        seen=_seen(trace),
        answer_byte=reply.data if reply else b"",
        injected=trace.of("UnencryptedData", "server") is not None,
        direct=trace.preamble == "direct",
        no_alpn=bool(
            tls and tls.alpn is None and (trace.of("EncryptedExtensions") or tls.version not in ("TLS 1.3", None))
        ),
        ended=_ended(trace),
        admitted=trace.of("AuthenticationOk", "server") is not None,
        sealed_by_gssapi=trace.transport == "gss" and trace.outcome.kind == "established",
        client_certificate=tls.client_certificate if tls else None,
        absent=_absent(trace),
        offered=_offered(trace),
    )


def _offered(trace: Trace) -> tuple[str, ...]:
    """The versions of supported_versions; without it the newest alone (RFC 8446 §4.1.2), and what a whole handshake was made of.

    Below legacy_version an old hello does not say where the client ends.
    """
    hello, tls = trace.of("ClientHello", "client"), trace.tls
    listed = () if hello is None or hello.problem else tuple(every(hello.fields, "version"))
    legacy = () if listed or hello is None or hello.problem else tuple(every(hello.fields, "legacy_version"))
    found = {number(field) or 0 for field in (*listed, *legacy)}
    names = [VERSIONS[value] for value in sorted(found, reverse=True) if SSL_3_0 <= value <= TLS_1_3]
    agreed = tls.version if tls and trace.outcome.where == "after_handshake" else None
    return tuple(dict.fromkeys([*names, *([agreed] if agreed else [])]))


def _absent(trace: Trace) -> str | None:
    """Why the server sent no certificate. None where it sent one, and where that is sealed or was missed."""
    server, tls = trace.connection.server_stream, trace.tls
    if tls is None or trace.certificate is not None:
        return None
    if tls.resumed:
        return "a resumed session shows no certificate: what was checked when it began has to do"
    if server.gaps:
        return None
    if trace.of("ServerHelloDone", "server") is not None:  # in clear up to TLS 1.2, and the certificate with it
        return "the server sent no certificate"
    if trace.outcome.kind == "incomplete" or trace.of("Sealed", "server") is not None:
        return None
    if trace.of("ClientHello", "client") is None:
        return "no handshake began, so that the server sent no certificate"
    if trace.of("Finished", "server") is not None:
        return "the server sent no certificate"
    return "the handshake ended before the server sent a certificate"


def _agreed(trace: Trace) -> str | None:
    """The answer to SSLRequest; G where GSSAPI encryption was agreed on instead. TLS without its beginning had an S."""
    last = next((n for n in reversed(trace.negotiation) if n.request == "SSLRequest" or n.answer == "G"), None)
    if last is None:
        return "S" if trace.transport == "tls" and trace.preamble == "unknown" else None
    return last.answer


def _authentication(trace: Trace) -> tuple[str, ...] | None:
    """How the server wants the client to prove itself: the SASL mechanisms on offer, else the name of its request."""
    asked = next((m for m in trace.messages if m.sender == "server" and m.kind.startswith("Authentication")), None)
    if asked is None:
        return None
    return tuple(str(f.value) for f in every(asked.fields, "mechanism")) or (asked.kind,)


def _ended(trace: Trace) -> Ended | None:
    """How the server ended the connection, where it did so before a session."""
    outcome, error = trace.outcome, refusal(trace)
    if error is not None and trace.transport is not None:
        return Ended("error", "after_handshake" if trace.tls else "before_tls", text=_printed(error))
    if outcome.inferred and outcome.where == "after_handshake" and outcome.kind in ("refused_by_server", "incomplete"):
        return Ended("alert" if outcome.kind == "refused_by_server" else "sealed", outcome.where)
    if outcome.where is None or outcome.kind not in ("closed", "refused_by_server"):
        return None
    if outcome.alert is not None:
        return Ended("alert", outcome.where, alert=outcome.alert.code)
    if outcome.where == "in_handshake" and not_tls(trace):
        return Ended("not_tls", outcome.where)
    if closed_by(trace) != "server" or outcome.kind != "closed":
        return None
    return Ended("reset" if trace.connection.server_stream.closed == "rst" else "closed", outcome.where)


def _printed(error: Message) -> str:
    """An ErrorResponse as libpq prints it (fe-protocol3.c, pqBuildErrorMessage3)."""
    parts = {field.text: _value(field) for field in error.fields if field.name == "field"}
    head = f"{parts['Severity']}:  " if "Severity" in parts else ""
    more = [f"{label}:  {parts[name]}" for name, label in DETAILS.items() if name in parts]
    return "\n".join([head + parts.get("Message", ""), *more])


def _value(field: Field) -> str:
    return next((str(part.value) for part in field.parts if part.name == "value"), "")


def _seen(trace: Trace) -> dict[str, int]:
    """The message behind which a check happens, by what that message is.

    Request and answer, the server's certificates, the end of the handshake, the first word about authentication, the
    welcome, and the server's last word where it ended the connection.
    """
    asked = (m for m in trace.messages if m.sender == "server" and m.kind.startswith("Authentication"))
    found = {
        "request": trace.of("SSLRequest", "client"),
        "answer": trace.of("SSLResponse", "server"),
        "chain": trace.certificate,
        "name": _handshake_end(trace),
        "authentication": next(asked, None),
        "admitted": trace.of("AuthenticationOk", "server"),
        "ended": _last_word(trace),
    }
    return {step: message.index for step, message in found.items() if message is not None}


def _handshake_end(trace: Trace) -> Message | None:
    """The later of the first two Finished: the client's in TLS 1.3, the server's in a full handshake of TLS 1.2."""
    ends = [trace.of("Finished", "client"), trace.of("Finished", "server")]
    return max((m for m in ends if m), key=lambda m: m.index) if all(ends) else None


def _last_word(trace: Trace) -> Message | None:
    """The server's alert or error, else the last that it said; None where it did not end the connection."""
    ended = _ended(trace)
    if ended is None:
        return None
    if ended.how == "error":
        return refusal(trace)
    said = [m for m in trace.messages if m.sender == "server"]
    fatal = [m for m in said if m.kind == "Alert" and ended.how == "alert" and number(first(m.fields, "description"))]
    return next(iter(fatal or said[-1:]), None)


SSL_3_0 = 0x0300  # what is not between it and TLS_1_3 is GREASE, a draft or no version
DETAILS = {"Detail": "DETAIL", "Hint": "HINT"}
