"""What a capture allows: which sslmodes its traffic does not contradict, and what in it says so.

Everything here is about libpq. Evidence is one observation a function; a table at the bottom. `rules_out` holds the modes
under which no libpq leaves that, whatever its files and names are; what depends on those is for the verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from tracer.outcome import closed_by
from tracer.protocol.fields import every, number
from tracer.trace import Trace
from tracer.verify import clients
from tracer.verify.checks import LISTS
from tracer.verify.model import SSLMODES, Verdict
from tracer.verify.words import CERTIFICATE_ALERTS, alert


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation: what it says of the client, the message that shows it, and the sslmodes that it rules out."""

    kind: str
    text: str
    message: int | None = None
    rules_out: tuple[str, ...] = ()


def observed(trace: Trace) -> str | None:
    """What the client of a trace did, in the words of `Verdict.wire`; None when the capture does not show it.

    `unasked` (plaintext without an SSLRequest), `plaintext` (behind N), `gave_up` (no TLS was agreed on, and it closed),
    `gss`, `no_hello` (closed behind `S`), `alert:48` (by number), `left` (closed inside the handshake and sent no alert),
    `stopped` (the server ended the handshake), `no_startup` (closed behind a whole handshake), `session` (went on inside TLS).
    """
    outcome = trace.outcome
    if trace.transport == "plaintext":
        return "plaintext" if any(n.request == "SSLRequest" for n in trace.negotiation) else "unasked"
    if trace.transport == "gss" and outcome.kind == "established":
        return "gss"
    if outcome.kind == "refused_by_client":
        if outcome.alert is not None:
            return f"alert:{outcome.alert.code}"
        before = "no_hello" if trace.answer == "S" else "gave_up"
        return {"before_tls": before, "after_handshake": "no_startup"}.get(outcome.where or "")
    if outcome.kind == "established" or (outcome.kind == "refused_by_server" and outcome.where == "after_handshake"):
        return "session"
    if outcome.kind == "incomplete" and outcome.inferred:  # how the server ended that is sealed
        return "session"
    if outcome.kind in ("refused_by_server", "closed"):
        unanswered = trace.answer is None and closed_by(trace) == "server"
        if outcome.where == "before_tls" and trace.negotiation and (trace.answer in ("E", "other") or unanswered):
            return "gave_up"
        if outcome.where == "in_handshake" and trace.presented.ended is not None:
            return "stopped"
        if outcome.where == "in_handshake" and outcome.kind == "closed" and closed_by(trace) == "client":
            return "left"
    return None


def agrees(verdict: Verdict, trace: Trace) -> bool | None:
    """Whether a client with that verdict would have left this capture; None where one of them does not say."""
    seen = observed(trace)
    if seen is None or verdict.wire is None:
        return None
    # a comma stands in front of what comes on a second connection, a bar between what may come on this one, and ? is not known
    ways = {way.split(",")[0] for way in verdict.wire.split("|")}
    if seen in ways or ("alert" in ways and seen.startswith("alert:")):
        return None if verdict.outcome == "cannot_tell" else True
    if seen == "no_hello" and not ways <= WITHOUT_HELLO:  # its own certificate or key may be bad, under every mode
        return None
    if _other_files(seen, verdict) or _older(seen, verdict):
        return None
    if seen == "left" or _says_nothing(seen, ways, trace):  # so leaves every client that is stopped from outside
        return None
    # the sizes of sealed records tell a session from a close, and not for certain
    return None if "?" in ways or (trace.outcome.inferred and ways & {"no_startup", "session"}) else False


def _says_nothing(seen: str, ways: set[str], trace: Trace) -> bool:
    """Whether the client's alert is about what no verdict looks at: a record, a parameter, the proof of the server's key.

    A certificate that is sealed may be one that its OpenSSL cannot read, and then it says bad_certificate, root file or not.
    """
    kind, _, code = seen.partition(":")
    if kind != "alert" or ways <= WITHOUT_HELLO:
        return False
    if int(code) in (DECRYPT_ERROR, BAD_CERTIFICATE):
        return "session" in ways and (int(code) == DECRYPT_ERROR or not trace.presented.certificates)
    return int(code) not in CERTIFICATE_ALERTS


