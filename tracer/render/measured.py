"""What each sslmode costs, on one page: a bar for each way to connect, its phases side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracer.cost import PHASES
from tracer.measure import NEWEST, Row, Way
from tracer.render.page import Page

BAR = 30  # characters of the longest bar
BLOCKS = {"connect": ("░", "dim"), "negotiate": ("▒", "yellow"), "handshake": ("▓", "cyan"), "authenticate": ("█", "green")}  # fmt: skip
WORDS = {
    "connect": "TCP",
    "negotiate": "SSLRequest and its answer",
    "handshake": "TLS handshake, checks included",
    "authenticate": "StartupMessage, to the authentication request",
}
VERSIONS = {"TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}


def measured(page: Page, server: str, rows: Sequence[Row]) -> None:
    """A line for each way, those without TLS first."""
    longest = max((row.total for row in rows if row.total is not None), default=0.0)
    page.add((f"What connecting to {server} costs", "bold"), (", up to the authentication request", ""), indent=2)
    page.add(("", ""))
    page.add((f"  {'sslmode':<12}{'':<17}{'turns':>5}{'ms':>8}  {'middle half':<13}{'':<9}bytes", "dim"))
    for row in rows:
        _row(page, row, longest)
    lesson = _lesson(rows)
    if lesson:
        page.add(("", ""))
        page.add(("  ", ""), (lesson, "bold"), indent=2)
    page.add(("", ""))
    for phase in PHASES:
        mark, style = BLOCKS[phase]
        page.add((f"  {mark * 2} ", style), (WORDS[phase], "dim"))
    samples = max((row.samples for row in rows), default=0)
    words = f"turns: round trips  ms: the median of {samples} connection{'s' * (samples != 1)}  middle half: where half of them lie"
    page.add((f"  {words}", "dim"), indent=2)


def _row(page: Page, row: Row, longest: float) -> None:
    head = f"  {row.way.sslmode:<12}{_way(row.way):<17}"
    if row.total is None or row.spread is None:
        page.add((head, ""), (row.problem or "not measured", "yellow"), indent=31)
        return
    low, high = (f"{1000 * edge:.1f}" for edge in row.spread)
    page.add(
        (head, ""),
        (f"{row.round_trips:>5}{1000 * row.total:>8.1f}", "bold"),
        (f"  {f'{low} to {high}':<13}{row.bytes_client:>7,} out {row.bytes_server:>6,} in", ""),
    )
    page.add((" " * 31, ""), *_bar(row, longest))


def _bar(row: Row, longest: float) -> list[tuple[str, str]]:
    """The total as a length, and of it each phase's share: medians of phases need not add up to that of the total."""
    seconds = {phase: value or 0.0 for phase, value in (row.seconds or {}).items()}
    whole = BAR * (row.total or 0.0) / longest / (sum(seconds.values()) or 1.0)
    spans, drawn, end = [], 0, 0.0
    for phase, value in seconds.items():
        mark, style = BLOCKS[phase]
        end += whole * value
        spans.append((mark * (round(end) - drawn), style))
        drawn = round(end)
    return spans


def _lesson(rows: Sequence[Row]) -> str:
    """What TLS takes, and what the name: where verify-full is measured there is a root file, and require uses it."""
    found = {row.way: row for row in rows if row.total is not None}
    plain, tls, full = (found.get(way) for way in (Way("disable"), Way("require", NEWEST), Way("verify-full", NEWEST)))
    said = []
    if plain and tls:
        said.append(f"Against plaintext, TLS takes {_more(plain, tls)}.")
    if tls and full:
        said.append(
            f"Against require, verify-full takes {_more(tls, full)}: it compares the name; the chain is checked under both, "
            "since there is a root file."
        )
    return " ".join(said)


def _more(less: Row, more: Row) -> str:
    turns = (more.round_trips or 0) - (less.round_trips or 0)
    seconds = (more.total or 0.0) - (less.total or 0.0)
    time = f"{1000 * seconds:.1f} ms" if _apart(less, more) else "no measurable time"
    return f"{turns or 'no'} more round trip{'s' * (turns != 1)} and {time}"


def _apart(less: Row, more: Row) -> bool:
    """Whether each median lies beyond the other's middle half: else the difference is noise."""
    if less.total is None or less.spread is None or more.total is None or more.spread is None:
        return False
    return less.total < more.spread[0] and less.spread[1] < more.total


def _way(way: Way) -> str:
    if not way.asks:
        return "no TLS"
    return f"{VERSIONS.get(way.tls or '', 'TLS')}{', direct' * way.direct}"


def document(server: str, rows: Sequence[Row]) -> dict[str, Any]:
    """The same for programs; times in seconds."""
    return {"server": server, "rows": [_object(row) for row in rows]}


def _object(row: Row) -> dict[str, Any]:
    way = row.way
    return {
        "sslmode": way.sslmode,
        "tls": VERSIONS.get(way.tls or "") if way.asks else None,
        "sslnegotiation": "direct" if way.direct else "postgres",
        "samples": row.samples,
        "round_trips": row.round_trips,
        "bytes_client": row.bytes_client,
        "bytes_server": row.bytes_server,
        "total": row.total,
        "spread": None if row.spread is None else list(row.spread),
        "seconds": row.seconds,
        "problem": row.problem,
    }
