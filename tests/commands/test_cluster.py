"""`pgtls audit --scheduler`: on a cluster the same table as at home, also when a worker dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.commands.test_auditing import CHECKOUT, PATIENCE, STORIES, command, tables, wait_for_size
from tracer.cli import main

CAPTURES = 600
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT), "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error"}


@contextmanager
def process(*arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-m", *map(str, arguments)],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler, two workers of it, and itself: processes on this machine."""
    from distributed import Client

    file = tmp_path / "scheduler.json"
    options = ("--scheduler-file", file, "--no-dashboard", "--host", "127.0.0.1")
    with ExitStack() as running:
        scheduler = running.enter_context(process("distributed.cli.dask_scheduler", *options, "--port", 0))
        wait_for(file)
        single = ("--nthreads", 1, "--no-nanny", "--local-directory", tmp_path)
        workers = [running.enter_context(process("distributed.cli.dask_worker", *options, *single)) for _ in range(2)]
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=PATIENCE)
            address = client.scheduler.address
        yield address, [*workers, scheduler]


def wait_for(file: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not file.exists() or not file.stat().st_size:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "captures"
    made.mkdir()
    for number in range(CAPTURES):
        (made / f"{number:03}.pcapng").write_bytes(STORIES[number % len(STORIES)].read_bytes())
    (made / "none.pcap").write_text("none")
    return made


def test_a_worker_that_dies_takes_nothing_along(cluster, folder: Path, tmp_path: Path) -> None:
    """Killed in the middle, what it had in hand is read by the other one: no row twice, none lost."""
    address, workers = cluster
    here, there = tmp_path / "here.duckdb", tmp_path / "there.duckdb"
    assert (
        subprocess.run(
            command(folder, "-o", here, "--jobs", 2), check=False, cwd=CHECKOUT, stderr=subprocess.DEVNULL
        ).returncode
        == 2
    )
    with subprocess.Popen(
        command(folder, "-o", there, "--scheduler", address), cwd=CHECKOUT, stderr=subprocess.PIPE
    ) as audit:
        wait_for_size(there, 60_000)
        assert audit.poll() is None
        workers[0].send_signal(signal.SIGKILL)
        _, said = audit.communicate(timeout=PATIENCE)
    assert audit.returncode == 2, said.decode()  # for the one that is no capture
    assert tables(there) == tables(here)
    assert len(tables(there)["captures"]) == CAPTURES + 1


def test_a_scheduler_that_dies(cluster, folder: Path, tmp_path: Path) -> None:
    """One line and a hint, and the same without it goes on from there."""
    address, processes = cluster
    out = tmp_path / "out.duckdb"
    with subprocess.Popen(
        command(folder, "-o", out, "--scheduler", address), cwd=CHECKOUT, stderr=subprocess.PIPE
    ) as audit:
        wait_for_size(out, 60_000)
        assert audit.poll() is None
        processes[-1].send_signal(signal.SIGKILL)
        error, hint = audit.communicate(timeout=PATIENCE)[1].decode().splitlines()
    assert audit.returncode == 2
    assert error.startswith("pgtls: error: the cluster is gone: ")
    assert hint == "pgtls: hint: the same command goes on from here"
    assert main(["audit", str(folder), "-o", str(out), "--jobs", "2"]) == 2  # for the one that is no capture
    assert len(tables(out)["captures"]) == CAPTURES + 1


def test_no_scheduler_there(folder: Path, capfd, monkeypatch) -> None:
    """One line and a hint."""
    from tracer.commands import auditing

    monkeypatch.setattr(auditing, "PATIENCE", 1)
    assert main(["audit", str(folder), "--scheduler", "tcp://127.0.0.1:1"]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert any(line.startswith("pgtls: error: tcp://127.0.0.1:1 does not answer") for line in lines)
    assert "Traceback" not in "\n".join(lines)
