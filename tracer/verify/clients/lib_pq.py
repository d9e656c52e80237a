"""lib/pq: knows four modes; verify-ca, and require with a root file, verify behind the handshake, and the name with it.

Run: lib/pq 1.10.7 on Go 1.19. Its source: ssl.go (ssl, sslCertificateAuthority, sslVerifyCertificateAuthority), conn.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from tracer.certificates import Presented
from tracer.outcome import Ended
from tracer.verify import hostnames
from tracer.verify.clients.driver import (
    CLEAR,
    TLS,
    Profile,
    behind,
    local,
    message,
    name,
    named_file,
    system_store,
    unchecked,
    wanted_host,
    with_alert,
)
from tracer.verify.clients.libraries import GO, chain
from tracer.verify.clients.pgx import in_go_s_order
from tracer.verify.clients.verdicts import Step
from tracer.verify.model import Trust, Unusable


def before(_presented: Presented, trust: Trust) -> Iterator[Step]:
    """The root file is read before a byte is sent; under require a file that does not exist is no file."""
    trust = named_file(trust)
    path = trust.root_path or ""
    if trust.sslmode == "disable":
        return
    if trust.roots is None and path and trust.sslmode != "require":
        text = f"open {path}: no such file or directory"
        yield local("root_file", f"the root file {path} does not exist", text, path)
    elif isinstance(trust.roots, Unusable):
        because = f"the root file {path} is there and cannot be used: {trust.roots.reason}"
        yield local("root_file", because, "pq: couldn't parse pem in sslrootcert", path)


def inside(presented: Presented, trust: Trust) -> list[Step]:
    """Under verify-full it is left to Go; the other modes ask Go when the handshake is done, with the name that was sent as SNI."""
    trust = named_file(trust)
    if trust.sslmode == "require" and trust.roots is None:
        return [*unchecked("require", presented), name(presented, trust, hostnames.go, behind, looks=False)]
    trust = trust if trust.sslmode == "require" else system_store(trust)
    if trust.sslmode == "verify-full":
        refuse = partial(with_alert, sealed=True)
        named = name(presented, trust, hostnames.go, refuse, looks=True)
        return in_go_s_order(chain(GO, presented, trust, refuse), named)
    host = wanted_host(trust)
    sent = host is not None and hostnames.address(host.strip("[]")) is None  # Go sends no address as SNI
    named = name(presented, trust, hostnames.go, behind, looks=sent, when="after_handshake")
    late = [
        replace(step, check=replace(step.check, when="after_handshake")) for step in chain(GO, presented, trust, behind)
    ]
    return in_go_s_order(late, named)


def answer(presented: Presented, _trust: Trust) -> str:
    """Whatever is not S is a refusal (conn.ssl)."""
    return "EOF" if presented.answer is None else "pq: SSL is not enabled on the server"


def ended(end: Ended) -> str | None:
    """What it prints when the server ends."""
    if end.how == "error":
        text = message(end)
        return text and f"pq: {text}"
    return "EOF" if end.how == "closed" else None


def unknown_mode(mode: str) -> str:
    known = 'only "require" (default), "verify-full", "verify-ca", and "disable" supported'
    return f'pq: unsupported sslmode "{mode}"; {known}'


PROFILE = Profile(
    name="lib-pq",
    version="lib/pq 1.10.7, Go 1.19",
    source="lib/pq: ssl.go; Go: crypto/x509, Verify",
    modes={"disable": CLEAR, **dict.fromkeys(("require", "verify-ca", "verify-full"), TLS)},
    before=before,
    inside=inside,
    answer=answer,
    unknown_mode=unknown_mode,
    ended=ended,
    default="require",
    files="sslrootcert alone, else the system's store",
    missing="require goes on without verification; verify-ca and verify-full stop before TLS",
)
