"""What the server's certificates show, before anybody knows what the client trusts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address

from tracer.certificates import Certificate
from tracer.findings.chains import Chain, chain
from tracer.findings.model import Finding, Weight, shorten
from tracer.signatures import digest_bits, key_bits, security_bits
from tracer.trace import Trace
from tracer.verify.chain import judge
from tracer.verify.model import Trust, Unknown
from tracer.verify.names import match

ENOUGH_BITS = 112  # of security: RSA 2048, SHA-224 (NIST SP 800-57 part 1, OpenSSL's security level 2)
SHORT, LONG, SOON = timedelta(days=10), timedelta(days=825), timedelta(days=30)
REMAINS = 6  # a certificate ends soon in the last sixth of its time, and in the last 30 days
FEW = 3  # of a kind that are named
UNKNOWN_CA = 48  # the alert


def certificates(trace: Trace) -> Iterator[Finding]:
    """Everything that is worth saying about the certificates of a trace."""
    found = chain(trace)
    shown = trace.certificate
    if found is None or shown is None:
        return
    for look in ABOUT_TRACE:
        for finding in look(found, trace):
            yield replace(finding, message=shown.index)
    for finding in about_chain(found):
        yield replace(finding, message=shown.index)


@lru_cache(maxsize=1024)
def about_chain(found: Chain) -> tuple[Finding, ...]:
    """What a chain shows to everybody, at any time: said once, however often it is sent."""
    return tuple(finding for look in ABOUT_CHAIN for finding in look(found))


# KEYS AND SIGNATURES


def weak_key(found: Chain) -> Iterator[Finding]:
    for c in found.path:
        if key_bits(c.spki) and security_bits(c.spki) < ENOUGH_BITS:
            yield Finding(
                "weak_key",
                f"The key of {called(c)} is {c.public_key}, which is too weak by today's measure. An OpenSSL at security level 2, as Debian and psycopg "
                "have it, refuses the chain.",
                advice="Issue it anew with RSA of 2048 bits or more, or an EC key.",
                spec="OpenSSL: SSL_CTX_set_security_level; NIST SP 800-57",
            )


def weak_digest(found: Chain) -> Iterator[Finding]:
    """Nobody checks the signature of a root: it vouches only for itself."""
    for c in () if found.self_signed else found.below_root:
        if 0 < digest_bits(c) < ENOUGH_BITS:
            yield Finding(
                "weak_digest",
                f"{called(c)} is signed with {c.signature_name}. Such digests can be forged: a CA that uses them can be made to vouch for somebody "
                "else. An OpenSSL at security level 2 refuses the chain.",
                advice="Let the CA issue it anew with SHA-256.",
                spec="OpenSSL: SSL_CTX_set_security_level; RFC 9155 for the handshake's own signatures",
            )


# DATES


def dates(found: Chain, trace: Trace) -> Iterator[Finding]:
    """Ended, not begun, soon to end, at the time of the connection. The root is the client's own copy: not looked at."""
    for c in found.below_root:
        if c.not_before is None or c.not_after is None:
            continue
        if c.not_after <= trace.time:
            yield Finding(
                "expired",
                f"{called(c)} ended on {c.not_after:%Y-%m-%d %H:%M} UTC, before this connection. Every client that checks the chain refuses it.",
                advice="Renew it on the server: no setting of the client helps, short of not checking.",
                spec="RFC 5280 §4.1.2.5",
            )
        elif c.not_before > trace.time:
            yield Finding(
                "not_yet_valid",
                f"{called(c)} begins on {c.not_before:%Y-%m-%d %H:%M} UTC, after this connection. Every client that checks the chain refuses it.",
                advice="Look at the clocks: of the CA, and of the machine that captured this.",
                spec="RFC 5280 §4.1.2.5",
            )
        elif ends_soon(c.not_before, c.not_after, trace.time):
            left = c.not_after - trace.time
            yield Finding(
                "ends_soon",
                f"{called(c)} ends on {c.not_after:%Y-%m-%d}, {days(left)} after this connection. From then on clients that check the chain refuse it.",
                advice="Renew it before; if another CA signs the new one, the clients' root files come first.",
                spec="RFC 5280 §4.1.2.5",
            )


def ends_soon(begins: datetime, ends: datetime, time: datetime) -> bool:
    """Whether a certificate is in the last part of its time: short ones are meant to be renewed late."""
    return ends - time < min(SOON, (ends - begins) / REMAINS)


