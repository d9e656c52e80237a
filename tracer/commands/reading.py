"""Reading connections: `read` from captures, `demo` from the story that ships with pgtls."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

from tracer import serverkey
from tracer.commands import options as shared
from tracer.commands import terminal
from tracer.commands.options import Parser, Question
from tracer.errors import TracerError
from tracer.output import Output
from tracer.packets.chunks import open_file
from tracer.packets.source import Source
from tracer.progress import Progress
from tracer.report import Report
from tracer.sources import read
from tracer.streams import reassemble
from tracer.trace import follow


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """The two commands."""
    reading = command(commands, "read", _read, "trace every PostgreSQL connection of a capture")
    reading.add_argument("files", nargs="+", metavar="FILE", help="pcap or pcapng; - is standard input, as it arrives")
    reading.add_argument("--via", choices=("wireshark",), help="let tshark open the files: any format that it knows")
    reading.add_argument(
        "--cross-check", action="store_true", help="hold our messages against those that tshark sees, byte for byte"
    )
    command(commands, "demo", _demo, "trace a capture that ships with pgtls")


def command(
    commands: argparse._SubParsersAction[Parser], name: str, run: Callable[[argparse.Namespace], int], what: str
) -> Parser:
    """A command of that name, which traces connections: with what `read` is told about the client and the output."""
    parser = shared.command(commands, name, run, what)
    shared.client_options(parser)
    if name != "demo":
        shared.env_option(parser)
    shared.capture_options(parser)
    shared.output_options(parser)
    return parser


def _read(options: argparse.Namespace) -> int:
    for name in options.files:
        if name != "-":
            open_file(name).close()  # before anything is written
    if options.cross_check:
        from tracer.commands.comparing import cross_check  # which loads what speaks to tshark

        return cross_check(options)
    return _trace(options, (read(name, via=options.via) for name in options.files))


def _demo(options: argparse.Namespace) -> int:
    """The story of a client that checks everything, with the options that it had."""
    folder = demo_folder()
    given = {"sslmode": "verify-full", "sslrootcert": str(folder / "roots.pem")}
    for name, value in given.items():
        setattr(options, name, getattr(options, name) or value)
    if options.format == "text" and not options.output:
        print(
            "This capture ships with pgtls: psycopg connects to a server with a certificate shaped like those of Amazon RDS.\n",
            flush=True,  # what follows goes to the file below
        )
    return _trace(options, [read(folder / "capture.pcapng")])


def demo_folder() -> Path:
    """Where the story is that ships with pgtls."""
    here = Path(__file__).parent.parent
    packaged = here / "demo"
    return packaged if packaged.is_dir() else here.parent / "captures" / "verify-full"


def _trace(options: argparse.Namespace, sources: Iterable[Source]) -> int:
    question = shared.question(options)
    keylog = shared.keylog(options)
    decrypt = serverkey.load(options.server_key) if options.server_key else None
    read_from: list[Source] = []
    status = 0
    progress = Progress(sys.stderr)
    with terminal.output(options, options.files if "files" in options else ()) as file:
        out = output(options, file, question)
        for source in sources:
            read_from.append(source)
            if keylog and not source.keys.add(keylog):
                terminal.hint("the key log holds no TLS secrets: its lines begin with words like CLIENT_RANDOM")
            source.keys.decrypt = decrypt
            out.streaming = source.name == "-"
            with suppress(KeyboardInterrupt):
                for connection in reassemble(progress.watch(source), all_tls=options.all_tls, after=out.count):
                    found = question.about(follow(connection, source.keys))
                    status = max(status, asked_status(found))
                    progress.settled(found.trace.outcome.kind)
                    progress.clear()
                    with terminal.whole():
                        out.connection(found)
            progress.clear()
        with terminal.whole():
            out.end(read_from)
            file.flush()
    if options.connection is not None and not out.shown:
        raise TracerError(f"there is no connection {options.connection}", f"they count from 1 to {out.count}")
    return max(status, complaints(read_from, out.count))


def output(options: argparse.Namespace, file: IO[str], question: Question) -> Output:
    """Where its connections go."""
    return Output(
        options.format,
        file,
        width=terminal.width(file),
        color=terminal.color(options, file),
        verbose=options.verbose,
        only=options.connection,
        settings=question.settings,
        several="files" in options and len(options.files) > 1,
    )


def asked_status(found: Report) -> int:
    """The exit status of what was asked about a connection."""
    if not found.asked or found.trace.transport == "cancel":
        return 0
    seen = "plaintext" if found.trace.outcome.kind == "plaintext" else None  # whatever the server would have presented
    return shared.status(found.verdict, seen)


def complaints(sources: list[Source], connections: int) -> int:
    """Say what of the input could not be read, or that there is nothing in it; the exit status of that."""
    status = 0
    for source in sources:
        for problem in source.problems:
            terminal.complain(TracerError(f"{source.name}: {problem}", "what could be read is shown"))
            status = 2
    if not connections and not status and not sys.stdout.closed:
        packets = sum(source.counts.packets for source in sources)
        print(f"pgtls: no PostgreSQL connection in {packets:,} packet{'s' * (packets != 1)}", file=sys.stderr)
        terminal.hint("a capture must hold the start of a connection; --all-tls shows TLS that is not PostgreSQL")
    return status
