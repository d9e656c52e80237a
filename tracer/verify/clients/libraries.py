"""What other TLS libraries make of a chain: the faults are found as OpenSSL finds them, and each library has its own view of them.

A `Library` says which faults it does not mind, which of several it tells of, and in which words. Measured with the drivers
that run on it; a fault that it was not seen with leaves the chain open, and is no guess.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count

from tracer.certificates import Certificate, Presented
from tracer.signatures import is_signed_by
from tracer.verify.chain import Fault, Path, may_issue
from tracer.verify.checks import DATES, in_handshake
from tracer.verify.clients.verdicts import Step
from tracer.verify.codes import TEXTS
from tracer.verify.model import Check, Trust
from tracer.verify.syntax import Name, folded
from tracer.verify.validity import out_of_time
from tracer.verify.words import ALERT_NAMES, explain, explain_time

MOST_SIGNATURES = 100  # Go's maxChainSignatureChecks (crypto/x509), and rustls' budget (webpki, verify_cert.rs)

Refuse = Callable[[Check, str | None, int], Step]  # a failed check, what is printed, the alert: what the client does


@dataclass(frozen=True)
class Library:
    """A TLS library: the faults it finds as OpenSSL does, and the text and the alert for the first of them.

    `faults` leaves out what it does not mind and puts first what it tells of. `known` are the codes it was seen with.
    """

    name: str
    faults: Callable[[Path, Presented, Trust], tuple[Fault, ...]]
    known: Collection[int]
    prints: Callable[[Fault, Path, Trust], str | None]
    alert: Callable[[Fault, Presented], int]
    levels: tuple[int, ...] = (2,)  # the security levels of the OpenSSLs that it may be linked with


def chain(library: Library, presented: Presented, trust: Trust, refuse: Refuse) -> list[Step]:
    """The chain and the dates, that one in front with which the library refuses.

    Where it depends on the OpenSSL behind the library whether it refuses, the chain is left open.
    """
    first, *others = ((level, _at_level(library, level, presented, trust, refuse)) for level in library.levels)
    for level, steps in others:
        stricter = next((step for step in steps if step.check.outcome == "failed"), None)
        if stricter and all(step.check.outcome == "passed" for step in first[1]):
            why = f"{library.name} of security level {first[0]} does not mind, that of level {level} refuses: {stricter.prints}"
            return [
                Step(replace(step.check, outcome="cannot_tell", because=why), wire=stricter.wire)
                if step.check.step == stricter.check.step
                else step
                for step in first[1]
            ]
    return first[1]


def _at_level(library: Library, level: int, presented: Presented, trust: Trust, refuse: Refuse) -> list[Step]:
    trust = replace(trust, security_level=min(level, trust.security_level), crls=None)
    checks, path = in_handshake(presented, trust)
    if path is None:
        unsure = refuse(checks[0], None, ANY).wire
        return [refuse(check, None, ANY) if check.outcome == "failed" else Step(check, wire=unsure) for check in checks]
    faults = library.faults(path, presented, trust)
    late = [fault for fault in faults if fault.code in DATES]
    other = [fault for fault in faults if fault.code not in DATES]
    steps = []
    for check, found in zip(sorted(checks, key=lambda check: check.step), (other, late), strict=True):
        steps.append(_step(library, replace(check, source=library.name), found, path, presented, trust, refuse))
    return sorted(
        steps, key=lambda step: bool(faults) and (faults[0].code in DATES) is not (step.check.step == "validity")
    )


def _step(
    library: Library, check: Check, faults: list[Fault], path: Path, presented: Presented, trust: Trust, refuse: Refuse
) -> Step:
    """One of the two checks, with the faults that the library has found for it."""
    if not faults:
        if check.outcome == "failed":
            because = f"{check.because}; {library.name} does not mind"
            check = replace(check, outcome="passed", because=because, code=None, certificate=None)
        return Step(check)
    first = faults[0]
    sent = presented.certificates or ()
    check = replace(
        check,
        outcome="failed",
        because=explain_time(first) if first.code in DATES else explain(first),
        code=first.code,
        certificate=sent.index(first.certificate) if first.certificate in sent else None,
        found=first.certificate.subject,
    )
    if first.code not in library.known:
        why = f"OpenSSL would refuse: {check.because}; what {library.name} makes of that was not seen"
        return Step(replace(check, outcome="cannot_tell", because=why, code=None), wire=refuse(check, None, ANY).wire)
    return refuse(check, library.prints(first, path, trust), library.alert(first, presented))


def reaches(presented: Presented, trust: Trust) -> bool:
    """Whether some way leads from the leaf to a certificate of the root file, be it no root: to Go, Java and rustls each is an anchor.

    A way that takes more than `MOST_SIGNATURES` to find is none.
    """
    return _reaches(presented.certificates or (), tuple(trust.anchors() or ()))


@lru_cache(maxsize=1024)
def _reaches(sent: tuple[Certificate, ...], anchors: tuple[Certificate, ...]) -> bool:
    trusted, issuers, checks = set(anchors), _by_subject((*anchors, *sent)), count()
    met, ahead = set(sent[:1]), list(sent[:1])
    while ahead:
        below = ahead.pop()
        if below in trusted:
            return True
        for one in issuers.get(folded(below.issuer_der), ()):
            if (one in met and one not in trusted) or not may_issue(one, below):
                continue
            if next(checks) >= MOST_SIGNATURES:
                return False
            if is_signed_by(below, one):
                if one in trusted:
                    return True
                met.add(one)
                ahead.append(one)
    return False


def _by_subject(certificates: Iterable[Certificate]) -> dict[Name, list[Certificate]]:
    found: dict[Name, list[Certificate]] = {}
    for one in dict.fromkeys(certificates):
        found.setdefault(folded(one.subject_der), []).append(one)
    return found


# OPENSSL IN PYTHON (_ssl.c: newPySSLSocket, PySSL_SetError) AND IN NODE (node_crypto, VerifyPeerCertificate)


def _all(path: Path, _presented: Presented, _trust: Trust) -> tuple[Fault, ...]:
    return path.faults


def _last(path: Path, _presented: Presented, _trust: Trust) -> tuple[Fault, ...]:
    """Node lets OpenSSL go on behind a fault, and asks it for the last when the handshake is done."""
    return path.faults[::-1]


def _python_text(fault: Fault, _path: Path, _trust: Trust) -> str:
    return f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {fault.text}"


def _openssl_alert(fault: Fault, _presented: Presented) -> int:
    from tracer.verify.words import alert

    return alert(fault.code)


# GO: crypto/x509, (*Certificate).Verify, isValid and buildChains


def _go_faults(path: Path, presented: Presented, trust: Trust) -> tuple[Fault, ...]:
    """The leaf's dates come first, what it may be used for last. A root file of any certificate is good enough."""
    found = [fault for fault in path.faults if fault.code not in GO_PASSES]
    if reaches(presented, trust):
        found = [fault for fault in found if fault.code not in NO_ANCHOR]
    leaf = path.certificates[0]
    if leaf.extended_key_usage is None or leaf.extended_key_usage & SERVER_PURPOSES:
        found = [fault for fault in found if (fault.code, fault.depth) != (26, 0)]  # Go does not look at keyUsage
    return tuple(sorted(found, key=lambda fault: (fault.code == 26, not (fault.depth == 0 and fault.code in GO_LEAF))))


