"""`audit`: many captures to one table, on all cores, and on from where it stopped; and what the table says."""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from tracer.audit import Capture, audit
from tracer.commands import options as shared
from tracer.commands import terminal, workers
from tracer.commands.options import Parser, Question, command
from tracer.errors import TracerError
from tracer.packets.pcap import read_stream
from tracer.places import Place, find, located, opened
from tracer.progress import Bar
from tracer.render import document
from tracer.render.page import Page
from tracer.render.summary import counted
from tracer.render.summary import document as summary_document
from tracer.render.summary import summary as summary_screen
from tracer.summary import SOON, summary
from tracer.tables import DATABASES, Tables, open_tables

WHAT = "many captures to one table, a row a connection: who verifies, who is in plaintext, what expires"
PATIENCE = 30  # seconds until a scheduler that does not answer is given up
PERIOD = 0.5  # seconds from one transaction to the next
MOST_ROWS = 10_000  # of a capture that is written at once
STOP = signal.SIGUSR1  # what a process of ours that reads is told
COMPLAINTS = 20  # problems that are told on stderr
AHEAD = 2  # captures for each worker that wait for it: more would only wait in memory


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command."""
    parser = command(commands, "audit", _audit, WHAT)
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="captures, folders of them, globs, and URLs as s3://… with fsspec"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="x.duckdb, which goes on where it stopped; .parquet, .csv, .ndjson; without it the summary alone",
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="processes that read (default: one a core)")
    parser.add_argument(
        "--scheduler",
        metavar="URL",
        help="let the workers of a Dask cluster read, which find the captures under the same names: tcp://…",
    )
    parser.add_argument("--summary", action="store_true", help="PATH is an audit that was made: what it says")
    parser.add_argument(
        "--within", type=int, default=SOON, metavar="DAYS", help=f"certificates that end so soon (default {SOON})"
    )
    parser.add_argument("--keylog", metavar="FILE", help="TLS secrets in NSS key log format (also SSLKEYLOGFILE)")
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="of the summary; the rows are in the file of -o"
    )
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="of the summary")
    shared.client_options(parser)
    shared.env_option(parser)


class Job(NamedTuple):
    """What a worker is told: the same for every capture."""

    question: Question
    key_log: bytes


def _audit(options: argparse.Namespace) -> int:
    if options.summary:
        return _summary(options)
    shared.jobs(options)
    roots = options.sslrootcert
    if roots not in (None, "system") and not Path(roots).exists():  # of a thousand clients, a slip of the pen
        raise TracerError(f"{roots}: no such root file", "every client would be taken for one without it")
    job = Job(shared.question(options), shared.keylog(options))
    passed: list[str] = []
    places = find(options.paths, passed.append)
    with open_tables(options.output, _asked(options)) as tables:
        own = {name for name in passed if options.output and name.startswith(str(Path(options.output)))}
        _passed(set(passed) - own - {place.name for place in places})
        done = tables.done()
        left = [place for place in places if place not in done]
        _collect(options, job, left, len(places) - len(left), tables)
        captures, connections, _ = tables.counts()
        problems = tables.problems()
        if not options.output:
            _tell(options, tables, shared.time(options.at) or datetime.now(UTC))
    if options.output:  # which is written by now
        print(
            f"pgtls: {options.output}: {counted(connections, 'connection')} of {counted(captures, 'capture')}, {len(left):,} of them read now",
            file=sys.stderr,
        )
        _hints(options, problems)
    return 2 if problems else 0


def _passed(names: set[str]) -> None:
    if names:
        first = min(names) + " the first" * (len(names) > 1)
        terminal.hint(f"passed over, as not named like a capture: {counted(len(names), 'file')}, {first}")


def _hints(options: argparse.Namespace, problems: list[tuple[str, str]]) -> None:
    """What could not be read, and what to do next."""
    for name, problem in problems[:COMPLAINTS]:
        terminal.hint(f"{name}: {problem}")
    if len(problems) > COMPLAINTS:
        terminal.hint(f"and {len(problems) - COMPLAINTS:,} problems more, in its table problems")
    if Path(options.output).suffix in DATABASES:
        form = " --format json" * (options.format == "json")
        terminal.hint(f"what it says: pgtls audit --summary {options.output}{form}")
    elif options.format == "json":
        terminal.hint("--format is the summary's, which is made of a DuckDB file: -o x.duckdb")


def _collect(options: argparse.Namespace, job: Job, left: list[Place], before: int, tables: Tables) -> None:
    """Read what is left, and write it down as it comes: a transaction for each capture would take longer than reading it."""
    bar = Bar(sys.stderr, before + len(left), before)
    waiting: list[tuple[Place, Capture]] = []
    written = time.monotonic()
    try:
        for place, found in _found(options, job, left):
            waiting.append((place, found))
            if time.monotonic() - written > PERIOD or len(found.rows) > MOST_ROWS:
                tables.add(waiting)
                waiting, written = [], time.monotonic()
            bar.done(len(found.rows), len(found.problems))
        tables.add(waiting)
    except KeyboardInterrupt:
        bar.clear()
        if options.output:
            terminal.hint("stopped; the same command goes on from here")
        raise
    finally:
        bar.clear()


def _found(options: argparse.Namespace, job: Job, left: list[Place]) -> Iterable[tuple[Place, Capture]]:
    if options.scheduler:
        return _on_cluster(options.scheduler, job, left)
    jobs = min(options.jobs or os.cpu_count() or 1, len(left))
    return _in_processes(jobs, job, left) if jobs > 1 else ((place, work(job, place.name)) for place in left)


def _summary(options: argparse.Namespace) -> int:
    if len(options.paths) > 1:
        raise TracerError("--summary takes one audit", "pgtls audit --summary audit.duckdb")
    asked = (word for word in _asked(options).split() if word.startswith("--"))
    words = [word for word in asked if word != "--at"]  # the days count from there
    words += [f"--{name}" for name in ("output", "scheduler", "keylog", "jobs") if getattr(options, name) is not None]
    if words:
        raise TracerError(
            f"--summary tells what was found, and {words[0]} is for finding it",
            "make another: pgtls audit PATH… -o x.duckdb",
        )
    tables = Tables(options.paths[0], readonly=True)
    try:
        _tell(options, tables, shared.time(options.at) or datetime.now(UTC))
    finally:
        tables.close()
    return 0


def _tell(options: argparse.Namespace, tables: Tables, at: datetime) -> None:
    found = summary(tables, at, options.within)
    with terminal.output(argparse.Namespace(output=None)) as file:
        if options.format == "json":
            said = {"schema": document.SCHEMA, "tool": document.tool(), **summary_document(found)}
            file.write(json.dumps(said, indent=1) + "\n")
            return
        page = Page(terminal.width(file), terminal.color(options, file))
        summary_screen(page, found)
        file.write(page.text())


def _asked(options: argparse.Namespace) -> str:
    """The options that the rows depend on, as somebody would write them."""
    names = ("sslmode", "host", "hostaddr", "sslrootcert", "sslcrl", "sslcrldir", *shared.CHOICES, "require_auth", "at")
    given: dict[str, str] = {name: getattr(options, name) for name in names if getattr(options, name)}
    if options.client != "libpq":
        given["client"] = options.client
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in given.items()) + " --env" * int(
        options.env
    )


# WORKERS


def work(job: Job, name: str, at: str | None = None) -> Capture:
    """One capture, which may lie `at` another name here. Raises nothing: what goes wrong is a problem of that capture."""
    try:
        file = opened(at or name)
    except (TracerError, OSError) as error:
        return Capture([], [f"could not be opened: {error}"], again=True)
    try:
        with closing(file):
            return audit(read_stream(file, name), job.question.about, job.key_log)
    except TracerError as error:
        return Capture([], [f"{error}: {'; '.join(error.hints)}" if error.hints else str(error)])
    except OSError as error:
        return Capture([], [f"could not be read: {error.strerror or error}"], again=True)
    except Exception as error:  # noqa: BLE001 (one capture in a thousand must not be the end of the others)
        return Capture([], [f"pgtls failed, please report it: {type(error).__name__}: {error}"], again=True)


def _in_processes(jobs: int, job: Job, left: list[Place]) -> Iterator[tuple[Place, Capture]]:
    """In processes of our own, each as it is ready. They are spawned: a fork would take locks and terminals along."""
    context, others = multiprocessing.get_context("spawn"), set(multiprocessing.active_children())
    with ProcessPoolExecutor(jobs, context, _begin, (job,)) as pool:

        def submit(name: str) -> Future[Capture]:
            with workers.starting():  # the first one starts them
                return pool.submit(_work, name)

        try:
            yield from _as_ready(left, AHEAD * jobs, submit)
        except BrokenProcessPool:
            raise TracerError(
                "a process that read was killed",
                "most likely memory ran out: the same with fewer --jobs goes on from here",
            ) from None
        except BaseException:  # Ctrl-C, a full disk: what they have in hand is wanted no more
            for each in set(multiprocessing.active_children()) - others:
                with suppress(ProcessLookupError):
                    os.kill(each.pid or 0, STOP)
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _on_cluster(address: str, job: Job, left: list[Place]) -> Iterator[tuple[Place, Capture]]:
    """On the workers of a Dask cluster, which have pgtls installed; what a worker that dies had in hand, another one reads."""
    try:
        from distributed import Client, KilledWorker
        from distributed import wait as settled
    except ImportError:
        raise TracerError("a cluster needs Dask", "pip install distributed") from None
    for name in ("distributed", "distributed.client", "tornado.application"):  # that a scheduler is gone is told here
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise TracerError(
            f"{address} does not answer: {error}", "it is the scheduler's: dask scheduler says it"
        ) from None

    def submit(name: str) -> Future[Capture]:
        future: Future[Capture] = client.submit(work, job, name, located(name), pure=False)
        return future

    with client:
        if not client.nthreads():
            terminal.hint("the scheduler has no worker yet, and one is waited for: dask worker tcp://…")
        ahead = AHEAD * max(sum(client.nthreads().values()), 1)
        try:
            yield from _as_ready(left, ahead, submit, settled, KilledWorker)
        except (OSError, CancelledError) as error:
            raise TracerError(f"the cluster is gone: {error}", "the same command goes on from here") from None


def _as_ready(
    left: list[Place],
    ahead: int,
    submit: Callable[[str], Future[Capture]],
    settled: Callable[..., Any] = wait,
    killed: tuple[type[Exception], ...] | type[Exception] = (),
) -> Iterator[tuple[Place, Capture]]:
    """Each capture as it is ready; never more than `ahead` are under way. `killed`: it has cost several workers their lives."""
    waiting = iter(left)
    running: dict[Future[Capture], Place] = {}
    while True:
        for place in islice(waiting, ahead - len(running)):
            running[submit(place.name)] = place
        if not running:
            return
        for future in settled(list(running), return_when=FIRST_COMPLETED).done:
            place = running.pop(future)
            try:
                found = future.result()
            except killed as error:
                found = Capture([], [f"the workers that read it were killed: {error}"], again=True)
            yield place, found


def _begin(job: Job) -> None:
    global _job  # noqa: PLW0603 (what the process was told when it began)
    _job = job
    signal.signal(STOP, _stop)
    workers.begin()


def _stop(_number: int, _frame: object) -> None:
    """Read no more. What is being handed over is handed over: half of it would be waited for by the other process."""
    global _stopped  # noqa: PLW0603 (it is told to the process, at any time)
    _stopped = True
    if _reading:
        raise KeyboardInterrupt


def _work(name: str) -> Capture:
    global _reading  # noqa: PLW0603 (what `_stop` asks)
    assert _job is not None
    try:
        _reading = True
        return Capture([], [], again=True) if _stopped else work(_job, name)
    except KeyboardInterrupt:
        return Capture([], [], again=True)
    finally:
        _reading = False


_job: Job | None = None
_reading = _stopped = False
