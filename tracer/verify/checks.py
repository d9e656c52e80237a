"""The chain and the dates of a verdict: what OpenSSL found, as checks with both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tracer.certificates import Certificate, Presented
from tracer.verify.chain import Fault, Path, is_self_signed, judge
from tracer.verify.model import Check, Trust, Unusable
from tracer.verify.validity import time_fault
from tracer.verify.words import explain, explain_time, span

VERIFYING = ("verify-ca", "verify-full")
DATES = (9, 10, 13, 14)
REVOCATION = (3, 8, 11, 12, 15, 16, 23, 33, 35, 36, 44)

_CHAIN = Check(
    "chain",
    "cannot_tell",
    "",
    "in_handshake",
    source="PostgreSQL: fe-secure-openssl.c, initialize_SSL; OpenSSL: x509_vfy.c, X509_verify_cert",
)


def chain_and_validity(
    presented: Presented, trust: Trust, openssl: tuple[int, int] = (3, 0)
) -> tuple[tuple[Check, ...], Path | None]:
    """The chain, the dates and, where lists are at hand, revocation: what OpenSSL looks at inside the handshake.

    It does so when there is a root file, and only then. The check that comes to the first fault stands first.
    """
    done = replace(_CHAIN, after_message=presented.seen.get("chain"))
    if trust.roots is None or isinstance(trust.roots, Unusable):
        why = "the client has no root file" if trust.roots is None else "the root file cannot be used"
        return _alike(done, outcome="not_done", because=why, when=None), None
    if not presented.certificates:
        why = "the server's certificates are sealed or were not captured: a key log of the connection would show them"
        return _alike(done, because=why), None
    if trust.roots == "system":
        why = "the client's own system store decides, and it is not here: name its file with --sslrootcert"
        return _alike(done, because=why), None
    anchors = trust.anchors()
    if anchors is None:
        return _without_roots(presented.certificates, trust, done), None
    path = judge(presented.certificates, anchors, trust.time, trust.security_level, crls=trust.lists(), openssl=openssl)
    found = _judged(path, presented.certificates, trust, done)
    first = path.faults[0].code if path.faults else None
    return tuple(sorted(found, key=lambda check: check.code != first or first is None)), path


def _alike(check: Check, **changes: Any) -> tuple[Check, ...]:  # noqa: ANN401 (fields of `Check`)
    return replace(check, **changes), replace(check, step="validity", **changes)


def _judged(path: Path, sent: tuple[Certificate, ...], trust: Trust, chain: Check) -> tuple[Check, ...]:
    """One check for the faults of each kind."""
    late = [fault for fault in path.faults if fault.code in DATES]
    revoked = [fault for fault in path.faults if fault.code in REVOCATION]
    faults = [fault for fault in path.faults if fault.code not in (*DATES, *REVOCATION)]
    anchor = path.anchor
    wanted = "a chain to a root of the root file"
    dates, revocation = replace(chain, step="validity"), replace(chain, step="revocation")
    if faults:
        chain = _failed(chain, faults[0], sent, wanted, explain(faults[0]) + _also(faults))
    else:
        how = f"{' ← '.join(c.short for c in path.certificates)}"
        because = f"good signatures up to a root of the root file: {how}"
        chain = replace(
            chain, outcome="passed", because=because, wanted=wanted, found=anchor.subject if anchor else None
        )
    moment = f"every certificate valid on {trust.time:%Y-%m-%d %H:%M:%S} UTC"
    if late:
        dates = _failed(dates, late[0], sent, moment, explain_time(late[0]))
    else:
        period = span(path.certificates)
        dates = replace(dates, outcome="passed", because=period, wanted=moment, found=period)
    if trust.crls is None:
        return chain, dates
    listed = "a revocation list for every certificate, and none of them in it"
    if revoked:
        revocation = _failed(revocation, revoked[0], sent, listed, explain(revoked[0]) + _also(revoked))
    else:
        because = "every certificate has a revocation list, and stands in none"
        revocation = replace(revocation, outcome="passed", because=because, wanted=listed)
    return chain, dates, revocation


def _also(faults: list[Fault]) -> str:
    return "".join(f"; also: {fault.text} ({fault.code})" for fault in faults[1:])


def _failed(check: Check, fault: Fault, sent: tuple[Certificate, ...], wanted: str, because: str) -> Check:
    position = sent.index(fault.certificate) if fault.certificate in sent else None
    return replace(
        check,
        outcome="failed",
        because=because,
        code=fault.code,
        certificate=position,
        wanted=wanted,
        found=fault.certificate.subject,
    )


def _without_roots(sent: tuple[Certificate, ...], trust: Trust, chain: Check) -> tuple[Check, ...]:
    """Nobody told what the client trusts: what can be said is what would be so with the chain's own root."""
    dates = replace(chain, step="validity")
    none = "" if trust.sslmode in VERIFYING else "; with no root file at all it looks at nothing"
    top = next((certificate for certificate in sent if is_self_signed(certificate)), None)
    code = time_fault(sent[0], trust.time)
    if top is None:
        why = "the server did not send its root, and what the client trusts is not known: name its root file with --sslrootcert"
        chain = replace(chain, because=why + none)
        period = span(sent)
        dates = replace(dates, because=f"without the root nobody can say of all certificates; {period}", found=period)
    else:
        path = judge(sent, [top], trust.time, trust.security_level)
        faults = [fault for fault in path.faults if fault.code not in DATES]
        good = "the chain is good" if not faults else f"{faults[0].text} ({faults[0].code}) even"
        why = f"{good} against the root that the server itself sent, {top.short}; whether the client trusts it is not known: name its root file with --sslrootcert{none}"
        dates = _judged(path, sent, replace(trust, crls=None), chain)[1]
        chain = replace(chain, because=why, found=top.subject)
    if code is not None:
        fault = Fault(code, 0, sent[0])
        dates = _failed(dates, fault, sent, "a leaf in its time", explain_time(fault))
    if none and dates.outcome == "failed":
        dates = replace(dates, outcome="cannot_tell", because=dates.because + none)
    return chain, dates
