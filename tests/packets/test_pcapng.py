"""What we write as pcapng: tshark finds in it what was said, and a file is whole after any end."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tracer
from tests.conftest import CHECKOUT
from tests.packets.test_pcap import STORY, frames
from tracer.errors import TracerError
from tracer.packets.pcapng import HELD_BACK, LONGEST_OPTION, Blocks, Writer, block, comment

FRAME = bytes.fromhex("45000028000040004006000001020304050607080001000200000000000000005002000000000000")
RAW = 101

Program = Callable[[str], str]


def tshark(program: Program, path: Path, *options: str) -> str:
    """What tshark prints of a file; that it says nothing on stderr but who runs it is part of the test."""
    done = subprocess.run([program("tshark"), "-r", path, *options], capture_output=True, text=True, check=True)
    assert not [line for line in done.stderr.splitlines() if not line.startswith("Running as user")]
    return done.stdout


@pytest.mark.needs("tshark")
def test_tshark_reads_it(tmp_path: Path, program: Program) -> None:
    """Link types, times to the last digit, lengths, comments in order and interface names are those that were written."""
    path = tmp_path / "out.pcapng"
    with Writer(path) as out:
        micro, nano = out.interface(RAW, name="eth0"), out.interface(RAW, snaplen=40, digits=9, name="lo")
        assert (micro, nano) == (0, 1)
        out.packet(micro, 1_700_000_000_123_456, FRAME)
        out.packet(nano, 1_700_000_000_123_456_789, FRAME, length=1500, comments=["① one", "two: é"])
        out.packet(micro, 5, FRAME + b"odd", comments=[""])
    fields = ["frame.time_epoch", "frame.interface_name", "frame.cap_len", "frame.len", "frame.encap_type"]
    shown = tshark(program, path, "-T", "fields", *(o for f in [*fields, "frame.comment"] for o in ("-e", f)))
    assert [line.split("\t") for line in shown.splitlines()] == [
        ["1700000000.123456000", "eth0", "40", "40", "7", ""],
        ["1700000000.123456789", "lo", "40", "1500", "7", "① one,two: é"],
        ["0.000005000", "eth0", "43", "43", "7", ""],
    ]


@pytest.mark.needs("tshark")
def test_keys_open_what_stands_behind_them(tmp_path: Path, program: Program) -> None:
    """A story's packets, written with its keys in front of them, decrypt in tshark and here."""
    source = tracer.read(STORY)
    list(source)
    path = tmp_path / "out.pcapng"
    with Writer(path) as out:
        out.secrets(keylog(source.keys))
        link = out.interface(1)
        for ticks, frame in frames():
            out.packet(link, ticks, frame)
    assert "CertificateVerify" in kinds(path)
    port = next(iter(tracer.reassemble(tracer.read(path)))).server.port
    assert "Certificate Verify" in tshark(program, path, "-V", "-d", f"tcp.port=={port},pgsql")


def keylog(keys: tracer.Keys) -> bytes:
    return b"".join(
        f"{label} {random.hex()} {secret.hex()}\n".encode()
        for random, of in keys.secrets.items()
        for label, secret in of.items()
    )


def kinds(path: Path) -> set[str]:
    source = tracer.read(path)
    return {m.kind for c in tracer.reassemble(source) for m in tracer.follow(c, source.keys).messages}


def test_nobody_else_reads_keys(tmp_path: Path) -> None:
    """A file for keys is private from its first byte, whatever it was before; another is as the umask says."""
    old = os.umask(0o022)
    try:
        modes = {}
        (tmp_path / "there").write_bytes(b"before")
        for name, private, secret in (("there", True, False), ("new", True, False), ("late", False, True)):
            with Writer(tmp_path / name, private=private) as out:
                if secret:
                    out.secrets(b"CLIENT_RANDOM 00 00\n")
            modes[name] = stat.S_IMODE((tmp_path / name).stat().st_mode)
        with Writer(tmp_path / "open"):
            pass
        assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o644
    finally:
        os.umask(old)
    assert modes == {"there": 0o600, "new": 0o600, "late": 0o600}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away, and write into it")
def test_keys_into_somebody_elses_file(tmp_path: Path) -> None:
    """Its owner would read them, whatever its mode: root does not write them there."""
    theirs = tmp_path / "theirs.pcapng"
    theirs.write_bytes(b"as it was")
    os.chown(theirs, 1, 1)
    with pytest.raises(TracerError, match="it is somebody else's"):
        Writer(theirs, private=True)
    assert theirs.read_bytes() == b"as it was"


def test_what_is_flushed_is_there(tmp_path: Path) -> None:
    """Behind each flush the file holds everything, and ends with a whole block; without one, a large part goes at once."""
    path = tmp_path / "out.pcapng"
    out = Writer(path)
    link = out.interface(RAW)
    for count in range(1, 4):
        out.packet(link, count, FRAME)
        out.flush()
        assert path.stat().st_size == out.size
        source = tracer.read(path)
        list(source)
        assert (source.counts.packets, source.problems) == (count, [])
    out.packet(link, 4, bytes(HELD_BACK))
    assert path.stat().st_size == out.size
    out.close()


def test_an_open_file(tmp_path: Path) -> None:
    """An open file is written to and left open."""
    held = io.BytesIO()
    with Writer(held) as out:
        out.packet(out.interface(RAW), 0, FRAME)
    assert held.tell() == out.size
    assert held.getvalue().endswith(block(6, bytes(12) + (40).to_bytes(4, "little") * 2 + FRAME))


def test_comments_have_a_bound() -> None:
    """A comment is cut between two characters; what is no character at all is written out."""
    assert len(comment("é" * LONGEST_OPTION)) == LONGEST_OPTION - 1
    assert comment("a\udc80") == b"a\\udc80"


@pytest.mark.parametrize("name", ["missing/out.pcapng", "."])
def test_what_cannot_be_written(tmp_path: Path, name: str) -> None:
    """The user's mistake is one line and a hint."""
    with pytest.raises(TracerError, match=r"^cannot write .*: ") as raised:
        Writer(tmp_path / name)
    assert raised.value.hints


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_device() -> None:
    """No space is one error, where it is met."""
    out = Writer("/dev/full")
    with pytest.raises(TracerError, match=r"^cannot write /dev/full: no space left on device$"):
        out.flush()
    out.close()


def test_a_full_disk_leaves_whole_blocks(tmp_path: Path) -> None:
    """What a limit on the file's size cuts in the middle of a block is dropped: the rest is read without damage."""
    path = tmp_path / "out.pcapng"
    script = f"""
import resource, signal, sys
from tracer.packets.pcapng import Writer
from tracer.errors import TracerError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
out = Writer({str(path)!r})
link = out.interface(101)
out.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (1001, 1001))
for count in range(100):
    out.packet(link, count, bytes.fromhex({FRAME.hex()!r}))
try:
    out.close()
except TracerError as error:
    sys.exit(f"{{error}}; {{error.hints[0]}}; {{out.size}}")
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=CHECKOUT)
    size = path.stat().st_size
    assert done.stderr.strip() == f"cannot write {path}: file too large; what was written before it can be read; {size}"
    assert 1001 - len(block(6, bytes(20) + FRAME)) < size <= 1001
    source = tracer.read(path)
    list(source)
    assert source.problems == []
    assert source.counts.packets > 5


def test_blocks_as_they_stand(tmp_path: Path) -> None:
    """Blocks of another file are written as they are."""
    path = tmp_path / "copy.pcapng"
    with Blocks(path) as out:
        out.block(STORY.read_bytes())
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(STORY.read_bytes()).digest()
