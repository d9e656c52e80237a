"""How a connection ended, where that wants an explanation: closed without a word, alerts, client certificates, lost packets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tracer.findings.model import Finding
from tracer.outcome import not_tls
from tracer.trace import Trace

if TYPE_CHECKING:
    from tracer.streams import Sender

SIDES: tuple[Sender, ...] = ("client", "server")
NOT_AUTHORISED = "28000"  # the SQLSTATE of a missing client certificate, and of other entries of pg_hba.conf
GAPS = 3  # of one side that are told
FIRST_BYTES = 40  # of an answer that is not PostgreSQL's


def error_before_tls(trace: Trace) -> Iterator[Finding]:
    error = trace.of("ErrorResponse", "server")
    if trace.answer == "E" and error is not None:
        yield Finding(
            "error_before_tls",
            "The server answered the request for TLS with an error. Nobody vouches for its text, so that libpq of today does not show it, and goes on "
            "neither with TLS nor without.",
            error.index,
            "CVE-2024-10977; PostgreSQL: fe-connect.c, PQconnectPoll",
            advice="Look in the server's log: it may be out of processes or memory, or not be PostgreSQL.",
        )


def not_postgres(trace: Trace) -> Iterator[Finding]:
    """What answered in the place of `S` or behind the ClientHello is something else: its first bytes often say what."""
    data, spoke = trace.connection.server_stream.data, not_tls(trace)
    if not spoke and trace.answer != "other":
        return
    start = bytes(data[1:] if spoke and trace.answer == "S" else data)[:FIRST_BYTES]
    kind, advice = next(
        ((kind, advice) for first, kind, advice in OTHERS if start.startswith(first)), (None, ELSEWHERE)
    )
    place = "in the place of TLS" if spoke else "to the SSLRequest"
    words = start.split(b"\r")[0].split(b"\n")[0]
    shown = f'"{words.decode("latin-1")}"' if words.isascii() and words[:1].isalnum() else start.hex(" ")
    yield Finding(
        "not_postgres",
        f"What answers {place} begins with {shown}: {f'{kind}, and not PostgreSQL' if kind else 'that is nothing that PostgreSQL says'}.",
        next(m.index for m in trace.messages if m.sender == "server"),
        "PostgreSQL: Frontend/Backend Protocol, SSL Session Encryption",
        advice=advice,
    )


def closed(trace: Trace) -> Iterator[Finding]:
    """Somebody left without a word, before there was a session."""
    outcome = trace.outcome
    last = trace.messages[-1].index if trace.messages else None
    if outcome.kind != "closed" or trace.transport == "cancel" or deaf_to_tls(trace):
        return
    if trace.answer == "other" or not_tls(trace):
        return  # that is a word
    if trace.connection.closed_first == "server":
        yield Finding(
            "server_closed",
            "The server closed without a word. PostgreSQL itself rarely does: a proxy, a load balancer or a firewall in front can, and so can a "
            "process that died.",
            last,
            advice="Look in the log of the server, and of what stands in front of it, at this time.",
        )
    elif trace.of("ServerHello", "server") is not None:
        yield Finding(
            "client_closed",
            "The client left inside the handshake and sent no alert. So do asyncpg and node-postgres when they refuse the server's certificate; libpq, "
            "Java's and Go's drivers would have sent one.",
            last,
            advice="The reason is in the client's own error, if anywhere.",
        )


def no_direct_tls(trace: Trace) -> Iterator[Finding]:
    """What a server before PostgreSQL 17 does with a ClientHello: it takes it for a startup packet that is too long."""
    hello = trace.of("ClientHello", "client")
    if hello is not None and deaf_to_tls(trace):
        yield Finding(
            "no_direct_tls",
            "The client began with TLS at once, and the server closed without a word: so does PostgreSQL before 17, which wants to be asked first.",
            hello.index,
            "PostgreSQL: sslnegotiation",
            advice="sslnegotiation=postgres asks first, and works with every version.",
        )


def deaf_to_tls(trace: Trace) -> bool:
    server = trace.connection.server_stream
    return trace.preamble == "direct" and server.closed is not None and not server.data


def no_client_hello(trace: Trace) -> Iterator[Finding]:
    if trace.outcome.kind == "refused_by_client" and trace.outcome.where == "before_tls" and trace.answer == "S":
        yield Finding(
            "no_client_hello",
            "The server said yes to TLS, and the client left before its first TLS byte. libpq reads its files only then: a root file that is missing or "
            "unreadable, a client key that others may read.",
            trace.negotiation[-1].message,
            "PostgreSQL: fe-secure-openssl.c, initialize_SSL",
            advice="The client's own error names the file.",
        )


# ALERTS


def client_alert(trace: Trace) -> Iterator[Finding]:
    """What an alert of the client can mean, where the certificates are not there to tell more."""
    alert = trace.outcome.alert
    if alert is None or alert.sender != "client" or alert.code not in CLIENT_ALERTS or trace.certificates:
        return
    if trace.outcome.kind == "established":
        return  # it refused nothing
    gaps = trace.connection.server_stream.gaps
    what = "Record whole packets first (-s 0)" if gaps else "A key log of the connection shows the certificates"
    yield Finding(
        "client_alert",
        f"The alert {alert.description} is all that can be seen here of why the client refused. From OpenSSL it can mean: {CLIENT_ALERTS[alert.code]}.",
        _alert(trace, "client"),
        "RFC 8446 §6.2; OpenSSL: statem_lib.c, x509table",
        advice=f"{what}; the replay with the client's root file then tells which it was.",
    )


def server_alert(trace: Trace) -> Iterator[Finding]:
    alert = trace.outcome.alert
    if alert is None or alert.sender != "server" or alert.code not in SERVER_ALERTS:
        return
    kind, why, advice = SERVER_ALERTS[alert.code]
    if kind == "nothing_in_common" and trace.of("ServerHello", "server") is not None:
        return  # then it is about something else
    if alert.code in ABOUT_CERTIFICATES and (trace.tls is None or trace.tls.client_certificate != "sent"):
        return
    yield Finding(kind, why, _alert(trace, "server"), "RFC 8446 §6.2", advice=advice)


def client_certificate(trace: Trace) -> Iterator[Finding]:
    asked = trace.of("CertificateRequest", "server")
    if asked is None or trace.tls is None or trace.tls.client_certificate != "requested":
        return
    if trace.of("Certificate", "client") is None and trace.of("Finished", "client") is None:
        return  # it may have had one to give
    error = trace.of("ErrorResponse", "server")
    if trace.outcome.kind == "refused_by_server" and (error is None or NOT_AUTHORISED in error.summary):
        yield Finding(
            "client_certificate",
            "The server asked for a client certificate, got none, and refused: it may insist on one.",
            asked.index,
            "PostgreSQL: Certificate Authentication",
            advice="sslcert and sslkey on the client name one; cert or clientcert in pg_hba.conf are what insists.",
        )
    elif trace.outcome.kind == "established":
        yield Finding(
            "client_certificate",
            "The server asked for a client certificate and was content with none. It asks whenever ssl_ca_file is set; only cert or clientcert in "
            "pg_hba.conf insist.",
            asked.index,
            "PostgreSQL: Using Client Certificates",
            weight="note",
        )


def _alert(trace: Trace, sender: Sender) -> int | None:
    message = next((m for m in trace.every("Alert", sender) if "fatal" in m.summary), None)
    return message.index if message else None


# WHAT IS NOT THERE


def gap(trace: Trace) -> Iterator[Finding]:
    for sender in SIDES:
        stream = trace.connection.stream(sender)
        advice = "Capture whole packets: -s 0." if stream.cut else "Capture with a larger buffer (-B)."
        for start, stop in stream.gaps[:GAPS]:
            yield Finding(
                "gap",
                f"Bytes {start} to {stop} of what the {sender} sent are not in the capture; what stood there is not known.",
                weight="note",
                advice=advice,
            )


def rewritten(trace: Trace) -> Iterator[Finding]:
    """Bytes that came twice, and not the same: whoever reads along may see another stream than the receiver."""
    for sender in SIDES:
        for again in trace.connection.stream(sender).rewrites[:GAPS]:
            yield Finding(
                "rewritten",
                f"Packet {again.packet} repeats bytes {again.start} to {again.stop} of what the {sender} sent with others than before. The first "
                "copy is shown: a receiver keeps what it has, so most likely it used that one.",
                weight="warning",
                spec="RFC 9293 §3.10.7.4",
                advice="No sender does this by itself: look for a device, or a person, on the way.",
            )


def urgent(trace: Trace) -> Iterator[Finding]:
    for sender in SIDES:
        place = trace.connection.stream(sender).urgent
        if place is not None:
            yield Finding(
                "urgent",
                f"The {sender} sent urgent data, up to byte {place}. Most receivers take its last byte out of the stream; here it stands in it.",
                weight="note",
                spec="RFC 6093 §2",
                advice="PostgreSQL never sends any: what comes behind it may be read wrongly.",
            )


# TABLES

ELSEWHERE = "Look at host and port, and at what stands between."
OTHERS = (
    (b"HTTP/", "a web server or a proxy for the web", ELSEWHERE),
    (b"SSH-", "an SSH server", ELSEWHERE),
    (b"-ERR", "Redis, or a mail server", ELSEWHERE),
    (b"220", "a mail or FTP server", ELSEWHERE),
    (
        b"\x15\x03",
        "an alert of a TLS server that does not know the SSLRequest, such as a load balancer that ends TLS itself",
        "sslnegotiation=direct (libpq 17) begins with TLS at once; or let the load balancer pass TCP through.",
    ),
)
CLIENT_ALERTS = {
    42: "a certificate that is not yet valid, or a key or digest that is too weak (and from Go's drivers anything, a wrong name included)",
    43: "a certificate that is not meant for servers",
    44: "a certificate that was revoked",
    45: "a certificate that has ended, or a revocation list that has",
    46: "something that fits no other alert (from Java anything)",
    48: "another root than those in the client's file, an intermediate that nobody sent, a self-signed certificate, a CA that may not be one",
    51: "a signature that is wrong",
}
ABOUT_CERTIFICATES = (42, 43, 44, 45, 46, 48, 51)
_REFUSED = (
    "client_certificate",
    "The server refused the client's certificate. The alert names the kind of reason at most.",
    "The server's log has the reason; ssl_ca_file on the server must hold the root of that certificate.",
)
SERVER_ALERTS = {
    40: (
        "nothing_in_common",
        "The server could not agree to anything that the ClientHello offers: most often to no cipher suite, group or signature.",
        "Compare what the ClientHello offers (-v) with ssl_ciphers and ssl_groups (ssl_ecdh_curve up to 17) of the server.",
    ),
    70: (
        "nothing_in_common",
        "Client and server have no version of TLS in common.",
        "Compare ssl_min_protocol_version and ssl_max_protocol_version of both.",
    ),
    **dict.fromkeys(ABOUT_CERTIFICATES, _REFUSED),
    116: (
        "client_certificate",
        "The server insists on a client certificate and got none.",
        "sslcert and sslkey on the client name one.",
    ),
    120: (
        "no_alpn",
        "The server takes TLS only for the protocol postgresql, and the client did not offer that by ALPN.",
        "Direct TLS needs a client of PostgreSQL 17 or later, or one that offers ALPN postgresql.",
    ),
}
