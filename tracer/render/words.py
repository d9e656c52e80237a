"""The sentences that are about a whole connection."""

from __future__ import annotations

from tracer.report import Report
from tracer.verify.model import Verdict

Headline = tuple[str, str, str]  # a mark, a colour, the words
NO_TLS = "the server has no TLS, and this client goes on without"
STEPS = {"validity": "dates", "root_file": "root file", "channel_binding": "channel binding"}


def headline(report: Report) -> Headline:
    """The sentence that somebody who reads only one takes away."""
    outcome, verdict = report.trace.outcome, report.verdict
    if report.trace.transport == "cancel":
        return "·", "cyan", f"{outcome.because[0].upper()}{outcome.because[1:]}."
    if outcome.kind == "plaintext":
        return "✘", "red", f"Not encrypted: {outcome.because}."
    if report.stopped and report.trace.answer == "N":
        return "✘", "red", f"Not encrypted: {NO_TLS}."
    if outcome.kind == "incomplete" and not report.stopped:
        return "?", "cyan", f"Not seen to its end: {report.because}."
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
            return "✘", "red", f"Encrypted here; with {verdict.sslmode} the client does not ask for it at first."
        return "✘", "red", f"Encrypted here. This client would have gone on in plaintext: {_because(verdict)}."
    if verdict.outcome == "cannot_tell":
        return "?", "cyan", "Encrypted. Who was checked cannot be told from what is known here: see ①, ② and ③."
    if passed(verdict, "chain") and passed(verdict, "name"):
        words = f"the client checked chain, dates and name ({verdict.sslmode})"
        return "✔", "green", f"Encrypted, and the server is known: {words}."
    if verdict.authenticated:
        words = "the password exchange was bound to its certificate; nobody compared the name"
        return "✔", "green", f"Encrypted, and the server knows the password: {words} ({verdict.sslmode})."
    if not passed(verdict, "chain"):
        return "✘", "red", f"Encrypted, and nobody checked who is at the other end ({verdict.sslmode}, no root file)."
    name = report.verdicts["verify-full"].check("name")
    if name is not None and name.outcome == "failed":
        return (
            "✘",
            "red",
            f"Encrypted to another server of that CA: {name.because}. {verdict.sslmode} does not compare.",
        )
    return "✘", "yellow", f"Encrypted to some server of that CA: with {verdict.sslmode} nobody checked the name."


def passed(verdict: Verdict, step: str) -> bool:
    check = verdict.check(step)
    return check is not None and check.outcome == "passed"


def _because(verdict: Verdict) -> str:
    return verdict.refused_by.because if verdict.refused_by else verdict.on_the_wire


def who(v: Verdict) -> str:
    """Who is at the other end, as far as the client knows."""
    if v.outcome == "plaintext":
        return "anybody, and all can read it" if v.refused_by is None else "anybody: TLS failed, goes on without"
    if v.outcome == "refuse":
        step = v.refused_by.step if v.refused_by else ""
        code = f" (OpenSSL {v.refused_by.code})" if v.refused_by and v.refused_by.code else ""
        return f"no session: {STEPS.get(step, step.replace('_', ' '))}{code}"
    if v.outcome == "cannot_tell":
        return _unknown(v)
    if passed(v, "chain") and passed(v, "name"):
        return "the server that was asked for"
    if v.authenticated:
        return "who knows the password"
    if v.authenticated is None:
        return "whom Kerberos vouches for"
    return "some server of this CA" if passed(v, "chain") else "anybody"


def _unknown(v: Verdict) -> str:
    """What a verdict hangs on that is not known here."""
    unsure = next((check for check in v.checks if check.outcome == "cannot_tell"), None)
    return UNKNOWNS.get(unsure.step if unsure else "", "depends on what is not known here")


UNKNOWNS = {
    "negotiation": "TLS was not asked for here",
    "chain": "depends on the root file",
    "validity": "depends on the root file",
    "name": "depends on the host name",
    "revocation": "depends on the revocation list",
    "channel_binding": "depends on what is sealed",
}
