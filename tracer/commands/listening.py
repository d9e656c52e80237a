"""`live`: the connections of an interface, each as it settles, until somebody or something ends it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from tracer import serverkey
from tracer.commands import options as shared
from tracer.commands import reading, rights, terminal
from tracer.commands.options import Parser, Question
from tracer.errors import TracerError
from tracer.output import Output
from tracer.packets.keylog import KeyLog
from tracer.packets.recorder import Recorder, rotation
from tracer.packets.source import Source
from tracer.privileges import lent
from tracer.progress import Progress, connections, packets
from tracer.protocol.fields import first
from tracer.protocol.keys import Keys
from tracer.sources import WAYS, live
from tracer.streams import Connection, arriving
from tracer.trace import Trace, follow

KEYS_WAIT = 2.0  # seconds that a sealed connection waits for its keys
KEYS_PERIOD = 0.1  # seconds from one look at the key log to the next
WORK = 0.2  # seconds of looking at connections before the packets are looked at again
MOST_SETTLED, MOST_SEALED = 5_000, 1_000  # connections that wait to be looked at, and for their keys


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command."""
    parser = reading.command(commands, "live", _live, "the same on live traffic, each connection as it settles")
    parser.add_argument(
        "-i",
        "--interface",
        help="where to listen (default: all interfaces, the loopback too; with scapy the machine's choice)",
    )
    parser.add_argument(
        "--port", type=int, action="append", default=[], help="only packets of this port; may be repeated"
    )
    parser.add_argument(
        "--via",
        choices=tuple(WAYS),
        help="the way in: a packet ring of Linux, scapy, or Wireshark's dumpcap (default: the best that the machine allows)",
    )
    parser.add_argument("--count", type=_positive(int), metavar="N", help="end after N connections")
    parser.add_argument("--duration", type=_positive(float), metavar="S", help="end after S seconds")
    parser.add_argument(
        "--write", metavar="OUT.pcapng", help="write down every packet of TCP (and --port), PostgreSQL or not"
    )
    parser.add_argument(
        "--rotate", metavar="WHEN", help="write OUT-00001.pcapng and so on, a new file each 100MB, or each 1h"
    )
    parser.add_argument(
        "--user",
        metavar="NAME",
        help="whom root becomes before the first packet is read (default: who called sudo or doas, else nobody); root stays root",
    )
    parser.add_argument(
        "--with-keys", action="store_true", help="write the keys of --keylog, too: they open passwords and data"
    )


def _live(options: argparse.Namespace) -> int:
    becomes = rights.somebody(options)
    rotate = rotation(options.rotate) if options.rotate else None
    key_log = _key_log(options)
    _check_files(options, key_log)
    question = shared.question(options)
    decrypt = serverkey.load(options.server_key) if options.server_key else None
    with lent(becomes):  # whatever needs root is opened here
        source = live(options.interface, ports=options.port, via=options.via)
        rights.check_files(options, key_log, becomes)
        recorder = (
            rights.theirs(becomes, lambda: Recorder(options.write, rotate, keys=options.with_keys))
            if options.write
            else None
        )
        opened = rights.theirs(becomes, lambda: terminal.output(options))
    source.keys.decrypt = decrypt
    if recorder is not None:
        source.record = recorder.frame
    with opened as file, _until_told(source):
        rights.give_up(options, question, becomes, source.way)
        print(
            f"pgtls: listening on {_where(source)} through {source.way}{rights.words(options, becomes)}; Ctrl-C ends it",
            file=sys.stderr,
            flush=True,
        )
        output = reading.output(options, file, question)
        output.streaming = True
        session = _Session(source, question, output, key_log, recorder)
        try:
            session.run(options)
        finally:
            if recorder is not None:
                recorder.close()
        output.end([source])
    return _end(session, recorder)


class _Sealed(NamedTuple):
    """A connection whose keys may still come. `known` is how many of its secrets were there when it was looked at."""

    connection: Connection
    trace: Trace
    random: bytes
    known: int
    deadline: float


class Waiting:
    """Connections that have settled and were not shown yet: since there was no time, or since their keys may come.

    `patience`: seconds for the keys; 0 where no key log was named.
    """

    def __init__(self, keys: Keys, patience: float) -> None:
        self.keys, self.patience = keys, patience
        self.settled: deque[Connection] = deque()
        self.sealed: deque[_Sealed] = deque()

    def ready(self, behind: bool, *, last: bool = False) -> Iterator[Trace]:
        """Those whose turn it is. While the packets are `behind` they come first; at the `last` all are ready."""
        end = time.monotonic() + WORK
        for _ in range(len(self.sealed)):
            yield from self._opened(self.sealed.popleft(), last)
        while self.settled:
            if not last and len(self.settled) < MOST_SETTLED and (behind or time.monotonic() > end):
                return
            yield from self._looked_at(self.settled.popleft(), last)

    def _looked_at(self, connection: Connection, last: bool) -> Iterator[Trace]:
        trace = follow(connection, self.keys)
        random = _random(trace)
        if last or not self.patience or not random or not _wants_keys(trace):
            yield trace
            return
        deadline = time.monotonic() + self.patience
        self.sealed.append(_Sealed(connection, trace, random, len(self.keys.of(random)), deadline))
        if len(self.sealed) > MOST_SEALED:
            yield self.sealed.popleft().trace

    def _opened(self, sealed: _Sealed, last: bool) -> Iterator[Trace]:
        known = len(self.keys.of(sealed.random))
        if known != sealed.known:
            sealed = sealed._replace(trace=follow(sealed.connection, self.keys), known=known)
        if last or not _wants_keys(sealed.trace) or time.monotonic() >= sealed.deadline:
            yield sealed.trace
        else:
            self.sealed.append(sealed)


