"""Whether and how well a connection is encrypted: the requests in front of TLS, plaintext and passwords, versions and ciphers."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.findings.model import Finding, Weight
from tracer.protocol.fields import every, first, number
from tracer.protocol.numbers import VERSIONS
from tracer.protocol.records import CHANGE_CIPHER_SPEC, HANDSHAKE
from tracer.trace import Message, Trace

MODES = "PostgreSQL: SSL Support, Protection Provided in Different Modes"


# IN FRONT OF TLS


def bytes_behind_answer(trace: Trace) -> Iterator[Finding]:
    """Somebody put bytes in front of the encryption, to be read as if they had come inside it."""
    message = trace.of("UnencryptedData", "server")
    if message is not None:
        yield Finding(
            "bytes_behind_answer",
            f"{message.length} bytes that are not TLS stood behind the answer S. Whoever is on the path can put them there. A client that does "
            "not throw them away reads them as if they were protected; libpq refuses since its releases of November 2021.",
            message.index,
            "CVE-2021-23222",
            weight="danger",
            advice="Find out what stands between client and server, and renew a libpq that is older.",
        )


def gssapi(trace: Trace) -> Iterator[Finding]:
    asked = next((n for n in trace.negotiation if n.request == "GSSENCRequest"), None)
    if asked is None:
        return
    if asked.answer == "G":
        yield Finding(
            "gssapi",
            "The connection is encrypted by GSSAPI. TLS is never tried then, nor any certificate looked at, even with sslmode=verify-full; who the "
            "server is, Kerberos says.",
            asked.message,
            "PostgreSQL: fe-connect.c, PQconnectPoll",
            advice="gssencmode=disable, where it is TLS that shall vouch for the server.",
        )
    else:
        yield Finding(
            "gssapi",
            "Before TLS the client asked for GSSAPI encryption: libpq does so whenever it finds a Kerberos ticket. It costs a round trip.",
            asked.message,
            "PostgreSQL: fe-connect.c, PQconnectPoll",
            weight="note",
            advice="gssencmode=disable saves it.",
        )


# IN CLEAR


def plaintext(trace: Trace) -> Iterator[Finding]:
    startup = trace.of("StartupMessage", "client")
    if trace.transport != "plaintext" or startup is None:
        return
    refused = trace.outcome.kind == "refused_by_server"
    if trace.asked_for_tls:
        how = "The client asked for TLS, was told no, and went on in plaintext"
        whose = " Anybody on the path can say that no."
    else:
        how, whose = "The client did not ask for TLS", ""
    so = (
        "user and database went over the network in clear, before the server refused."
        if refused
        else "everything can be read and changed on the way."
    )
    weight: Weight = "warning" if refused else "danger"
    yield Finding(
        "plaintext",
        f"{how}: {so}{whose}",
        startup.index,
        MODES,
        weight=weight,
        advice="sslmode=require and above never do this; in pg_hba.conf, hostssl takes nobody without TLS.",
    )


def cancel_request(trace: Trace) -> Iterator[Finding]:
    request = trace.of("CancelRequest", "client")
    if request is not None and not request.protected:
        yield Finding(
            "cancel_request",
            "The request to cancel a query went over the network in clear, and with it the key of the session, however well that session itself is "
            "encrypted. Whoever reads it can cancel the queries of that session for as long as it lasts.",
            request.index,
            "PostgreSQL: libpq, Canceling Queries in Progress",
            advice="PQcancelCreate, from libpq 17 on, asks inside TLS as the session does; PQcancel never does.",
        )


def password(trace: Trace) -> Iterator[Finding]:
    """A password that is given away, or half of what it takes to guess it. SCRAM needs no word."""
    for kind, given in GIVEN.items():
        asked = trace.of(kind, "server")
        if asked is None:
            continue
        got = trace.of("PasswordMessage", "client") is not None
        asks = f"The server asked for {given} and got it" if got else f"The server asks for {given}"
        if asked.protected:
            text = f"{asks}, inside TLS. It goes to whoever is at the other end: all rests on whether the client checked who that is."
            advice = "sslmode=verify-full checks it; with scram-sha-256 the password never leaves the client."
        else:
            text = f"{asks}, on a connection without encryption: everybody on the path can read the answer."
            advice = "Take TLS, and scram-sha-256 in pg_hba.conf" + ("; and change this password." if got else ".")
        yield Finding(
            "password",
            text,
            asked.index,
            "PostgreSQL: Password Authentication",
            weight=PASSWORD_WEIGHTS[asked.protected, kind],
            advice=advice,
        )


# VERSIONS AND CIPHERS


def old_version(trace: Trace) -> Iterator[Finding]:
    version = trace.tls.version if trace.tls else None
    hello = trace.of("ServerHello", "server")
    if version in OLD and hello is not None:
        yield Finding(
            "old_version",
            f"{version} is spoken here. It rests on MD5 and SHA-1 and has been withdrawn.",
            hello.index,
            OLD[version],
            advice="Set ssl_min_protocol_version on the server to TLSv1.2, and renew the client that can do no more.",
        )


def downgrade(trace: Trace) -> Iterator[Finding]:
    """The end of the server's random says that it could have spoken a higher version (RFC 8446 §4.1.3)."""
    server, client = trace.of("ServerHello", "server"), trace.of("ClientHello", "client")
    random = first(server.fields, "random") if server else None
    if (
        server is None
        or client is None
        or client.problem
        or server.problem
        or random is None
        or not isinstance(random.value, bytes)
    ):
        return
    could = SENTINELS.get(random.value[-8:])
    chosen = number(first(server.fields, "selected_version")) or number(first(server.fields, "legacy_version")) or 0
    if could is None or chosen >= could:
        return
    if could in offered(client):
        yield Finding(
            "downgrade",
            f"The server's random says that it speaks {VERSIONS[could]} and was not asked for it. But the ClientHello that stands here offers it: "
            "somebody between this place and the server changed the hello. A client that heeds this refuses with illegal_parameter.",
            server.index,
            "RFC 8446 §4.1.3",
            weight="danger",
            advice="Find out what stands between client and server.",
        )
    else:
        yield Finding(
            "downgrade",
            f"The server's random says that it speaks {VERSIONS[could]}, too; this hello did not offer it. If the client did, somebody changed the hello "
            "on its way here, and the client refuses.",
            server.index,
            "RFC 8446 §4.1.3",
            weight="note",
            advice="An old TLS library or ssl_max_protocol_version on the client is the usual reason.",
        )


