"""`pgtls audit`: whole or interrupted, in one process or in several, the same table."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from tests.render.test_json import valid
from tracer.cli import main
from tracer.commands.auditing import Job, work
from tracer.commands.options import Question
from tracer.verify import Trust

CHECKOUT = Path(__file__).resolve().parents[2]
STORIES = sorted((CHECKOUT / "captures").glob("*/capture.pcapng"), key=lambda path: path.stat().st_size)
MANY = 2000
PATIENCE = 120  # seconds


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that an audit holds, in order."""
    names = ("about", "connections", "captures", "problems")
    with duckdb.connect(str(path), read_only=True) as db:
        return {name: db.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in names}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "tracer", "audit", *map(str, arguments)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Many small captures, a damaged one and one that is none among them."""
    made: Path = tmp_path_factory.mktemp("captures")
    for number in range(MANY - 2):
        os.link(_copy(STORIES[number % len(STORIES)], made), made / f"{number:04}.pcapng")
    for path in made.glob("copy-*"):
        path.unlink()
    (made / "cut.pcapng").write_bytes(STORIES[0].read_bytes()[:-40])
    (made / "none.pcap").write_bytes(b"this is none\n")
    return made


def _copy(story: Path, folder: Path) -> Path:
    """A story on the folder's own file system, where it can be linked to."""
    path = folder / f"copy-{story.parent.name}"
    if not path.exists():
        shutil.copy(story, path)
    return path


def test_an_interrupted_audit_goes_on(folder: Path, tmp_path: Path) -> None:
    """Killed in the middle and begun again, it is what it is when nobody interrupts: no row twice, none lost."""
    whole, broken = tmp_path / "whole.duckdb", tmp_path / "broken.duckdb"
    done = subprocess.run(
        command(folder, "-o", whole, "--jobs", 2),
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
        timeout=PATIENCE,
    )
    assert done.returncode == 2, done.stderr  # for what was damaged
    with subprocess.Popen(command(folder, "-o", broken, "--jobs", 2), stderr=subprocess.PIPE, cwd=CHECKOUT) as process:
        wait_for_size(broken, 500_000)  # more than is written at once
        process.send_signal(signal.SIGKILL)
    read_before = len(tables(broken)["captures"]) if not Path(f"{broken}.wal").exists() else None
    again = subprocess.run(
        command(folder, "-o", broken, "--jobs", 2),
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
        timeout=PATIENCE,
    )
    assert again.returncode == 2, again.stderr
    read_now = int(again.stderr.partition(" captures, ")[2].split()[0].replace(",", ""))
    assert 0 < read_now < MANY
    assert read_before is None or read_before + read_now == MANY
    assert tables(broken) == tables(whole)
    assert len(tables(whole)["captures"]) == MANY


def wait_for_size(path: Path, size: int) -> None:
    """Until so much of an audit has been written, its log of what is to come in included."""
    end = time.monotonic() + PATIENCE
    while sum(each.stat().st_size for each in (path, Path(f"{path}.wal")) if each.exists()) < size:
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def few(tmp_path: Path) -> Path:
    made = tmp_path / "few"
    made.mkdir()
    for name in ("verify-full", "prefer-wrong-root", "wrong-root"):
        shutil.copy(CHECKOUT / "captures" / name / "capture.pcapng", made / f"{name}.pcapng")
    return made


def test_ctrl_c_waits_for_no_capture(tmp_path: Path) -> None:
    """Two processes read what has no end: they end with it."""
    pipes = [tmp_path / "a.pcap", tmp_path / "b.pcap"]
    for pipe in pipes:
        os.mkfifo(pipe)
    with subprocess.Popen(command(*pipes, "--jobs", 2), stderr=subprocess.PIPE, cwd=CHECKOUT) as child:
        writers = [pipe.open("wb") for pipe in pipes]  # opened when a process reads there
        try:
            child.send_signal(signal.SIGINT)
            assert child.communicate(timeout=PATIENCE) == (None, b"")
        finally:
            for writer in writers:
                writer.close()
    assert child.returncode == 130


# Ctrl-C in the first enumeration that DuckDB's own module makes while it is imported
STARTING = """
import enum, signal, sys
from tracer.cli import main

make = enum.EnumType.__call__

def ctrl_c(*words, **named):
    enum.EnumType.__call__ = make
    signal.raise_signal(signal.SIGINT)
    return make(*words, **named)

def hook(event, words):
    if event == "import" and words[0] == "_duckdb":
        enum.EnumType.__call__ = ctrl_c

sys.addaudithook(hook)
sys.exit(main(["audit", *sys.argv[1:]]))
"""


def test_ctrl_c_while_duckdb_starts(few: Path) -> None:
    """It waits for that: DuckDB answers an exception there with an abort."""
    child = subprocess.run([sys.executable, "-c", STARTING, str(few)], capture_output=True, check=False)
    assert (child.returncode, child.stdout, child.stderr) == (130, b"", b"")


