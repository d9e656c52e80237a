"""The first verb."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import tracer

STORY = Path(__file__).resolve().parent.parent / "captures" / "verify-full" / "capture.pcapng"


def test_a_path_or_an_open_file() -> None:
    """Both give the same packets, and count them."""
    by_path, by_file = tracer.read(STORY), tracer.read(io.BytesIO(STORY.read_bytes()))
    assert list(by_path) == list(by_file)
    assert by_path.counts.packets == by_file.counts.packets > 0
    assert by_path.format == "pcapng"


def test_no_such_file() -> None:
    """The user's mistake."""
    with pytest.raises(tracer.TracerError, match="no such file"):
        tracer.read("no-such-file")