def offered(hello: Message) -> set[int]:
    """The versions that a ClientHello offers."""
    listed = {number(field) or 0 for field in every(hello.fields, "version")}
    return listed or {number(first(hello.fields, "legacy_version")) or 0}


def weak_cipher(trace: Trace) -> Iterator[Finding]:
    suite = (trace.tls.cipher_suite if trace.tls else None) or ""
    hello = trace.of("ServerHello", "server")
    for fragment, weight, why in WEAK:
        if fragment in suite and hello is not None:
            yield Finding(
                "weak_cipher",
                f"The cipher suite {suite} {why}",
                hello.index,
                "RFC 9325 §4.1",
                weight=weight,
                advice="Leave it out of ssl_ciphers on the server.",
            )
            return


def no_forward_secrecy(trace: Trace) -> Iterator[Finding]:
    suite = (trace.tls.cipher_suite if trace.tls else None) or ""
    hello = trace.of("ServerHello", "server")
    if hello is None or not suite.startswith(KEPT_KEYS) or suite.startswith(FRESH_KEYS):
        return
    key = "the shared key" if suite.startswith("TLS_PSK") else "the key of the server's certificate"
    yield Finding(
        "no_forward_secrecy",
        f"The cipher suite {suite} has no forward secrecy: who records this connection now and gets {key} one day can read all of it.",
        hello.index,
        "RFC 9325 §4.1",
        advice="Let ssl_ciphers on the server hold ECDHE suites only, or speak TLS 1.3.",
    )


