"""annotate as a user sees it: Wireshark shows our words, the capture is as it was, and no key goes along unseen."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tracer
from tests.conftest import CHECKOUT
from tests.packets.test_commented import described, tshark
from tracer.cli import main
from tracer.packets.frames import key_log

STORIES = sorted(CHECKOUT.glob("captures/*/capture.pcapng"))
STORY = CHECKOUT / "captures" / "verify-full"
CAPTURE = STORY / "capture.pcapng"
VERIFY = ["--sslmode", "verify-full", "--sslrootcert", str(STORY / "roots.pem")]

Program = Callable[[str], str]


@pytest.fixture
def keyless(tmp_path: Path) -> Path:
    """The story without its keys, as `annotate --strip-keys` leaves it."""
    path = tmp_path / "keyless.pcapng"
    assert main(["annotate", str(CAPTURE), str(path), "--strip-keys"]) == 0
    return path


@pytest.fixture
def keylog(tmp_path: Path) -> Path:
    """The story's keys, and one of a connection that is not in it."""
    source = tracer.read(CAPTURE)
    list(source)
    path = tmp_path / "keys.log"
    path.write_bytes(key_log(source.keys) + b"CLIENT_RANDOM " + b"77" * 32 + b" " + b"88" * 48 + b"\n")
    return path


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.parent.name)
def test_every_story(path: Path, tmp_path: Path, program: Program) -> None:
    """The same frames by tshark; IN is the same file; as many comments as packets that end a message."""
    out, before = tmp_path / "out.pcapng", path.read_bytes()
    main(["annotate", str(path), str(out)])
    assert path.read_bytes() == before
    assert described(program, out) == described(program, path)
    source = tracer.read(path)
    ends = {m.packet for c in tracer.reassemble(source) for m in tracer.follow(c, source.keys).messages}
    said = {n for n, row in enumerate(tshark(program, out, "frame.comment"), 1) if row[0]}
    assert ends <= said
    malformed = [subprocess.run([program("tshark"), "-r", p, "-Y", "_ws.malformed"], capture_output=True, check=True)
                 for p in (path, out)]  # fmt: skip
    assert malformed[1].stdout == malformed[0].stdout


@pytest.mark.needs("tshark")
def test_the_places_of_verification(tmp_path: Path, program: Program, capfd) -> None:
    """A filter of Wireshark's finds them, in the order in which they happen; the first comment is the verdict."""
    out = tmp_path / "out.pcapng"
    assert main(["annotate", str(CAPTURE), str(out), *VERIFY]) == 0
    shown = tshark(program, out, "frame.comment")
    assert "✔ Encrypted. A client with sslmode=verify-full and this root file would have checked" in shown[0][0]
    marked = [row[0] for row in shown if "▶" in row[0]]
    assert len(marked) == 2
    assert "▶ ① chain ✔" in marked[0]
    assert "▶ ② dates ✔" in marked[0]
    assert "▶ ③ name ✔" in marked[1]
    filtered = subprocess.run(
        [program("tshark"), "-r", out, "-Y", 'frame.comment contains "▶"'], capture_output=True, check=True, text=True
    )
    assert len(filtered.stdout.splitlines()) == 2
    assert "31 packets, 20 of them with comments" in capfd.readouterr().err


@pytest.mark.needs("tshark")
def test_twice(tmp_path: Path, program: Program) -> None:
    """What was said before comes first."""
    once, twice = tmp_path / "once.pcapng", tmp_path / "twice.pcapng"
    main(["annotate", str(CAPTURE), str(once)])
    main(["annotate", str(once), str(twice), *VERIFY])
    first, both = (tshark(program, path, "frame.comment")[0][0] for path in (once, twice))
    assert both.startswith(first + "|pgtls, connection 1")


def test_the_status_is_that_of_read(tmp_path: Path, capfd) -> None:
    """1 for a verdict that refuses; 2 for a damaged capture, of which what is whole is written."""
    wrong = [*VERIFY, "--host", "wrong.example"]
    assert main(["annotate", str(CAPTURE), str(tmp_path / "a"), *wrong]) == 1
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(CAPTURE.read_bytes()[:-10])
    assert main(["annotate", str(cut), str(tmp_path / "b")]) == 2
    assert "cut short" in capfd.readouterr().err
    source = tracer.read(tmp_path / "b")
    list(source)
    assert (source.counts.packets, source.problems) == (30, [])


def test_a_status_has_its_reason(tmp_path: Path, capfd) -> None:
    """The verdict is in OUT alone: what makes the status 1 or 2 is told, too, and nothing where it is 0."""
    out = str(tmp_path / "out.pcapng")
    assert main(["annotate", str(CAPTURE), out, *VERIFY, "--host", "wrong.example"]) == 1
    refused = "This client would have refused: the certificate is for my-rds.example.test, not for wrong.example."
    assert f"✘ Encrypted. {refused} [libpq, sslmode=verify-full] (exit status 1)" in capfd.readouterr().err
    assert main(["annotate", str(CAPTURE), out, "--sslmode", "verify-full"]) == 2
    assert "? Encrypted. Who was checked cannot be told" in capfd.readouterr().err
    assert main(["annotate", str(CAPTURE), out, *VERIFY]) == 0
    assert "exit status" not in capfd.readouterr().err


def test_a_closed_standard_output() -> None:
    """The user's mistake, with a reason."""
    command = f"exec {sys.executable} -m tracer annotate {CAPTURE} - >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=CHECKOUT, check=False)
    assert done.returncode == 2
    assert done.stderr == "pgtls: error: standard output is closed\npgtls: hint: name a file\n"


