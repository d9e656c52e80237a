"""`read --jobs N`: several processes read, and what is printed is what one would have printed.

Captures are walked by some of them, each by one, and the connections that settle are looked at by the others, a few at a
time. This process numbers the connections and hands on what was made of them in the order in which one process would
have come to them. Nobody runs far ahead: pipes are short, and so is the list of what waits for its turn.
"""

from __future__ import annotations

import multiprocessing
import pickle
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import NamedTuple

from tracer.commands import workers
from tracer.commands.looking import Job, Told, looked_at
from tracer.errors import TracerError
from tracer.packets.source import Packet, Skip, Source, Tick
from tracer.part import Wanted
from tracer.protocol.keys import Keys
from tracer.sources import read
from tracer.streams import Connection, arriving

BATCH = 16  # connections that are handed on together
AHEAD = 3  # batches for each process that looks, which wait for it or for their turn to be printed
PERIOD = 1.0  # seconds from one word of a walk to the next, where it has anything to say


Found = list[tuple[list[bytes], Connection]]  # each with the key logs that stood in front of it, behind the one before


class Step(NamedTuple):
    """Some connections of capture number `file`, and how far it was read; `error` ends the reading behind them."""

    file: int
    source: Source
    told: Sequence[Told]
    error: Exception | None = None


def divided(job: Job, names: Sequence[str], jobs: int, wanted: Callable[[int], Wanted]) -> Generator[Step]:
    """Read captures in several processes; what comes is in order.

    `wanted` tells what may be shown of a connection that so many others may come before. Raises `TracerError`.
    """
    shares = [list(names[n::jobs]) for n in range(min(jobs, len(names)))]
    with _started(_walk, [(job, share) for share in shares]) as walks, _started(_look, [(job,)] * jobs) as looks:
        try:
            yield from _Division(walks, looks, len(names), wanted).steps()
        except (EOFError, OSError):  # of a pipe: what a capture cannot do is told in a step
            raise TracerError(
                "a process that read was killed", "most likely memory ran out: fewer --jobs need less"
            ) from None


# THE PROCESS THAT PRINTS


@dataclass(slots=True)
class _Looker:
    """A process that looks at connections: what it has in hand, and the key logs that it has not heard of yet."""

    pipe: Pipe
    batch: _Batch | None = None
    unheard: list[bytes] = field(default_factory=list)


class _Walk(NamedTuple):
    """What a walk has come to: so many connections, pickled, which only who looks at them opens; and the key logs in front of them."""

    source: Source
    number: int
    found: bytes
    logs: list[bytes]
    over: bool
    error: Exception | None = None


class _Batch(NamedTuple):
    """Connections that are to be looked at; how many there are in front of their capture, and up to their end."""

    turn: int
    file: int
    walk: _Walk
    before: int
    last: int


class _Task(NamedTuple):
    """What is looked at: connections of a capture, numbered behind those `before` it, and key logs that others have heard."""

    file: int
    before: int
    found: bytes
    unheard: list[bytes]
    wanted: Wanted


class _Division:
    """Who does what. Batches are numbered by `turn`s; those that were looked at before their turn wait for it."""

    def __init__(self, walks: list[Pipe], looks: list[Pipe], files: int, wanted: Callable[[int], Wanted]) -> None:
        self.walks, self.looks = walks, [_Looker(pipe) for pipe in looks]
        self.files, self.wanted = files, wanted
        self.file = 0  # the capture whose connections are numbered
        self.before = self.last = 0  # connections in front of this capture, and all so far
        self.shown = 0  # connections that were handed on
        self.turns = self.turn = 0  # how many there are, and whose it is
        self.keys_of = 0  # the capture whose keys are `unheard`
        self.waiting: deque[_Batch] = deque()
        self.ready: dict[int, Step] = {}

    def steps(self) -> Generator[Step]:
        while True:
            while self.turn in self.ready:
                step = self.ready.pop(self.turn)
                self.turn += 1
                self.shown += len(step.told)
                yield step
            if self.file == self.files and self.turn == self.turns:
                return
            self._hand_out()
            self._hear()

    def _hand_out(self) -> None:
        """The next batches, to those who have none; what the others miss of the keys they hear with their next one."""
        for looker in self.looks:
            if not self.waiting or looker.batch is not None:
                continue
            batch = self.waiting.popleft()
            for other in self.looks:
                if batch.file != self.keys_of:
                    other.unheard = []
                if other is not looker:
                    other.unheard += batch.walk.logs
            self.keys_of = batch.file
            wanted = self.wanted(batch.last - self.shown)
            looker.pipe.send(_Task(batch.file, batch.before, batch.walk.found, looker.unheard, wanted))
            looker.batch, looker.unheard = batch, []

    def _hear(self) -> None:
        """Wait until somebody has something to say."""
        busy = {looker.pipe: looker for looker in self.looks if looker.batch is not None}
        listening = list(busy)
        if self.file < self.files and self.turns - self.turn < AHEAD * len(self.looks):
            listening.append(self.walks[self.file % len(self.walks)])
        for pipe in wait(listening):
            assert isinstance(pipe, Pipe)
            said = pipe.recv()
            if pipe not in busy:
                self._walked(said)
                continue
            looker = busy[pipe]
            assert looker.batch is not None
            turn, file, walk, *_ = looker.batch
            self.ready[turn] = Step(file, walk.source, said, walk.error)
            looker.batch = None

    def _walked(self, walk: _Walk) -> None:
        """Connections get their turn, and count on from those of the captures before."""
        self.last += walk.number
        if walk.number:
            self.waiting.append(_Batch(self.turns, self.file, walk, self.before, self.last))
        else:
            self.ready[self.turns] = Step(self.file, walk.source, [], walk.error)
        self.turns += 1
        if walk.over:
            self.file, self.before = self.file + 1, self.last


