"""libpq: what it checks, in its own order, and what it prints.

The steps are those of PQconnectPoll (fe-connect.c), initialize_SSL and open_client_SSL (fe-secure-openssl.c) of
PostgreSQL 18. Each step is a function from what the server presented and what the client was told to a `Check`; the
decision then goes by the first check that failed. A refused chain does not end `prefer`: it comes back in plaintext.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from tracer.certificates import Presented
from tracer.verify import names
from tracer.verify.checks import VERIFYING, in_handshake
from tracer.verify.clients import Client
from tracer.verify.model import Check, Outcome, Trust, Unusable, Verdict
from tracer.verify.words import ALERT_NAMES, alert

OPENSSL = (3, 5)
DEFAULT_ROOT = "~/.postgresql/root.crt"
BINDS_NOT = (
    "channel binding is required, but server did not offer an authentication method that supports channel binding"
)
NAME_SOURCE = "PostgreSQL: fe-secure-common.c, pq_verify_peer_name_matches_certificate"


@dataclass(frozen=True)
class Steps:
    """The checks of one connection in order, and what is printed when one of them fails."""

    checks: tuple[Check, ...]
    prints: dict[str, str]


def client(name: str, openssl: tuple[int, int]) -> Client:
    """The client of that name."""
    return partial(_replay, name, openssl)


def _replay(name: str, openssl: tuple[int, int], presented: Presented, trust: Trust) -> Verdict:
    mode = trust.sslmode
    decide = partial(_verdict, name, trust)
    early = _before_connecting(trust)
    if early is not None:
        return decide("refuse", early, prints=early.found, wire="nothing", says="nothing: it does not connect")
    if mode == "disable":
        says = "a StartupMessage in plaintext, no SSLRequest"
        return _in_plaintext(decide, presented, trust, wire="unasked", says=says)
    if mode == "allow":
        asked = _replay(name, openssl, presented, replace(trust, sslmode="require"))
        says = f"a StartupMessage in plaintext first; if the server refuses that, a second connection with: {asked.on_the_wire}"
        return decide("plaintext", None, wire=asked.wire and f"unasked|{asked.wire}", says=says)
    if not presented.direct and presented.answer != "S":
        return _without_tls(decide, presented, trust)
    return _with_tls(decide, presented, trust, openssl)


def _verdict(
    name: str,
    trust: Trust,
    outcome: Outcome,
    failed: Check | None,
    *,
    wire: str | None,
    says: str,
    prints: str | None = None,
    checks: tuple[Check, ...] | None = None,
    authenticated: bool | None = False,
) -> Verdict:
    if checks is None:
        checks = tuple(_not_reached(step, failed) for step in ("chain", "validity", "name"))
        checks = (failed, *checks) if failed else checks
    return Verdict(
        client=name,
        sslmode=trust.sslmode,
        host=trust.host if isinstance(trust.host, str) else None,
        time=trust.time,
        outcome=outcome,
        authenticated=None if outcome == "cannot_tell" else authenticated,
        prints=prints,
        on_the_wire=says,
        wire=wire,
        checks=checks,
        refused_by=failed,
    )


def _not_reached(step: str, failed: Check | None) -> Check:
    return Check(
        step,
        "not_done",
        "the client does not come this far" if failed else "without TLS there is no certificate to check",
    )


# BEFORE TLS


def _before_connecting(trust: Trust) -> Check | None:
    """Combinations that PQconnectdb refuses before any packet (fe-connect.c, pqConnectOptions2)."""
    mode = trust.sslmode
    if trust.roots == "system" and mode != "verify-full":
        text = f'weak sslmode "{mode}" may not be used with sslrootcert=system (use "verify-full")'
    elif trust.sslnegotiation == "direct" and mode in ("disable", "allow", "prefer"):
        text = f'weak sslmode "{mode}" may not be used with sslnegotiation=direct (use "require", "verify-ca", or "verify-full")'
    else:
        return None
    return Check("options", "failed", "the client's own options forbid it", "before_tls", found=text)


def _in_plaintext(
    decide: partial[Verdict],
    presented: Presented,
    trust: Trust,
    *,
    wire: str,
    says: str,
    failed: Check | None = None,
    checks: tuple[Check, ...] | None = None,
) -> Verdict:
    """The client goes on without TLS: into a session, unless it insists on channel binding (check_expected_areq)."""
    if trust.channel_binding != "require":
        return decide("plaintext", failed, wire=wire, says=says, checks=checks)
    binding = Check(
        "channel_binding",
        "failed",
        "without TLS there is nothing to bind the password exchange to",
        "before_tls",
        wanted="SCRAM-SHA-256-PLUS",
        found="no TLS",
    )
    asked = presented.authentication if presented.answer == "N" else None
    return decide(
        "refuse",
        binding,
        prints=_unbound(asked, "channel binding required, but SSL not in use") if asked else None,
        wire=wire,
        says=f"{says}; the client closes at the authentication request",
        checks=(*checks, binding) if checks else None,
    )


def _unbound(asked: tuple[str, ...], at_sasl: str) -> str:
    """What channel_binding=require prints for what the server asked: a password exchange that cannot be bound, or none."""
    if "AuthenticationOk" in asked:
        return "channel binding required, but server authenticated client without channel binding"
    if any(name.startswith("Authentication") for name in asked):
        return "channel binding required but not supported by server's authentication request"
    return at_sasl


def _without_tls(decide: partial[Verdict], presented: Presented, trust: Trust) -> Verdict:
    """The server's answer was not `S`."""
    answer = presented.answer
    if answer is None or answer == "G":
        why = "the answer to SSLRequest is not in the capture"
        check = Check("negotiation", "cannot_tell", why, "before_tls")
        return decide("cannot_tell", None, wire=None, says=why, checks=(check,))
    if answer == "N" and trust.sslmode == "prefer":
        says = "a StartupMessage in plaintext, behind N on the same connection"
        return _in_plaintext(decide, presented, trust, wire="plaintext", says=says)
    printed = {
        "N": "server does not support SSL, but SSL was required",
        "E": "server sent an error response during SSL exchange",
    }.get(answer, f"received invalid response to SSL negotiation: {presented.answer_byte.decode('latin-1')}")
    check = Check(
        "negotiation",
        "failed",
        "the server did not agree to TLS",
        "before_tls",
        wanted="S",
        found=answer,
        after_message=presented.seen.get("answer"),
    )
    return decide("refuse", check, prints=printed, wire="gave_up", says="the client closes behind the answer")