def test_only_what_is_new_or_changed_is_read(few: Path, tmp_path: Path, capfd) -> None:
    """A capture that has grown is read anew, and its rows are there once."""
    out = str(tmp_path / "audit.duckdb")
    assert main(["audit", str(few), "-o", out]) == 0
    shutil.copy(few / "wrong-root.pcapng", few / "new.pcapng")
    shutil.copy(few / "prefer-wrong-root.pcapng", few / "verify-full.pcapng")
    capfd.readouterr()
    assert main(["audit", str(few), "-o", out]) == 0
    assert ": 6 connections of 4 captures, 2 of them read now\n" in capfd.readouterr().err


def test_a_capture_that_is_none_is_not_the_end(few: Path, tmp_path: Path, capfd) -> None:
    """It is a problem, and the others are there; the status says that something could not be read."""
    (few / "none.pcap").write_text("none")
    out = tmp_path / "audit.duckdb"
    assert main(["audit", str(few), "-o", str(out)]) == 2
    found = tables(out)
    assert len(found["connections"]) == 4
    assert [Path(str(name)).name for name, _ in found["problems"]] == ["none.pcap"]
    assert "none.pcap is neither pcap nor pcapng" in capfd.readouterr().err


def test_one_that_could_not_be_opened_is_tried_again(few: Path) -> None:
    """Whatever kept it closed may be over the next time."""
    job, later = Job(Question(Trust(), "libpq", None, asked=False), b""), few / "later.pcapng"
    found = work(job, str(later))
    assert (found.rows, found.again) == ([], True)
    assert found.problems[0].startswith(f"could not be opened: {later}: no such file")
    assert work(job, "later.pcapng", str(few / "wrong-root.pcapng")).rows[0][0] == "later.pcapng"


def test_the_summary_alone(few: Path, capfd) -> None:
    """Without -o nothing is kept."""
    assert main(["audit", str(few)]) == 0
    assert capfd.readouterr().out.startswith("4 connections in 3 captures\n\nClients that do not authenticate")


def test_the_summary_of_an_audit(few: Path, tmp_path: Path, capfd) -> None:
    """Of the file, for people and for programs."""
    out = str(tmp_path / "audit.duckdb")
    main(["audit", str(few), "-o", out, "--format", "json"])
    assert f"what it says: pgtls audit --summary {out} --format json" in capfd.readouterr().err
    assert main(["audit", "--summary", out, "--at", "2027-10-01", "--within", "30"]) == 0
    assert "my-rds.example.test  2027-10-25 00:00    24" in capfd.readouterr().out
    assert main(["audit", "--summary", out, "--format", "json"]) == 0
    valid(json.loads(capfd.readouterr().out), "audited")


def test_a_root_file_settles_more(few: Path, tmp_path: Path) -> None:
    """With the client's own, the chain is judged; and an audit with another one is another audit."""
    out = tmp_path / "audit.duckdb"
    roots = str(CHECKOUT / "captures" / "wrong-root" / "roots.pem")
    assert main(["audit", str(few), "-o", str(out), "--sslrootcert", roots]) == 0
    with duckdb.connect(str(out), read_only=True) as db:
        rows = dict(db.execute("SELECT capture, verify_ca FROM connections WHERE transport = 'tls'").fetchall())
    assert rows[str(few / "verify-full.pcapng")] == "refuse"
    assert main(["audit", str(few), "-o", str(out)]) == 2
    assert main(["audit", str(few), "-o", str(out), "--sslrootcert", roots, "--require-auth", "md5"]) == 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["missing.pcap"], "missing.pcap: no such file"),
        (["captures", "-o", "x.txt"], "x.txt: what to write is known by its ending"),
        (["captures", "--jobs", "0"], "--jobs 0: nobody would read"),
        (["--summary", "a.duckdb", "b.duckdb"], "--summary takes one audit"),
        (["--summary", "missing.duckdb"], "missing.duckdb: no such file"),
        (["--summary", "x.csv"], "x.csv is no DuckDB file"),
        (
            ["--summary", "x.duckdb", "--host", "db", "--at", "2027-10-01"],
            "--summary tells what was found, and --host is for finding it",
        ),
        (["--summary", "x.duckdb", "-o", "x.csv"], "--summary tells what was found, and --output is for finding it"),
        (["captures", "--sslrootcert", "missing.pem"], "missing.pem: no such root file"),
        (["nosuch://x"], "nosuch://x: protocol not known"),
    ],
)
def test_mistakes(arguments: list[str], error: str, capfd, monkeypatch) -> None:
    """One line, a hint, and nothing is made."""
    monkeypatch.chdir(CHECKOUT)
    assert main(["audit", *arguments]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert lines[0].startswith(f"pgtls: error: {error}")
    assert lines[1].startswith("pgtls: hint: ")
    assert not (CHECKOUT / "x.txt").exists()
