"""libpq: which attempts it makes, which check ends each of them, and what comes next.

The checks and their order are in `libpq_steps`, what is printed in `libpq_texts`, what changed when in `libpq_versions`.
The decision goes by the first check that failed. A refused chain does not end `prefer`: it comes back in plaintext.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from tracer.certificates import Presented
from tracer.verify.clients import Client, libpq_texts, libpq_versions
from tracer.verify.clients.libpq_authentication import WITH_STARTUP, by_mechanism, required, sasl
from tracer.verify.clients.libpq_steps import inside_tls, negotiation, options
from tracer.verify.clients.libpq_versions import Libpq
from tracer.verify.clients.verdicts import Step, certain, knows_the_server, possible, verdict
from tracer.verify.model import Check, Trust, Verdict


def client(name: str, openssl: tuple[int, ...] | None) -> Client:
    """The client of that name; without `openssl` on the one that its users most likely have."""
    return partial(replay, libpq_versions.libpq(name, openssl))


def replay(libpq: Libpq, presented: Presented, trust: Trust) -> Verdict:
    """What this libpq would do with that server."""
    if trust.roots == "system" and not libpq.has("system"):
        trust = replace(trust, roots=None, root_path="system")  # a file of that name, which nobody has
    if presented.direct:
        trust = replace(trust, sslnegotiation="direct")  # who shows that was not asked otherwise
    decide = partial(verdict, libpq.name, trust)
    forbidden = options(libpq, trust)
    if forbidden is not None:
        return decide("refuse", forbidden, steps=(forbidden,))
    if trust.gssencmode == "require" or (presented.answer == "G" and not presented.answer_byte):
        return _in_gss(decide, presented, trust)
    if trust.sslmode == "disable":
        return _in_plaintext(
            libpq, presented, trust, wire="unasked", says="a StartupMessage in plaintext, no SSLRequest"
        )
    if trust.sslmode == "allow":
        return _plaintext_first(libpq, presented, trust)
    return _tls_first(libpq, presented, trust)


def _tls_first(libpq: Libpq, presented: Presented, trust: Trust) -> Verdict:
    if presented.direct or presented.answer == "S":
        return _with_tls(libpq, presented, trust)
    if presented.answer == "N" and trust.sslmode == "prefer":
        says = "a StartupMessage in plaintext, behind N on the same connection"
        return _in_plaintext(libpq, presented, trust, wire="plaintext", says=says)
    step = negotiation(libpq, presented, trust)
    if step.check.outcome == "cannot_tell":
        return verdict(libpq.name, trust, "cannot_tell", None, steps=(step,), says=step.says)
    return verdict(libpq.name, trust, "refuse", step, steps=(step,))


def _plaintext_first(libpq: Libpq, presented: Presented, trust: Trust) -> Verdict:
    """Under allow a client asks for TLS when the server has refused it without."""
    second = _tls_first(libpq, presented, replace(trust, sslmode="require"))
    wire, says = second.wire, second.on_the_wire
    if presented.answer == "N" and not libpq.has("allow_wants_tls"):
        wire, says = "plaintext", "a StartupMessage in plaintext, behind N on the same connection"
        second = _in_plaintext(libpq, presented, trust, wire=wire, says=says)
    says = f"a StartupMessage in plaintext first; if the server refuses that, a second connection with: {says}"
    if not _by_server(libpq, presented, trust):
        first_try = _in_plaintext(libpq, presented, trust, wire=f"unasked|{wire or '?'}", says=says)
        return replace(first_try, second=second)
    first = presented.ended.text if presented.ended else None
    prints = second.prints and libpq_texts.both(libpq, first, second.prints)
    return replace(second, sslmode=trust.sslmode, wire=f"unasked,{wire or '?'}", on_the_wire=says, prints=prints)


# WITHOUT TLS


def _in_plaintext(
    libpq: Libpq,
    presented: Presented,
    trust: Trust,
    *,
    wire: str | None,
    says: str,
    steps: tuple[Step, ...] = (),
    failed: Step | None = None,
) -> Verdict:
    """The client goes on without TLS: into a session, unless the server or its own wish for a binding is in the way.

    `failed` is what drove it out of TLS.
    """
    decide = partial(verdict, libpq.name, trust, wire=wire)
    ends = [step for step in _ends_of_plaintext(libpq, presented, trust) if step is not None]
    end = next((step for step in ends if step.check.outcome != "passed"), None)
    if end is not None and end.check.outcome == "cannot_tell":
        return decide("cannot_tell", None, steps=(*steps, end), says=says)
    if end is None:
        return decide("plaintext", failed, steps=steps, says=says, prints=None)
    prints = end.prints
    if failed is not None and prints is not None:
        prints = libpq_texts.both(libpq, failed.prints, prints)
    return decide("refuse", end, steps=(*steps, end), prints=prints, says=says + end.says)


def _ends_of_plaintext(libpq: Libpq, presented: Presented, trust: Trust) -> tuple[Step | None, ...]:
    """What ends a session in plaintext, in order: what the client insists on (check_expected_areq), or the server that refuses it."""
    asked = presented.authentication if _in_clear(presented) else None
    refused = None
    if _refuses_plaintext(presented):
        text = presented.ended.text if presented.ended else None
        check = Check("server", "failed", f"in plaintext, the server refused: {text}", "before_tls", found=text)
        refused = Step(check, text, says="; the server refuses")
        if asked is None:
            return (refused,)
    binding = certificate = None
    if trust.channel_binding == "require":
        because = "without TLS there is nothing to bind the password exchange to"
        check = Check("channel_binding", "failed", because, "before_tls", wanted="SCRAM-SHA-256-PLUS", found="no TLS")
        text = libpq_texts.not_bound(asked, libpq_texts.NO_TLS_TO_BIND) if asked else None
        binding = Step(check, text, says="; the client closes at the authentication request")
    if trust.sslcertmode == "require":
        because = "without TLS no server asks for a certificate"
        check = Check("sslcertmode", "failed", because, "before_tls", wanted="a client certificate", found="no TLS")
        text = libpq_texts.NOT_ASKED_FOR_CERTIFICATE if asked and presented.admitted else None
        certificate = Step(check, text, says="; the client closes when it is let in")
    shown = replace(presented, authentication=asked)
    method, mechanism = (look(libpq, shown, trust, tls=False) for look in (required, sasl))
    if by_mechanism(method):
        first, last = None, method
    else:
        first, last = method, None
    closes = "; the client closes at the authentication request"
    first, mechanism, last = (one and replace(one, wire="", says=closes) for one in (first, mechanism, last))
    if asked == ("AuthenticationOk",):
        return certificate, first, binding, refused
    return first, binding, mechanism, last, refused, certificate


def _by_server(libpq: Libpq, presented: Presented, trust: Trust) -> bool:
    """Whether it is the server that ends it: only then a client under allow asks for TLS."""
    ends = (step for step in _ends_of_plaintext(libpq, presented, trust) if step and step.check.outcome != "passed")
    first = next(ends, None)
    return first is not None and first.check.step == "server"


def _in_clear(presented: Presented) -> bool:
    """Whether what is known of the server's session comes from one without TLS."""
    return presented.version is None and not presented.direct and presented.answer in (None, "N")


