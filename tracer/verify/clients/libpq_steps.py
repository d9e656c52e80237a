"""The checks of one libpq connection, each a function, each with what follows when it fails.

The order is that of pqConnectOptions2 and PQconnectPoll (fe-connect.c), initialize_SSL and open_client_SSL
(fe-secure-openssl.c), and check_expected_areq (fe-auth.c). What differs between versions is in `libpq_versions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tracer.certificates import Presented
from tracer.outcome import Ended
from tracer.verify import names
from tracer.verify.checks import VERIFYING, in_handshake
from tracer.verify.clients import libpq_texts as texts
from tracer.verify.clients import required_auth
from tracer.verify.clients import tls_versions as versions
from tracer.verify.clients.libpq_authentication import WITH_STARTUP, authentication
from tracer.verify.clients.libpq_versions import Libpq
from tracer.verify.clients.verdicts import Step
from tracer.verify.model import Check, Trust, Unknown, Unusable
from tracer.verify.validity import unreadable
from tracer.verify.words import ALERT_NAMES, alert

DEFAULT_ROOT = "~/.postgresql/root.crt"
NAME_SOURCE = "PostgreSQL: fe-secure-common.c, pq_verify_peer_name_matches_certificate"


def _failed(step: str, because: str, **values: object) -> Check:
    return Check(step, "failed", because, **values)  # type: ignore[arg-type]


# BEFORE ANY PACKET


def options(libpq: Libpq, trust: Trust) -> Step | None:
    """What this version does not know, and what may not stand together (conninfo_parse, pqConnectOptions2).

    Of several that it does not know libpq names the first in the string; here that is the oldest.
    """
    text = next(
        (texts.invalid_option(name) for name, default in PARAMETERS if _too_new(libpq, trust, name, default)), ""
    )
    mode, required = trust.sslmode, required_auth.parse(trust.require_auth, libpq.version)
    if not text and required is not None and required.error:
        text = required.error
    if not text and versions.contradictory(trust):
        text = texts.VERSION_RANGE
    if not text and trust.sslnegotiation == "direct" and mode in ("disable", "allow", "prefer"):
        text = texts.weak_for_direct(mode)
    if not text and trust.roots == "system" and mode != "verify-full":
        text = texts.weak_for_system(mode)
    if not text:
        return None
    check = _failed("options", "the client's own options forbid it", when="before_tls", found=text)
    return Step(check, text, "nothing", "nothing: it does not connect")


def _too_new(libpq: Libpq, trust: Trust, name: str, default: str | None) -> bool:
    return getattr(trust, name) != default and not libpq.has(SINCE.get(name, name))


# THE ANSWER


def negotiation(libpq: Libpq, presented: Presented, trust: Trust) -> Step:
    """An answer that is not `S` (PQconnectPoll, CONNECTION_SSL_STARTUP)."""
    answer, ended = presented.answer, presented.ended
    check = _failed(
        "negotiation",
        "the server did not agree to TLS",
        when="before_tls",
        wanted="S",
        found=answer,
        after_message=presented.seen.get("answer"),
    )
    if trust.sslnegotiation == "direct" and answer == "N":
        says = "a ClientHello, and the server, which has no TLS, closes"
        return Step(check, texts.end_of_file(libpq), "stopped", says)
    # an error in plaintext answers a StartupMessage; one that answers SSLRequest is E
    if answer is None and ended is not None and ended.where == "before_tls" and ended.how != "error":
        check = replace(check, because="the server closed and did not answer", found="nothing")
        return Step(check, texts.CLOSED, "gave_up", "an SSLRequest, and nothing more")
    if trust.sslnegotiation == "direct" or answer is None or (answer == "G" and not presented.answer_byte):
        asked = "request" in presented.seen
        why = "no answer to SSLRequest seen" if asked else "TLS was not asked for here"
        if trust.sslnegotiation == "direct":
            why = "this server was not asked for direct TLS"
        return Step(replace(check, outcome="cannot_tell", because=why, found=None), says=why)
    text = {"N": texts.NO_TLS, "E": texts.EARLY_ERROR}.get(answer) or texts.invalid_answer(presented.answer_byte)
    return Step(check, text, "gave_up", "the client closes behind the answer")


# INSIDE TLS


def inside_tls(libpq: Libpq, presented: Presented, trust: Trust) -> tuple[Step, ...]:
    """Every check of a TLS connection in order, also those behind the first that fails."""
    before = (
        root_file(libpq, presented, trust),
        server_name(libpq, presented, trust),
        _no_version(libpq, presented, trust),
        _direct(presented, trust),
    )
    behind = (alpn(presented), name(libpq, presented, trust), injected(presented), late_alert(libpq, presented, trust))
    found = (*before, *handshake(libpq, presented, trust), *behind, *authentication(libpq, presented, trust))
    return tuple(step for step in found if step is not None)


def _direct(presented: Presented, trust: Trust) -> Step | None:
    """Whether the server takes TLS without being asked first. One that chose ALPN `postgresql` is new enough."""
    answered = presented.version or presented.certificates or presented.ended
    if trust.sslnegotiation != "direct" or presented.alpn == "postgresql" or (presented.direct and answered):
        return None
    if presented.direct:
        why = "the server's answer to the ClientHello is not in the capture"
        return Step(Check("negotiation", "cannot_tell", why, "before_tls"), wire="stopped")
    why = "this server was asked with an SSLRequest; whether it takes direct TLS, as PostgreSQL does from 17 on, is not known"
    return Step(Check("negotiation", "cannot_tell", why, "before_tls"), wire="stopped")


def root_file(libpq: Libpq, presented: Presented, trust: Trust) -> Step | None:
    """A root file that is missing where it is needed, or that cannot be used (initialize_SSL)."""
    path = trust.root_path or DEFAULT_ROOT
    if trust.roots is None and trust.sslmode in VERIFYING:
        text: str | None = texts.missing_root(libpq, path)
        because = f"the root file {path} does not exist"
    elif reason := _unusable(libpq, trust):
        text = texts.unusable_root(libpq, path, reason)
        because = f"the root file {path} is there and cannot be used: {reason}"
    else:
        return None
    check = _failed("root_file", because, when="before_tls", wanted="certificates in the root file", found=path)
    return Step(check, text, "no_hello", _no_hello(presented, trust), retry=True)


def _unusable(libpq: Libpq, trust: Trust) -> str | None:
    """OpenSSL's word on a root file, or on its first entry that it does not read; the system's store may lack some."""
    if isinstance(trust.roots, Unusable):
        return trust.roots.reason
    roots = trust.anchors() if trust.roots != "system" else None
    return next((word for root in roots or () if (word := unreadable(root, libpq.openssl))), None)


def _no_hello(presented: Presented, trust: Trust) -> str:
    if presented.direct or trust.sslnegotiation == "direct":
        return "the client connects and closes without a byte"
    return "the client closes behind S and sends no ClientHello"


def server_name(libpq: Libpq, presented: Presented, trust: Trust) -> Step | None:
    """A host name that is too long for SNI (initialize_SSL; TLSEXT_MAXLEN_host_name). Digits, dots and colons are not sent."""
    host = trust.host if isinstance(trust.host, str) else ""
    length = len(host.encode("utf-8", "surrogateescape"))
    if not libpq.has("server_name") or length <= LONGEST_NAME or ":" in host or not host.strip("0123456789."):
        return None
    because = f"a host name of {length} bytes is too long for the ClientHello"
    check = _failed(
        "server_name", because, when="before_tls", wanted=f"{LONGEST_NAME} bytes at most", found=str(length)
    )
    return Step(check, texts.LONG_NAME, "no_hello", _no_hello(presented, trust), retry=True)


def handshake(libpq: Libpq, presented: Presented, trust: Trust) -> Iterator[Step]:
    """The server's certificates, and the server's own end where it comes inside the handshake.

    Without a ServerHello the server ended before it had shown anything.
    """
    stopped = _stopped(libpq, presented, trust)
    if stopped is not None and presented.version is None and not presented.certificates:
        why = "the server ended the handshake before it showed a certificate"
        yield stopped
        yield from (Step(Check(step, "not_done", why)) for step in ("chain", "validity"))
        return
    yield from filter(None, (_other_version(libpq, presented, trust), _unreadable(libpq, presented)))
    yield from chain(libpq, presented, trust)
    if stopped is not None:
        yield stopped


def _other_version(libpq: Libpq, presented: Presented, trust: Trust) -> Step | None:
    """A version outside of what the client allows; libpq up to 12 allows all that OpenSSL has."""
    check = versions.chosen(presented, trust) if libpq.has("tls_1_2") else None
    says = "a fatal alert protocol_version (70), the server's or the client's"
    return Step(check, None, "stopped|alert:70", says, retry=True) if check else None


def _no_version(libpq: Libpq, presented: Presented, trust: Trust) -> Step | None:
    check = versions.none_left(presented, trust, libpq.openssl)
    says = "a fatal alert protocol_version (70) in place of a ClientHello"
    prints = texts.no_protocols(libpq, versions.allowed(trust))
    return Step(check, prints, "alert:70", says, retry=True) if check else None


def _unreadable(libpq: Libpq, presented: Presented) -> Step | None:
    """A certificate that this OpenSSL does not read, root file or not (statem_clnt.c, tls_process_server_certificate)."""
    for at, certificate in enumerate(presented.certificates or ()):
        word = unreadable(certificate, libpq.openssl)
        if word is not None:
            because = f"OpenSSL does not read {certificate.short}: {word}"
            check = _failed("certificate", because, when="in_handshake", certificate=at, found=word)
            says = "a fatal alert bad_certificate (42) in clear, and the client closes"
            return Step(check, f"SSL error: {word}", "alert:42", says, retry=True)
    return None


def chain(libpq: Libpq, presented: Presented, trust: Trust) -> Iterator[Step]:
    """The chain and the dates, as OpenSSL finds them while it processes the server's Certificate (verify_cb forgives nothing)."""
    checks, path = in_handshake(presented, trust, libpq.openssl)
    first = path.faults[0] if path is not None and path.faults else None
    prints = (
        texts.refused_chain(libpq, first, path.certificates) if path is not None and first is not None else texts.FAILED
    )
    for check in checks:
        if check.outcome == "failed":
            number = alert(check.code or 0)
            says = f"a fatal alert {ALERT_NAMES.get(number, number)} ({number}) in clear, also in TLS 1.3, and the client closes"
            yield Step(check, prints, f"alert:{number}", says, retry=True)
        else:
            yield Step(check, wire="alert")