# WITH TLS


def _with_tls(decide: partial[Verdict], presented: Presented, trust: Trust, openssl: tuple[int, int]) -> Verdict:
    steps = _steps(presented, trust, openssl)
    failed = next((check for check in steps.checks if check.outcome == "failed"), None)
    unsure = next((check for check in steps.checks if check.outcome == "cannot_tell"), None)
    if unsure is not None and (failed is None or not _certain(failed, steps.checks)):
        return decide("cannot_tell", None, wire=None, says=unsure.because, checks=steps.checks)
    if failed is None:
        binding = _of(steps.checks, "channel_binding")
        both = all(
            (check := _of(steps.checks, step)) is not None and check.outcome == "passed" for step in ("chain", "name")
        )
        return decide(
            "accept",
            None,
            wire="session",
            says="the whole handshake, then a StartupMessage inside TLS",
            checks=steps.checks,
            authenticated=both or (binding is not None and binding.outcome == "passed"),
        )
    wire, says = _refusal(failed)
    if unsure is not None and unsure in steps.checks[: steps.checks.index(failed)]:
        says = "the client closes, by this check or by one in front of it that cannot be told"
        return decide("refuse", failed, wire=None, says=says, checks=steps.checks)
    if trust.sslmode == "prefer" and failed.when != "after_handshake":
        says += "; then a second connection with a StartupMessage in plaintext"
        wire += ",plaintext"
        return _in_plaintext(decide, presented, trust, wire=wire, says=says, failed=failed, checks=steps.checks)
    return decide("refuse", failed, prints=steps.prints.get(failed.step), wire=wire, says=says, checks=steps.checks)


def _certain(failed: Check, checks: tuple[Check, ...]) -> bool:
    """Whether a failure stands whatever the unknown steps in front of it would say.

    Where a root file is a must, each of them refuses or lets the next one decide: a wrong name refuses in any case, and
    so does a leaf out of its time. Those above it may be others in the client's root file.
    """
    before = checks[: checks.index(failed)]
    unsure = [check for check in before if check.outcome == "cannot_tell"]
    return not unsure or failed.step == "name" or (failed.step == "validity" and failed.certificate == 0)


def _of(checks: tuple[Check, ...], step: str) -> Check | None:
    return next((check for check in checks if check.step == step), None)


def _refusal(failed: Check) -> tuple[str, str]:
    """What a failed check leaves on the wire."""
    if failed.when == "before_tls":
        return "no_hello", "the client closes behind S and sends no ClientHello"
    if failed.step == "channel_binding":
        return (
            "session",
            "the whole handshake, a StartupMessage inside TLS, and the client closes at the authentication request",
        )
    if failed.when == "in_handshake":
        code = alert(failed.code or 0)
        return (
            f"alert:{code}",
            f"a fatal alert {ALERT_NAMES.get(code, code)} ({code}) in clear, also in TLS 1.3, and the client closes",
        )
    return "no_startup", "the whole handshake, then close_notify and the client closes: no StartupMessage"


def _alpn(presented: Presented, prints: dict[str, str]) -> Check | None:
    """Direct TLS stands and falls with ALPN (open_client_SSL)."""
    if not (presented.direct and presented.no_alpn):
        return None
    prints["alpn"] = "direct SSL connection was established without ALPN protocol negotiation extension"
    return Check(
        "alpn", "failed", "the server chose no ALPN protocol", "after_handshake", wanted="postgresql", found="none"
    )