def _random(trace: Trace) -> bytes:
    """By which a key log names the connection."""
    hello = trace.of("ClientHello")
    found = first(hello.fields, "random") if hello else None
    return found.value if found and isinstance(found.value, bytes) else b""


def _wants_keys(trace: Trace) -> bool:
    return any(message.sealed for message in trace.messages)


class _Session:
    """What is asked of the connections, and where they go."""

    def __init__(
        self, source: Source, question: Question, output: Output, key_log: KeyLog | None, recorder: Recorder | None
    ) -> None:
        self.source, self.question, self.output = source, question, output
        self.key_log, self.recorder = key_log, recorder
        self.waiting = Waiting(source.keys, KEYS_WAIT if key_log else 0.0)
        self.progress = Progress(sys.stderr)
        self.status = 0
        self.looked = 0.0
        if key_log is not None:
            key_log.look(source.keys)  # of other connections: not written down

    def run(self, options: argparse.Namespace) -> None:
        """Until the source ends, which `stopped` asks it to."""
        end = time.monotonic() + options.duration if options.duration else float("inf")
        for item in arriving(self.progress.watch(self.source), all_tls=options.all_tls):
            if isinstance(item, Connection):
                self.waiting.settled.append(item)
                continue
            self.look()
            if self.recorder is not None:
                self.recorder.flush()
                self.source.stopped |= self.recorder.failed is not None
            self.source.stopped |= time.monotonic() >= end
            if self.show(options.count):
                return
        self.look(last=True)
        self.show(options.count, last=True)

    def look(self, *, last: bool = False) -> None:
        """At the key log, when it is time to."""
        if self.key_log is not None and (last or time.monotonic() >= self.looked + KEYS_PERIOD):
            self.looked = time.monotonic()
            news = self.key_log.look(self.source.keys, last=last)
            if self.recorder is not None and self.recorder.private:
                self.recorder.keys(news)

    def show(self, count: int | None, *, last: bool = False) -> bool:
        """Those whose turn it is; whether that was enough."""
        for trace in self.waiting.ready(self.source.behind, last=last):
            found = self.question.about(trace)
            self.status = max(self.status, shared.asked_status(found))
            seen = not found.asked or trace.outcome.kind == "plaintext"
            self.progress.settled(trace.outcome.kind if seen else found.verdict.outcome)
            self.progress.clear()
            self.output.connection(found)
            if count is not None and self.output.count >= count:
                return True
        return False


@contextmanager
def _until_told(source: Source) -> Iterator[None]:
    """The first signal lets the source end in peace, the second one ends at once."""

    def stop(number: int, _: FrameType | None) -> None:
        if source.stopped:
            signal.signal(number, before[number])
            raise KeyboardInterrupt
        source.stopped = True

    before = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        with suppress(ValueError, AttributeError):  # outside the main thread, and where there is no such signal
            number = getattr(signal, name)
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup says
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(session: _Session, recorder: Recorder | None) -> int:
    """Say how it went; returns the exit status."""
    source, progress = session.source, session.progress
    progress.clear()
    dropped = source.counts.dropped
    written = "" if recorder is None else f"; {_files(recorder)}: {recorder.packets:,} packets"
    print(f"pgtls: {connections(progress.tally)} in {packets(source.counts)}{written}", file=sys.stderr)
    if dropped:
        source.problems.append(
            f"{dropped:,} packets were dropped before they could be read: connections may be missing"
        )
    status = max(session.status, reading.complaints([source], session.output.count, counted=True))
    if recorder is not None and recorder.failed is not None:
        terminal.complain(recorder.failed)
        status = 2
    return status


def _files(recorder: Recorder) -> str:
    return str(recorder.path) if recorder.rotate is None else f"{recorder.files:,} files like {recorder.writer.name}"


def _where(source: Source) -> str:
    return "all interfaces" if source.name == "any" else source.name


def _check_files(options: argparse.Namespace, key_log: KeyLog | None) -> None:
    """Nothing is written over what is read. Raises `TracerError`."""
    for name in ("rotate", "with_keys"):
        if getattr(options, name) and not options.write:
            raise TracerError(f"--{name.replace('_', '-')} is for --write", "name the file: --write OUT.pcapng")
    if options.with_keys and key_log is None:
        raise TracerError("--with-keys has no keys to write", "name the key log: --keylog FILE")
    if options.write == "-":
        raise TracerError("--write names a file: what is shown goes to standard output")
    others = [key_log.path] if key_log else []
    others += [Path(name) for name in (options.output, options.sslrootcert, options.sslcrl, options.server_key) if name]
    if options.write and any(terminal.same(options.write, str(other)) for other in others):
        raise TracerError(f"{options.write} would be overwritten", "name another file with --write")


def _key_log(options: argparse.Namespace) -> KeyLog | None:
    name: str | None = options.keylog or os.environ.get("SSLKEYLOGFILE")
    if options.keylog and not Path(options.keylog).exists():
        terminal.hint(f"{name} is not there yet: its keys are taken when they come")
    elif options.keylog:
        shared.keylog(options)  # an error now, when it cannot be read
    return KeyLog(name) if name else None


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if not 0 < (number := kind(text)) < float("inf"):
            raise ValueError
        return number

    parse.__name__ = "positive number"  # argparse names it in its message
    return parse
