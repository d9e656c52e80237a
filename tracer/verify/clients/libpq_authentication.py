"""The checks of libpq behind its StartupMessage: require_auth, channel_binding, sslcertmode, and the server's own refusal.

The order is that of check_expected_areq (fe-auth.c): what the client insists on is held against each request, first among all
sslcertmode when the server lets it in, then require_auth, then channel_binding.
"""

from __future__ import annotations

from dataclasses import replace

from tracer.certificates import Presented
from tracer.verify.clients import libpq_texts as texts
from tracer.verify.clients import required_auth
from tracer.verify.clients.libpq_versions import Libpq
from tracer.verify.clients.verdicts import Step
from tracer.verify.model import Check, Trust, When

WITH_STARTUP = "the whole handshake, then a StartupMessage inside TLS"
UNSEEN = "the server's authentication request is sealed or was not captured"


def authentication(libpq: Libpq, presented: Presented, trust: Trust) -> tuple[Step | None, ...]:
    """What the client holds against the server's requests, and the server's own refusal where it came among them."""
    method, mechanism = required(libpq, presented, trust), sasl(libpq, presented, trust)
    if by_mechanism(method):
        method, mechanism = mechanism, method
    binding, certificate = channel_binding(presented, trust), certificate_mode(presented, trust)
    error = refused(presented)
    if error is not None and not presented.admitted:
        return (method, mechanism, binding, error) if presented.authentication else (error,)
    if presented.authentication == ("AuthenticationOk",):
        return certificate, method, binding, error
    return method, mechanism, binding, certificate, error


def required(libpq: Libpq, presented: Presented, trust: Trust, *, tls: bool = True) -> Step | None:
    """require_auth: whether the server's first request is one of those that the client allows (check_expected_areq)."""
    wanted = required_auth.parse(trust.require_auth, libpq.version)
    if wanted is None:
        return None
    at = presented.seen.get("authentication")
    when: When = "after_handshake" if tls else "before_tls"
    check = Check("require_auth", "cannot_tell", "", when, wanted=trust.require_auth, after_message=at)
    asked = presented.authentication
    if asked is None:
        return Step(replace(check, because=UNSEEN), wire="session")
    check = replace(check, found=", ".join(asked))
    text = required_auth.refusal(wanted, asked, libpq.version, binds=tls and trust.channel_binding != "disable")
    if text is None:
        return Step(replace(check, outcome="passed", because="the client allows what the server asks for"))
    check = replace(check, outcome="failed", because="the client does not allow what the server asks for")
    return Step(check, text, "session", WITH_STARTUP)


def by_mechanism(method: Step | None) -> bool:
    """Whether require_auth fails at the mechanism, which libpq chooses behind all that it holds against the request itself."""
    text = (method.prints if method else None) or ""
    return any(text.endswith(f"server requested {one} authentication") for one in required_auth.MECHANISMS)


def sasl(libpq: Libpq, presented: Presented, trust: Trust, *, tls: bool = True) -> Step | None:
    """A list of mechanisms with none that libpq knows, or with one that binds where nothing is there to bind to (pg_SASL_init)."""
    asked = presented.authentication
    if not asked or not required_auth.is_sasl(asked):
        return None
    text, because = texts.PLUS_IN_CLEAR, "without TLS a server does not offer what binds to TLS"
    if tls or "SCRAM-SHA-256-PLUS" not in asked:
        if required_auth.chosen(asked, libpq.version, binds=tls and trust.channel_binding != "disable"):
            return None
        text, because = texts.NO_MECHANISM, "the client knows none of the mechanisms that the server offers"
    at, when = presented.seen.get("authentication"), "after_handshake" if tls else "before_tls"
    check = Check("sasl", "failed", because, when, found=", ".join(asked), after_message=at)  # type: ignore[arg-type]
    return Step(check, text, "session", WITH_STARTUP)


def channel_binding(presented: Presented, trust: Trust) -> Step | None:
    """channel_binding=require: the password proves that both ends see the same certificate (pg_SASL_init)."""
    if trust.channel_binding != "require":
        return None
    at = presented.seen.get("authentication")
    check = Check(
        "channel_binding", "cannot_tell", "", "after_handshake", wanted="SCRAM-SHA-256-PLUS", after_message=at
    )
    offered = presented.authentication
    if offered is None:
        return Step(replace(check, because=UNSEEN), wire="session")
    check = replace(check, found=", ".join(offered))
    if "SCRAM-SHA-256-PLUS" in offered:
        because = "the password exchange is bound to the certificate that the client saw"
        return Step(replace(check, outcome="passed", because=because))
    check = replace(check, outcome="failed", because="the server offers no method that binds")
    return Step(check, texts.not_bound(offered, texts.NO_PLUS), "session", WITH_STARTUP)


def certificate_mode(presented: Presented, trust: Trust) -> Step | None:
    """sslcertmode=require: the server must have asked for a certificate and got one, looked at when it lets the client in."""
    if trust.sslcertmode != "require":
        return None
    at, wanted = presented.seen.get("admitted"), "a client certificate, asked for and sent"
    check = Check("sslcertmode", "cannot_tell", "", "after_handshake", wanted=wanted, after_message=at)
    sent = presented.client_certificate
    if sent is None:
        why = "whether the server asked for a certificate is sealed or was not captured"
        return Step(replace(check, because=why), wire="session")
    if sent == "sent":
        return Step(
            replace(check, outcome="passed", because="the client sent the certificate that was asked for", found=sent)
        )
    text = texts.NO_CERTIFICATE if sent == "requested" else texts.NOT_ASKED_FOR_CERTIFICATE
    because = "the server asked and got none" if sent == "requested" else "the server did not ask for a certificate"
    return Step(replace(check, outcome="failed", because=because, found=sent), text, "session", WITH_STARTUP)


def refused(presented: Presented) -> Step | None:
    """The server's own refusal. Before it has said AuthenticationOk, prefer comes back in plaintext."""
    ended = presented.ended
    if ended is None or ended.how != "error" or ended.where != "after_handshake":
        return None
    because, at = f"the server refused: {ended.text}", presented.seen.get("ended")
    check = Check("server", "failed", because, "after_handshake", found=ended.text, after_message=at)
    return Step(check, ended.text, "session", WITH_STARTUP, retry=not presented.admitted)
