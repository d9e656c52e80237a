"""pgjdbc: verifies under verify-ca and verify-full alone, the chain inside the handshake, the name behind it.

Run: pgjdbc 42.5.5 on Java 17.0.15, 17.0.19 and 17.0.21; where they differ the verdict is that of the newer two. Its source:
core/v3/ConnectionFactoryImpl.java (openConnectionImpl, enableSSL), ssl/LibPQFactory.java, ssl/MakeSSL.java,
ssl/PGjdbcHostnameVerifier.java.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from tracer.certificates import Presented
from tracer.outcome import Ended
from tracer.verify import hostnames
from tracer.verify.checks import VERIFYING
from tracer.verify.clients.driver import ALL, Profile, behind, local, name, named_file, unchecked, with_alert
from tracer.verify.clients.libraries import ANY, CERTIFICATE_UNKNOWN, JAVA, chain
from tracer.verify.clients.spellings import Spelling
from tracer.verify.clients.verdicts import Step
from tracer.verify.model import Check, Trust, Unusable


def inside(presented: Presented, trust: Trust) -> Iterator[Step]:
    """LibPQFactory reads the root file only to verify, and only when the server has said S."""
    trust = named_file(trust)
    verifies = trust.sslmode in VERIFYING
    if verifies:
        yield from _root_file(trust)
        yield from chain(JAVA, presented, trust, partial(_refuses, presented))
    else:
        yield from unchecked(trust.sslmode, presented)
    yield name(presented, trust, hostnames.pgjdbc, behind, looks=trust.sslmode == "verify-full", when="after_handshake")


def _refuses(presented: Presented, check: Check, prints: str | None, number: int) -> Step:
    """By an alert. Java 17.0.15 has one for all faults in TLS 1.3, and does not name it in front of its text."""
    step = with_alert(check, prints, number, sealed=True)
    if presented.version not in (None, "TLS 1.3") or number in (ANY, CERTIFICATE_UNKNOWN):
        return step
    says = f"{step.says}; of Java 17.0.15 in TLS 1.3 certificate_unknown ({CERTIFICATE_UNKNOWN})"
    return replace(step, wire=f"{step.wire}|alert:{CERTIFICATE_UNKNOWN}", says=says)


def _root_file(trust: Trust) -> Iterator[Step]:
    path = trust.root_path or "~/.postgresql/root.crt"
    if trust.roots is None:
        text = f"Could not open SSL root certificate file {path}."
        yield local("root_file", f"the root file {path} does not exist", text, path, hello=True)
    elif isinstance(trust.roots, Unusable):
        text = f"Loading the SSL root certificate {path} into a TrustManager failed."
        because = f"the root file {path} is there and cannot be used: {trust.roots.reason}"
        yield local("root_file", because, text, path, hello=True)


def answer(presented: Presented, _trust: Trust) -> str:
    """ConnectionFactoryImpl.enableSSL."""
    if presented.answer is None:
        return "The connection attempt failed."
    known = presented.answer in ("N", "E")
    return "The server does not support SSL." if known else "An error occurred while setting up the SSL connection."


def returns(step: Step, presented: Presented, _trust: Trust) -> bool:
    """Only a server that refuses the login (SQLSTATE 28000) is asked again the other way, and one that says E to SSLRequest."""
    by_error = presented.ended is not None and presented.ended.how == "error"
    return (step.check.step == "server" and by_error) or (step.check.step == "negotiation" and presented.answer == "E")


def ended(end: Ended) -> str | None:
    """What it prints when the server ends."""
    if end.how == "error":
        return (end.text or "").replace(":  ", ": ", 1) if "\n" not in (end.text or "") else None
    return "SSL error: Remote host terminated the handshake" if end.how == "closed" else None


PROFILE = Profile(
    name="pgjdbc",
    version="pgjdbc 42.5.5, Java 17.0.15 to 17.0.21",
    source="pgjdbc: ConnectionFactoryImpl.enableSSL, LibPQFactory, PGjdbcHostnameVerifier",
    modes=ALL | {"allow": ("plaintext", "tls"), "prefer": ("tls", "plaintext")},
    inside=inside,
    answer=answer,
    onward=("prefer",),
    returns=returns,
    ended=ended,
    file_wire="no_hello",
    prints_first=True,
    default_file=True,
    ssl_true="verify-full",
    files="sslrootcert, else ~/.postgresql/root.crt; read under verify-ca and verify-full alone",
    missing="verify-ca and verify-full close behind S; require and prefer never look for it",
    spelling=Spelling(no_gss="gssEncMode=disable"),
)
