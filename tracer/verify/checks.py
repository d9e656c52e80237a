"""The chain and the dates of a verdict: what OpenSSL found, as checks with both sides."""

from __future__ import annotations

from dataclasses import replace

from tracer.certificates import Certificate, Presented
from tracer.verify.chain import Fault, Path, is_self_signed, judge
from tracer.verify.model import Check, Trust, Unusable
from tracer.verify.validity import time_fault
from tracer.verify.words import explain, explain_time, span

VERIFYING = ("verify-ca", "verify-full")
DATES = (9, 10, 13, 14)
LISTS = (3, 8, 11, 12, 15, 16, 23, 33, 35, 36, 44, 54)
SEALED = "the server's certificates are sealed or were not captured: whole packets (-s 0), or a key log of the session, would show them"

_CHAIN = Check(
    "chain",
    "cannot_tell",
    "",
    "in_handshake",
    source="PostgreSQL: fe-secure-openssl.c, initialize_SSL; OpenSSL: x509_vfy.c, X509_verify_cert",
)


def in_handshake(
    presented: Presented, trust: Trust, openssl: tuple[int, ...] = (3, 5)
) -> tuple[tuple[Check, ...], Path | None]:
    """All that OpenSSL looks at inside the handshake, the check with its first fault in front: that one the client sees.

    `revocation` is among them only where the client was given a list.
    """
    chain, dates, path = chain_and_validity(presented, trust, openssl)
    checks = [chain, dates] if trust.crls is None else [chain, _revocation(chain, path, presented, trust), dates]
    if path and path.faults:
        first = _step(path.faults[0].code)
        checks.sort(key=lambda check: check.step != first)
    return tuple(checks), path


def _step(code: int) -> str:
    return "validity" if code in DATES else "revocation" if code in LISTS else "chain"


def _revocation(chain: Check, path: Path | None, presented: Presented, trust: Trust) -> Check:
    """Whether a list of the client revokes one of the certificates, or none speaks of it (CRL_CHECK_ALL)."""
    check = replace(
        chain, step="revocation", outcome="cannot_tell", code=None, certificate=None, wanted=None, found=None
    )
    if chain.outcome == "not_done" or trust.roots == "system":  # initialize_SSL reads lists with a root file only
        return replace(
            check, outcome="not_done", because="libpq reads revocation lists with a root file only", when=None
        )
    if path is None or not presented.certificates:
        return replace(check, because="the lists speak of a chain, and that is not known")
    wanted = "a list of each CA of the chain that is good and does not name the certificate below it"
    faults = [fault for fault in path.faults if fault.code in LISTS]
    if faults:
        return _failed(check, faults[0], presented.certificates, wanted, explain(faults[0]))
    because = "a good list of every CA of the chain, and none names a certificate of it"
    return replace(check, outcome="passed", because=because, wanted=wanted)


def chain_and_validity(
    presented: Presented, trust: Trust, openssl: tuple[int, ...] = (3, 5)
) -> tuple[Check, Check, Path | None]:
    """The chain and the dates, which OpenSSL looks at inside the handshake when there is a root file, and only then."""
    done = replace(_CHAIN, after_message=presented.seen.get("chain"))
    dates = replace(done, step="validity")
    if trust.roots is None or isinstance(trust.roots, Unusable):
        why = "the client has no root file" if trust.roots is None else "the root file cannot be used"
        return (
            replace(done, outcome="not_done", because=why, when=None),
            replace(dates, outcome="not_done", because=why, when=None),
            None,
        )
    if not presented.certificates:
        why = presented.absent or SEALED
        return replace(done, because=why), replace(dates, because=why), None
    if trust.roots == "system" and trust.store is None:
        why = "the system's store of the client's machine decides: --env takes the one of this machine, --sslrootcert another's file"
        return replace(done, because=why), replace(dates, because=why), None
    anchors = trust.anchors()
    if anchors is None:
        return _without_roots(presented.certificates, trust, done, dates)
    path = judge(presented.certificates, anchors, trust.time, trust.security_level, trust.lists(), openssl)
    return _judged(path, presented.certificates, trust, done, dates)