def lifetime(found: Chain) -> Iterator[Finding]:
    """Of the server's own certificate. What is signed by itself lives as long as the client keeps it in its file."""
    leaf = found.leaf
    if leaf.not_before is None or leaf.not_after is None or found.self_signed:
        return
    span = leaf.not_after - leaf.not_before
    if timedelta(0) < span <= SHORT:
        yield Finding(
            "short_lived",
            f"{called(leaf)} is issued for {days(span)}. A stolen key is soon worth nothing; a missed renewal is soon felt.",
            advice="Let the renewal run by itself, and reload the server after it.",
            weight="note",
        )
    elif span > LONG:
        yield Finding(
            "long_lived",
            f"{called(leaf)} is issued for {days(span)}. No PostgreSQL client minds, but whoever steals its key can use it for as long as that.",
            advice="A year is usual; shorter, where renewal runs by itself.",
            weight="note",
        )


# THE CHAIN


def self_signed(found: Chain) -> Iterator[Finding]:
    if found.self_signed:
        yield Finding(
            "self_signed",
            f"The server's certificate, {called(found.leaf)}, is signed by itself: nobody vouches for it, and anybody can make one like it.",
            advice="A client can check it only with this very certificate as its root file; else let a CA issue one.",
            spec="OpenSSL: X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT (18)",
        )


def root_not_trusted(found: Chain, trace: Trace) -> Iterator[Finding]:
    """unknown_ca has seven causes; where the chain is good in itself, those are left that lie with the client's files."""
    if refused_as_unknown(trace) and len(found.path) > 1 and found.rooted:
        if judge(found.sent, [found.top], trace.time).faults:
            return
        yield Finding(
            "root_not_trusted",
            f"The client answered unknown_ca to a chain that is whole and good up to its root, {called(found.top)}. What is left is that this root is not "
            "in the client's root file, or that a revocation list is missing there.",
            advice="Give the client's root file with --sslrootcert to be sure. For RDS it is the bundle of the server's own region, or of all; RDS Proxy has certificates of Amazon's public CA.",
            spec="OpenSSL: statem_lib.c, x509table",
        )


def with_roots(finding: Finding, trace: Trace, trust: Trust) -> Finding:
    """The finding of somebody who named the client's root file: what is in that file, in place of the advice to name it."""
    found, anchors = chain(trace), trust.anchors()
    if finding.kind != "root_not_trusted" or found is None or isinstance(trust.roots, Unknown | str):
        return finding
    if anchors is None:
        return replace(finding, advice="The client had a root file, and another one than was named here.")
    if any(anchor.spki == found.top.spki for anchor in anchors):
        advice = "The root file that was named here holds this root: the client had another one, or its revocation lists are short of one."
    else:
        advice = f"The root file that was named here holds {listed([called(a) for a in anchors]) or 'nothing'}, and not this root: that is the reason."
    return replace(finding, advice=advice)


def refused_as_unknown(trace: Trace) -> bool:
    alert = trace.outcome.alert
    return alert is not None and alert.sender == "client" and alert.code == UNKNOWN_CA


def missing_intermediate(found: Chain, trace: Trace) -> Iterator[Finding]:
    """Whether the issuer is a root or an intermediate only its own certificate would say."""
    if len(found.path) > 1 or found.rooted:
        return
    issuer = issuer_of(found.leaf)
    refused = refused_as_unknown(trace)
    weight: Weight = "warning" if refused else "note"
    ending = ", and the client answered unknown_ca" if refused else ""
    yield Finding(
        "missing_intermediate",
        f"The server sent no certificate above its own{ending}. That is right if the issuer, {issuer}, is a root; if it is an intermediate, clients "
        "that have only the root cannot find the way to it.",
        advice="If it is one, append it to the server's ssl_cert_file, behind the server's own.",
        weight=weight,
        spec="RFC 8446 §4.4.2; PostgreSQL: Secure TCP/IP Connections with SSL",
    )


def root_sent(found: Chain) -> Iterator[Finding]:
    if found.rooted and len(found.path) > 1:
        yield Finding(
            "root_sent",
            f"The server sends its root, {called(found.top)}, too. It is harmless and proves nothing: a client trusts the root in its own file, or none.",
            weight="note",
            spec="RFC 8446 §4.4.2",
        )


def out_of_order(found: Chain) -> Iterator[Finding]:
    if not found.ordered:
        yield Finding(
            "out_of_order",
            "The certificates do not come in the order in which one signs the other. OpenSSL sorts them itself; a stricter client gives up.",
            advice="In ssl_cert_file the server's own stands first, then the one above it, and so on.",
            weight="note",
            spec="RFC 5246 §7.4.2",
        )


