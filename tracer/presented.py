"""What a trace shows of its server, and behind which message each of the client's checks happens."""

from __future__ import annotations

from tracer.certificates import Certificate, Presented
from tracer.protocol.fields import every
from tracer.trace import Message, Trace


def presented(trace: Trace) -> Presented:
    tls = trace.tls
    answer = trace.negotiation[-1] if trace.negotiation else None
    reply = trace.of("SSLResponse", "server")
    return Presented(
        certificates=tuple(Certificate.from_der(data) for data in trace.certificates) or None,
        answer=answer.answer if answer else None,
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
    )


def _authentication(trace: Trace) -> tuple[str, ...] | None:
    """How the server wants the client to prove itself: the SASL mechanisms on offer, else the name of its request."""
    asked = next((m for m in trace.messages if m.sender == "server" and m.kind.startswith("Authentication")), None)
    if asked is None:
        return None
    return tuple(str(f.value) for f in every(asked.fields, "mechanism")) or (asked.kind,)


def _seen(trace: Trace) -> dict[str, int]:
    """The message behind which a check happens: the answer, the server's certificates, the end of the handshake."""
    found = {
        "answer": trace.of("SSLResponse", "server"),
        "chain": trace.certificate,
        "name": _handshake_end(trace),
    }
    return {step: message.index for step, message in found.items() if message is not None}


def _handshake_end(trace: Trace) -> Message | None:
    """The later Finished: the client's in TLS 1.3, the server's in a full handshake of TLS 1.2."""
    ends = [m for m in trace.messages if m.kind == "Finished"]
    return ends[-1] if {m.sender for m in ends} == {"client", "server"} else None
