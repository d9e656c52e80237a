"""A capture once more with comments: everything that is not a comment of ours is as it was."""

from __future__ import annotations

import gzip
import io
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packets.test_pcap import FORMATS, block, frames, pcap, pcapng, section
from tracer.errors import TracerError
from tracer.packets.commented import Copied, copy, with_comments
from tracer.packets.pcapng import COMMENT, Writer, options

Program = Callable[[str], str]
SAID = {1: ["① one", "two"], 3: ["three"], 99: ["of no packet"]}
KEYS = b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 48 + b"\n"


def copied(tmp_path: Path, data: bytes, **how: object) -> tuple[Copied, bytes]:
    out = tmp_path / "out.pcapng"
    done = copy(io.BytesIO(data), str(out), SAID, **how)  # type: ignore[arg-type]
    return done, out.read_bytes()


def tshark(program: Program, path: Path, *fields: str) -> list[list[str]]:
    chosen = [part for field in fields for part in ("-e", field)]
    command = [program("tshark"), "-r", path, "-T", "fields", "-E", "aggregator=|", *chosen]
    return [
        line.split("\t")
        for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    ]


FIELDS = ("frame.time_epoch", "frame.cap_len", "frame.len", "frame.encap_type", "frame.interface_id", "frame.md5_hash")


def described(program: Program, path: Path) -> list[list[str]]:
    """Time, lengths, link type, interface and the bytes' hash of every frame, by tshark."""
    command = [program("tshark"), "-r", path, "-o", "frame.generate_md5_hash:TRUE", "-T", "fields"]
    chosen = [part for field in FIELDS for part in ("-e", field)]
    shown = subprocess.run([*command, *chosen], capture_output=True, text=True, check=True).stdout
    return [line.split("\t") for line in shown.splitlines()]


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("name", FORMATS)
def test_every_format(tmp_path: Path, program: Program, name: str) -> None:
    """The same frames, times, lengths, link types and interfaces by tshark; comments where they belong."""
    before, after = tmp_path / "in.pcap", tmp_path / "out.pcapng"
    before.write_bytes(FORMATS[name])
    done, _ = copied(tmp_path, FORMATS[name])
    assert done.packets == len(frames())
    was, now = described(program, before), described(program, after)
    if name.startswith("pcap "):  # which has no interfaces
        was = [[*row[:4], "0", row[5]] for row in was]
    assert now == was
    assert len({row[5] for row in now}) > 10
    comments = {n: row[0] for n, row in enumerate(tshark(program, after, "frame.comment"), 1) if row[0]}
    if "simple" in name:
        assert (done.commented, done.without_place, comments) == (0, 2, {})
    else:
        assert (done.commented, done.without_place, comments) == (2, 0, {1: "① one|two", 3: "three"})


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    """What was packed is the same file."""
    assert copied(tmp_path, gzip.compress(pcapng("<"))) == copied(tmp_path, pcapng("<"))


def test_zstd_is_unpacked(tmp_path: Path) -> None:
    """As gzip is."""
    zstandard = pytest.importorskip("zstandard")
    data = pcapng("<")
    assert copied(tmp_path, zstandard.compress(data)) == copied(tmp_path, data)


@pytest.mark.needs("tshark")
def test_several_interfaces_and_sections(tmp_path: Path, program: Program) -> None:
    """Each packet keeps its interface, with its link type and the unit of its times, and numbers go on behind a section."""
    before = tmp_path / "in.pcapng"
    with before.open("wb") as file:
        for _ in range(2):
            with Writer(file) as out:
                raw, ethernet = out.interface(101, digits=9), out.interface(1)
                for interface, ticks in ((ethernet, 1_700_000_000_000_001), (raw, 1_700_000_000_000_000_002)):
                    out.packet(interface, ticks, frames()[0][1])
    done, _ = copied(tmp_path, before.read_bytes())
    after = tmp_path / "out.pcapng"
    assert described(program, after) == described(program, before)
    assert len({(row[0], row[3], row[4]) for row in described(program, after)}) > 1
    assert [row[0] for row in tshark(program, after, "frame.comment")] == ["① one|two", "", "three", ""]
    assert (done.packets, done.commented) == (4, 2)


