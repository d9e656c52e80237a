"""Where commands write, and how they complain."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

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
