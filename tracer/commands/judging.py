"""Judging without a connection: `verify` a chain, what a CA `bundle` holds and anchors, what a connection string means."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO

from tracer import chainfile, rootfile
from tracer.bundle import Entry, anchored, entries
from tracer.certificates import Certificate, Presented
from tracer.client import own_certificate, port_number
from tracer.commands import options as shared
from tracer.commands import terminal
from tracer.commands.options import Parser, client_name, command
from tracer.errors import TracerError
from tracer.modes import explain_mode
from tracer.packets.pcap import read_stream
from tracer.parameters import PARAMETERS
from tracer.render import bundle as screen
from tracer.render import document
from tracer.render.modes import modes, modes_document
from tracer.render.page import Page
from tracer.render.text import told
from tracer.render.verify import verify as chain_screen
from tracer.report import ALL, AUTO, judge
from tracer.settings import Settings, home_folder, resolve, trust, value
from tracer.streams import reassemble
from tracer.trace import follow
from tracer.verify import clients
from tracer.verify.model import SSLMODES, UNKNOWN, Unusable


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """The three commands."""
    verify = command(commands, "verify", _verify, "replay a client's checks on a chain alone")
    verify.add_argument(
        "chain", metavar="CHAIN", help="PEM, DER or PKCS#7, the server's own first; - is standard input"
    )
    shared.client_options(verify, seen=False)
    shared.env_option(verify)
    shared.output_options(verify, ("text", "json"))
    holds = command(commands, "bundle", _bundle, "what a CA bundle holds, what expires when, which entry anchors what")
    holds.add_argument("bundle", metavar="FILE", help="PEM, DER or PKCS#7; as many certificates as there are")
    holds.add_argument("--against", metavar="CAPTURE|CHAIN", help="which entry anchors the servers of it")
    holds.add_argument("--and", dest="other", metavar="OTHER", help="another bundle: who passes with which, until when")
    shared.time_option(holds, "now")
    shared.output_options(holds, ("text", "json"))
    means = command(commands, "explain-mode", _explain, "what a connection string checks, and what not, in each driver")
    means.add_argument(
        "conninfo", nargs="?", default="", metavar="CONNINFO|URI|HOST[:PORT]", help="default: the PG* variables alone"
    )
    means.add_argument(
        "--client",
        type=client_name,
        metavar="NAME",
        help=f"one alone: {shared.NAMES}; all: every one in full (default: libpq, and a line for each other)",
    )
    shared.output_options(means, ("text", "json"))


def _verify(options: argparse.Namespace) -> int:
    sent = chainfile.certificates(options.chain, _read(options.chain, "chain"))
    asked = shared.question(options)
    if asked.client == AUTO:
        raise TracerError("a chain alone does not say who the client is", "name it: --client libpq")
    trust = replace(asked.trust, time=asked.at or datetime.now(UTC))
    if not options.sslmode and not options.env:
        trust = replace(trust, sslmode="verify-full")  # who holds a chain in hand asks whether it passes
    if trust.roots == "system" and trust.store is None:
        trust = replace(trust, store=rootfile.system(os.environ))
    judged = judge(Presented(sent), trust, asked.client, asked=asked.asked)
    with terminal.output(options, [options.chain]) as file:
        if options.format == "json":
            origins = {} if asked.settings is None else {"settings": document.settings(asked.settings)}
            _json(file, document.judged(judged) | origins)
        else:
            page = _page(options, file)
            if asked.settings is not None:
                file.write(told(asked.settings, width=page.width))
            chain_screen(page, judged)
            file.write(page.text())
    return shared.status(judged.verdict) if judged.asked else 0


def _bundle(options: argparse.Namespace) -> int:
    time = shared.time(options.at) or datetime.now(UTC)
    bundles = [(name, entries(_load(name), time)) for name in (options.bundle, options.other) if name]
    chains = _chains(options.against) if options.against else []
    found = [(sent, [(name, anchored(sent, held, time)) for name, held in bundles]) for sent in chains]
    with terminal.output(options, [options.bundle]) as file:
        if options.format == "json":
            _json(file, document.bundles(bundles, found, time))
        else:
            page = _page(options, file)
            screen.bundles(page, bundles, found, time)
            file.write(page.text())
    return int(any(not result.good for _, results in found for _, result in results[-1:]))


def _explain(options: argparse.Namespace) -> int:
    """The settings are those that libpq would find; the root file is looked for, and nothing is connected to."""
    home = home_folder(os.environ)
    given = shared.pasted(options)
    _of_one_driver(options, given)
    _known(options, given)
    briefly = options.client is None
    options.client = options.client or ALL
    system = shared.knows_system(options)
    drivers = clients.drivers()
    own = drivers[options.client].modes if options.client in drivers else ()
    settings = resolve(given, os.environ, home, system=shared.raises(options), modes=own)
    for port in value(settings, "port").split(","):
        port_number(port)
    names = ("libpq", *drivers) if options.client == ALL else (options.client,)
    trusted = trust(settings, home, system=system, before_3=shared.before_3(options))
    if trusted.roots is UNKNOWN:
        shared.root_hint(trusted)
    shared.lists_hint(trusted, value(settings, "sslcrl"), value(settings, "sslcrldir"))
    if trusted.crls:
        terminal.hint("whether each CA of the server's chain has a good revocation list there, pgtls probe says")
    if names[0].startswith("libpq") and not value(settings, "host") and not value(settings, "hostaddr"):
        terminal.hint(
            "no host is told: libpq takes its Unix socket then, which has no TLS; this is for a server elsewhere: host=NAME"
        )
    stopped = own_certificate(settings, home)
    found = [explain_mode(name, trusted, settings, stopped) for name in names]
    if value(settings, "require_auth"):
        terminal.hint(
            "require_auth: libpq closes at an authentication request that it does not allow; which one comes, a capture says"
        )
    if value(settings, "channel_binding") == "require":
        terminal.hint(
            "channel_binding=require: libpq logs in inside TLS alone, and only to a server that knows the password's verifier"
        )
    with terminal.output(options) as file:
        if options.format == "json":
            _json(file, {"settings": document.settings(settings), "modes": modes_document(found)})
        else:
            page = _page(options, file)
            file.write(told(settings, width=page.width))
            modes(page, found, briefly=briefly)
            file.write(page.text())
    return 0


def _known(options: argparse.Namespace, given: Settings) -> None:
    """Raise for a parameter that the libpq of that version does not know (conninfo_storeval)."""
    number = (options.client or "").removeprefix("libpq-")
    for name in given if number.isdecimal() else ():
        if PARAMETERS[name].since > int(number):
            raise TracerError(
                f'invalid connection option "{name}"',
                f"libpq knows it from {PARAMETERS[name].since} on, and {options.client} does not connect",
            )


def _of_one_driver(options: argparse.Namespace, given: Settings) -> None:
    """Where nobody named the client, a mode that one driver alone knows does."""
    mode = value(given, "sslmode")
    own = next((name for name, profile in clients.drivers().items() if mode in profile.modes), None)
    if options.client is None and own and mode not in SSLMODES:
        terminal.hint(f"sslmode={mode} is a word of {own.rpartition('-')[0]} alone, so the client is {own}")
        options.client = own


def _load(name: str) -> tuple[Certificate, ...]:
    """A bundle is what a client would take from it as its root file, or a file in another format. Raises `TracerError`."""
    data = _read(name, "CA bundle")
    roots = rootfile.entries(data)
    if isinstance(roots, list):
        return tuple(roots)
    if isinstance(roots, Unusable) and rootfile.damaged(roots):
        raise TracerError(
            f"{name}: libpq refuses the whole file: {roots.reason}",
            "one broken block spoils all of them: fetch the file again, or cut that block out",
        )
    return chainfile.certificates(name, data)


def _read(name: str, what: str) -> bytes:
    """The bytes of a file of certificates. Raises `TracerError`, also where it is a capture."""
    with terminal.waiting(name):
        data = chainfile.read(name)
    if data[:4] in CAPTURES:
        raise TracerError(
            f"{name} is a capture and no {what}",
            f"pgtls read {name} --sslmode verify-full --sslrootcert FILE judges the chains in it",
            f"which entry of a bundle anchors its servers: pgtls bundle FILE --against {name}",
        )
    return data


def _chains(name: str) -> list[tuple[Certificate, ...]]:
    """The different chains of a capture, or the one of a file."""
    with terminal.twice(name) as file:
        start = file.read(4)
        file.seek(0)
        if start[:4] not in CAPTURES and start[:2] not in PACKED:
            return [chainfile.certificates(name, file.read(chainfile.LARGEST))]
        source = read_stream(file, name)
        traces = (follow(connection, source.keys) for connection in reassemble(source))
        found = dict.fromkeys(trace.presented.certificates for trace in traces if trace.presented.certificates)
    if not found:
        raise TracerError(
            f"{name}: no server's certificates can be seen in it", "in TLS 1.3 they need keys: see --keylog"
        )
    return [chain for chain in found if chain]


def _page(options: argparse.Namespace, file: IO[str]) -> Page:
    return Page(terminal.width(file), terminal.color(options, file))


def _json(file: IO[str], value: document.Object) -> None:
    json.dump({"schema": document.SCHEMA, "tool": document.tool(), **value}, file, indent=1)
    file.write("\n")


Bundle = tuple[str, tuple[Entry, ...]]
CAPTURES = frozenset(
    bytes.fromhex(magic)
    for magic in ("0a0d0d0a", "d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "34cdb2a1", "a1b2cd34")
)
PACKED = frozenset({bytes.fromhex("1f8b"), bytes.fromhex("28b5")})
