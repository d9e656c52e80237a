"""What the commands share at the edge: where they write, how they complain, and how wide and colourful the screen is."""

from __future__ import annotations

import argparse
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, BinaryIO

from tracer.errors import TracerError
from tracer.packets.chunks import open_file
from tracer.pipes import is_pipe

PATIENCE = 1.0  # seconds until a wait is told of


def complain(error: TracerError) -> None:
    """One line for what is wrong, one for each hint, to stderr."""
    from tracer.render.escape import escape

    print(f"pgtls: error: {escape(str(error))}", file=sys.stderr)
    for hint in error.hints:
        print(f"pgtls: hint: {escape(hint)}", file=sys.stderr)


def hint(text: str) -> None:
    """A hint alone: what was given can be worked with, and is most often a mistake."""
    from tracer.render.escape import escape

    print(f"pgtls: hint: {escape(text)}", file=sys.stderr)


def output(options: argparse.Namespace, inputs: Iterable[str] = ()) -> IO[str]:
    """The file of `-o`, else standard output; never one that is read. Raises `TracerError`."""
    if not options.output:
        if sys.stdout is None:
            raise TracerError("standard output is closed", "-o OUT names a file")
        return open(sys.stdout.fileno(), "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)
    if any(same(options.output, name) for name in inputs):
        raise TracerError(f"{options.output} is read and would be overwritten", "name another file with -o")
    try:
        return Path(options.output).open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise TracerError(f"cannot write {options.output}: {why}", "name a file in a folder that is yours") from None


@contextmanager
def whole() -> Iterator[None]:
    """What is done inside is done whole: Ctrl-C waits for its end, a second one does not.

    An exception in the middle of a write to a pipe would lose what the buffer held.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = False
    before = signal.getsignal(signal.SIGINT)

    def wait(_number: int, _frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = True

    signal.signal(signal.SIGINT, wait)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        signal.raise_signal(signal.SIGINT)


@contextmanager
def waiting(name: str | None) -> Iterator[None]:
    """Inside, a file is opened and read, and a named pipe waits for who writes into it: on a terminal that is said."""
    from tracer.render.escape import escape

    words = f"pgtls: waiting for {escape(name or '')}: a pipe, into which somebody has to write first"
    timer = threading.Timer(PATIENCE, print, [words], {"file": sys.stderr})
    timer.daemon = True
    if name and sys.stderr.isatty() and is_pipe(name):
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def twice(name: str) -> BinaryIO:
    """The file, to be read twice: what is none, as a pipe, is copied to a temporary one. Raises `TracerError`."""
    import shutil
    import tempfile

    with waiting(name):
        file = open_file(name)
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file
        with file:
            held = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
            shutil.copyfileobj(file, held)
    held.seek(0)
    return held


def same(a: str, b: str) -> bool:
    """Whether two names are of one file; one that is not there yet is known by its name."""
    try:
        return Path(a).samefile(b)
    except OSError:
        return Path(a).absolute() == Path(b).absolute()


def color(options: argparse.Namespace, file: IO[str]) -> bool:
    if options.color == "auto":
        return file.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return bool(options.color == "always")


def width(file: IO[str]) -> int:
    from tracer.render.text import WIDTH

    if file.isatty():
        return max(80, os.get_terminal_size(file.fileno()).columns)
    asked = os.environ.get("COLUMNS", "")
    return max(80, int(asked)) if asked.isdecimal() else WIDTH