@pytest.mark.parametrize(("asked", "status"), [([], 0), (["--sslmode", "require"], 2)])
def test_nothing_that_was_asked_about(asked: list[str], status: int, tmp_path: Path, capfd) -> None:
    """As of `read`: who asked about a client has no answer."""
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    assert main(["annotate", str(empty), str(tmp_path / "out"), *asked]) == main(["read", str(empty), *asked]) == status
    assert "no PostgreSQL connection" in capfd.readouterr().err


# KEYS


def test_keys_that_are_in_it_stay_and_are_told(tmp_path: Path, capfd) -> None:
    """Whoever gives the file away has read that it holds keys; nobody else on this machine can read it."""
    out = tmp_path / "out.pcapng"
    assert main(["annotate", str(CAPTURE), str(out)]) == 0
    assert "holds TLS keys" in capfd.readouterr().err
    assert out.stat().st_mode & 0o077 == 0
    assert "user=app" in out.read_text("utf-8", "replace")


def test_keys_are_stripped(keyless: Path, capfd) -> None:
    """With what only they open: the comments name the messages and quote nothing."""
    assert "holds TLS keys" not in capfd.readouterr().err
    data = keyless.read_bytes()
    assert b"SERVER_HANDSHAKE_TRAFFIC_SECRET" not in data
    assert "StartupMessage: " in data.decode("utf-8", "replace")
    assert b"user=app" not in data


def test_a_key_log_stays_outside(keyless: Path, keylog: Path, tmp_path: Path, capfd) -> None:
    """Without --with-keys it explains, and is not written; with it, what belongs to the capture is, and no more."""
    out = tmp_path / "out.pcapng"
    assert main(["annotate", str(keyless), str(out), "--keylog", str(keylog), *VERIFY]) == 0
    assert "holds TLS keys" not in capfd.readouterr().err
    data = out.read_bytes()
    assert b"TRAFFIC_SECRET" not in data
    assert b"user=app" not in data
    assert "▶ ① chain ✔" in data.decode("utf-8", "replace")
    assert main(["annotate", str(keyless), str(out), "--keylog", str(keylog), "--with-keys"]) == 0
    assert "holds TLS keys" in capfd.readouterr().err
    data = out.read_bytes()
    assert b"SERVER_TRAFFIC_SECRET_0" in data
    assert b"77" * 32 not in data
    assert b"user=app" in data
    assert out.stat().st_mode & 0o077 == 0
    source = tracer.read(out)
    (connection,) = tracer.reassemble(source)
    assert tracer.follow(connection, source.keys).certificates


def test_no_keys_to_put_in(keyless: Path, tmp_path: Path, capfd) -> None:
    """It is said."""
    assert main(["annotate", str(keyless), str(tmp_path / "out"), "--with-keys"]) == 0
    assert "no keys were put in" in capfd.readouterr().err
    assert main(["annotate", str(keyless), str(tmp_path / "out"), "--with-keys", "--strip-keys"]) == 2


# WHERE IT READS AND WRITES


@pytest.mark.parametrize("how", ["same", "symlink", "hardlink"])
def test_in_is_never_changed(tmp_path: Path, how: str, capfd) -> None:
    """OUT is not IN, by whichever name."""
    capture, other = tmp_path / "in.pcapng", tmp_path / "other.pcapng"
    capture.write_bytes(CAPTURE.read_bytes())
    if how == "symlink":
        other.symlink_to(capture)
    elif how == "hardlink":
        os.link(capture, other)
    assert main(["annotate", str(capture), str(capture if how == "same" else other)]) == 2
    assert "is read and would be overwritten" in capfd.readouterr().err
    assert capture.read_bytes() == CAPTURE.read_bytes()


def test_nor_is_another_file_that_is_read(tmp_path: Path, keylog: Path) -> None:
    """A key log is one."""
    before = keylog.read_bytes()
    assert main(["annotate", str(CAPTURE), str(keylog), "--keylog", str(keylog)]) == 2
    assert keylog.read_bytes() == before


def test_pipes(tmp_path: Path) -> None:
    """Standard input is read through a pipe, standard output written to one: the same bytes as with files."""
    out = tmp_path / "out.pcapng"
    main(["annotate", str(CAPTURE), str(out)])
    command = [sys.executable, "-m", "tracer", "annotate", "-", "-"]
    done = subprocess.run(command, input=CAPTURE.read_bytes(), capture_output=True, check=True, cwd=CHECKOUT)
    assert done.stdout == out.read_bytes()
    assert b"standard output: 31 packets" in done.stderr


def test_what_cannot_be_written(tmp_path: Path, capfd) -> None:
    """One line, a hint, and 2; and nothing is written of what cannot be read."""
    assert main(["annotate", str(CAPTURE), str(tmp_path / "no" / "out")]) == 2
    assert "cannot write" in capfd.readouterr().err
    (tmp_path / "text").write_text("no capture at all")
    assert main(["annotate", str(tmp_path / "text"), str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()


def test_no_connection(tmp_path: Path, capfd) -> None:
    """It is copied, and that is said."""
    assert main(["annotate", str(CAPTURE), str(tmp_path / "out")]) == 0
    empty = tmp_path / "empty.pcapng"
    empty.write_bytes(CAPTURE.read_bytes()[:400])
    main(["annotate", str(empty), str(tmp_path / "out")])
    assert "0 of them with comments" in capfd.readouterr().err