def _judged(
    path: Path, sent: tuple[Certificate, ...], trust: Trust, chain: Check, dates: Check
) -> tuple[Check, Check, Path]:
    faults = [fault for fault in path.faults if _step(fault.code) == "chain"]
    late = [fault for fault in path.faults if fault.code in DATES]
    anchor = path.anchor
    beside = isinstance(trust.roots, tuple) and anchor in trust.beside_crls and anchor not in trust.roots
    where = "the system's store" if trust.roots == "system" else "the sslcrl file" if beside else "the root file"
    wanted = f"a chain to a root of {where}"
    limit = next((name for oid, name in NOT_REPLAYED.items() if oid in sent[0].extensions), None)
    if faults:
        also = "".join(f"; also: {fault.text} ({fault.code})" for fault in faults[1:] if fault.code != 21)
        chain = _failed(chain, faults[0], sent, wanted, explain(faults[0]) + also)
    elif limit is not None and not path.faults:
        why = f"the last thing that OpenSSL looks at is not replayed: {limit} of {sent[0].short}. `openssl verify` with the root file settles it"
        chain = replace(chain, because=why, wanted=wanted)
    else:
        how = f"{' ← '.join(c.short for c in path.certificates)}"
        chain = replace(
            chain,
            outcome="passed",
            because=f"good signatures up to a root of {where}: {how}",
            wanted=wanted,
            found=anchor.subject if anchor else None,
        )
    if late:
        moment = f"every certificate valid on {trust.time:%Y-%m-%d %H:%M:%S} UTC"
        dates = _failed(dates, late[0], sent, moment, explain_time(late[0]))
    else:
        seen = span(path.certificates)
        dates = replace(dates, outcome="passed", because=seen, wanted="every certificate in its time", found=seen)
    return chain, dates, path


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


def _without_roots(
    sent: tuple[Certificate, ...], trust: Trust, chain: Check, dates: Check
) -> tuple[Check, Check, Path | None]:
    """Nobody told what the client trusts: what can be said is what would be so with the chain's own root."""
    none = "" if trust.sslmode in VERIFYING else "; with no root file at all it looks at nothing"
    top = next((certificate for certificate in sent if is_self_signed(certificate)), None)
    if top is None:
        why = (
            "the server did not send its root, and what the client trusts is not known: name its root file with --sslrootcert"
            + none
        )
        chain = replace(chain, because=why)
    else:
        path = judge(sent, [top], trust.time, trust.security_level)
        faults = [fault for fault in path.faults if _step(fault.code) == "chain"]
        good = "the chain is good" if not faults else f"{faults[0].text} ({faults[0].code}) even"
        why = f"{good} against the root that the server itself sent, {top.short}; whether the client trusts that root is not known: name its root file with --sslrootcert{none}"
        chain = replace(chain, because=why, found=top.subject)
    dates = _dates_without_roots(sent, trust, dates)
    if none:
        dates = replace(dates, outcome="cannot_tell", because=dates.because + none)
    return chain, dates, None


def _dates_without_roots(sent: tuple[Certificate, ...], trust: Trust, dates: Check) -> Check:
    """Certain is the leaf alone: OpenSSL prefers what is in the client's root file to what was sent above it.

    A late certificate that was sent may have another in the file beside it, and one that is in its time a late one.
    """
    late = [Fault(code, at, c) for at, c in enumerate(sent) if (code := time_fault(c, trust.time)) is not None]
    if late and not late[0].depth:
        return _failed(dates, late[0], sent, "a leaf in its time", explain_time(late[0]))
    above = explain_time(late[0]) if late else "of what was sent, " + span(sent)
    why = f"the server's own certificate is in its time; {above}; which of them count, the client's root file decides: name it with --sslrootcert"
    return replace(dates, because=why, wanted="a leaf in its time", found=span(sent))


# TABLES

# What a chain may hold that OpenSSL checks and `judge` does not: the whole list. Only the leaf's count (X509v3_addr_validate_path,
# X509v3_asid_validate_path): a certificate for routes, not for servers. With it a chain that is good otherwise cannot be told.
NOT_REPLAYED = {
    "1.3.6.1.5.5.7.1.7": "the IP address blocks (RFC 3779 §2)",
    "1.3.6.1.5.5.7.1.8": "the autonomous system numbers (RFC 3779 §3)",
}
