"""What goes wrong around a run: the disk, the pipe, the files, the clock, and somebody who presses Ctrl-C."""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracer
from tests import wire
from tests.test_cli import CHECKOUT, STORY, run
from tracer.packets.frames import ip, key_log
from tracer.packets.source import Packet
from tracer.protocol.keys import Keys

MOMENTS = 20
FORMATS = ["text", "json", "ndjson", "html", "markdown"]


def several(count: int) -> Iterator[Packet]:
    """So many connections, one behind the other."""
    made = wire.packets(wire.Tls().run().preambled())
    for n in range(count):
        port = (20000 + n % 40000).to_bytes(2, "big")
        for packet in made:
            flow = packet.flow.replace((40000).to_bytes(2, "big"), port)
            yield packet._replace(flow=flow, time=1e9 + n / 10 + packet.number / 1000)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faults") / "large.pcap"
    with path.open("wb") as file:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for packet in several(1500):
            frame = ip(packet)
            file.write(
                struct.pack("<IIII", int(packet.time), int(packet.time % 1 * 1e6), len(frame), len(frame)) + frame
            )
    return path


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("form", FORMATS)
def test_a_full_disk(form: str) -> None:
    """One line that says so, whether it is our file or somebody's standard output."""
    for done in (run("read", str(STORY), "--format", form, "-o", "/dev/full"), redirected(form)):
        assert done.returncode == 2
        assert "no space left on device" in done.stderr
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr


def redirected(form: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tracer", "read", str(STORY), "--format", form]
    with Path("/dev/full").open("w") as full:
        return subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=CHECKOUT)


@pytest.mark.parametrize("form", FORMATS)
def test_a_pipe_that_nobody_reads(large: Path, form: str) -> None:
    """Whoever has read enough ends us without a word."""
    command = [sys.executable, "-m", "tracer", "read", str(large), "--format", form]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=CHECKOUT) as child:
        child.stdout.read(10)
        child.stdout.close()
        said = child.stderr.read().decode()
        assert child.wait() == 0
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_ctrl_c_at_any_moment(large: Path) -> None:
    """No traceback, and JSON that was begun is whole; each time at another moment, from the first connection on."""
    chance = random.Random(0)  # noqa: S311 (a game)
    for n in range(MOMENTS):
        form = FORMATS[n % len(FORMATS)]
        command = [sys.executable, "-m", "tracer", "read", str(large), "--format", form]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, cwd=CHECKOUT
        ) as child:
            first = child.stdout.read(1) if form in ("text", "json", "ndjson") else b""  # it has begun to write
            time.sleep(chance.uniform(0, 0.5) if first else chance.uniform(2, 3))
            child.send_signal(signal.SIGINT)
            out, said = child.communicate()
        out = first + out
        assert b"Traceback" not in said, said
        assert child.returncode in (0, 130)
        if form == "json":
            json.loads(out)
        if form == "ndjson":
            assert [json.loads(line) for line in out.splitlines()]
        if form == "html" and out:
            assert out.rstrip().endswith(b"</html>")


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/self/mem").exists(), reason="no file that cannot be read")
def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Opening it works, reading does not: as on a disk that breaks, or a network that goes away."""
    done = run("read", "/proc/self/mem")
    assert done.returncode == 2
    assert "pgtls: error:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_vanishes(tmp_path: Path) -> None:
    """What is open is read to its end; what is named later and is gone is one line."""
    copy = tmp_path / "copy.pcapng"
    copy.write_bytes(STORY.read_bytes())
    source = tracer.read(copy)
    copy.unlink()
    assert len(list(tracer.reassemble(source))) == 1
    done = run("read", str(STORY), str(copy))
    assert done.returncode == 2
    assert "no such file" in done.stderr
    assert done.stdout == ""


def test_a_file_that_shrinks(tmp_path: Path) -> None:
    """Cut at any byte: what could be read is shown, and the rest is said to be missing."""
    data = STORY.read_bytes()
    for size in range(4, len(data), 97):
        copy = tmp_path / "cut.pcapng"
        copy.write_bytes(data[:size])
        source = tracer.read(copy)
        for connection in tracer.reassemble(source):
            tracer.follow(connection, source.keys)


@pytest.mark.parametrize("jump", [-1e9, -3600.0, 3600.0, 1e9, 1e18, -1e18, float("inf"), float("nan")])
def test_a_clock_that_jumps(jump: float) -> None:
    """In the middle of a connection, by any step: it is found once, its messages in their order.

    Where the clock says that a minute of silence went by, what had been said until then.
    """
    calm = wire.packets(wire.Tls().run().preambled())
    at = len(calm) // 2
    wild = [*calm[:at], *(packet._replace(time=packet.time + jump) for packet in calm[at:])]
    (connection,) = tracer.reassemble(wire.source(wild), all_tls=True)
    (plain,) = tracer.reassemble(wire.source(calm), all_tls=True)
    trace = tracer.follow(connection)
    kinds, wanted = [m.kind for m in trace.messages], [m.kind for m in tracer.follow(plain).messages]
    assert kinds == (wanted[: len(kinds)] if connection.ending == "silent" else wanted)
    assert (connection.ending == "silent") == (jump > 60)
    tracer.render.text(trace)
    json.loads(tracer.render.json(trace))


def test_a_key_log_that_is_cut() -> None:
    """At any byte: lines that are whole count, a part of one is no key."""
    made = wire.Tls().run()
    log = key_log(made.keys())
    whole = {secret for of in made.keys().secrets.values() for secret in of.values()}
    for size in range(0, len(log), 7):
        keys = Keys()
        keys.add(log[:size])
        trace = wire.follow(wire.packets(made.preambled()), keys)
        assert trace.of("ClientHello")
        assert log[:size].count(b"\n") <= sum(secret in whole for of in keys.secrets.values() for secret in of.values())