def stray(found: Chain) -> Iterator[Finding]:
    if found.stray:
        names = listed([called(c) for c in found.stray])
        yield Finding(
            "stray_certificate",
            f"{len(found.stray)} of the {len(found.sent)} certificates have no part in the server's chain: {names}. They are passed over, and cost bytes "
            "in every handshake.",
            advice="Take them out of the server's ssl_cert_file.",
            weight="note",
            spec="RFC 8446 §4.4.2",
        )


# NAMES


def name_differs(found: Chain, trace: Trace) -> Iterator[Finding]:
    wanted = trace.tls.server_name if trace.tls else None
    if not wanted or match(found.leaf, wanted).matched is not None:
        return
    names = names_of(found.leaf)
    meant = names[0] if names and "*" not in names[0] else "one of its names"
    yield Finding(
        "name_differs",
        f"The client asked for {shorten(wanted)}; the certificate is for {listed(names) or 'no host at all'}. verify-full refuses that, verify-ca takes "
        "it if the chain is good. An alias, a load balancer or a pooler can be behind it, and so can somebody else's server.",
        advice=f"If it is the right server, connect with host={meant} and say where it is with hostaddr.",
        spec="PostgreSQL: fe-secure-common.c, pq_verify_peer_name_matches_certificate",
    )


def cn_only(found: Chain) -> Iterator[Finding]:
    leaf = found.leaf
    if leaf.common_name is not None and not any(name.kind in ("dNSName", "iPAddress") for name in leaf.names):
        yield Finding(
            "cn_only",
            f"The certificate names its host, {called(leaf)}, in the CN alone. libpq takes that; Go's drivers and those on rustls do not.",
            advice="Issue it anew with the host as a subjectAltName.",
            weight="note",
            spec="RFC 9525 §2",
        )


def wildcard(found: Chain) -> Iterator[Finding]:
    for name in [name for name in names_of(found.leaf) if "*" in name][:FEW]:
        if name.startswith("*.") and "*" not in name[1:]:
            yield Finding(
                "wildcard",
                f"The certificate is for {shorten(name)}: for every host that has one label in the star's place, so that whoever holds its key can be "
                "each of them.",
                advice="Where these hosts are not all in the same hands, give each a certificate of its own.",
                weight="note",
                spec="PostgreSQL: fe-secure-common.c, wildcard_certificate_match",
            )
        else:
            yield Finding(
                "wildcard",
                f"The certificate is for {shorten(name)}, where libpq sees no wildcard: it takes a star only as the whole first label.",
                advice="Write *.domain, or the hosts one by one.",
                weight="note",
                spec="PostgreSQL: fe-secure-common.c, wildcard_certificate_match",
            )


def address_as_name(found: Chain) -> Iterator[Finding]:
    names = [name.text for name in found.leaf.names if name.kind == "dNSName" and is_address(name.text)]
    if names:
        yield Finding(
            "address_as_name",
            f"The certificate holds the address {listed(names)} as a dNSName. libpq compares it as text and is content; most other clients look for an "
            "iPAddress.",
            advice="Put it in as iPAddress, too: libpq looks at these from 15 on.",
            weight="note",
            spec="RFC 5280 §4.2.1.6",
        )


# WORDS


def called(certificate: Certificate) -> str:
    return shorten(certificate.short)


def issuer_of(certificate: Certificate) -> str:
    parts = certificate.issuer.split(", ")
    return shorten(next((part[3:] for part in parts if part.startswith("CN=")), certificate.issuer))


def names_of(leaf: Certificate) -> list[str]:
    """The names that a client may compare: the subjectAltNames, else the CN."""
    names = [name.text for name in leaf.names if name.kind in ("dNSName", "iPAddress")]
    return names or ([leaf.short] if leaf.common_name is not None else [])


def listed(names: list[str]) -> str:
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(shorten(name) for name in names[:FEW]) + more


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def days(span: timedelta) -> str:
    return "less than a day" if span < timedelta(days=1) else "1 day" if span.days == 1 else f"{span.days:,} days"


# TABLES

ABOUT_TRACE = (name_differs, dates, root_not_trusted, missing_intermediate)
ABOUT_CHAIN = (
    self_signed,
    weak_key,
    weak_digest,
    out_of_order,
    stray,
    cn_only,
    address_as_name,
    wildcard,
    lifetime,
    root_sent,
)