@pytest.mark.parametrize("order", ["<", ">"])
def test_other_blocks_are_kept(tmp_path: Path, order: str) -> None:
    """Name resolution, statistics, custom and unknown blocks stand where they stood; one that forbids it is not copied."""
    kept = [block(order, kind, b"\x01\x02\x03\x04 whatever") for kind in (4, 5, 9, 0xBAD, 0x12345678)]
    forbidden = block(order, 0x40000BAD, b"private")
    tail = block(order, 3, bytes(4))
    _, out = copied(tmp_path, section(order) + b"".join(kept) + forbidden + tail)
    assert out == section(order) + b"".join(kept) + tail


def test_a_section_says_no_length(tmp_path: Path) -> None:
    """Since what is in it grows."""
    long = block("<", 0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, 1234))
    assert copied(tmp_path, long)[1] == section("<")


@pytest.mark.parametrize("order", ["<", ">"])
def test_what_a_packet_says_already_comes_first(order: str) -> None:
    """Its options in their order, then our comments; with no end of options, too."""
    frame, theirs = b"frame", [(COMMENT, b"theirs"), (2, bytes(4))]
    head = struct.pack(order + "IIIII", 0, 0, 0, len(frame), len(frame)) + frame + bytes(3)
    expected = block(order, 6, head + options([*theirs, (COMMENT, b"ours")], order))
    whole = options(theirs, order)
    for before in (whole, whole[:-4]):
        assert with_comments(block(order, 6, head + before), order, ["ours"]) == expected


def test_options_that_cannot_be_read() -> None:
    """The packet is left as it is."""
    head = struct.pack("<IIIII", 0, 0, 0, 4, 4) + b"abcd"
    assert with_comments(block("<", 6, head + struct.pack("<HH", 1, 99)), "<", ["ours"]) is None
    assert with_comments(block("<", 6, struct.pack("<IIIII", 0, 0, 0, 99, 99)), "<", ["ours"]) is None


@pytest.mark.parametrize("data", [pcap("<"), pcapng(">")])
def test_keys_go_in_front(tmp_path: Path, data: bytes) -> None:
    """In front of the first packet, in a file that nobody else reads."""
    done, out = copied(tmp_path, data, key_log=KEYS, private=True)
    assert done.secrets == 1
    assert 0 < out.index(KEYS) < out.index(frames()[0][1])
    assert (tmp_path / "out.pcapng").stat().st_mode & 0o077 == 0


def test_keys_that_are_there(tmp_path: Path) -> None:
    """They stay, and make the file private; or are stripped."""
    keyed = section("<") + block("<", 10, struct.pack("<II", 0x544C534B, len(KEYS)) + KEYS)
    done, out = copied(tmp_path, keyed)
    assert (done.secrets, out) == (1, keyed)
    assert (tmp_path / "out.pcapng").stat().st_mode & 0o077 == 0
    done, out = copied(tmp_path, keyed, strip=True)
    assert (done.secrets, done.stripped, out) == (0, 1, section("<"))


@pytest.mark.parametrize("data", [pcap("<"), pcapng("<")])
def test_cut_anywhere(tmp_path: Path, data: bytes) -> None:
    """What is whole is copied, nothing is raised."""
    whole = copied(tmp_path, data)[1]
    for at in range(8, len(data), 371):
        done, out = copied(tmp_path, data[:at])
        assert whole.startswith(out)
        assert done.packets <= len(frames())


def test_a_full_device() -> None:
    """One error."""
    with pytest.raises(TracerError, match="no space left"):
        copy(io.BytesIO(pcapng("<")), "/dev/full", SAID)
