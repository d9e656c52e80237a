"""`read --jobs N` prints what `read` prints, byte for byte, and ends as it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracer.cli import main
from tracer.commands import dividing
from tracer.render import sections

CHECKOUT = Path(__file__).resolve().parents[2]
STORIES = sorted((CHECKOUT / "captures").glob("*/capture.pcapng"))
ROOTS = str(CHECKOUT / "captures" / "verify-full" / "roots.pem")
PATIENCE = 120  # seconds


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, str]:
    """Captures: of many connections with keys between them, of one, of none; a damaged one, and a file that is no capture."""
    folder: Path = tmp_path_factory.mktemp("divided")
    made = {
        "many": b"".join(story.read_bytes() for story in STORIES),
        "again": b"".join(story.read_bytes() for story in reversed(STORIES[::2])),
        "long": 20 * b"".join(story.read_bytes() for story in STORIES),
        "one": STORIES[0].read_bytes(),
        "empty": STORIES[0].read_bytes()[:28],
        "cut": STORIES[1].read_bytes()[:-100],
        "none": b"this is no capture\n",
        "log": b"this is no key log\n",
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return {name: str(folder / name) for name in made}


def said(capfd, *arguments: str) -> tuple[int, str, str]:
    """The exit status, and what came out."""
    status = main(["read", *arguments])
    return status, *capfd.readouterr()


CASES = [
    (["many", "one", "again"], ["--format", "ndjson"]),
    (["many", "one", "again"], ["--format", "text"]),
    (["many", "empty", "again"], ["--format", "json", "-v", "--all-tls"]),
    (["many", "again"], ["--format", "html"]),
    (["many", "cut", "again"], ["--format", "markdown"]),
    (["one"], []),
    (["empty"], []),
    (["empty", "one"], ["--format", "json"]),
    (["cut", "many"], ["--sslmode", "verify-full", "--sslrootcert", ROOTS]),
    (["many", "none", "again"], ["--format", "ndjson"]),
    (["many", "again"], ["--connection", "90"]),
    (["many"], ["--connection", "90000"]),
    (["many", "again"], ["--keylog", "log", "--client", "auto"]),
    (["one", "missing"], []),
]


@pytest.mark.parametrize(("names", "options"), CASES, ids=lambda words: " ".join(map(str, words)) or "plain")
def test_nobody_can_tell(names: list[str], options: list[str], files: dict[str, str], capfd) -> None:
    """Connections, numbers, what they show together, what is wrong with the input, the exit status: as of one process."""
    arguments = [*(files.get(name, name) for name in names), *(files.get(word, word) for word in options)]
    assert said(capfd, *arguments, "--jobs", "2") == said(capfd, *arguments)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stories=st.lists(st.sampled_from(STORIES), min_size=1, max_size=6),
    form=st.sampled_from(["text", "json", "ndjson", "html", "markdown"]),
    jobs=st.integers(2, 3),
)
def test_whatever_is_read(stories: list[Path], form: str, jobs: int, capfd) -> None:
    """Any captures, in any order, the same one twice, by any number of processes."""
    arguments = [*map(str, stories), "--format", form]
    assert said(capfd, *arguments, "--jobs", str(jobs)) == said(capfd, *arguments)


def test_the_bounds_of_a_document(files: dict[str, str], capfd, monkeypatch) -> None:
    """Which connections come with details, and which not at all, is settled where one process settles it."""
    monkeypatch.setattr(sections, "SHOWN", 70)
    monkeypatch.setattr(sections, "DETAILED", 20)
    arguments = [files["many"], files["again"], "--format", "markdown"]
    one = said(capfd, *arguments)
    assert one[1].count("\n## Connection") + one[1].count("<summary>Connection") == 70
    assert said(capfd, *arguments, "--jobs", "2") == one


def test_what_is_ahead_is_bounded(files: dict[str, str], capfd, monkeypatch) -> None:
    """With one batch in hand at a time, and nothing ahead of what was printed, it ends all the same."""
    monkeypatch.setattr(dividing, "AHEAD", 1)
    assert said(capfd, files["many"], "--jobs", "2") == said(capfd, files["many"])


@contextmanager
def in_the_middle(name: str) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A reading by several processes of which nobody takes more than the first line, so that all wait; and those who read."""
    command = [sys.executable, "-m", "tracer", "read", name, name, "--jobs", "2", "--format", "ndjson"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, cwd=CHECKOUT, start_new_session=True
    ) as process:
        assert process.stdout is not None
        json.loads(process.stdout.readline())
        yield process, readers(process.pid)
        assert process.poll() is not None


def readers(parent: int) -> list[int]:
    """The processes that were spawned to read."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    found = [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
    assert len(found) == 4  # two walk, and two look at what they find
    return found


def test_ctrl_c_ends_all(files: dict[str, str]) -> None:
    """A terminal sends it to every process: what was begun is written whole, then the summary; nobody complains or stays."""
    with in_the_middle(files["long"]) as (process, children):
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[-1]["kind"] == "summary"
    assert lines[-1]["connections"] == len(lines)  # the first was read before
    assert (process.returncode, err) == (0, b"")
    assert not any(Path(f"/proc/{child}").exists() for child in children)


@pytest.mark.parametrize("which", [0, -1])
def test_a_reader_is_killed(which: int, files: dict[str, str]) -> None:
    """One who walks or one who looks: that is an error, and the others end, too."""
    with in_the_middle(files["long"]) as (process, children):
        os.kill(children[which], signal.SIGKILL)
        _, err = process.communicate(timeout=PATIENCE)
    assert err.startswith(b"pgtls: error: a process that read was killed\npgtls: hint: ")
    assert process.returncode == 2
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_nobody_to_read(files: dict[str, str], capfd) -> None:
    """Less than one process is a mistake."""
    status, out, err = said(capfd, files["one"], "--jobs", "0")
    assert (status, out) == (2, "")
    assert err.startswith("pgtls: error: --jobs 0: nobody would read\npgtls: hint: ")