def _other_files(seen: str, verdict: Verdict) -> bool:
    """Whether the alert may come of a revocation list that nobody named: libpq looks for one beside its root file.

    OpenSSL looks at the lists behind the chain and in front of the dates (x509_vfy.c, verify_chain).
    """
    inside = verdict.second or verdict  # allow comes to TLS with its second attempt
    if seen not in REVOKED or inside.check("revocation") is not None:
        return False
    chain = inside.check("chain")
    # initialize_SSL reads lists with a root file only, and not beside sslrootcert=system
    return chain is not None and chain.outcome == "passed" and not (chain.wanted or "").endswith("store")


def _older(seen: str, verdict: Verdict) -> bool:
    """Whether a libpq whose version nobody told may be one up to 16, whose allow goes on behind N."""
    return seen == "plaintext" and verdict.sslmode == "allow" and verdict.client == "libpq"


def consistent_with(verdicts: Mapping[str, Verdict], trace: Trace) -> list[str]:
    """The sslmodes that this capture does not contradict."""
    return left(evidence(verdicts, trace))


def left(found: Iterable[Evidence]) -> list[str]:
    """The sslmodes that none of it rules out."""
    out = {mode for one in found for mode in one.rules_out}
    return [mode for mode in SSLMODES if mode not in out]


def evidence(verdicts: Mapping[str, Verdict], trace: Trace) -> list[Evidence]:
    """What the capture says of its client. `verdicts` are by sslmode; with none of them only what holds for every libpq.

    Of another client it is the replay alone that speaks.
    """
    libpq = all(verdict.basis is None for verdict in verdicts.values())
    found = [one for look in LOOKS for one in look(trace)] if libpq else []
    out = {mode for one in found for mode in one.rules_out}
    for mode, verdict in verdicts.items():
        if mode not in out and _asks_always(verdict) and observed(trace) == "unasked":
            found.append(Evidence("replay", f"{mode} asks for TLS on every connection", None, (mode,)))
        elif mode not in out and agrees(verdict, trace) is False:
            found.append(Evidence("replay", f"{mode} would have left here: {verdict.on_the_wire}", None, (mode,)))
    return found


def _asks_always(verdict: Verdict) -> bool:
    """Whether it is a driver's, and that mode of it never begins a connection in plaintext."""
    profile = clients.drivers().get(verdict.client)
    return profile is not None and "plaintext" not in profile.modes.get(verdict.sslmode, ("plaintext",))


# LOOKS


def behaviour(trace: Trace) -> Iterator[Evidence]:
    """What the client did, and which modes never do that."""
    seen = observed(trace)
    if seen is None:
        return
    kind, _, code = seen.partition(":")
    if kind == "gave_up" and trace.negotiation[-1].request == "GSSENCRequest":
        kind = "no_gss"
    if kind == "gave_up" and trace.answer != "N":
        kind = "no_answer"
    if kind == "alert" and int(code) in CERTIFICATE_ALERTS:
        kind = "certificate_alert"
    if kind == "no_startup" and (trace.presented.injected or trace.preamble == "direct"):
        kind = "no_startup_otherwise"
    text, modes = BEHAVIOUR[kind]
    said = trace.outcome.alert
    if kind in ("alert", "stopped") and said is not None:
        text = f"{text[:-1]}: {said.description} ({said.code})."
    sealed = " (read off the sizes of sealed records)" if trace.outcome.inferred else ""
    yield Evidence(kind, text + sealed, _last(trace), tuple(m for m in SSLMODES if m not in modes))


def _last(trace: Trace) -> int | None:
    """The client's last message of those that settle this."""
    kinds = ("StartupMessage", "Alert", "Sealed", "Finished", "ClientHello", "SSLRequest", "GSSENCRequest")
    found = (m for kind in kinds for m in reversed(trace.messages) if m.kind == kind and m.sender == "client")
    return next((m.index for m in found), None)


def direct(trace: Trace) -> Iterator[Evidence]:
    if trace.preamble == "direct":
        text = "The client began with TLS and did not ask: sslnegotiation=direct, libpq 17 or newer, which only strong modes may use."
        hello = trace.of("ClientHello", "client")
        yield Evidence("direct", text, hello.index if hello else None, ("disable", "allow", "prefer"))


def asked(trace: Trace) -> Iterator[Evidence]:
    """An SSLRequest, where it is all that is known."""
    request = next((n for n in trace.negotiation if n.request == "SSLRequest"), None)
    if request is not None and observed(trace) is None:
        yield Evidence("asked", "It asked for TLS, which disable never does.", request.message, ("disable",))


