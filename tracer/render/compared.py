"""Our messages beside Wireshark's, as a page and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracer.crosscheck import Compared, Said
from tracer.render.page import Page

Object = dict[str, Any]
NAMES = {"tls": "TLS", "postgres": "PostgreSQL"}
KINDS = {"handshake": "handshake message", "alert": "alert", "ccs": "ChangeCipherSpec", "": "message"}
FEW = 10  # messages of one side that are named


def compared(page: Page, capture: str, wireshark: str, found: Sequence[Compared]) -> None:
    """A line for each layer of each connection; what only one of them has stands below it."""
    page.add((f"{capture}, beside {wireshark}", "bold"))
    for one in found:
        if not (one.same or one.differs):
            continue
        head = f"  connection {one.connection}, {NAMES[one.layer]}: "
        if not one.differs:
            page.add((head, ""), (f"✔ the same {messages(one.same)}", "green"), indent=4)
            continue
        style = "yellow" if one.reason else "red"
        page.add((head, ""), (f"✘ {messages(one.same)} in common", style), indent=4)
        _only(page, "pgtls", one.only_ours, style)
        _only(page, "Wireshark", one.only_theirs, style)
        if one.reason:
            page.add((f"    known: {one.reason}", "dim"), indent=11)


def messages(number: int) -> str:
    return f"{number:,} message{'s' * (number != 1)}"


def _only(page: Page, who: str, said: Sequence[tuple[int, Said]], style: str) -> None:
    for number, (sender, kind, data) in said[:FEW]:
        page.add(
            (f"    only {who}: ", style),
            (f"number {number + 1}, of the {sender}: {_message(kind, data)}", ""),
            indent=6,
        )
    if len(said) > FEW:
        page.add((f"    only {who}: {len(said) - FEW:,} more", style))


def _message(kind: str, data: str) -> str:
    short = f"{data[:32]}…" if len(data) > 32 else data
    return f"{KINDS[kind]} of {len(data) // 2:,} bytes, {short}"


def document(capture: str, wireshark: str, found: Sequence[Compared]) -> Object:
    """The same for programs."""
    return {
        "name": capture,
        "wireshark": wireshark,
        "layers": [
            {
                "connection": one.connection,
                "layer": one.layer,
                "same": one.same,
                "only_pgtls": [_object(number, said) for number, said in one.only_ours],
                "only_wireshark": [_object(number, said) for number, said in one.only_theirs],
                "reason": one.reason,
            }
            for one in found
        ],
    }


def _object(number: int, said: Said) -> Object:
    sender, kind, data = said
    return {"number": number, "sender": sender, "kind": kind or "message", "data": data}
