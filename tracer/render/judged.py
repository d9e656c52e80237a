"""What was judged, on a page: the certificates, each check, and the table of the sslmodes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tracer.certificates import Certificate
from tracer.render.page import Page
from tracer.render.words import who
from tracer.report import Judged
from tracer.verify.model import SSLMODES, Check, Verdict

MARKS = {"chain": "①", "validity": "②", "name": "③"}
TITLES = {
    "validity": "dates",
    "injected": "bytes behind S",
    "sslcertmode": "client certificate",
    "require_auth": "way to log in",
    "sasl": "way to log in",
    "alpn": "ALPN",
    "version": "TLS version",
}
SIGNS = {"passed": ("✔", "green"), "failed": ("✘", "red"), "not_done": ("·", "yellow"), "cannot_tell": ("?", "cyan")}
OUTCOMES = {"accept": "connects", "refuse": "refuses", "plaintext": "plaintext", "cannot_tell": "cannot tell"}
IN_BRACKETS = "(✔) (✘) would pass, would fail: not reached"
COLOURS = {"accept": "green", "refuse": "red", "plaintext": "yellow", "cannot_tell": "cyan"}


def certificates(page: Page, sent: Iterable[Certificate], time: datetime) -> None:
    """Each certificate in two lines; one that has ended at that time is marked."""
    for position, c in enumerate(sent):
        dates = (
            f"{c.not_before:%Y-%m-%d} … {c.not_after:%Y-%m-%d}" if c.not_before and c.not_after else "dates unreadable"
        )
        late = c.not_after is not None and c.not_after <= time
        names = ", ".join(name.text for name in c.names[:4]) + (", …" if len(c.names) > 4 else "")
        role = (
            f"{'root, ' * bool(position)}signed by itself"
            if c.subject_der == c.issuer_der
            else f"issued by {_issuer(c.issuer)}"
        )
        page.add((f"  {position}  ", "dim"), (c.short, "bold"), (f"  {role}", ""), indent=5)
        page.add(
            ("     ", ""),
            (f"{dates}, ended" if late else dates, "red" if late else ""),
            (f"  {c.public_key}, {c.signature_name}" + (f"  for {names}" if names else ""), "dim"),
            indent=5,
        )


def _issuer(name: str) -> str:
    return next((part[3:] for part in name.split(", ") if part.startswith("CN=")), name)


def table(page: Page, judged: Judged, title: str) -> None:
    """The verdict of every sslmode, a row each."""
    verdict = judged.verdict
    page.title(title)
    page.add((f"  {asked_with(judged)}", "dim"), indent=2)
    if verdict.basis is not None:
        page.add((f"  {verdict.client}, {verdict.basis}", "dim"), indent=2)
    page.add((f"  {'sslmode':<13}{'outcome':<13}chain  dates  name   who is at the other end", "dim"), indent=50)
    for mode in SSLMODES:
        v = judged.verdicts[mode]
        marker = "▸" if mode == judged.trust.sslmode and judged.asked else " "
        cells: list[tuple[str, str]] = [
            (f"{marker} {mode:<13}", "bold"),
            (f"{OUTCOMES[v.outcome]:<13}", colour(v)),
        ]
        for step in MARKS:
            mark, style = sign(v, v.check(step))
            cells.append((f"{mark:<7}", style))
        page.add(*cells, (who(v, judged.presented), ""), indent=50)
    page.add(
        ("  ✔ passed  ✘ failed  · nobody looked  ? cannot be told  " + IN_BRACKETS, "dim"),
        indent=2,
    )
    page.add(
        (
            "  plaintext: goes on without TLS, if the server permits it" + "  ▸ asked about" * judged.asked,
            "dim",
        ),
        indent=2,
    )


def colour(verdict: Verdict) -> str:
    """To connect is good where the server is known, and a warning where anybody could be there."""
    return "yellow" if verdict.outcome == "accept" and not verdict.authenticated else COLOURS[verdict.outcome]


def asked_with(judged: Judged) -> str:
    """Whose checks were replayed, and with what."""
    host = f"host {judged.trust.host}" if isinstance(judged.trust.host, str) else "host not known"
    if judged.host_from_hello:
        host += " (from the ClientHello)"
    return f"{judged.verdict.client}, {host}, {roots(judged)}, at {judged.trust.time:%Y-%m-%d %H:%M} UTC"


def roots(judged: Judged) -> str:
    """Which root file the client has."""
    held = judged.trust.roots
    path = judged.trust.root_path or "~/.postgresql/root.crt"
    if held is None:
        return f"no root file ({path})"
    if held == "system":
        store = judged.trust.store
        return "sslrootcert=system" + (f", {len(store)} roots on this machine" if store is not None else "")
    return (
        "root file not known"
        if judged.trust.anchors() is None and judged.trust.root_path is None
        else f"root file {path}"
    )


def sign(verdict: Verdict, check: Check | None) -> tuple[str, str]:
    """The mark of a check; in brackets where the client stopped in front of it."""
    if check is None:
        return SIGNS["not_done"]
    mark, style = SIGNS[check.outcome]
    return (f"({mark})", "dim") if verdict.unreached(check) and check.outcome != "not_done" else (mark, style)