def _go_text(fault: Fault, path: Path, trust: Trust) -> str | None:
    if fault.code in NO_ANCHOR and _hinted(path, trust):
        return None  # it tells of what stopped it on the way
    if fault.code in DATES:
        late = fault.code == 10
        limit = fault.certificate.not_after if late else fault.certificate.not_before
        if limit is None:
            return None
        how = f"current time {trust.time:%Y-%m-%dT%H:%M:%SZ} is {'after' if late else 'before'} {limit:%Y-%m-%dT%H:%M:%SZ}"
        return f"x509: certificate has expired or is not yet valid: {how}"
    return GO_TEXTS.get(fault.code)


def _hinted(path: Path, trust: Trust) -> bool:
    """Whether something else stopped Go on its way, of which it tells in its own words."""
    names = {anchor.subject_der for anchor in trust.anchors() or ()}
    faults = any(fault.code not in NO_ANCHOR and (fault.depth or fault.code == 47) for fault in path.faults)
    late = any(out_of_time(one, trust.time) for one in path.certificates[1:])
    return faults or late or any(one.issuer_der in names for one in path.certificates)


def _go_alert(_fault: Fault, _presented: Presented) -> int:
    return 42  # crypto/tls, verifyServerCertificate


# JAVA: sun.security.ssl.CertificateMessage and sun.security.provider.certpath, OpenJDK 17.0.19


def _java_faults(path: Path, presented: Presented, trust: Trust) -> tuple[Fault, ...]:
    """A way to an anchor comes first, then dates, and what the leaf may be used for last. An anchor's own dates do not count."""
    anchors = trust.anchors() or ()
    found = [fault for fault in path.faults if fault.code not in JAVA_PASSES and fault.code not in NO_ANCHOR]
    found = [fault for fault in found if not (fault.code in DATES and fault.certificate in anchors)]
    if not reaches(presented, trust):
        found = [fault for fault in path.faults if fault.code in NO_ANCHOR] or found
    leaf = path.certificates[0]
    if leaf.key_usage is None and leaf.extended_key_usage is not None and leaf.extended_key_usage & SERVER_PURPOSES:
        found = [fault for fault in found if (fault.code, fault.depth) != (26, 0)]
    return tuple(
        sorted(found, key=lambda fault: (fault.code not in NO_ANCHOR, fault.code not in DATES, fault.code == 26))
    )


