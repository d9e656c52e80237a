"""A capture's bytes, whatever they are packed in."""

from __future__ import annotations

import gzip
import io
import os
import random
import sys
from pathlib import Path

import pytest
import zstandard

from tracer.errors import TracerError
from tracer.packets import chunks as module
from tracer.packets.chunks import Refilled, Window, beginning, chunks, unpacked, window
from tracer.packets.pcap import read_stream

DATA = bytes(range(256)) * 4000


def plain(packed: bytes, problems: list[str] | None = None) -> bytes:
    rest = chunks(io.BytesIO(packed))
    found = unpacked("x", beginning(rest), rest, [] if problems is None else problems)
    assert found is not None
    return found[0] + b"".join(chunk or b"" for chunk in found[1])


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_what_was_packed_comes_out(pack) -> None:
    """Whole, whichever way it was packed."""
    assert plain(pack(DATA)) == DATA


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_several_members_and_padding(pack) -> None:
    """A file may hold several members, and zeros behind them."""
    assert plain(pack(DATA) + pack(DATA) + bytes(512)) == DATA + DATA


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_damage_is_told(pack) -> None:
    """What comes in front of the damage is read, and the damage is one line."""
    data = random.Random(1).randbytes(100_000)  # noqa: S311 (no secret)
    problems: list[str] = []
    read = plain(pack(data) + b"junk" * 1000, problems)
    assert read.startswith(data)
    assert len(problems) == 1
    assert problems[0].startswith("damaged: its compression ends in an error")


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_bomb_comes_in_pieces(pack, monkeypatch) -> None:
    """However much a few bytes unpack to, little of it is held at once."""
    monkeypatch.setattr(module, "UNPACKED", 1 << 16)
    rest = chunks(io.BytesIO(pack(bytes(64 << 20))))
    found = unpacked("x", beginning(rest), rest, [])
    assert found is not None
    assert max(len(chunk or b"") for chunk in found[1]) <= (1 << 16) + module.PACKED // 4 * (128 << 10)


def test_zstd_needs_a_library(monkeypatch) -> None:
    """Without one the error says how to get on."""
    for library in ("compression.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(TracerError) as caught:
        read_stream(io.BytesIO(zstandard.compress(DATA)), "x.zst")
    assert "zstd -dc x.zst | pgtls read -" in caught.value.hints[0]


def test_a_window_drops_what_was_walked(tmp_path: Path) -> None:
    """Its position counts from the beginning of the stream."""
    over = Window(b"abc", iter([b"def", None, b"ghi"]))
    over.at = 2
    assert (over.more(), over.buffer, over.position()) == (True, b"cdef", 2)
    assert (over.more(), over.ended) == (False, False)
    over.at = 4
    assert (over.more(), over.buffer, over.position()) == (True, b"ghi", 6)
    assert (over.more(), over.ended) == (False, True)


@pytest.mark.parametrize("step", [1000, module.REFILLED - 1, module.REFILLED, 3 * module.REFILLED])
def test_a_file_is_read_into_one_buffer(step: int) -> None:
    """It holds as much as a record needs; what comes out is what is in the file."""
    data = random.Random(0).randbytes(2_500_000)  # noqa: S311
    over = window(data[:64], iter(()), io.BytesIO(data[64:]))
    assert isinstance(over, Refilled)
    found, sizes = b"", set()
    while not over.ended:
        while len(over.buffer) - over.at >= step:
            assert over.position() == len(found)
            found += over.buffer[over.at : over.at + step]
            over.at += step
        over.more()
        sizes.add(len(over.buffer))
    assert found + over.buffer[over.at :] == data
    assert max(sizes) <= 4 * max(step, module.REFILLED)


def test_what_is_packed_or_comes_through_a_pipe_is_not_read_from_the_file(tmp_path: Path) -> None:
    """Its bytes come from elsewhere: a window over those."""
    assert not isinstance(window(b"abc", iter(()), None), Refilled)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        assert not isinstance(window(b"abc", iter(()), pipe), Refilled)
    os.close(writing)
