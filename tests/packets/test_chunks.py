"""A capture's bytes, whatever they are packed in."""

from __future__ import annotations

import gzip
import io
import random
import sys
from pathlib import Path

import pytest
import zstandard

from tracer.errors import TracerError
from tracer.packets import chunks as module
from tracer.packets.chunks import Window, beginning, chunks, unpacked
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
    window = Window(b"abc", iter([b"def", None, b"ghi"]))
    window.at = 2
    assert (window.more(), window.buffer, window.position()) == (True, b"cdef", 2)
    assert (window.more(), window.ended) == (False, False)
    window.at = 4
    assert (window.more(), window.buffer, window.position()) == (True, b"ghi", 6)
    assert (window.more(), window.ended) == (False, True)
