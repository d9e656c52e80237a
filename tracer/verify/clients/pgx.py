"""pgx 4 and 5: require with a root file is verify-ca, prefer and allow never verify, and a refused TLS comes back on a new connection.

Run: pgx 4.15 (pgconn 1.11) on Go 1.19. Its source: pgconn/config.go (configTLS), pgconn/defaults.go, pgconn/pgconn.go (connect).
Of pgx 5 only the source was read: it knows sslrootcert=system, which makes every mode verify-full without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from tracer.certificates import Presented
from tracer.outcome import Ended
from tracer.verify import hostnames
from tracer.verify.clients.driver import (
    ALL,
    Profile,
    local,
    name,
    named_file,
    system_store,
    unchecked,
    with_alert,
)
from tracer.verify.clients.libraries import GO, chain
from tracer.verify.clients.verdicts import Step
from tracer.verify.model import Trust, Unusable

refuse = partial(with_alert, sealed=True)


def before(_presented: Presented, trust: Trust) -> Iterator[Step]:
    """The root file is read with the connection string, whatever the mode, disable apart."""
    trust = named_file(trust)
    path = trust.root_path or "~/.postgresql/root.crt"
    if trust.sslmode == "disable":
        return
    if trust.roots is None and trust.root_path is not None:
        text = f"failed to configure TLS (unable to read CA file: open {path}: no such file or directory)"
        yield local("root_file", f"the root file {path} does not exist", text, path)
    elif isinstance(trust.roots, Unusable):
        because = f"the root file {path} is there and cannot be used: {trust.roots.reason}"
        yield local("root_file", because, "failed to configure TLS (unable to add CA to cert pool)", path)


def inside(presented: Presented, trust: Trust) -> list[Step]:
    """All of it inside the handshake, by Go or by pgx's own VerifyPeerCertificate."""
    return verified(presented, named_file(trust))


def inside_5(presented: Presented, trust: Trust) -> list[Step]:
    """The same, but sslrootcert=system is the system's store, and verify-full whatever was asked."""
    return verified(presented, replace(trust, sslmode="verify-full") if trust.roots == "system" else trust)


def verified(presented: Presented, trust: Trust) -> list[Step]:
    """The chain for who has a root file or a verifying mode, the name under verify-full."""
    full = trust.sslmode == "verify-full"
    named = name(presented, trust, hostnames.go, refuse, looks=full)
    if trust.sslmode in ("allow", "prefer") or (trust.sslmode == "require" and trust.roots is None):
        return [*unchecked(trust.sslmode, presented), named]
    if trust.sslmode != "require":
        trust = system_store(trust)
    return in_go_s_order(chain(GO, presented, trust, refuse), named)


def in_go_s_order(steps: list[Step], named: Step) -> list[Step]:
    """Go looks at the dates of the leaf, then at the name, and then for a way to a root ((*Certificate).Verify)."""
    leaf_first = (
        steps[0].check.outcome == "failed" and steps[0].check.code in (9, 10, 34) and steps[0].check.certificate == 0
    )
    at = int(leaf_first) if named.check.outcome == "failed" else len(steps)
    return [*steps[:at], named, *steps[at:]]


def answer(presented: Presented, _trust: Trust) -> str:
    """Whatever is not S is a refusal (startTLS)."""
    return f"tls error ({'EOF' if presented.answer is None else 'server refused TLS connection'})"


def returns(step: Step, presented: Presented, _trust: Trust) -> bool:
    """The next attempt follows every failure, but not a server that refuses the login."""
    by_error = presented.ended is not None and presented.ended.how == "error"
    return not (step.check.step == "server" and by_error)


def ended(end: Ended) -> str | None:
    """What it prints when the server ends."""
    return "failed to write startup message (EOF)" if end.how == "closed" else None


def told(step: Step) -> Step:
    """What Go says comes inside pgconn's words."""
    inside_go = step.prints and step.prints.startswith("x509: ")
    return replace(step, prints=f"failed to write startup message ({step.prints})") if inside_go else step


PROFILE = Profile(
    name="pgx-4",
    version="pgx 4.15.0, Go 1.19",
    source="pgconn: config.go, configTLS; Go: crypto/x509, Verify",
    modes=ALL | {"allow": ("plaintext", "tls"), "prefer": ("tls", "plaintext")},
    before=before,
    inside=lambda presented, trust: map(told, inside(presented, trust)),
    answer=answer,
    unknown_mode=lambda _mode: "failed to configure TLS (sslmode is invalid)",
    returns=returns,
    ended=ended,
    default_file=True,
    files="sslrootcert, else ~/.postgresql/root.crt where that exists, else the system's store",
    missing="a named file that is missing stops every mode but disable before it connects",
)
PROFILE_5 = replace(
    PROFILE,
    name="pgx-5",
    version="pgx 5, pgconn/config.go, configTLS",
    mode=lambda trust: "verify-full" if trust.roots == "system" else trust.sslmode,
    before=lambda presented, trust: () if trust.roots == "system" else before(presented, trust),
    inside=inside_5,
    answer=lambda _presented, _trust: None,
    ended=lambda _end: None,
    run=False,
)
