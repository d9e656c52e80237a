"""The sentences that are about a whole connection."""

from __future__ import annotations

from tracer.certificates import Presented
from tracer.findings import Finding
from tracer.report import Report
from tracer.verify.model import Check, Verdict

Headline = tuple[str, str, str]  # a mark, a colour, the words
NO_TLS = "the server has no TLS, and this client goes on without"
STEPS = {
    "validity": "dates",
    "root_file": "root file",
    "channel_binding": "channel binding",
    "injected": "bytes behind S",
    "sslcertmode": "client certificate",
    "require_auth": "way to log in",
    "sasl": "way to log in",
    "revocation": "CRL",
    "server_name": "host name too long",
    "version": "TLS version",
    "alpn": "no ALPN",
    "server": "the server ended it",
}
NOT_SHOWN = "whether this one did, the capture cannot show: look at its connection string"
ANSWERS = {"N": "server without TLS", "E": "an error instead", "nothing": "no answer"}


def headline(report: Report) -> Headline:
    """The sentence that somebody who reads only one takes away."""
    outcome, verdict = report.trace.outcome, report.verdict
    if report.foreign:
        return (
            "·",
            "cyan",
            "TLS, but not PostgreSQL: its client neither asks first nor offers ALPN postgresql. Not judged.",
        )
    if report.trace.transport == "cancel":
        return "·", "cyan", f"{outcome.because[0].upper()}{outcome.because[1:]}."
    if outcome.kind == "plaintext":
        return "✘", "red", f"Not encrypted: {outcome.because}."
    if report.stopped and report.trace.answer == "N":
        return "✘", "red", f"Not encrypted: {NO_TLS}."
    if outcome.kind == "incomplete" and not report.stopped:
        return "?", "cyan", f"Not seen to its end: {report.because}."
    if report.probed and outcome.kind == "refused_by_client" and verdict.outcome == "plaintext" and verdict.refused_by:
        words = f"No TLS: {verdict.refused_by.because}. With {verdict.sslmode} this client"
        return "✘", "red", f"{words} goes on in plaintext, if the server permits it."
    if outcome.kind == "refused_by_client" and report.asked and verdict.refused_by and report.agreement(verdict):
        return "✘", "red", f"No session. The client refused the server: {verdict.refused_by.because}."
    if outcome.kind != "established" and not report.stopped:
        return "✘", "red", f"No session: {outcome.because}.{_name_hint(report)}"
    if report.trace.transport == "gss":
        return "?", "cyan", "Encrypted by GSSAPI, not by TLS: no certificate takes part."
    return _judged(report, verdict) if report.asked else _unasked()


def _unasked() -> Headline:
    words = "Whether the client checked who is at the other end depends on its sslmode and root file: see the table."
    return "?", "yellow", f"Encrypted. {words}"


def _name_hint(report: Report) -> str:
    """A refusal of the name leaves nothing but a close on the wire."""
    outcome = report.trace.outcome
    if outcome.kind == "refused_by_client" and outcome.where == "after_handshake" and not report.asked:
        return " So does verify-full when the name does not match."
    return ""


def _judged(report: Report, verdict: Verdict) -> Headline:
    """TLS is up, and it was asked what a client would have done."""
    if verdict.outcome == "refuse":
        return "✘", "red", f"Encrypted. This client would have refused: {_because(verdict)}."
    if verdict.outcome == "plaintext":
        if verdict.refused_by is None:
            asks = "does not ask for it" + (" at first" if verdict.sslmode == "allow" else "")
            return "✘", "red", f"Encrypted here; with {verdict.sslmode} the client {asks}."
        return "✘", "red", f"Encrypted here. This client would have gone on in plaintext: {_because(verdict)}."
    why = report.presented.absent
    if verdict.outcome == "cannot_tell" and why:
        return "?", "cyan", f"Encrypted. {why[0].upper()}{why[1:]}."
    if verdict.outcome == "cannot_tell":
        return "?", "cyan", "Encrypted. Who was checked cannot be told from what is known here: see ①, ② and ③."
    if passed(verdict, "chain") and passed(verdict, "name"):
        return _known(report, verdict)
    if verdict.authenticated and not (report.probed or _bound(report)):
        words = f"A client with channel binding ({verdict.sslmode}) would know that the server knows the password"
        return "✔", "green", f"Encrypted. {words}; {NOT_SHOWN}."
    if verdict.authenticated:
        words = "the password exchange was bound to its certificate; nobody compared the name"
        return "✔", "green", f"Encrypted, and the server knows the password: {words} ({verdict.sslmode})."
    if not passed(verdict, "chain"):
        path = report.trust.root_path
        why = f"root file {path} does not exist" if path else "no root file"
        return "✘", "red", f"Encrypted, and with {verdict.sslmode} nobody checks who is at the other end ({why})."
    name = report.verdicts["verify-full"].check("name")
    if name is not None and name.outcome == "failed":
        return (
            "✘",
            "red",
            f"Encrypted to another server of that CA: {name.because}. {verdict.sslmode} does not compare.",
        )
    return "✘", "yellow", f"Encrypted to some server of that CA: with {verdict.sslmode} nobody checks the name."