@contextmanager
def _started(act: Callable[..., None], given: Sequence[tuple[object, ...]]) -> Iterator[list[Pipe]]:
    """A process for each of what is `given`, and a pipe to each. They end with the block."""
    context = multiprocessing.get_context("spawn")
    running: list[SpawnProcess] = []
    pipes: list[Pipe] = []
    try:
        for words in given:
            ours, theirs = context.Pipe()
            pipes.append(ours)
            process = context.Process(target=act, args=(theirs, *words), daemon=True)
            with workers.starting():
                process.start()
            running.append(process)
            theirs.close()  # so that the end of the process is the end of the pipe
        yield pipes
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.join()
        for pipe in pipes:
            pipe.close()


# THE PROCESSES THAT READ


class _Heard(Keys):
    """Key logs that a walk has met, as they are: who looks at the connections reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: list[bytes] = []

    def add(self, log: bytes) -> int:
        self.logs.append(log)
        return 0

    def since(self) -> list[bytes]:
        logs, self.logs = self.logs, []
        return logs


def _walk(pipe: Pipe, job: Job, names: Sequence[str]) -> None:
    """Walk some captures. The pipe is short: who is far ahead waits."""
    workers.begin()
    with suppress(OSError):  # nobody listens any more
        for name in names:
            for walk in _walks(job, name):
                pipe.send(walk)


def _walks(job: Job, name: str) -> Iterator[_Walk]:
    source, error = Source(name, _nothing), None
    found: Found = []
    try:
        source = read(name, via=job.via)
        source.keys = heard = _Heard()
        said = time.monotonic()
        for item in arriving(source, all_tls=job.all_tls):
            if isinstance(item, Connection):
                found.append((heard.since(), item))
            if len(found) >= BATCH or (isinstance(item, Tick) and time.monotonic() - said > PERIOD):
                yield _walked(source, found)
                found, said = [], time.monotonic()
    except (TracerError, OSError) as failed:
        error = failed
    yield _walked(source, found)._replace(over=True, error=error)


def _walked(source: Source, found: Found) -> _Walk:
    """What was found, and what was read without what it was read from."""
    known = replace(source, walk=_nothing, keys=Keys(), skip=Skip())
    logs = [log for logs, _ in found for log in logs]
    return _Walk(known, len(found), pickle.dumps(found), logs, over=False)


def _nothing(_: Source) -> Iterator[Packet | Tick]:
    return iter(())


def _look(pipe: Pipe, job: Job) -> None:
    """Look at connections, batch by batch; each capture has keys of its own."""
    workers.begin()
    of, keys = -1, Keys()
    with suppress(EOFError, OSError):  # nobody listens any more
        while True:
            task: _Task = pipe.recv()
            if task.file != of:
                of, keys = task.file, job.keys()
            pipe.send([*_looked_at(job, task, keys)])


def _looked_at(job: Job, task: _Task, keys: Keys) -> Iterator[Told]:
    unheard, wanted = task.unheard, task.wanted
    found: Found = pickle.loads(task.found)  # noqa: S301 (what another process of ours has pickled)
    for logs, connection in found:
        for log in (*unheard, *logs):
            keys.add(log)
        yield looked_at(job, replace(connection, id=task.before + connection.id), keys, wanted)
        unheard, wanted = [], replace(wanted, full=job.form.only is not None)  # only the first may be alone
