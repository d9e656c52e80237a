"""Measure what the last notebook shows, into notebooks/data/cost.json: `python notebooks/measure.py [--repeat N] [--into FILE]`.

A PostgreSQL 18 of its own on this machine; `pgtls cost` against it, directly and through a relay that holds all bytes back for
a while each way; and psycopg, which logs in and asks one question, each time on a new connection and from a pool.

The relay answers TCP's own handshake at once, as any relay does: a real network of that distance takes one more turn.
"""

import argparse
import asyncio
import json
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "captures")]

import pki
import psycopg
import psycopg_pool
import stage

HOST = "my-rds.example.test"
POSTGRES = 18
ROUND_TRIP = 0.030  # seconds that the relay adds to each turn
MODES = {
    "disable": "",
    "require": "sslrootcert=absent.pem",
    "verify-full": "",
}  # require without a root file checks nothing


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
    measured = measure(options.repeat)
    options.into.write_text(json.dumps(measured, indent=1) + "\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what each sslmode costs, near and far, and with a pool.")
    parser.add_argument("--repeat", type=int, default=40, metavar="N", help="connections of each kind (default 40)")
    parser.add_argument("--into", type=Path, default=HERE / "data" / "cost.json", metavar="FILE")
    return parser.parse_args(arguments)


def measure(repeat: int) -> dict[str, Any]:
    """Everything, with the day and the machine in words."""
    ours, now = pki.region("eu-test-1"), datetime.now(UTC)
    leaf = pki.server(ours.subordinate, HOST, now - timedelta(days=1))
    identity = {"certificate": pki.certificates_pem([leaf, ours.subordinate, ours.root]), "key": pki.key_pem(leaf)}
    with (
        tempfile.TemporaryDirectory(prefix="measure-") as folder,
        stage.server(stage.binaries(POSTGRES), **identity) as server,
        relay(server.port, ROUND_TRIP / 2) as far,
    ):
        root = Path(folder) / "root.pem"
        root.write_text(pki.certificates_pem([ours.root]))
        to = {
            name: f"host={HOST} hostaddr=127.0.0.1 port={port} user={stage.USER} dbname={stage.DATABASE} sslrootcert={root}"
            for name, port in (("near", server.port), ("far", far))
        }
        return {
            "measured": f"{now.day} {now:%B %Y}",
            "machine": machine(server.version),
            "round_trip": ROUND_TRIP,
            "cost": {name: cost(conninfo, repeat) for name, conninfo in to.items()},
            "queries": [row for name, conninfo in to.items() for row in queries(name, conninfo, repeat)],
        }


def machine(server: str) -> str:
    """The machine in words."""
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    chip = found[1].strip() if found else platform.machine()
    return (
        f"{platform.system()} with {os.cpu_count()} cores ({chip}), busy with other work; "
        f"PostgreSQL {server}, Python {platform.python_version()}, psycopg {psycopg.__version__}"
    )


def cost(conninfo: str, repeat: int) -> list[dict[str, Any]]:
    """The rows of `pgtls cost`."""
    command = [sys.executable, "-m", "tracer", "cost", conninfo, "--repeat", str(repeat), "--format", "json"]
    done = subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True)
    found: list[dict[str, Any]] = json.loads(done.stdout, parse_float=lambda text: round(float(text), 6))["rows"]
    return found


def queries(name: str, conninfo: str, repeat: int) -> Iterator[dict[str, Any]]:
    """Seconds that one question takes, the median: with a connection of its own and with one from a pool, in turn."""
    with ExitStack() as stack:
        ways: dict[tuple[str, str], Callable[[], None]] = {}
        for mode, besides in MODES.items():
            told = f"{conninfo} password={stage.PASSWORD} sslmode={mode} {besides}"
            pool = psycopg_pool.ConnectionPool(told, min_size=1, max_size=1, kwargs={"autocommit": True}, open=False)
            stack.enter_context(pool).wait()
            ways[mode, "new connection"] = partial(alone, told)
            ways[mode, "pool"] = partial(pooled, pool)
        taken: dict[tuple[str, str], list[float]] = {way: [] for way in ways}
        for once in ways.values():
            once()  # what only the first time needs
        for _ in range(repeat):
            for way, once in ways.items():
                taken[way].append(seconds(once))
    for (mode, how), found in taken.items():
        yield {"server": name, "sslmode": mode, "how": how, "samples": repeat, "seconds": round(median(found), 6)}


def alone(told: str) -> None:
    with psycopg.connect(told, autocommit=True) as connection:
        connection.execute("select 1").fetchone()


def pooled(pool: psycopg_pool.ConnectionPool) -> None:
    with pool.connection() as connection:
        connection.execute("select 1").fetchone()


def seconds(once: Callable[[], None]) -> float:
    start = time.perf_counter()
    once()
    return time.perf_counter() - start


@contextmanager
def relay(target: int, delay: float) -> Iterator[int]:
    """A port of 127.0.0.1 that leads to `target`, with all bytes held back for `delay` seconds each way."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listening:
        loop, ended = asyncio.new_event_loop(), asyncio.Event()
        worker = threading.Thread(target=loop.run_until_complete, args=(_serve(listening, target, delay, ended),))
        worker.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            loop.call_soon_threadsafe(ended.set)
            worker.join(stage.PATIENCE)
            loop.close()


async def _serve(listening: socket.socket, target: int, delay: float, ended: asyncio.Event) -> None:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(_pump(reader, forth, delay), _pump(back, writer, delay), return_exceptions=True)

    server = await asyncio.start_server(carry, sock=listening)
    await ended.wait()
    server.close()
    await asyncio.sleep(4 * delay)  # what is on its way arrives


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Carry bytes one way until there are no more. Nobody waits for earlier ones: a distance is not a queue."""
    loop = asyncio.get_running_loop()
    try:
        while data := await reader.read(1 << 16):
            loop.call_later(delay, writer.write, data)
    finally:
        loop.call_later(delay, writer.close)


if __name__ == "__main__":
    main(sys.argv[1:])
