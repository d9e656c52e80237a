"""Clients beside each other: the sslmodes of each for one capture, and what one connection string means to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tracer.modes import Mode
from tracer.render.judged import colour
from tracer.render.page import Page
from tracer.report import Judged, Report
from tracer.verify.clients import spelling as spelling_of
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


def modes(page: Page, found: Sequence[Mode], *, briefly: bool = False) -> None:
    """A paragraph a client; `briefly`, one for the first and a line for each other."""
    for at, mode in enumerate(found[:1] if briefly else found):
        if at:
            page.add(("", ""))
        told = "" if mode.told else ", its default"
        page.add(
            (f"{mode.client}", "bold"),
            (f"  sslmode={'?' if mode.foreign else mode.sslmode}{told}", ""),
            (f"  {mode.basis or ''}", "dim"),
            indent=4,
        )
        page.add((f"  {'is it safe?':<22}", "bold"), (answer(mode), f"bold {_light(mode)}"), indent=24)
        if mode.socket or mode.foreign or mode.gssapi or mode.stopped:
            continue
        if no_mode(mode.good):
            page.add((f"  refuses to connect: {mode.good.prints}", "red"), indent=4)
            continue
        for label, (words, style) in lines(mode).items():
            page.add((f"  {label:<22}", "dim"), (words, style), indent=24)
    if briefly:
        _others(page, [mode for mode in found[1:] if not found[0].socket])


def _others(page: Page, found: Sequence[Mode]) -> None:
    """What the same string means to other clients, a line each."""
    if not found:
        return
    page.title("The same string in other clients")
    page.add((f"  {'':<{WIDTH}}{'sslmode':<12}checks", "dim"), indent=WIDTH + 2)
    for mode in found:
        sslmode = "?" if mode.foreign else mode.sslmode + "*" * (not mode.told)
        head = f"  {mode.client:<{WIDTH}}{sslmode:<12}"
        page.add((head, ""), (_brief(mode), _light(mode)), indent=len(head))
    mark = "" if all(mode.told for mode in found) else "* its default  "
    page.add((f"  {mark}--client NAME shows one of them in full, --client all every one", "dim"), indent=2)


def _light(mode: Mode) -> str:
    return {True: "green", False: "red", None: "cyan"}[mode.safe]


def _brief(mode: Mode) -> str:
    if mode.foreign:
        return f"? ({mode.foreign})"
    if no_mode(mode.good):
        return "- (refuses that sslmode)"
    if mode.refuses:
        return "- (does not connect as it is)"
    if mode.sockets and not mode.client.startswith("libpq"):
        return "? (a Unix socket)"
    if mode.safe is None and not mode.socket:
        return "? (its file is a pipe)" if mode.waits else "? (an address)" if mode.by_address else "? (GSSAPI)"
    if mode.as_is.outcome == "plaintext":
        return "nothing: plaintext"
    also = "; may be plaintext" if mode.no_tls.outcome == "plaintext" else ""
    return f"{CHECKED[mode.checked('chain'), mode.checked('name')][0]}{also}"


def answer(mode: Mode) -> str:
    """Whether it is safe: what is checked, what not, and the fewest parameters that make it so."""
    host = mode.host or "the server"
    if mode.sockets and not mode.client.startswith("libpq"):
        return f"It cannot be told: {mode.sockets[0]} is a Unix socket, and what {mode.client} does there was not looked at."
    if mode.socket:
        return f"There is no TLS: {host} is a Unix socket, and libpq ignores sslmode there, verify-full included. For a server elsewhere: host=NAME."
    if mode.foreign:
        return f"It cannot be told: {mode.foreign} is a word of libpq's, and what {mode.client} makes of it was not looked at."
    if mode.waits:
        return f"It cannot be told: {mode.file} is a pipe into which nobody writes, and {mode.client} would wait there."
    if mode.gssapi:
        return f"It cannot be told: gssencmode=require asks {host} for GSSAPI encryption, and for no TLS."
    if mode.refuses:
        return f"It does not connect at all{_refusal(mode)}.{_mended(mode, host)}"
    if mode.by_address:
        return f"It cannot be told: {host} is an IPv6 address, and the rules below are those of a name."
    if mode.binding and mode.safe is None:
        return (
            "Not by the certificate: any server may answer. But with channel_binding=require libpq logs in inside TLS alone, and only to a server that "
            "knows the password's verifier; the lines below are those of the certificate."
        )
    if mode.safe:
        return f"Yes. Chain, dates and name are checked: {mode.client} connects to {host} and to no other server."
    return f"No. {_why_not(mode, host)}.{_mended(mode, host)}"


def _refusal(mode: Mode) -> str:
    """Why it connects to nobody, in the client's own words where they are known."""
    if no_mode(mode.good):
        return f": {mode.client} does not take sslmode={mode.sslmode}"
    if mode.as_is.prints:
        return f". {mode.client} says: {mode.as_is.prints.splitlines()[0].rstrip('.')}{_listless(mode)}"
    return f": {mode.as_is.refused_by.because}" if mode.as_is.refused_by else ""


