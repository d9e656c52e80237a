"""What to do about a connection: the one thing that its verdict asks for, in the words of the client that it is about."""

from __future__ import annotations

import re
from collections.abc import Callable

from tracer import rootfile
from tracer.certificates import Certificate
from tracer.report import Report
from tracer.verify import clients
from tracer.verify.chain import is_self_signed
from tracer.verify.clients.spellings import Spelling
from tracer.verify.model import Check, Unusable, Verdict


def advice(report: Report) -> str | None:
    """One or two sentences; None where nothing is to be done, or nothing can be said. The names in it are a stranger's."""
    if report.foreign or report.trace.transport == "gss":
        return None
    if report.trace.tls is None and not report.trace.negotiation and report.trace.outcome.kind != "plaintext":
        return None
    verdict, spelling = report.verdict, _spelling(report)
    if report.probed and report.trace.outcome.kind == "incomplete" and report.trace.outcome.where == "in_handshake":
        return (
            "Find out what answers at this host and port, or stands in between: it falls silent inside the handshake."
        )
    sealed = report.trace.tls is not None and not report.presented.certificates and not report.presented.absent
    if not report.asked and report.presented.certificates:
        return f"Name what the client was told, and every row is decided: {_options(report)}."
    if sealed and (not report.asked or verdict.outcome == "cannot_tell"):
        told = "" if report.asked else f"; then name what the client was told: {_options(report)}"
        if missed := _missed(report):
            return f"{missed}{told}."
        return f"The certificates are sealed: the key log of this very session shows them (--keylog FILE); without one, let the client connect once with {spelling.tls_1_2}, or let pgtls probe connect{told}."
    if not report.asked:
        return None
    failed = verdict.refused_by
    if failed is not None:
        remedy = REMEDIES.get(failed.step)
        words = remedy(report, failed) if remedy else None
        return (
            f"{words} Until then {spelling.full} keeps the client from going on in plaintext."
            if words and verdict.outcome == "plaintext" and report.trace.answer == "S"
            else words
        )
    if verdict.outcome == "cannot_tell" or _known(verdict):
        return None
    if _elsewhere(report) and isinstance(report.trust.host, str):
        return (
            f"{_because(report)} {spelling.server(report.trust.host)} would have refused it. If {_host(report)} is the server you mean, "
            "that is the host to connect to; if not, somebody leads you to another server."
        )
    if report.trace.answer == "N":
        return (
            f"{_because(report)} {_without_tls(report)} Then the client that knows its server: {_connection(report)}."
        )
    return f"{_because(report)} The client that knows its server: {_connection(report)}."


def _missed(report: Report) -> str | None:
    """What to record, where the server's certificates are not in the capture; what is sealed in TLS 1.3 needs keys, too."""
    trace = report.trace
    later = trace.tls is not None and trace.tls.version in (None, "TLS 1.3")
    keys = (
        "; in TLS 1.3 the certificates are sealed, and the key log of the session is needed, too (--keylog FILE)"
        * later
    )
    if trace.connection.server_stream.gaps or trace.connection.client_stream.gaps:
        return f"Record whole packets first (-s 0): the certificates are not in this capture, or cut off{keys}"
    if trace.outcome.kind == "incomplete" and trace.of("Sealed", "server") is None:
        return f"Record the connection to its end first: the capture stops in front of the certificates{keys}"
    return None


def _known(verdict: Verdict) -> bool:
    """Whether the name was compared, and so the server is known; with GSSAPI encryption Kerberos knows it."""
    if verdict.outcome == "accept" and verdict.authenticated is None:
        return True
    name = verdict.check("name")
    return verdict.outcome == "accept" and name is not None and name.outcome == "passed"


def _because(report: Report) -> str:
    if report.verdict.outcome == "plaintext" or report.trace.outcome.kind == "plaintext":
        return "Without TLS anybody on the path reads and answers."
    return "Nobody compared the names, and they differ." if _elsewhere(report) else "Encryption is not authentication."


def _elsewhere(report: Report) -> bool:
    """Whether the certificate is for another host than the client wants."""
    name = report.verdicts["verify-full"].check("name")
    return name is not None and name.outcome == "failed"


def _connection(report: Report) -> str:
    """The parameters of a client that checks everything."""
    root, spelling = _root(report), _spelling(report)
    return spelling.server(_host(report), f"{spelling.roots} {f'with {root}' if root else 'of its CA'}")


def _spelling(report: Report) -> Spelling:
    return clients.spelling(report.verdict.client)


def _options(report: Report) -> str:
    host = "" if report.host_from_hello else "--host NAME "
    return f"{host}--sslmode MODE --sslrootcert FILE (a file that does not exist stands for none)"


def _sent(report: Report) -> tuple[Certificate, ...]:
    return report.trace.presented.certificates or ()


def _host(report: Report) -> str:
    """The name that the client wants, where the certificate has it, else the certificate's first."""
    host = report.trust.host
    if isinstance(host, str) and not _elsewhere(report):
        return host
    names = [name.text for leaf in _sent(report)[:1] for name in leaf.names]
    return host if isinstance(host, str) and not names else names[0] if names else "NAME"


def _root(report: Report) -> str | None:
    """The root that the chain asks for: the one that was sent, or the issuer of the last that was."""
    sent = _sent(report)
    if not sent:
        return None
    top = next((certificate for certificate in sent if is_self_signed(certificate)), None)
    return top.short if top else next((p[3:] for p in sent[-1].issuer.split(", ") if p.startswith("CN=")), None)


