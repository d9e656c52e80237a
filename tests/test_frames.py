"""Traces as a table, with pandas and with polars."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import tracer
from tests.wire import STARTUP, WELCOME, spoken
from tracer.frames import COLUMNS

CAPTURES = Path(__file__).resolve().parent.parent / "captures"


def traces(*stories: str) -> Iterator[tracer.Trace]:
    for story in stories:
        source = tracer.read(CAPTURES / story / "capture.pcapng")
        for connection in tracer.reassemble(source):
            yield tracer.follow(connection, source.keys)


def without(monkeypatch: pytest.MonkeyPatch, *libraries: str) -> None:
    """As on a machine where they are not installed."""
    for library in libraries:
        monkeypatch.setitem(sys.modules, library, None)


@pytest.fixture(params=["pandas", "polars"])
def library(request, monkeypatch):
    without(monkeypatch, *({"pandas", "polars"} - {request.param}))
    return {"pandas": pd, "polars": pl}[request.param]


def rows(table: pd.DataFrame | pl.DataFrame) -> list[dict[str, object]]:
    if isinstance(table, pl.DataFrame):
        return table.to_dicts()
    return table.astype(object).where(table.notna(), None).to_dict("records")


def test_one_row_a_connection(library) -> None:
    """The second connection of prefer-wrong-root is the one in clear."""
    table = tracer.frame(traces("verify-full", "prefer-wrong-root"))
    assert isinstance(table, library.DataFrame)
    full, refused, plain = rows(table)
    assert [row["id"] for row in (full, refused, plain)] == [1, 1, 2]
    assert (full["outcome"], full["version"], full["names"]) == ("established", "TLS 1.3", "my-rds.example.test")
    assert (full["certificates"], full["resumed"], full["alert"]) == (3, False, None)
    assert full["not_after"] > full["started"] > datetime(2026, 11, 24, tzinfo=UTC)
    assert (refused["outcome"], refused["where"], refused["alert"]) == (
        "refused_by_client",
        "in_handshake",
        "unknown_ca",
    )
    assert (plain["outcome"], plain["version"], plain["names"]) == ("plaintext", None, None)


def test_the_cost_is_that_of_the_trace(library) -> None:
    """Phases that were not seen are missing, and the others add up."""
    (row,) = rows(tracer.frame([spoken(("client", STARTUP), ("server", WELCOME))]))
    assert (row["round_trips"], row["bytes_client"], row["handshake"]) == (2, len(STARTUP), None)
    assert row["total"] == pytest.approx(row["connect"] + row["negotiate"] + row["authenticate"])


def test_the_columns_are_always_the_same(library) -> None:
    """Also where there is no row, or nothing in a column: tables of two captures can be put together."""
    tables = [tracer.frame([]), tracer.frame(traces("no-tls-require")), tracer.frame(traces("verify-full"))]
    assert all(list(table.columns) == list(COLUMNS) for table in tables)
    assert [len(table) for table in tables] == [0, 1, 1]
    types = [list(table.dtypes) for table in tables]
    assert types[0] == types[1] == types[2]


def test_neither_is_there(monkeypatch) -> None:
    """The user's mistake, with what to do."""
    without(monkeypatch, "pandas", "polars")
    with pytest.raises(tracer.TracerError, match="pandas or polars") as caught:
        tracer.frame([])
    assert caught.value.hints == ("pip install pandas",)