def _stopped(libpq: Libpq, presented: Presented, trust: Trust) -> Step | None:
    ended = presented.ended
    if ended is None or ended.where != "in_handshake":
        return None
    text = {"closed": texts.end_of_file, "reset": texts.reset}.get(ended.how)
    prints = text(libpq) if text else _ended_text(libpq, presented, trust)
    because, at = f"the server {_how(ended)} inside the handshake", presented.seen.get("ended")
    check = _failed("server", because, when="in_handshake", found=_how(ended), after_message=at)
    return Step(check, prints, "stopped", "nothing more: the server ended the handshake", retry=True)


def _ended_text(libpq: Libpq, presented: Presented, trust: Trust) -> str | None:
    """What is printed for the server's end. Two of the texts name the client's range, which its hello does not spell."""
    ended = presented.ended
    if ended is None:
        return None
    ranged = ended.how == "not_tls" or ended.alert == texts.PROTOCOL_VERSION
    if ranged and libpq.has("tls_1_2") and versions.others(presented, trust):
        return None
    if ended.how == "not_tls":
        return texts.not_tls(libpq, versions.allowed(trust))
    return texts.server_alert(libpq, ended.alert, versions.allowed(trust)) if ended.alert is not None else None


def _how(ended: Ended) -> str:
    if ended.how == "alert":
        return "sent a sealed alert" if ended.alert is None else f"sent the fatal alert {ended.alert}"
    return HOW[ended.how]


