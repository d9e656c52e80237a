"""What goes wrong around a run: the disk, the pipe, the files, the clock, and somebody who presses Ctrl-C."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tracer
from captures import stage
from tests import wire
from tests.test_cli import CHECKOUT, STORY, run
from tracer.packets.frames import ip, key_log
from tracer.packets.source import Packet
from tracer.protocol.keys import Keys

MOMENTS = 5
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


ROOTS = str(STORY.parent / "roots.pem")
SPEAKING = {
    "demo": ["demo"],
    "verify": ["verify", ROOTS],
    "bundle": ["bundle", ROOTS],
    "explain-mode": ["explain-mode", "host=db.example"],
    "audit": ["audit", str(STORY)],
    "annotate": ["annotate", str(STORY), "-"],
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("what", SPEAKING)
def test_a_full_disk_behind_every_command(what: str) -> None:
    """Standard output or OUT: one line, no traceback, and nothing of Python's own about what is still in its buffer."""
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tracer", *SPEAKING[what]],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=CHECKOUT, env=buffered,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("pgtls: error: ") == 1
    assert "no space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("ending", ["csv", "parquet", "ndjson", "duckdb"])
def test_an_audit_that_does_not_fit(ending: str, tmp_path: Path) -> None:
    """No file may grow over 4 KiB: one line says so, and nothing that looks like an audit is left; what was there before stays."""
    out = tmp_path / f"out.{ending}"
    if ending != "duckdb":
        out.write_bytes(b"an older one")
    script = f"ulimit -f 8; exec {sys.executable} -m tracer audit {STORY} -o {out}"
    done = shell(script)
    assert done.returncode == 2
    assert done.stderr.count("pgtls: error: ") == 1
    assert "Traceback" not in done.stderr
    assert ending == "duckdb" or out.read_bytes() == b"an older one"


@pytest.mark.parametrize("what", SPEAKING)
def test_a_pipe_that_was_closed_before(what: str) -> None:
    """As in `pgtls … | true`: without a word."""
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "tracer", *SPEAKING[what]]
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False, cwd=CHECKOUT)
    os.close(theirs)
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "pgtls: error" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["read", "FILE"],
        ["annotate", "FILE", "OUT"],
        ["read", str(STORY), "--keylog", "FILE"],
        ["read", str(STORY), "--server-key", "FILE"],
        ["read", str(STORY), "--sslcrl", "FILE", "--sslmode", "verify-full", "--sslrootcert", ROOTS],
        ["verify", "FILE"],
        ["bundle", "FILE"],
        ["bundle", ROOTS, "--against", "FILE"],
        ["audit", "FILE"],
    ],
)
@pytest.mark.parametrize("fault", ["missing", "folder", "unreadable"])
def test_a_file_that_cannot_be_opened(words: list[str], fault: str, tmp_path: Path) -> None:
    """Wherever it is named: said in one line, or a hint where a client passes over it, and never a traceback."""
    file = tmp_path / "file"
    if fault == "folder":
        file.mkdir()
    elif fault == "unreadable":
        file.write_bytes(STORY.read_bytes())
        file.chmod(0)
    names = {"FILE": str(file), "OUT": str(tmp_path / "out")}
    command = [sys.executable, "-m", "tracer", *(names.get(word, word) for word in words)]
    done = subprocess.run(
        [*stage.bound_by_modes(), *command], capture_output=True, text=True, check=False, cwd=CHECKOUT
    )
    assert "Traceback" not in done.stderr
    assert str(file) in re.sub(r"\n *", " ", done.stderr + done.stdout)
    assert done.returncode == 2 or "--sslcrl" in words
    assert not (tmp_path / "out").exists()


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
    for form in FORMATS * 2:
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
        assert child.returncode in (0, 130, -signal.SIGINT)  # the last one while Python ends, which no longer asks us
        if form == "json":
            json.loads(out)
        if form == "ndjson":
            assert [json.loads(line) for line in out.splitlines()]
        if form == "html" and out:
            assert out.rstrip().endswith(b"</html>")


