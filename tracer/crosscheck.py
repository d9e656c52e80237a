"""Our messages beside Wireshark's: whether they are the same ones, in the same order, with the same bytes.

Compared is what both have a word for: handshake messages, alerts, ChangeCipherSpec, and PostgreSQL's messages. Sealed
records count where their type is in clear, up to TLS 1.2: there tshark shows the sealed bytes as a message of that type.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from tracer.packets.wireshark import Shown
from tracer.protocol.records import ALERT, HANDSHAKE
from tracer.trace import Message, Trace

LAYERS = ("tls", "postgres")
Said = tuple[str, str, str]  # the sender, the kind, the bytes in hexadecimal


@dataclass(frozen=True, slots=True)
class Compared:
    """One layer of a connection: how many messages both have, and those that only one has, each with its place among its own.

    `reason` says why, where that is known.
    """

    connection: int
    layer: str
    same: int
    only_ours: tuple[tuple[int, Said], ...]
    only_theirs: tuple[tuple[int, Said], ...]
    reason: str | None

    @property
    def differs(self) -> bool:
        return bool(self.only_ours or self.only_theirs)


def compare(traces: Sequence[Trace], shown: Iterable[Shown]) -> list[Compared]:
    """Each trace's layers beside what tshark has shown of its capture."""
    theirs = by_connection(traces, shown)
    return [
        _compared(trace, layer, ours(trace, layer), theirs.get((trace.connection.id, layer), []))
        for trace in traces
        for layer in LAYERS
    ]


def ours(trace: Trace, layer: str) -> list[Said]:
    """Our messages of a layer, as far as Wireshark has a word for them."""
    kept = ((m, kind_of(m, trace)) for m in trace.messages if m.layer == layer)
    return [(m.sender, kind, m.data.hex()) for m, kind in kept if kind is not None]


def kind_of(message: Message, trace: Trace) -> str | None:
    """The kind of a message, in words that both have; None for what is no message to tshark.

    That is the one byte that answers a request, what nobody can read, and sealed records that do not say what they hold.
    """
    if message.sealed:
        types = [r.type for r in trace.records[message.sender] if r.body == message.range[0]]
        return {ALERT: "alert", HANDSHAKE: "handshake"}.get(types[0]) if types else None
    if message.kind in ("SSLResponse", "GSSENCResponse", "Unread"):
        return None
    return KINDS.get(message.kind, "handshake") if message.layer == "tls" else ""


def ports(traces: Iterable[Trace]) -> dict[int, str]:
    """What tshark has to be told of each server's port."""
    return {t.connection.server.port: "tls" if t.preamble == "direct" else "pgsql" for t in traces}


def by_connection(traces: Sequence[Trace], shown: Iterable[Shown]) -> dict[tuple[int, str], list[Said]]:
    """What tshark shows, by the connection and the layer; ports that are used again begin another connection."""
    found: dict[tuple[int, str], list[Said]] = {}
    for one in shown:
        here = [t.connection for t in traces if t.connection.first_packet <= one.packet]
        ends = {one.source, one.destination}
        mine = max((c for c in here if {c.client, c.server} == ends), key=lambda c: c.first_packet, default=None)
        if mine is not None:
            sender = "client" if one.source == mine.client else "server"
            found.setdefault((mine.id, one.layer), []).append((sender, one.kind, one.data))
    return found


def _compared(trace: Trace, layer: str, mine: list[Said], other: list[Said]) -> Compared:
    blocks = SequenceMatcher(None, mine, other, autojunk=False).get_matching_blocks()
    both = {n for block in blocks for n in range(block.a, block.a + block.size)}
    theirs = {n for block in blocks for n in range(block.b, block.b + block.size)}
    only_ours = tuple((n, said) for n, said in enumerate(mine) if n not in both)
    only_theirs = tuple((n, said) for n, said in enumerate(other) if n not in theirs)
    reason = _reason(trace, layer, more=bool(only_ours)) if only_ours or only_theirs else None
    return Compared(trace.connection.id, layer, len(both), only_ours, only_theirs, reason)


def _reason(trace: Trace, layer: str, *, more: bool) -> str | None:
    """Why tshark (4.0 and 4.6 were asked) shows something else, where that was found out."""
    requests = {n.request for n in trace.negotiation}
    if "GSSENCRequest" in requests:
        return "tshark takes what is behind GSSENCRequest for something else"
    if layer == "postgres" and trace.preamble == "direct":
        return "tshark does not look for PostgreSQL inside TLS that nobody asked for"
    if layer == "postgres" and trace.presented.injected:
        return "tshark shows nothing of bytes that share a segment with the answer S, or takes both for one message"
    if layer == "postgres" and trace.answer == "E":
        return "an error of the oldest kind has no length: tshark takes its first letters for one"
    if not more and trace.connection.ending == "quiet":
        return "pgtls hands on a session after a moment of quiet; what tshark shows came later"
    return None


KINDS = {"ChangeCipherSpec": "ccs", "Alert": "alert"}