def _refuses_plaintext(presented: Presented) -> bool:
    ended = presented.ended
    return ended is not None and ended.how == "error" and ended.where == "before_tls" and _in_clear(presented)


def _in_gss(decide: partial[Verdict], presented: Presented, trust: Trust) -> Verdict:
    """GSSAPI encryption comes before TLS and instead of it, whatever the sslmode (PQconnectPoll, CONNECTION_GSS_STARTUP)."""
    agreed = presented.answer == "G" and not presented.answer_byte
    if agreed and trust.gssencmode == "disable":
        why = "GSSAPI was agreed on, which gssencmode=disable never asks for"
        return decide(
            "cannot_tell", None, steps=(Step(Check("negotiation", "cannot_tell", why, "before_tls")),), says=why
        )
    if agreed and not presented.sealed_by_gssapi:
        why = "behind G it takes a Kerberos ticket for this server; a client that has none comes back and asks for TLS"
        step = Step(Check("negotiation", "cannot_tell", why, "before_tls"))
        return decide("cannot_tell", None, steps=(step,), wire="gss|gave_up", says=why)
    if agreed:
        says = "GSSAPI encryption, and TLS is never asked for"
        return decide("accept", None, steps=(), wire="gss", says=says, authenticated=None)
    if presented.direct or presented.answer is not None:
        why = "gssencmode=require never asks for TLS, and whether the server agrees to GSSAPI encryption is not known"
        return decide(
            "cannot_tell", None, steps=(Step(Check("gssencmode", "cannot_tell", why, "before_tls")),), says=why
        )
    because = "gssencmode=require goes on inside GSSAPI encryption only, and never asks for TLS"
    return decide(
        "refuse", Step(Check("gssencmode", "failed", because, "before_tls"), says=because), steps=(), wire=None
    )


# WITH TLS


def _with_tls(libpq: Libpq, presented: Presented, trust: Trust) -> Verdict:
    steps = inside_tls(libpq, presented, trust)
    decide = partial(verdict, libpq.name, trust, steps=steps)
    at = next((at for at, step in enumerate(steps) if step.check.outcome == "failed"), len(steps))
    failed = steps[at] if at < len(steps) else None
    unsure = [step for step in steps[:at] if step.check.outcome == "cannot_tell"]
    ways = possible(trust, unsure, failed)
    if unsure and not (failed and certain(failed)):
        return decide("cannot_tell", None, wire=ways, says=unsure[0].check.because)
    if failed is None:
        return decide("accept", None, wire="session", says=WITH_STARTUP, authenticated=knows_the_server(steps))
    if unsure:
        says = "the client closes, by this check or by one in front of it that cannot be told"
        return decide("refuse", failed, wire=ways, says=says, prints=None)
    if trust.sslmode == "prefer" and failed.retry:
        says = f"{failed.says}; then a second connection with a StartupMessage in plaintext"
        wire = f"{failed.wire},unasked"
        return _in_plaintext(libpq, presented, trust, wire=wire, says=says, steps=steps, failed=failed)
    return decide("refuse", failed)
