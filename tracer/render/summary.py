"""What an audit says, on one page: a table for each question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tracer.render.escape import escape
from tracer.render.page import Page
from tracer.summary import Answer, Summary

SHOWN = 15  # rows of a table
WIDEST = 44  # characters of a cell


def summary(page: Page, found: Summary) -> None:
    """The tables, with what their columns mean; then what could not be read."""
    page.add((f"{counted(found.connections, 'connection')} in {counted(found.captures, 'capture')}", "bold"))
    if found.made:
        page.add(("made with ", "dim"), (found.made, ""), indent=2)
    for answer in found.answers:
        page.title(answer.title)
        unknown = _unknown(found, answer)
        if answer.rows:
            if answer.says:
                page.add(("  ", ""), (answer.says, "dim"), indent=2)
            _table(page, answer)
            if unknown:
                page.add(("  and ", "yellow"), (unknown, "yellow"), indent=2)
        else:
            page.add(("  ", ""), (f"none that is known: {unknown}" if unknown else "none", "dim"), indent=2)
    if found.problems:
        page.title(f"What could not be read: {counted(len(found.problems), 'problem')}")
        for name, problem in found.problems[:SHOWN]:
            page.add(("  ", ""), (f"{name}: {problem}", "yellow"), indent=4)
        _more(page, len(found.problems))


def _unknown(found: Summary, answer: Answer) -> str:
    """What the rows cannot say: that nothing was found is no good news where nothing could be told."""
    if answer.name == "unverified" and found.untold:
        return f"of {found.untold:,} of {counted(found.sessions, 'session')} it cannot be told"
    if answer.name in ("expiring", "authorities") and found.unseen:
        return f"of {found.unseen:,} of {counted(found.encrypted, 'connection')} with TLS the certificate was not seen: sealed, resumed, or ended before"
    return ""


def _table(page: Page, answer: Answer) -> None:
    shown = [[_cell(value) for value in row] for row in answer.rows[:SHOWN]]
    numbers = [
        all(row[at] is None or isinstance(row[at], int) for row in answer.rows) for at in range(len(answer.columns))
    ]
    widths = [max(map(len, column)) for column in zip(answer.columns, *shown, strict=True)]
    for at, row in enumerate((answer.columns, *shown)):
        cells = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numbers, strict=True)
        ]
        page.add((f"  {'  '.join(cells)}".rstrip(), "" if at else "dim"))
    _more(page, len(answer.rows))


def _more(page: Page, rows: int) -> None:
    if rows > SHOWN:
        page.add((f"  … and {rows - SHOWN:,} more", "dim"))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return escape(f"{value:,}" if isinstance(value, int) else str(value), WIDEST)


def counted(number: int, what: str) -> str:
    """So many of them."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def document(found: Summary) -> dict[str, Any]:
    """The same for programs: every row, as an object."""
    return {
        "time": _plain(found.at.replace(tzinfo=None)),
        "days": found.days,
        "captures": found.captures,
        "connections": found.connections,
        "sessions": found.sessions,
        "cannot_tell": found.untold,
        "encrypted": found.encrypted,
        "unseen": found.unseen,
        "made": found.made,
        "answers": {answer.name: _objects(answer.columns, answer.rows) for answer in found.answers},
        "problems": _objects(("capture", "problem"), found.problems),
    }


def _objects(columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> list[dict[str, object]]:
    names = [name.replace(" ", "_") for name in columns]
    return [dict(zip(names, map(_plain, row), strict=True)) for row in rows]


def _plain(value: object) -> object:
    """A moment as in every other JSON; DuckDB's are in UTC and say nothing of it."""
    return f"{value.isoformat(timespec='microseconds')}Z" if isinstance(value, datetime) else value
