"""Connecting ourselves: `probe` makes the connection that a client would make, and says whether it is safe."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

from tracer import client
from tracer.commands import options as shared
from tracer.commands import terminal
from tracer.commands.options import Parser, command
from tracer.errors import TracerError
from tracer.output import Output
from tracer.packets import frames
from tracer.packets.probe import Conduct, probe
from tracer.packets.source import Packet, Source
from tracer.report import AUTO, Report, report
from tracer.settings import home_folder, resolve, trust, value
from tracer.streams import reassemble
from tracer.trace import Trace, follow
from tracer.verify.model import UNKNOWN

UNASKED = {
    "disable": "sslmode=disable never asks for TLS (--startup goes on in plaintext, as the client does)",
    "allow": "sslmode=allow asks for TLS only where the server refuses plaintext",
}


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command."""
    parser = command(commands, "probe", _probe, "make the connection as libpq would, and trace it; sends no password")
    parser.add_argument(
        "conninfo", nargs="?", default="", metavar="CONNINFO|URI|HOST[:PORT]", help="default: the PG* variables alone"
    )
    parser.add_argument("--startup", action="store_true", help="go as far as the server's authentication request")
    parser.add_argument("--write", metavar="OUT", help="write the packets and keys: a pcapng that Wireshark opens")
    parser.add_argument("--chain-out", metavar="FILE", help="write the server's certificates, PEM, as it sent them")
    shared.client_options(parser, seen=False)
    parser.set_defaults(client=None)  # a JDBC URL says pgjdbc
    parser.add_argument("-v", "--verbose", action="count", default=0, help="every field explained; -vv the bytes too")
    shared.output_options(parser)


def _probe(options: argparse.Namespace) -> int:
    if options.client == AUTO:
        raise TracerError("this connection is our own: there is no client to recognise", "name one: --client libpq")
    environment, home = os.environ, home_folder(os.environ)
    given = shared.pasted(options)
    options.client = options.client or "libpq"
    system = shared.knows_system(options)
    settings = resolve(given | shared.given(options), environment, home, system=shared.raises(options))
    places = client.endpoints(settings)
    conduct = client.conduct(settings, home, startup=options.startup, system=shared.raises(options))
    source = probe(places, _asking(conduct, settings["sslmode"].value, startup=options.startup))
    name = source.name.rpartition(":")[0]
    hosts = [place.host for place in places if (place.host or place.address) == name]
    found = replace(
        trust(settings, home, environment, system=system, before_3=shared.before_3(options)),
        host=hosts[0] if hosts else UNKNOWN,
    )
    shared.root_hint(found, named="sslrootcert" in settings)
    shared.lists_hint(found, value(settings, "sslcrl"), value(settings, "sslcrldir"))
    at = shared.time(options.at)
    status = 2
    with terminal.output(options) as file:
        output = Output(
            options.format, file, width=terminal.width(file), color=terminal.color(options, file),
            verbose=options.verbose, only=None, settings=settings,
        )  # fmt: skip
        for connection in reassemble(source, all_tls=True):
            trace = follow(connection, source.keys)
            judged = report(
                trace, replace(found, time=at or trace.time), options.client, own_time=at is None, probed=True
            )
            output.connection(judged)
            status = _status(judged, options.startup)
            _written(options, source, trace)
            _hint(options, judged)
        output.end([source])
    for problem in source.problems:
        terminal.hint(problem)
    return status


def _asking(conduct: Conduct, mode: str, *, startup: bool) -> Conduct:
    """Whether to ask for TLS, where the client would not: the probe is there to show it, unless --startup says to go on as the client."""
    if mode == "disable" and startup:
        return replace(conduct, ask=False)
    if mode in UNASKED:
        terminal.hint(f"{UNASKED[mode]}; the probe asks all the same, to show what the server has")
    return conduct


def _hint(options: argparse.Namespace, judged: Report) -> None:
    """Where the root file is what is missing, the certificates are at hand: but seeing is not trusting."""
    chain = judged.verdicts["verify-full"].check("chain")
    if judged.presented.certificates and (chain is None or chain.outcome != "passed") and not options.chain_out:
        terminal.hint("--chain-out FILE writes what the server sent; before you trust it, compare it with who runs it")


def _status(judged: Report, startup: bool) -> int:
    """By the verdict; where there was no session for us, there is none for the client, and silence tells nothing."""
    status, outcome = shared.status(judged.verdict), judged.trace.outcome
    if outcome.kind == "refused_by_server":
        return 1
    if not status and not judged.stopped and outcome.kind not in ("established", "plaintext"):
        return 2 if outcome.kind == "incomplete" else 1
    if startup and not status and judged.presented.authentication is None and judged.trace.of("StartupMessage"):
        terminal.hint("the server said nothing to the StartupMessage: whether a session would begin is not known")
        return 2
    return status


def _written(options: argparse.Namespace, source: Source, trace: Trace) -> None:
    if options.write:
        frames.write(options.write, (item for item in source if isinstance(item, Packet)), source.keys)
    if options.chain_out:
        chain = "".join(certificate.pem for certificate in trace.presented.certificates or ())
        if not chain:
            raise TracerError("the server sent no certificate", f"{options.chain_out} was not written")
        Path(options.chain_out).write_text(chain, "ascii")