def _known(report: Report, verdict: Verdict) -> Headline:
    """Chain and name pass. A session that goes on looks the same under every mode: only of our own client is more known."""
    if report.probed:
        words = f"the client checked chain, dates and name ({verdict.sslmode})"
        return "✔", "green", f"Encrypted, and the server is known: {words}."
    held = "the system's roots" if report.trust.roots == "system" else "this root file"
    words = f"A client with sslmode={verdict.sslmode} and {held} would have checked chain, dates and name, and gone on"
    return "✔", "green", f"Encrypted. {words}; {NOT_SHOWN}."


def _bound(report: Report) -> bool:
    """Whether the client was seen to bind the password exchange to the certificate (RFC 5802 §6)."""
    first = report.trace.of("SASLInitialResponse", "client")
    return first is not None and first.opened and "SCRAM-SHA-256-PLUS" in first.summary


def passed(verdict: Verdict, step: str) -> bool:
    check = verdict.check(step)
    return check is not None and check.outcome == "passed"


def echoes(report: Report, finding: Finding) -> bool:
    """Whether a finding says once more what stopped the client: the verdict has said it, and what to do."""
    stopped = report.verdict.refused_by
    if not report.asked or not report.agreement(report.verdict):
        return False
    if stopped is None:
        told = report.trace.tls is not None and report.trust.host == report.trace.tls.server_name
        return finding.kind == "name_differs" and told and report.verdict.outcome == "accept"
    return finding.kind in ECHOES.get(stopped.step, ())


def _because(verdict: Verdict) -> str:
    return verdict.refused_by.because if verdict.refused_by else verdict.on_the_wire


def who(v: Verdict, presented: Presented | None = None) -> str:
    """Who is at the other end, as far as the client knows; `presented` says what there was to be known."""
    if v.outcome == "plaintext":
        return "anybody, and all can read it" if v.refused_by is None else "anybody: goes on without TLS"
    if v.outcome == "refuse":
        return _refused(v.refused_by)
    if v.outcome == "cannot_tell":
        return _unknown(v, presented)
    if passed(v, "chain") and passed(v, "name"):
        return "the server that was asked for"
    if v.authenticated:
        return "who knows the password"
    if v.authenticated is None:
        return "whom Kerberos vouches for"
    return "some server of this CA" if passed(v, "chain") else "anybody"


def _refused(check: Check | None) -> str:
    if check is None:
        return "no session"
    if check.step == "options":
        return "does not try: options clash"
    if check.step == "negotiation":
        return f"no session: {ANSWERS.get(check.found or '', 'not PostgreSQL')}"
    code = f" (OpenSSL {check.code})" if check.code else ""
    return f"no session: {STEPS.get(check.step, check.step.replace('_', ' '))}{code}"


def _unknown(v: Verdict, presented: Presented | None) -> str:
    """What a verdict hangs on that is not known here."""
    unsure = next((check for check in v.checks if check.outcome == "cannot_tell"), None)
    if unsure is None:
        return "depends on what is not known"
    if unsure.step == "negotiation":
        return unsure.because
    if unsure.step in ("chain", "validity", "name") and presented is not None and not presented.certificates:
        return "no certificate was sent" if presented.absent else "depends on what is sealed"
    return UNKNOWNS.get(unsure.step, "depends on what is not known")


ECHOES = {
    "chain": ("root_not_trusted", "missing_intermediate", "self_signed"),
    "validity": ("expired", "not_yet_valid"),
    "revocation": ("root_not_trusted",),
    "name": ("name_differs",),
    "root_file": ("no_client_hello",),
}
UNKNOWNS = {
    "chain": "depends on the root file",
    "validity": "depends on the root file",
    "name": "depends on the host name",
    "revocation": "depends on the revocation list",
    "channel_binding": "depends on what is sealed",
    "require_auth": "depends on what the server asks for",
    "server": "depends on how the server goes on",
}