# BEHIND THE HANDSHAKE


def alpn(presented: Presented) -> Step | None:
    """Direct TLS stands and falls with ALPN (open_client_SSL)."""
    if not (presented.direct and presented.no_alpn):
        return None
    because = "the server chose no ALPN protocol"
    check = _failed("alpn", because, when="after_handshake", wanted="postgresql", found="none")
    return Step(check, texts.NO_ALPN, "no_startup", NO_STARTUP)


def name(libpq: Libpq, presented: Presented, trust: Trust) -> Step:
    """The host name, with verify-full only (pq_verify_peer_name_matches_certificate)."""
    host = trust.host if isinstance(trust.host, str) else None
    check = Check(
        "name",
        "cannot_tell",
        presented.absent or "the server's certificate is sealed or was not captured",
        "after_handshake",
        wanted=host,
        after_message=presented.seen.get("name"),
        source=NAME_SOURCE,
    )
    leaf = presented.certificates[0] if presented.certificates else None
    result = names.match(leaf, host, ip_names=libpq.has("ip_names")) if leaf and host else None
    if trust.sslmode != "verify-full":
        would = "" if result is None else f"; verify-full would {'accept' if result.matched else 'refuse'} it"
        why = f"{trust.sslmode} does not look at the name{would}"
        return Step(replace(check, outcome="not_done", because=why, when=None))
    if not host and not isinstance(trust.host, Unknown):
        because = "the client was given an address and no host name to verify"
        failed = replace(check, outcome="failed", because=because, wanted="a host name")
        return Step(failed, texts.NO_HOST, "no_startup", NO_STARTUP)
    if leaf is None:
        return Step(check, wire="no_startup")
    found = ", ".join(one.text for one in leaf.names) or f"CN {leaf.short}"
    if result is None:
        why = f"the name that the client was given is not known; the certificate is for {found}"
        return Step(replace(check, because=why, found=found), wire="no_startup")
    check = replace(check, certificate=0, outcome="failed", found=found)
    if result.matched is not None:
        because = f"the certificate names it: {result.matched.kind} {result.matched.text}"
        return Step(replace(check, outcome="passed", because=because, found=result.matched.text))
    because = f"the certificate is for {found}, not for {host}"
    return Step(replace(check, because=because), result.prints, "no_startup", NO_STARTUP)


