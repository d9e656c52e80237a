"""Traces as a table, one row a connection, for whoever counts, groups and joins: pandas', or polars' where that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tracer.cost import PHASES, cost
from tracer.errors import TracerError
from tracer.packets.source import Address
from tracer.trace import Trace

Row = dict[str, Any]


def frame(traces: Iterable[Trace]) -> Any:  # noqa: ANN401 (one of two libraries, and perhaps neither is here)
    """One row a connection: a DataFrame of pandas, or of polars where there is no pandas.

    The columns and their types are always the same (`COLUMNS`); what is not known is missing. Times are in UTC, the
    phases and `total` in seconds. Text is as the wire had it, so escape it before it reaches a terminal. Raises
    `TracerError` where neither library is installed.
    """
    rows = [_row(trace) for trace in traces]
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    for made in (_pandas, _polars):
        try:
            return made(columns)
        except ImportError:
            continue
    raise TracerError("a table needs pandas or polars, and neither is installed", "pip install pandas")


def _pandas(columns: dict[str, list[Any]]) -> Any:  # noqa: ANN401
    import pandas as pd

    return pd.DataFrame({name: pd.Series(values, dtype=PANDAS[COLUMNS[name]]) for name, values in columns.items()})


def _polars(columns: dict[str, list[Any]]) -> Any:  # noqa: ANN401
    import polars as pl

    types = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean, datetime: pl.Datetime("us", "UTC")}
    return pl.DataFrame(columns, schema={name: types[kind] for name, kind in COLUMNS.items()})


def _row(trace: Trace) -> Row:
    connection, outcome, tls = trace.connection, trace.outcome, trace.tls
    spent = cost(trace)
    return {
        "capture": connection.capture,
        "id": connection.id,
        "started": connection.started,
        "client": _end(connection.client),
        "server": _end(connection.server),
        "preamble": trace.preamble,
        "answer": trace.answer,
        **{name: getattr(tls, name, None) for name in TLS},
        **_shown(trace),
        "outcome": outcome.kind,
        "where": outcome.where,
        "because": outcome.because,
        "alert": outcome.alert.description if outcome.alert else None,
        "round_trips": spent.round_trips,
        "bytes_client": spent.bytes_client,
        "bytes_server": spent.bytes_server,
        **{phase: spent.seconds[phase] for phase in PHASES},
        "total": spent.total,
    }


def _end(end: Address) -> str:
    return f"{end.address}:{end.port}"


def _shown(trace: Trace) -> Row:
    """The server's own certificate, where it was seen."""
    chain = trace.presented.certificates
    leaf = chain[0] if chain else None
    return {
        "certificates": None if chain is None else len(chain),
        "names": None if leaf is None else ", ".join(name.text for name in leaf.names),
        **{name: getattr(leaf, name, None) for name in ("issuer", "not_before", "not_after")},
    }


# TABLES

TLS = ("version", "cipher_suite", "group", "server_name", "alpn", "resumed", "client_certificate", "keys")
COLUMNS: dict[str, type] = {
    "capture": str,
    "id": int,
    "started": datetime,
    **dict.fromkeys(("client", "server", "preamble", "answer"), str),
    **dict.fromkeys(TLS, str),
    "resumed": bool,
    "certificates": int,
    **dict.fromkeys(("names", "issuer"), str),
    **dict.fromkeys(("not_before", "not_after"), datetime),
    **dict.fromkeys(("outcome", "where", "because", "alert"), str),
    **dict.fromkeys(("round_trips", "bytes_client", "bytes_server"), int),
    **dict.fromkeys((*PHASES, "total"), float),
}
PANDAS = {str: "string", int: "Int64", float: "float64", bool: "boolean", datetime: "datetime64[us, UTC]"}
