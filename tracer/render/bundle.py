"""What CA bundles hold and anchor, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tracer.bundle import Anchored, Entry
from tracer.certificates import Certificate
from tracer.render.page import Page

Bundle = tuple[str, tuple[Entry, ...]]
Found = tuple[tuple[Certificate, ...], list[tuple[str, Anchored]]]
SOON = 90  # days


def bundles(page: Page, held: Sequence[Bundle], found: Sequence[Found], time: datetime) -> None:
    """Each bundle's entries, then what each anchors."""
    for number, (name, entries) in enumerate(held):
        if number:
            page.add(("", ""))
        _holds(page, name, entries, time)
    for sent, results in found:
        page.title(f"{sent[0].short}, issued by {sent[0].issuer}")
        for name, result in results:
            _anchors(page, name, result)


def _holds(page: Page, name: str, entries: Sequence[Entry], time: datetime) -> None:
    count = {state: sum(entry.state == state for entry in entries) for state in STYLES}
    states = ", ".join(f"{number} {state}" for state, number in count.items() if number)
    page.add((f"{name}: {len(entries)} certificate{'s' * (len(entries) != 1)}", "bold"), (f", {states}", ""))
    for entry in entries:
        c = entry.certificate
        ends = f"{c.not_after:%Y-%m-%d}" if c.not_after else "?"
        soon = c.not_after is not None and 0 <= (c.not_after - time).days < SOON
        style = "yellow" if soon and entry.state == "valid" else STYLES[entry.state]
        words: list[str] = [] if entry.state == "valid" else [entry.state]
        words += [] if entry.root else ["no root"]
        words += [] if entry.same_as is None else [f"the same as {entry.same_as}"]
        page.add(
            (f"{entry.position:>5}  ", "dim"),
            (f"{ends}  ", style),
            (c.short, ""),
            (f"  {c.public_key}", "dim"),
            (f"  {', '.join(words)}" if words else "", style),
            indent=19,
        )


def _anchors(page: Page, name: str, result: Anchored) -> None:
    if result.fault is not None:
        words = f"refused: {result.fault.text} ({result.fault.code}), about {result.fault.certificate.short}"
        page.add(("  ✘ ", "red"), (f"{name}: {words}", "red"), indent=4)
        return
    anchor = f"entry {result.anchor.position}, {result.anchor.certificate.short}" if result.anchor else "a root"
    until = "for good"
    if result.until is not None and result.then is not None:
        until = f"until {result.until:%Y-%m-%d %H:%M:%S} UTC, then {result.then.text} ({result.then.code})"
        until += f": {result.then.certificate.short}"
    page.add(("  ✔ ", "green"), (f"{name}: anchored by {anchor}; good {until}", ""), indent=4)


STYLES = {"valid": "green", "expired": "red", "not yet valid": "yellow", "unreadable dates": "red"}
