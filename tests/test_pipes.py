"""Files that may be pipes: what is written is read, and nobody waits for nothing."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tracer import pipes

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(pipes, "PATIENCE", 0.2)
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_pipe_without_a_writer(pipe: Path) -> None:
    with pytest.raises(pipes.Silent, match="nobody writes into this pipe"):
        pipes.content(pipe, 100)


def test_a_writer_that_says_nothing(pipe: Path) -> None:
    """It holds the pipe open, and nothing ends."""
    both = os.open(pipe, os.O_RDWR)
    try:
        with pytest.raises(pipes.Silent):
            pipes.content(pipe, 100)
    finally:
        os.close(both)


def test_what_is_written_is_read(pipe: Path, monkeypatch) -> None:
    """As from `<(command)` of a shell, up to a bound."""
    monkeypatch.setattr(pipes, "PATIENCE", 30.0)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"a" * 100_000))
    writer.start()
    assert pipes.content(pipe, 1 << 20) == b"a" * 100_000
    writer.join()


def test_a_file_is_a_file(tmp_path: Path) -> None:
    """With a bound; a folder is an error, and so is what is not there."""
    (tmp_path / "file").write_bytes(b"abc")
    assert pipes.content(tmp_path / "file", 2) == b"ab"
    assert not pipes.is_pipe(tmp_path / "file")
    with pytest.raises(IsADirectoryError):
        pipes.content(tmp_path, 2)
    with pytest.raises(FileNotFoundError):
        pipes.content(tmp_path / "none", 2)
    assert not pipes.is_pipe(tmp_path / "none")


def test_it_is_a_pipe(pipe: Path) -> None:
    assert pipes.is_pipe(pipe)


def test_nothing_is_read_behind_the_bound(pipe: Path) -> None:
    """A pipe without an end is read up to there."""
    both = os.open(pipe, os.O_RDWR)
    try:
        os.write(both, b"abcdef")
        assert pipes.content(pipe, 4) == b"abcd"
    finally:
        os.close(both)
