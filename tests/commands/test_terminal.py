"""Where commands write, how they complain, and what they wait for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.conftest import CHECKOUT
from tracer.commands.terminal import color, complain, hint, output
from tracer.errors import TracerError


def test_an_error_and_its_hints(capsys) -> None:
    """One line each, to stderr, and nothing of a stranger's text reaches the terminal."""
    complain(TracerError("a\x1b[2J", "b", "c"))
    hint("d")
    assert capsys.readouterr() == ("", "pgtls: error: a\\x1b[2J\npgtls: hint: b\npgtls: hint: c\npgtls: hint: d\n")


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """Is the user's mistake."""
    with pytest.raises(TracerError, match="cannot write"):
        output(Namespace(output=str(tmp_path)))


@pytest.mark.parametrize(("asked", "shown"), [("always", True), ("never", False), ("auto", False)])
def test_colour(asked: str, shown: bool, tmp_path: Path) -> None:
    """A file is no terminal."""
    with output(Namespace(output=str(tmp_path / "x"))) as file:
        assert color(Namespace(color=asked), file) is shown


STORY = CHECKOUT / "captures" / "verify-full"
CAPTURE, ROOTS = str(STORY / "capture.pcapng"), str(STORY / "roots.pem")
WAITING = {
    "read": (["read", "PIPE"], CAPTURE),
    "read with --jobs": (["read", "PIPE", CAPTURE, "--jobs", "2", "--format", "ndjson"], CAPTURE),
    "keylog": (["read", CAPTURE, "--keylog", "PIPE"], ROOTS),
    "bundle": (["bundle", "PIPE"], ROOTS),
    "bundle --against a chain": (["bundle", ROOTS, "--against", "PIPE"], ROOTS),
    "bundle --against a capture": (["bundle", ROOTS, "--against", "PIPE"], CAPTURE),
    "verify": (["verify", "PIPE"], ROOTS),
    "annotate": (["annotate", "PIPE", "-"], CAPTURE),
}


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def started(words: list[str], of: str, stderr: int) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "tracer", *(of if word == "PIPE" else word for word in words)]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=stderr, cwd=CHECKOUT)


@contextmanager
def on_a_terminal(words: list[str], pipe: Path) -> Iterator[tuple[subprocess.Popen[bytes], BinaryIO]]:
    """The program, and what it writes to its terminal."""
    ours, theirs = os.openpty()
    with started(words, str(pipe), theirs) as process, os.fdopen(ours, "rb", buffering=0) as said:
        os.close(theirs)
        yield process, said


@pytest.mark.parametrize("case", WAITING)
def test_a_pipe_that_nobody_writes_into_yet(case: str, pipe: Path) -> None:
    """On a terminal it is said that it is waited for; what is written then is read as a file is."""
    words, file = WAITING[case]
    with on_a_terminal(words, pipe) as (process, said):
        line = f"pgtls: waiting for {pipe}: a pipe, into which somebody has to write first"
        assert said.read(1000).decode().startswith(line)
        pipe.write_bytes(Path(file).read_bytes())
        shown = process.communicate()[0]
    with started(words, file, subprocess.DEVNULL) as process:
        expected = process.communicate()[0]
    assert shown.replace(os.fsencode(pipe), os.fsencode(file)) == expected
    assert expected


def test_ctrl_c_ends_the_wait(pipe: Path) -> None:
    """Without a word more."""
    with on_a_terminal(["read", "PIPE"], pipe) as (process, said):
        said.read(1000)
        process.send_signal(signal.SIGINT)
        assert process.communicate()[0] == b""
        with pytest.raises(OSError, match="Input/output error"):  # the end of a terminal
            said.read(1000)
    assert process.returncode == 130


def test_in_a_pipe_nothing_is_said(pipe: Path) -> None:
    """Only people wonder."""
    with started(["bundle", "PIPE"], str(pipe), subprocess.PIPE) as process:
        pipe.write_bytes(Path(ROOTS).read_bytes())
        assert process.communicate()[1] == b""