def _channel_binding(presented: Presented, trust: Trust, prints: dict[str, str]) -> Check | None:
    """channel_binding=require: the password proves that both ends see the same certificate (pg_SASL_init, fe-auth.c)."""
    if trust.channel_binding != "require":
        return None
    check = Check("channel_binding", "cannot_tell", "", "after_handshake", wanted="SCRAM-SHA-256-PLUS")
    offered = presented.authentication
    if offered is None:
        return replace(check, because="the server's authentication request is sealed or was not captured")
    found = ", ".join(offered)
    if "SCRAM-SHA-256-PLUS" in offered:
        because = "the password exchange is bound to the certificate that the client saw"
        return replace(check, outcome="passed", because=because, found=found)
    prints["channel_binding"] = _unbound(offered, BINDS_NOT)
    return replace(check, outcome="failed", because="the server offers no method that binds", found=found)


def _steps(presented: Presented, trust: Trust, openssl: tuple[int, int]) -> Steps:
    """Every check of a TLS connection, also those behind the first that fails."""
    prints: dict[str, str] = {}
    root = _root_file(trust, prints)
    inside, _ = in_handshake(presented, trust, openssl)
    name = _name(presented, trust, prints)
    prints |= {check.step: f"SSL error: {chain_text(check.code or 0, openssl)}" for check in inside}
    alpn, binding = _alpn(presented, prints), _channel_binding(presented, trust, prints)
    checks = [check for check in (root, *inside, alpn, name) if check is not None]
    if presented.injected:
        prints["injected"] = "received unencrypted data after SSL response"
        because = "bytes that are not TLS stood behind the answer S"
        checks.append(
            Check(
                "injected",
                "failed",
                because,
                "after_handshake",
                wanted="nothing",
                found="bytes",
                source="CVE-2021-23222",
            )
        )
    if binding is not None:
        checks.append(binding)
    return Steps(tuple(checks), prints)


def _root_file(trust: Trust, prints: dict[str, str]) -> Check | None:
    """A root file that is missing where it is needed, or that cannot be used (initialize_SSL)."""
    path = trust.root_path or DEFAULT_ROOT
    if trust.roots is None and trust.sslmode in VERIFYING:
        prints["root_file"] = (
            f'root certificate file "{path}" does not exist\n'
            "Either provide the file, use the system's trusted roots with sslrootcert=system, "
            "or change sslmode to disable server certificate verification."
        )
        because = f"the root file {path} does not exist"
    elif isinstance(trust.roots, Unusable):
        prints["root_file"] = f'could not read root certificate file "{path}": {trust.roots.reason}'
        because = f"the root file {path} is there and cannot be used: {trust.roots.reason}"
    else:
        return None
    return Check("root_file", "failed", because, "before_tls", wanted="certificates in the root file", found=path)


def _name(presented: Presented, trust: Trust, prints: dict[str, str]) -> Check:
    """The host name, behind the handshake, with verify-full only (pq_verify_peer_name_matches_certificate)."""
    check = Check(
        "name", "cannot_tell", "", "after_handshake", after_message=presented.seen.get("name"), source=NAME_SOURCE
    )
    leaf = presented.certificates[0] if presented.certificates else None
    host = trust.host
    if trust.sslmode != "verify-full":
        result = names.match(leaf, host) if leaf is not None and isinstance(host, str) else None
        would = "" if result is None else f"; verify-full would {'accept' if result.matched else 'refuse'} it"
        why = f"{trust.sslmode} does not look at the name{would}"
        return replace(
            check, outcome="not_done", because=why, when=None, wanted=host if isinstance(host, str) else None
        )
    if host is None:
        prints["name"] = "host name must be specified for a verified SSL connection"
        return replace(
            check,
            outcome="failed",
            because="the client was given an address and no host name to verify",
            wanted="a host name",
        )
    if leaf is None:
        return replace(
            check,
            because="the server's certificate is sealed or was not captured",
            wanted=host if isinstance(host, str) else None,
        )
    found = ", ".join(name.text for name in leaf.names) or f"CN {leaf.short}"
    if not isinstance(host, str):
        return replace(
            check,
            because=f"the name that the client was given is not known; the certificate is for {found}",
            found=found,
        )
    result = names.match(leaf, host)
    if result.matched is not None:
        because = f"the certificate names it: {result.matched.kind} {result.matched.text}"
        return replace(check, outcome="passed", because=because, wanted=host, found=result.matched.text, certificate=0)
    prints["name"] = result.prints or ""
    because = f"the certificate is for {found}, not for {host}"
    return replace(check, outcome="failed", because=because, wanted=host, found=found, code=None, certificate=0)


# WORDS


def chain_text(code: int, openssl: tuple[int, int]) -> str:
    """What libpq prints for a refused chain: OpenSSL's last error, which for a bad signature is another."""
    if code in (7, 8):  # a bad signature, of a certificate or of a revocation list
        return "EVP lib" if openssl < (3, 2) else "provider signature failure"
    return "certificate verify failed"