# A command, what it writes, and how that is read: whole, or nothing of it is there.
INTERRUPTED: dict[str, tuple[list[str], str, Callable[[Path], object]]] = {
    "read": (["read", str(STORY)], "", list),
    "read to a file": (["read", str(STORY), "--format", "json", "-o", "OUT"], "json", lambda out: json.loads(out.read_text() or "0")),
    "a page": (["read", str(STORY), "-vv", "--format", "html", "-o", "OUT"], "html", lambda out: ended(out, "</html>")),
    "annotate": (["annotate", str(STORY), "OUT"], "pcapng", lambda out: tracer.read(out).problems if out.stat().st_size else 0),
    "audit": (["audit", str(STORY.parent), str(STORY), "--jobs", "2", "-o", "OUT"], "csv", lambda out: ended(out, "\n")),
    "explain-mode": (["explain-mode", "host=db.example", "--client", "all", "--format", "json", "-o", "OUT"], "json", lambda out: json.loads(out.read_text() or "0")),
    "verify": (["verify", str(STORY.parent / "roots.pem")], "", list),
    "bundle": (["bundle", str(STORY.parent / "roots.pem")], "", list),
    "probe": (["probe", "host=127.0.0.1 port=1"], "", list),
    "standard input": (["read", "-"], "", list),
}  # fmt: skip


def ended(out: Path, end: str) -> None:
    text = out.read_text()
    assert not text or text.endswith(end)


@pytest.mark.parametrize("what", INTERRUPTED)
def test_ctrl_c_from_the_beginning(what: str, tmp_path: Path) -> None:
    """While Python still imports, while it works, at its end: no line of ours in a traceback, no torn file.

    Before the first line of ours it is Python that speaks.
    """
    words, ending, whole = INTERRUPTED[what]
    for n in range(MOMENTS):
        out = tmp_path / f"{n}.{ending}"
        command = [sys.executable, "-m", "tracer", *(str(out) if word == "OUT" else word for word in words)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=CHECKOUT
        ) as child:
            time.sleep((n + random.random()) / MOMENTS)  # noqa: S311 (a game)
            child.send_signal(signal.SIGINT)
            said = child.communicate()[1].decode()
        assert OURS.search(said) is None, said
        assert "Exception ignored" not in said
        assert child.returncode in (0, 1, 2, 130, -signal.SIGINT)
        if ending and out.exists():
            whole(out)


# a frame of ours: but for the first lines of two files, before which nobody has asked for anything else
OURS = re.compile(r'File "[^"]*/tracer/(?!__(init|main)__\.py", line \d+, in <module>)')


def test_ctrl_c_twice(large: Path) -> None:
    """Whoever has no patience ends it at once, and sees no more of it."""
    command = [sys.executable, "-m", "tracer", "read", str(large), "--format", "html"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=CHECKOUT) as child:
        time.sleep(2)
        for _ in range(5):
            child.send_signal(signal.SIGINT)
            time.sleep(0.02)
        _, said = child.communicate()
    assert b"Traceback" not in said
    assert child.returncode in (0, 130, -signal.SIGINT)  # the last one while Python ends, which no longer asks us


def test_ctrl_c_that_is_ignored(tmp_path: Path) -> None:
    """As behind nohup: it stays so."""
    script = f'trap "" INT; exec {sys.executable} -m tracer read {STORY} -o {tmp_path / "out"}'
    with subprocess.Popen(["sh", "-c", script], stderr=subprocess.PIPE, cwd=CHECKOUT) as child:
        for _ in range(10):
            time.sleep(0.03)
            child.send_signal(signal.SIGINT)
        child.communicate()
    assert child.returncode == 0
    assert (tmp_path / "out").stat().st_size > 1000


def test_an_output_that_was_closed_before() -> None:
    """Standard output: one line. Standard error: what would be said there goes nowhere, and not into the output."""
    program = f"{sys.executable} -m tracer"
    without_output = shell(f"{program} read {STORY} >&-")
    assert (without_output.returncode, without_output.stderr[:40]) == (2, "pgtls: error: standard output is closed\n")
    assert shell(f"{program} read {STORY} -o /dev/null >&-").returncode == 0
    quiet = shell(f"{program} read {STORY} --sslrootcert nowhere --format json 2>&-")
    assert json.loads(quiet.stdout)["schema"] == 1
    assert shell(f"{program} read nowhere 2>&-").stdout == ""


def shell(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, cwd=CHECKOUT)


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
