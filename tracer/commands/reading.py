"""Reading connections: `read` from captures, `demo` from the story that ships with pgtls."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import IO

from tracer import serverkey
from tracer.commands import options as shared
from tracer.commands import terminal
from tracer.commands.looking import Job, Told, looked_at
from tracer.commands.options import Parser, Question
from tracer.errors import TracerError
from tracer.output import Output
from tracer.packets.chunks import open_file
from tracer.packets.source import Source
from tracer.pipes import is_pipe
from tracer.progress import Progress
from tracer.protocol.keys import Keys
from tracer.sources import read
from tracer.streams import reassemble


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """The two commands."""
    reading = command(commands, "read", _read, "trace every PostgreSQL connection of a capture")
    reading.add_argument("files", nargs="+", metavar="FILE", help="pcap or pcapng; - is standard input, as it arrives")
    reading.add_argument("--via", choices=("wireshark",), help="let tshark open the files: any format that it knows")
    reading.add_argument(
        "--cross-check", action="store_true", help="hold our messages against those that tshark sees, byte for byte"
    )
    reading.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="processes that read files (default 1, as standard input and --cross-check take)",
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
        if name != "-" and not is_pipe(name):
            open_file(name).close()  # before anything is written
    if options.cross_check:
        from tracer.commands.comparing import cross_check  # which loads what speaks to tshark

        return cross_check(options)
    alone = any(name == "-" or is_pipe(name) for name in options.files)  # only one can read that
    jobs = 1 if alone else shared.jobs(options) or 1
    return _trace(options, map(partial(_opened, options), options.files), jobs)


def _opened(options: argparse.Namespace, name: str) -> Source:
    with terminal.waiting(name):
        return read(name, via=options.via)


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
    status = _trace(options, [read(folder / "capture.pcapng")])
    if options.format == "text" and not options.output:
        print('\nNext: pgtls read YOUR.pcapng, or pgtls probe "host=YOUR.HOST sslmode=verify-full"')
    return status


def demo_folder() -> Path:
    """Where the story is that ships with pgtls."""
    here = Path(__file__).parent.parent
    packaged = here / "demo"
    return packaged if packaged.is_dir() else here.parent / "captures" / "verify-full"


def _trace(options: argparse.Namespace, sources: Iterable[Source], jobs: int = 1) -> int:
    question, key_log = shared.question(options), shared.keylog(options)
    decrypt = serverkey.load(options.server_key) if options.server_key else None
    with terminal.output(options, options.files if "files" in options else ()) as file:
        out = output(options, file, question)
        via = getattr(options, "via", None)
        reading = _Reading(Job(question, out.made, key_log, options.server_key, via, options.all_tls), out)
        if jobs > 1:
            reading.together(options.files, jobs)
        else:
            reading.alone(sources, decrypt)
        with terminal.whole():
            out.end(reading.sources)
            file.flush()
    if options.connection is not None and not out.shown:
        raise TracerError(f"there is no connection {options.connection}", f"they count from 1 to {out.count}")
    if reading.foreign and options.keylog and out.count:
        count = len(reading.sessions)
        terminal.hint(f"the key log has {count:,} session{'s' * (count != 1)}, none of them is in this capture")
    return max(reading.status, complaints(reading.sources, out.count, asked=question.asked))


class _Reading:
    """What was read so far, and the exit status that it comes to."""

    def __init__(self, job: Job, out: Output) -> None:
        self.job, self.out = job, out
        self.sources: list[Source] = []
        self.status = 0
        self.progress = Progress(sys.stderr)
        log = Keys()
        self.keyless = bool(job.key_log) and not log.add(job.key_log)
        self.sessions = log.secrets.keys()
        self.foreign = bool(self.sessions)  # no connection yet of which the key log speaks

    def alone(self, sources: Iterable[Source], decrypt: Callable[[bytes], bytes | None] | None) -> None:
        """In this process; Ctrl-C ends a source."""
        for source in sources:
            self._begin(source)
            source.keys.add(self.job.key_log)
            source.keys.decrypt = decrypt
            self.out.streaming = source.name == "-"
            walk = self.progress.watch(source)
            with suppress(KeyboardInterrupt):
                for connection in reassemble(walk, all_tls=self.job.all_tls, after=self.out.count):
                    self._take(looked_at(self.job, connection, source.keys, self.out.wanted()))
            self.progress.clear()

    def together(self, files: Sequence[str], jobs: int) -> None:
        """In so many processes; Ctrl-C ends them all."""
        from tracer.commands.dividing import divided  # which loads what starts processes

        with suppress(KeyboardInterrupt), closing(divided(self.job, files, jobs, self.out.wanted)) as steps:
            for step in steps:
                if step.file == len(self.sources):
                    self._begin(step.source)
                self.sources[step.file] = step.source
                self.progress.heard(step.source)
                for told in step.told:
                    self._take(told)
                if step.error is not None:
                    raise step.error
        self.progress.clear()

    def _begin(self, source: Source) -> None:
        self.sources.append(source)
        if self.keyless:
            terminal.hint("the key log holds no TLS secrets: its lines begin with words like CLIENT_RANDOM")

    def _take(self, told: Told) -> None:
        if self.out.only in (None, told.part.id):
            self.status = max(self.status, told.status)
        self.foreign = self.foreign and self.sessions.isdisjoint(told.randoms)
        self.progress.settled(told.kind)
        self.progress.clear()
        with terminal.whole():
            self.out.take(told.part)


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


def complaints(sources: list[Source], connections: int, *, asked: bool = False, counted: bool = False) -> int:
    """Say what of the input could not be read, or that there is nothing in it; the exit status of that.

    Who `asked` about a client has no answer then: 2, as for a verdict that cannot be told. `counted`: that there is none was said.
    """
    status = 0
    for source in sources:
        for problem in source.problems:
            terminal.complain(
                TracerError(f"{source.name}: {problem.removeprefix(f'{source.name}: ')}", "what could be read is shown")
            )
            status = 2
    if not connections and not status and not sys.stdout.closed:
        packets = sum(source.counts.packets for source in sources)
        if not counted:
            print(f"pgtls: no PostgreSQL connection in {packets:,} packet{'s' * (packets != 1)}", file=sys.stderr)
        terminal.hint(
            "a capture must hold the start of a connection: let the client, or its pool, connect anew while recording; "
            "--all-tls shows TLS that is not PostgreSQL"
        )
        status = 2 if asked else 0
    return status
