"""What a process of ours does first: it leaves Ctrl-C to its parent, and ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tracer.commands import workers

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds
PARENT = """
import multiprocessing, time
from tests.commands.test_workers import child
from tracer.commands import workers
if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=child, daemon=True)
    with workers.starting():
        process.start()
    time.sleep(600)
"""


def child() -> None:
    """Tell the test that it has begun, and who it is; then wait for ever."""
    workers.begin()
    print(os.getpid(), flush=True)
    time.sleep(600)


def test_a_worker_ends_with_its_parent_and_not_with_ctrl_c(tmp_path: Path) -> None:
    """The signal to the whole group ends the parent; that, and not the signal, ends the child, without a word."""
    program = tmp_path / "parent.py"
    program.write_text(PARENT)
    with subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        number = int(parent.stdout.readline())
        os.kill(number, signal.SIGINT)
        time.sleep(0.2)
        assert Path(f"/proc/{number}").exists()
        parent.kill()
        assert parent.communicate(timeout=PATIENCE) == ("", "")  # both have closed what they write to
    assert parent.returncode == -signal.SIGKILL


def test_ctrl_c_waits_while_workers_start() -> None:
    """It is heard behind."""
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        with workers.starting():
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # other threads of a test's process would hear it
            assert not heard
        assert heard == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_first_worker_lets_no_ctrl_c_in() -> None:
    """With it Python starts a process of its own, and up to 3.13 unblocks the signals behind that."""
    program = """
import signal
from multiprocessing import resource_tracker
from tracer.commands import workers
with workers.starting():
    resource_tracker.ensure_running()
    print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert done.stdout == "True\n"