def hello(trace: Trace) -> Iterator[Evidence]:
    """What the ClientHello says of the client's version."""
    message = trace.of("ClientHello", "client")
    if message is None or message.problem:
        return
    fields = message.fields
    name = next((field.text for field in every(fields, "host_name")), None)
    if name is not None:
        yield Evidence(
            "server_name", f"It names the server, {name}: libpq 14 or newer, with a name as its host.", message.index
        )
    else:
        text = "It does not name the server: libpq 12 or 13, an address as its host, or sslsni=0."
        yield Evidence("server_name", text, message.index)
    protocols = [field.text for field in every(fields, "protocol_name")]
    since = "17 or newer" if "postgresql" in protocols else "16 or older"
    yield Evidence("alpn", f"It offers {', '.join(protocols) or 'no'} ALPN protocol: libpq {since}.", message.index)
    versions = {number(field) for field in every(fields, "version")}
    if versions & {0x0301, 0x0302}:
        text = "It offers TLS 1.0 or 1.1: libpq 12, or ssl_min_protocol_version was set."
        yield Evidence("versions", text, message.index)
    if any(number(field) == X25519MLKEM768 for field in every(fields, "named_group")):
        yield Evidence("groups", "It offers X25519MLKEM768: OpenSSL 3.5 or newer.", message.index)


def kerberos(trace: Trace) -> Iterator[Evidence]:
    asked = next((n for n in trace.negotiation if n.request == "GSSENCRequest"), None)
    if asked is not None:
        text = (
            "It asked for GSSAPI encryption first: it has a Kerberos credential cache, and gssencmode is not disable."
        )
        yield Evidence("gssencmode", text, asked.message)


# TABLES

X25519MLKEM768 = 0x11EC
BAD_CERTIFICATE, DECRYPT_ERROR = 42, 51
WITHOUT_HELLO = {"nothing", "unasked", "plaintext", "gave_up", "gss", "no_hello"}
REVOKED = {f"alert:{alert(code)}" for code in LISTS}
TLS = ("allow", "prefer", "require", "verify-ca", "verify-full")
STRONG = ("require", "verify-ca", "verify-full")
# what was seen: a sentence, and the modes that can leave it
BEHAVIOUR: dict[str, tuple[str, tuple[str, ...]]] = {
    "unasked": (
        "It never asked for TLS: disable, allow's first attempt, or prefer's second after TLS had failed.",
        ("disable", "allow", "prefer"),
    ),
    "plaintext": (
        "It went on in plaintext behind N: prefer, or up to libpq 16 allow's second attempt.",
        ("allow", "prefer"),
    ),
    "gave_up": (
        "It would not go on behind N: a mode that insists on TLS, or from libpq 17 on allow's second attempt.",
        ("allow", *STRONG),
    ),
    "no_gss": (
        "It asked for GSSAPI encryption and closed behind the answer: under gssencmode=require, or to come back and ask for TLS.",
        SSLMODES,
    ),
    "no_answer": ("It asked for TLS, and behind an answer that was neither S nor N every mode gives up.", TLS),
    "gss": ("GSSAPI encryption was agreed on, which comes before TLS whatever the sslmode.", SSLMODES),
    "no_hello": (
        "It closed behind S without a ClientHello: something in its own files. A root file that is missing does that under verify-ca and verify-full, one that cannot be read, or a bad client certificate, under every mode.",
        TLS,
    ),
    "certificate_alert": (
        "It refused the server's certificates. A client with a root file, or with sslrootcert=system, looks at them, and no other does.",
        TLS,
    ),
    "alert": ("It sent a fatal alert that has nothing to do with certificates.", TLS),
    "left": (
        "It left inside the handshake and sent no alert: so asyncpg and node-postgres refuse; a libpq that does was stopped from outside.",
        TLS,
    ),
    "stopped": ("It began TLS, and the server ended that.", TLS),
    "no_startup": (
        "It completed the handshake and closed without a StartupMessage: so ends the name check, which only verify-full has.",
        ("verify-full",),
    ),
    "no_startup_otherwise": (
        "It completed the handshake and closed without a StartupMessage: by its name check, or because of the bytes behind S or the missing ALPN.",
        TLS,
    ),
    "session": ("It completed the handshake and went on inside TLS: whatever it checks had passed.", TLS),
}
LOOKS: tuple[Callable[[Trace], Iterator[Evidence]], ...] = (direct, asked, behaviour, hello, kerberos)