def no_server_name(trace: Trace) -> Iterator[Finding]:
    hello = trace.of("ClientHello", "client")
    if hello is not None and hello.problem is None and first(hello.fields, "host_name") is None:
        yield Finding(
            "no_server_name",
            "The client does not say which host it wants (no SNI): libpq before 14, sslsni=0, or an address for a host. PostgreSQL does not need it; a "
            "proxy in front of many servers may.",
            hello.index,
            "RFC 6066 §3",
            weight="note",
            advice="Only the client knows the name then: tell it with --host.",
        )


def resumed(trace: Trace) -> Iterator[Finding]:
    hello = trace.of("ServerHello", "server")
    if trace.tls is not None and trace.tls.resumed and hello is not None:
        yield Finding(
            "resumed",
            "The session of an earlier connection goes on, and no certificate is shown again: what the client checked then has to do.",
            hello.index,
            "RFC 8446 §2.2",
            weight="note",
            advice="To judge the server, capture the connection that began the session. libpq itself never resumes.",
        )


def renegotiated(trace: Trace) -> Iterator[Finding]:
    """Up to TLS 1.2 a client's second handshake record behind its ChangeCipherSpec begins a handshake inside TLS, sealed or not."""
    if trace.tls is None or trace.tls.version in (None, "TLS 1.3"):
        return
    records = trace.records["client"]
    changed = next((r.start for r in records if r.type == CHANGE_CIPHER_SPEC), None)
    behind = [r for r in records if changed is not None and r.start > changed and r.type == HANDSHAKE]
    if len(behind) > 1:
        inside = (m for m in trace.messages if m.sender == "client" and m.spans[0][1] > behind[1].start)
        yield Finding(
            "renegotiated",
            "The two shake hands once more inside TLS. Version and cipher suite are given here as the first handshake agreed on them: there "
            "the client judged the server.",
            next((m.index for m in inside), None),
            "RFC 5746 §1",
            weight="note",
            advice="PostgreSQL refuses this since 9.6.23, 10.18, 11.13, 12.8 and 13.4: look for an older server, or for a proxy.",
        )


# TABLES

GIVEN = {
    "AuthenticationCleartextPassword": "the password itself",
    "AuthenticationMD5Password": "an MD5 of the password, good for guessing it at leisure",
}
PASSWORD_WEIGHTS: dict[tuple[bool, str], Weight] = {
    (False, "AuthenticationCleartextPassword"): "danger",
    (False, "AuthenticationMD5Password"): "danger",
    (True, "AuthenticationCleartextPassword"): "warning",
    (True, "AuthenticationMD5Password"): "note",
}
OLD = {"SSL 3.0": "RFC 7568", "TLS 1.0": "RFC 8996", "TLS 1.1": "RFC 8996"}
SENTINELS = {b"DOWNGRD\x01": 0x0304, b"DOWNGRD\x00": 0x0303}
KEPT_KEYS = ("TLS_RSA_", "TLS_PSK_", "TLS_ECDH_", "TLS_DH_")
FRESH_KEYS = ("TLS_PSK_DHE_", "TLS_ECDH_anon_", "TLS_DH_anon_")
WEAK: tuple[tuple[str, Weight, str], ...] = (
    ("_NULL_", "danger", "does not encrypt: everything can be read on the way."),
    ("_anon_", "danger", "does without a certificate: nobody can know who is at the other end."),
    ("_EXPORT", "danger", "is one of the export suites of the nineties, made to be broken."),
    ("_RC4_", "warning", "is broken: RC4 gives parts of the plaintext away."),
    ("_DES_", "warning", "has a key of 56 bits, which can be tried out."),
    ("_3DES_", "warning", "has blocks of 64 bits, which repeat within one long connection."),
)