def _listless(mode: Mode) -> str:
    lists = mode.as_is.refused_by is not None and mode.as_is.refused_by.step == "revocation"
    return ". It looks for revocation lists, and where it was told to there is none" if lists else ""


def _why_not(mode: Mode, host: str) -> str:
    if mode.stopped:
        return f"libpq goes on in plaintext, as it is, for TLS fails on its side: {mode.stopped}"
    if mode.as_is.outcome == "plaintext":
        asks = "asks for no TLS" if mode.good.outcome == "plaintext" else "goes on in plaintext, as it is"
        return f"{mode.client} {asks}: whoever is on the way to {host} can read and change everything{_listless(mode)}"
    if mode.sockets:
        return f"{mode.sockets[0]} is a Unix socket: there is no TLS on it, and libpq may connect there"
    known = mode.checked("chain"), mode.checked("name")
    behind = " or for a CA that it does not know" if known[0] and mode.stranger.outcome == "plaintext" else ""
    also = f"; without TLS{behind} {mode.client} goes on in plaintext" if mode.no_tls.outcome == "plaintext" else ""
    return f"{CHECKED[known][1].format(host=host)}{also}"


def _mended(mode: Mode, host: str) -> str:
    if not mode.mend:
        return ""
    spelling = spelling_of(mode.client)
    words = {
        "sslmode=verify-full": spelling.full,
        "host=NAME": f"{spelling.host}NAME",
        "sslrootcert=FILE": spelling.roots,
    }
    said = spelling.between.join(words.get(word, word) for word in mode.mend)
    named = "sslrootcert=FILE" in mode.mend
    public = not named and mode.there is not True and "sslmode=verify-full" in mode.mend
    file = f", where FILE holds the CA of {host}" if named else ""
    file = f" (and {spelling.roots} with the CA of {host}, where that is no public one)" if public else file
    return f" Set {said}{file}."


CHECKED = {
    (False, False): ("nothing", "Nothing is checked: any server passes for {host}"),
    (False, True): ("the name alone", "The name is checked and the chain is not: any server passes for {host}"),
    (True, False): (
        "chain and dates, any name",
        "Chain and dates are checked, the name is not: any server with a certificate of that CA passes for {host}",
    ),
    (True, True): ("chain, dates, name", "Chain, dates and name of {host} are checked"),
}


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
            **{
                name: _short(getattr(mode, name))
                for name in ("good", "stranger", "sibling", "missing", "no_tls", "as_is")
            },
            "foreign": mode.foreign,
            "host": mode.host,
            "safe": mode.safe,
            "mend": list(mode.mend),
            "unusable": None if mode.unusable is None else _short(mode.unusable),
        }
        for mode in found
    ]


def _short(verdict: Verdict) -> Object:
    return {"outcome": verdict.outcome, "authenticated": verdict.authenticated, "prints": verdict.prints}
