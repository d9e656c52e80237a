"""The sentences that are about a whole connection."""

from __future__ import annotations

from tracer.report import Report
from tracer.verify.model import Verdict


def headline(report: Report) -> tuple[str, str, str]:
    """The sentence that somebody who reads only one takes away: a mark, a colour, the words."""
    outcome, verdict = report.trace.outcome, report.verdict
    if outcome.kind == "plaintext":
        return "✘", "red", "Not encrypted: " + outcome.because + "."
    if outcome.kind == "refused_by_client" and report.asked and verdict.refused_by and report.agreement(verdict):
        return "✘", "red", f"No session. The client refused the server: {verdict.refused_by.because}."
    if outcome.kind != "established":
        return "✘", "red", f"No session: {outcome.because}."
    if report.trace.transport == "gss":
        return "?", "cyan", "Encrypted by GSSAPI, not by TLS: no certificate takes part."
    if not report.asked:
        return (
            "?",
            "yellow",
            "Encrypted. Whether the client checked who is at the other end depends on its sslmode and root file: see the table.",
        )
    if verdict.outcome == "accept" and verdict.authenticated:
        return (
            "✔",
            "green",
            f"Encrypted, and the server is known: the client checked chain, dates and name ({verdict.sslmode}).",
        )
    if verdict.outcome == "accept":
        chain = verdict.check("chain")
        if chain is not None and chain.outcome == "passed":
            words = f"Encrypted to some server of that CA: with {verdict.sslmode} nobody checked the name."
            return "✘", "yellow", words
        return "✘", "red", f"Encrypted, and nobody checked who is at the other end ({verdict.sslmode}, no root file)."
    if verdict.outcome == "refuse":
        return "✘", "red", f"Encrypted. This client would have refused: {_because(verdict)}."
    return "?", "cyan", "Encrypted. Who was checked cannot be told from what is known here: see ①, ② and ③."


def _because(verdict: Verdict) -> str:
    return verdict.refused_by.because if verdict.refused_by else verdict.on_the_wire


def who(v: Verdict) -> str:
    if v.outcome == "plaintext":
        return (
            "anybody; and anybody can read it"
            if v.sslmode != "prefer" or v.refused_by is None
            else "anybody: TLS failed, prefer goes on without"
        )
    if v.outcome == "refuse":
        return f"no session: {v.refused_by.step.replace('_', ' ') if v.refused_by else ''}" + (
            f" ({v.refused_by.code})" if v.refused_by and v.refused_by.code else ""
        )
    if v.outcome == "cannot_tell":
        return (
            "depends on the root file"
            if v.check("chain") and v.sslmode in ("prefer", "require")
            else "depends on what is not known here"
        )
    if v.authenticated:
        return "the server that was asked for"
    chain = v.check("chain")
    return "some server of this CA" if chain and chain.outcome == "passed" else "anybody"