def _java_text(fault: Fault, path: Path, trust: Trust) -> str | None:
    words = _java_words(fault, path, trust)
    return f"SSL error: ({ALERT_NAMES[_java_alert(fault)]}) {words}" if words else None


def _java_words(fault: Fault, path: Path, trust: Trust) -> str | None:
    if fault.code in NO_ANCHOR:
        named = {anchor.subject_der for anchor in trust.anchors() or ()}
        return f"PKIX path {NO_WAY if path.certificates[-1].issuer_der not in named else NOT_CHAINED}"
    if fault.code == 26 and fault.depth == 0:
        return JAVA_USES[fault.certificate.extended_key_usage is None]
    words = JAVA_TEXTS.get(fault.code)
    if fault.code in (79, 32) and any(one.code == 32 and one.depth == fault.depth for one in path.faults):
        words = "CA key usage check failed: keyCertSign bit is not set"
    return words and f"PKIX path validation failed: {CERTPATH}{words}"


def _java_alert(fault: Fault, _presented: Presented | None = None) -> int:
    return {10: 45, 9: 42, 7: 42}.get(fault.code, CERTIFICATE_UNKNOWN)


# RUSTLS: rustls-webpki 0.103, verify_cert.rs; the alerts are those of rustls 0.23, error.rs. Read, not run.


def _webpki_faults(path: Path, presented: Presented, trust: Trust) -> tuple[Fault, ...]:
    """What the leaf is by itself comes first. Any certificate of the root file is an anchor, and no CA may be a server."""
    found = [fault for fault in path.faults if fault.code not in NO_ANCHOR or not reaches(presented, trust)]
    leaf = path.certificates[0]
    if leaf.basic_constraints is not None and leaf.basic_constraints[0]:
        found.insert(0, Fault(37, 0, leaf))
    return tuple(sorted(found, key=lambda fault: not (fault.depth == 0 and fault.code in (*DATES, 26, 37))))


def _webpki_alert(fault: Fault, _presented: Presented) -> int:
    return 45 if fault.code in DATES else 48 if fault.code in NO_ANCHOR else {7: 51, 26: 43}.get(fault.code, 46)


def _no_text(_fault: Fault, _path: Path, _trust: Trust) -> None:
    """What is printed was not seen."""


# TABLES

ANY = -1
CERTIFICATE_UNKNOWN = 46  # the alert
NO_ANCHOR = frozenset((2, 18, 19, 20, 21))
SERVER_PURPOSES = frozenset(("1.3.6.1.5.5.7.3.1", "2.5.29.37.0"))  # serverAuth, anyExtendedKeyUsage
GO_PASSES = frozenset((66, 67))
GO_LEAF = frozenset((9, 10, 34))
GO_TEXTS = {
    **dict.fromkeys(NO_ANCHOR, "x509: certificate signed by unknown authority"),
    25: "x509: too many intermediates for path length constraint",
    26: "x509: certificate specifies an incompatible key usage",
    34: "x509: unhandled critical extension",
}
GO_KNOWN = frozenset((*NO_ANCHOR, 7, 9, 10, 25, 26, 32, 34, 47, 68, 79))
JAVA_PASSES = frozenset((66, 68))
CERTPATH = "java.security.cert.CertPathValidatorException: "
NO_WAY = (
    "building failed: sun.security.provider.certpath.SunCertPathBuilderException: "
    "unable to find valid certification path to requested target"
)
NOT_CHAINED = f"validation failed: {CERTPATH}Path does not chain with any of the trust anchors"
JAVA_USES = {
    False: "Extended key usage does not permit use for TLS server authentication",
    True: "KeyUsage does not allow digital signatures",
}
JAVA_TEXTS = {
    7: "signature check failed",
    9: "validity check failed",
    10: "validity check failed",
    25: "basic constraints check failed: pathLenConstraint violated - this cert must be the last cert in the certification path",
    34: "unrecognized critical extension(s)",
    47: "name constraints check failed",
    79: "basic constraints check failed: this is not a CA certificate",
}
PYTHON = Library("Python's ssl with OpenSSL", _all, TEXTS, _python_text, _openssl_alert)
# its own OpenSSL is of level 1, that of a distribution of level 2
NODE = Library("Node's OpenSSL", _last, TEXTS, lambda fault, _path, _trust: fault.text, _openssl_alert, levels=(1, 2))
GO = Library("Go's crypto/x509", _go_faults, GO_KNOWN, _go_text, _go_alert)
JAVA = Library("Java's PKIX", _java_faults, (*NO_ANCHOR, 26, 32, *JAVA_TEXTS), _java_text, _java_alert)
RUSTLS = Library("rustls-webpki", _webpki_faults, (*NO_ANCHOR, *DATES, 7, 26, 37), _no_text, _webpki_alert)
NATIVE = Library("native-tls with OpenSSL", _all, TEXTS, _no_text, _openssl_alert)
DOTNET = Library(".NET's X509Chain", _all, (*NO_ANCHOR, *DATES), _no_text, _openssl_alert)
