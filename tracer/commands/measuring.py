"""Measuring: `cost` connects in every way, again and again, and says what each sslmode costs."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tracer import client
from tracer.commands import options as shared
from tracer.commands import terminal
from tracer.commands.options import Parser, command
from tracer.cost import Cost, cost
from tracer.measure import Way, row, ways
from tracer.outcome import closed_by
from tracer.packets.probe import probe
from tracer.render import document as words
from tracer.render.measured import document, measured
from tracer.render.page import Page
from tracer.settings import Setting, Settings, home_folder, resolve
from tracer.streams import reassemble
from tracer.trace import Trace, follow

REPEAT = 20
MOST = 1000


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command."""
    what = "what each sslmode costs: connects in each way in turn, up to the authentication request; sends no password"
    parser = command(commands, "cost", _cost, what)
    parser.epilog = "The server sees every one of these connections begin and break off: its log may say so."
    parser.add_argument(
        "conninfo", nargs="?", default="", metavar="CONNINFO|URI|HOST[:PORT]", help="default: the PG* variables alone"
    )
    parser.add_argument(
        "--repeat", type=_number, default=REPEAT, metavar="N", help=f"connections of each kind (default {REPEAT})"
    )
    shared.output_options(parser, ("text", "json"))


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MOST}, not {text!r}")
    return int(text)


def _cost(options: argparse.Namespace) -> int:
    home = home_folder(os.environ)
    given = shared.pasted(options)
    server = ", ".join(
        f"{one.host or one.address}:{one.port}" for one in client.endpoints(_settings(given, None, home))
    )
    costs: dict[Way, list[Cost]] = {way: [] for way in ways(direct=True)}
    problems: dict[Way, str] = {}
    for way in _turns(options.repeat, list(costs)):
        if way in problems:
            continue
        found = _connect(way, given, home)
        if isinstance(found, Cost):
            costs[way].append(found)
        else:
            problems[way] = found
    if all(way in problems for way in costs if way.direct):
        terminal.hint(
            "direct negotiation is not measured: this server did not answer it; PostgreSQL 17 and newer with ssl=on do"
        )
        costs = {way: found for way, found in costs.items() if not way.direct}
    rows = [row(way, found, problems.get(way)) for way, found in costs.items()]
    with terminal.output(options) as file:
        if options.format == "json":
            said = {"schema": words.SCHEMA, "tool": words.tool()} | document(server, rows)
            file.write(json.dumps(said, indent=1) + "\n")
        else:
            page = Page(terminal.width(file), terminal.color(options, file))
            measured(page, server, rows)
            file.write(page.text())
    return 0 if any(one.total is not None for one in rows) else 2


def _turns(repeat: int, every: list[Way]) -> Iterable[Way]:
    """Every way in turn, again and again; how far that has come is shown on a terminal."""
    from rich.console import Console
    from rich.progress import track

    turns = [way for _ in range(repeat) for way in every]
    console = Console(stderr=True)
    return track(turns, "connecting", console=console, transient=True, disable=not console.is_terminal)


def _settings(given: Settings, way: Way | None, home: Path | None) -> Settings:
    chosen = {} if way is None else {name: Setting(value, "cost") for name, value in way.parameters.items()}
    return resolve({**given, **chosen}, os.environ, home)


def _connect(way: Way, given: Settings, home: Path | None) -> Cost | str:
    """One connection, this way, or why it comes to no authentication request. Raises `TracerError` where nobody answers."""
    settings = _settings(given, way, home)
    conduct = client.conduct(settings, home, startup=True)
    if conduct.startup is None:
        return "not measured: it needs a root file, sslrootcert=FILE"
    source = probe(client.endpoints(settings), replace(conduct, ask=way.asks))
    (connection,) = reassemble(source, all_tls=True)
    trace = follow(connection, source.keys)
    found = cost(trace)
    problem = _problem(way, trace) if found.total is None or way.asks else None
    return found if problem is None else f"not measured: {problem}"


def _problem(way: Way, trace: Trace) -> str | None:
    """Why there is no figure of this way; None where there is one."""
    if way.asks and trace.transport == "plaintext":
        return "the server has no TLS, and this mode goes on as disable does"
    if cost(trace).total is not None:
        return None
    if trace.transport == "plaintext" and trace.outcome.kind != "refused_by_server" and closed_by(trace) == "server":
        return "the server closed and asked for no authentication"
    return trace.outcome.because