# REMEDIES


def _chain(report: Report, check: Check) -> str:
    if check.code not in UNTRUSTED:
        return "The server needs another certificate: no setting of the client mends this."
    root = _root(report) or "the CA of the server"
    if check.code == 18 and isinstance(report.trust.host, str) and _of_rds(report.trust.host):
        return (
            "No server of Amazon RDS has a certificate that signed itself: do not trust it. The server is not RDS's, or somebody stands "
            "between: look at DNS and at the way to it."
        )
    if check.code == 18:
        return f"If {root} is the server you mean, the client needs that very certificate as its root file; else let a CA issue one."
    bundle = _where(report)
    if check.code == 20 and check.certificate is not None:
        return f"Missing is {root}. If it is an intermediate, the server must send it; if a root, the client's root file must hold it. {bundle}"
    return f"{_holds(report)}it must hold {root}, if that is the CA you mean: {_spelling(report).roots}. {bundle}"


def _where(report: Report) -> str:
    """Where the roots of Amazon's databases are. A proxy has its certificate of AWS Certificate Manager, and not of RDS's own CA."""
    names = [report.trust.host if isinstance(report.trust.host, str) else "", _root(report) or ""]
    names += [certificate.short for certificate in _sent(report)]
    if any(name.endswith(RDS_ENDPOINT) and ".proxy-" in name for name in names) or any(map(PUBLIC.match, names)):
        return PROXY_ROOTS
    return RDS_ROOTS if any(name.startswith("Amazon RDS ") for name in names) else f"{RDS_ROOTS} {PROXY_ROOTS}"


def _holds(report: Report) -> str:
    """What the root file holds in the place of what it should."""
    held = [certificate.short for certificate in report.trust.anchors() or ()]
    if not held:
        return "The client's root file is another one: "
    return f"The root file holds {', '.join(held[:FEW])}{f' and {len(held) - FEW} more' if len(held) > FEW else ''}; "


def _validity(_report: Report, check: Check) -> str:
    if check.code == 9:
        return "Compare the clocks of client and server; if they are right, the certificate was put in place too early."
    where = "on the server" if check.certificate is not None else "in the client's root file"
    return f"Renew the certificate that has ended, {where}."


def _name(report: Report, _check: Check) -> str:
    name, spelling = _host(report), _spelling(report)
    if report.trust.host is None:
        return "Give the client a host to verify: it has an address alone."
    return (
        f"If {name} is the server you mean, connect with {spelling.host}{name} (and {spelling.way}, where the way to it must stay). "
        "If it is not, somebody leads you to another server: look at DNS and at what stands between."
    )


def _root_file(report: Report, check: Check) -> str:
    roots = report.trust.roots
    if isinstance(roots, Unusable) and rootfile.damaged(roots):
        return (
            f"{check.found or 'The root file'} is damaged ({roots.reason}), and a client takes all of it or nothing: "
            "fetch it again, or cut the broken block out."
        )
    return f"Put the CA of the server into {check.found or 'the root file'}, or name another file with {_spelling(report).roots.partition('=')[0]}."


def _negotiation(report: Report, check: Check) -> str:
    if check.found == "N":
        return _without_tls(report)
    return ANSWERS.get(check.found or "", "Find out what answers at this host and port: it is not PostgreSQL.")


def _without_tls(report: Report) -> str:
    host = report.trust.host
    return RDS_WITHOUT if isinstance(host, str) and _of_rds(host) else ANSWERS["N"]


def _of_rds(host: str) -> bool:
    return host.rstrip(".").lower().endswith(RDS_ENDPOINT)


def _revocation(_report: Report, check: Check) -> str:
    if check.code == 23:
        return "The certificate was revoked: the server needs another one."
    return "The client's revocation list must be one of this CA, of each CA of the chain, and in its time."


def _injected(_report: Report, _check: Check) -> str:
    return "Find out what stands between client and server."


# AWS: Rotating your SSL/TLS certificate; Using TLS/SSL with RDS Proxy
RDS_ENDPOINT = (".rds.amazonaws.com", ".rds.amazonaws.com.cn")
PUBLIC = re.compile(r"Amazon (Root CA|RSA|ECDSA) \d|Starfield ")
RDS_ROOTS = "For Amazon RDS that is the bundle of the region, or of all (https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem)."
PROXY_ROOTS = "RDS Proxy has certificates of Amazon's public CA (Amazon Root CA 1 to 4): the system's store, or Amazon Trust Services."
RDS_WITHOUT = (
    "Amazon RDS has TLS unless its parameter group turns it off: set ssl=1 there, and rds.force_ssl=1, with which it refuses whoever comes in "
    "plaintext. If the group says so already, it was not RDS that answered: look at DNS and at the way to it."
)
UNTRUSTED = (2, 18, 19, 20, 21)
FEW = 3  # of a root file that are named
ANSWERS = {
    "N": "Turn TLS on in the server (ssl = on, ssl_cert_file, ssl_key_file).",
    "E": "Look in the server's log for its error.",
    "nothing": "Look in the server's log, and at what stands in front of it.",
}
REMEDIES: dict[str, Callable[[Report, Check], str]] = {
    "chain": _chain,
    "validity": _validity,
    "name": _name,
    "root_file": _root_file,
    "negotiation": _negotiation,
    "revocation": _revocation,
    "injected": _injected,
}