def injected(presented: Presented) -> Step | None:
    """Bytes that somebody put behind `S` (PQconnectPoll, CONNECTION_SSL_STARTUP); looked at when the handshake is done."""
    if not presented.injected:
        return None
    because = "bytes that are not TLS stood behind the answer S"
    source, at = "CVE-2021-23222", presented.seen.get("name")
    check = _failed(
        "injected", because, when="after_handshake", wanted="nothing", found="bytes", source=source, after_message=at
    )
    return Step(check, texts.INJECTED, "no_startup", NO_STARTUP)


def late_alert(libpq: Libpq, presented: Presented, trust: Trust) -> Step | None:
    """TLS 1.3 lets a server refuse the client's certificate when the client believes that all is done: no way back then."""
    ended, at = presented.ended, presented.seen.get("ended")
    if ended is None or ended.how not in ("alert", "sealed") or ended.where != "after_handshake":
        return None
    if ended.how == "sealed":
        check = Check("server", "cannot_tell", SEALED_END, "after_handshake", after_message=at)
        return Step(check, wire="session")
    because = f"the server {_how(ended)} behind the handshake"
    check = _failed("server", because, when="after_handshake", found=_how(ended), after_message=at)
    return Step(check, _ended_text(libpq, presented, trust), "session", WITH_STARTUP)


# TABLES

PARAMETERS: tuple[tuple[str, str | None], ...] = (
    ("channel_binding", "prefer"),
    ("ssl_min_protocol_version", "TLSv1.2"),
    ("ssl_max_protocol_version", "TLSv1.3"),
    ("sslcertmode", "allow"),
    ("require_auth", None),
    ("sslnegotiation", "postgres"),
)
SINCE = {"ssl_min_protocol_version": "tls_1_2", "ssl_max_protocol_version": "tls_1_2"}
HOW = {"closed": "closed", "reset": "reset the connection", "not_tls": "sent what is no TLS", "error": "sent an error"}
SEALED_END = "how the server ended the connection is sealed: an error looks like that, and so may the end of a session"
NO_STARTUP = "the whole handshake, then close_notify and the client closes: no StartupMessage"
LONGEST_NAME = 255  # TLSEXT_MAXLEN_host_name
