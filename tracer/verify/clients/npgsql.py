"""npgsql: prefer and require accept every certificate; verify-ca and verify-full ask .NET. Its source was read, it was not run.

npgsql: Internal/NpgsqlConnector.cs (OpenCore, RawOpen, NegotiateEncryption, SslRootValidation). .NET on Linux compares the
name by rules of its own (pal_x509.c, CryptoNative_CheckX509Hostname). What SslStream leaves on the wire was not established.
"""

from __future__ import annotations

from dataclasses import replace

from tracer.certificates import Presented
from tracer.verify import hostnames
from tracer.verify.checks import VERIFYING
from tracer.verify.clients.driver import ALL, Profile, name, named_file, other_store, unchecked
from tracer.verify.clients.libraries import DOTNET, chain
from tracer.verify.clients.spellings import Spelling
from tracer.verify.clients.verdicts import Step
from tracer.verify.model import Check, Trust

REFUSED = "Exception while performing SSL handshake"


def refuse(check: Check, _prints: str | None, _number: int) -> Step:
    """The callback of SslStream says no; how that looks was not seen."""
    return Step(check, REFUSED, "alert|left|no_startup", "the client closes, with an alert or without")


def inside(presented: Presented, trust: Trust) -> list[Step]:
    """NegotiateEncryption: a wrong name ends verify-full before the chain is looked at again with the root file."""
    trust = named_file(trust)
    named = name(presented, trust, hostnames.dotnet, refuse, looks=trust.sslmode == "verify-full")
    named = replace(named, prints=REFUSED if named.check.outcome == "failed" else None)
    if trust.sslmode not in VERIFYING:
        return [*unchecked(trust.sslmode, presented), named]
    return [*chain(DOTNET, presented, other_store(trust), refuse), named]


def answer(presented: Presented, _trust: Trust) -> str | None:
    """RawOpen."""
    if presented.answer == "N":
        return "SSL connection requested. No SSL enabled connection from this host is configured."
    if presented.answer is None:
        return None
    letter = presented.answer_byte.decode("latin-1") or presented.answer
    return f"Received unknown response {letter} for SSLRequest (expecting S or N)"


def returns(step: Step, presented: Presented, trust: Trust) -> bool:
    """Only a login that is refused (SQLSTATE 28000) is tried the other way."""
    by_error = presented.ended is not None and presented.ended.how == "error"
    plain = step.check.when == "before_tls"
    return step.check.step == "server" and by_error and plain is (trust.sslmode == "allow")


PROFILE = Profile(
    name="npgsql",
    version="npgsql 9 (NpgsqlConnector.cs), .NET on Linux",
    source="npgsql: NpgsqlConnector.cs, RawOpen and NegotiateEncryption",
    modes=ALL | {"allow": ("plaintext", "tls"), "prefer": ("tls", "plaintext")},
    inside=inside,
    answer=answer,
    onward=("prefer",),
    returns=returns,
    run=False,
    default_file=True,
    files="Root Certificate or PGSSLROOTCERT, else ~/.postgresql/root.crt where that exists, else the system's store",
    missing="verify-ca and verify-full fail in the handshake",
    spelling=Spelling(
        full="SSL Mode=VerifyFull",
        host="Host=",
        roots="Root Certificate=FILE",
        certificate="SSL Certificate and SSL Key",
        no_gss="GSS Encryption Mode=Disable",  # from npgsql 10 on, which is the first that asks for it
        between=";",
    ),
)
