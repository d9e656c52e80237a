"""What every process of ours does that works for another one. They are spawned: a fork would take locks and terminals along."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess


@contextmanager
def starting() -> Iterator[None]:
    """Processes that start inside do not hear Ctrl-C before they `begin`; this one hears it behind.

    A start that is broken off leaves a process that complains that nobody told it what to do.
    """
    resource_tracker.ensure_running()  # it starts with the first process, and up to Python 3.13 lets Ctrl-C in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin() -> None:
    """A worker begins: Ctrl-C is its parent's business, and it does not outlive that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
