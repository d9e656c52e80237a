"""Clients beside each other: the sslmodes of each for one capture, and what one connection string means to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tracer.modes import Mode
from tracer.render.judged import colour
from tracer.render.page import Page
from tracer.report import Judged, Report
from tracer.verify.model import SSLMODES, Verdict
from tracer.verify.who import Who

Object = dict[str, Any]
WORDS = {"accept": "connects", "refuse": "refuses", "plaintext": "plaintext", "cannot_tell": "?"}
WIDTH = 27  # of a client's name
WHEN = {"before_tls": "before TLS", "in_handshake": "inside the handshake", "after_handshake": "behind the handshake"}


# ONE CAPTURE, EVERY CLIENT


def clients(page: Page, judged: Judged) -> None:
    """Clients × sslmodes: who connects, who refuses, who goes on in plaintext, who knows the server."""
    page.title("What each client would do here")
    page.add((f"  {'':<{WIDTH}}" + "".join(f"{mode:<12}" for mode in SSLMODES), "dim"), indent=WIDTH + 2)
    for name, verdicts in judged.clients.items():
        cells = [cell(verdicts[mode]) for mode in SSLMODES]
        page.add((f"  {name:<{WIDTH}}", "bold"), *((f"{words:<12}", style) for words, style in cells), indent=WIDTH + 2)
    page.add(
        (
            "  ✔ and knows the server, by chain and name  plaintext: goes on without TLS, if the server permits it",
            "dim",
        ),
        indent=2,
    )
    page.add(("  - is no mode of that driver  ? cannot be told from here", "dim"), indent=2)
    for name, verdicts in judged.clients.items():
        basis = verdicts["require"].basis
        if basis is not None and not basis.startswith("run: "):
            page.add((f"  {name}: {basis}", "dim"), indent=2)


def cell(verdict: Verdict) -> tuple[str, str]:
    """What a client does under a mode, and its colour."""
    if no_mode(verdict):
        return "-", "dim"
    if verdict.authenticated:
        return "✔ connects", "green"
    return WORDS[verdict.outcome], colour(verdict)


def no_mode(verdict: Verdict) -> bool:
    """Whether the driver does not know that sslmode, or does not take it with these options."""
    return verdict.refused_by is not None and verdict.refused_by.step == "options"


def clients_document(judged: Judged) -> list[Object]:
    """The same for programs."""
    return [
        {
            "client": name,
            "basis": verdicts["require"].basis,
            "modes": [
                {
                    "sslmode": mode,
                    "known": not no_mode(verdicts[mode]),
                    "outcome": verdicts[mode].outcome,
                    "authenticated": verdicts[mode].authenticated,
                    "prints": verdicts[mode].prints,
                    "on_the_wire": verdicts[mode].on_the_wire,
                    "agrees_with_capture": _agreement(judged, verdicts[mode]),
                }
                for mode in SSLMODES
            ],
        }
        for name, verdicts in judged.clients.items()
    ]


def _agreement(judged: Judged, verdict: Verdict) -> bool | None:
    return judged.agreement(verdict) if isinstance(judged, Report) else None


def recognised(page: Page, found: Who) -> None:
    """Whom --client auto took it for, and why."""
    page.title("Who is this client?")
    client, others = whom(found)
    page.add((f"  {client}", "bold"), (others, ""), indent=2)
    for words in found.because:
        page.add((f"  · {words}", ""), indent=4)


def whom(found: Who) -> tuple[str, str]:
    """The client that it is, with how sure that is; and who else it could be."""
    sure = {"high": "", "medium": "most likely ", "low": "perhaps "}[found.confidence]
    others = f", or {', '.join(found.candidates[1:])}" if found.candidates[1:] else ""
    return f"{sure}{found.client}", f"{others}  JA4 {found.ja4 or 'not known'}"


# ONE CONNECTION STRING, EVERY CLIENT


def modes(page: Page, found: Sequence[Mode]) -> None:
    """A paragraph a client."""
    for at, mode in enumerate(found):
        if at:
            page.add(("", ""))
        told = "" if mode.told else ", its default"
        page.add(
            (f"{mode.client}", "bold"),
            (f"  sslmode={mode.sslmode}{told}", ""),
            (f"  {mode.basis or ''}", "dim"),
            indent=4,
        )
        if no_mode(mode.good):
            page.add((f"  refuses to connect: {mode.good.prints}", "red"), indent=4)
            continue
        for label, (words, style) in lines(mode).items():
            page.add((f"  {label:<22}", "dim"), (words, style), indent=24)


def lines(mode: Mode) -> Mapping[str, tuple[str, str]]:
    """What is checked and what is not, each with its colour."""
    file = (
        mode.file
        + {True: " (is there)", False: " (cannot be used)" if mode.unusable else " (is not there)", None: ""}[
            mode.there
        ]
    )
    if mode.good.outcome == "plaintext":
        return {
            "TLS": (
                "not asked for" + (", unless the server refuses plaintext" if mode.sslmode == "allow" else ""),
                "red",
            ),
            "a server without TLS": _does(mode.no_tls),
        }
    if mode.good.outcome == "cannot_tell":
        return {
            "a server without TLS": _does(mode.no_tls),
            "root file": ("the system's own store, which is not here", ""),
            "checks": (mode.good.on_the_wire, "cyan"),
        }
    looks = {
        "a chain to its roots": mode.looks("chain"),
        "the dates": mode.looks("validity"),
        "the name": mode.looks("name"),
    }
    done = ", ".join(f"{what} {WHEN[when]}" for what, when in looks.items() if when)
    left = ", ".join(what for what, when in looks.items() if not when)
    return {
        "a server without TLS": _does(mode.no_tls),
        "root file": (file, ""),
        "with it, checks": (done or "nothing", "green" if done else "red"),
        "and does not check": (left or "-", "red" if left else ""),
        **({"any server with TLS": _does(mode.good)} if mode.good.outcome == "refuse" else {}),
        **({"with it as it is": _does(mode.unusable)} if mode.unusable else {}),
        "a CA not in it": _does(mode.stranger),
        "another host's name": _does(mode.sibling),
        "without the file": _does(mode.missing),
    }


def _does(verdict: Verdict) -> tuple[str, str]:
    if verdict.outcome == "cannot_tell":
        return "the system's store decides", "cyan"
    words = {"accept": "connects", "refuse": "refuses", "plaintext": "goes on in plaintext"}[verdict.outcome]
    prints = f": {verdict.prints.splitlines()[0]}" if verdict.outcome == "refuse" and verdict.prints else ""
    return words + prints, {"accept": "yellow", "refuse": "green", "plaintext": "red"}[verdict.outcome]


def modes_document(found: Sequence[Mode]) -> list[Object]:
    """The same for programs."""
    return [
        {
            "client": mode.client,
            "basis": mode.basis,
            "sslmode": mode.sslmode,
            "told": mode.told,
            "known": not no_mode(mode.good),
            "root_file": mode.file,
            "root_file_usable": mode.there,
            "checks": {step: mode.looks(step) for step in ("chain", "validity", "name")},
            **{name: _short(getattr(mode, name)) for name in ("good", "stranger", "sibling", "missing", "no_tls")},
            "unusable": None if mode.unusable is None else _short(mode.unusable),
        }
        for mode in found
    ]


def _short(verdict: Verdict) -> Object:
    return {"outcome": verdict.outcome, "authenticated": verdict.authenticated, "prints": verdict.prints}
