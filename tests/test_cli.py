"""The commands, as transcripts: what is printed, and the exit status."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from captures import expected
from tracer.cli import COMMANDS, _parser, main

CHECKOUT = Path(__file__).resolve().parent.parent
CAPTURES = CHECKOUT / "captures"
STORY = CAPTURES / "verify-full" / "capture.pcapng"
ROOTS = CAPTURES / "verify-full" / "roots.pem"


def run(*arguments: str, **more) -> subprocess.CompletedProcess[str]:
    """What pgtls says to a user: with Python's own buffering."""
    command = [sys.executable, "-m", "tracer", *arguments]
    more["env"] = {name: value for name, value in more.get("env", os.environ).items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT, timeout=60, **more)


def mistake(capfd, *arguments: str) -> list[str]:
    """Exit status 2, one error line, a hint, nothing else; returns the lines."""
    assert main(arguments) == 2
    shown = capfd.readouterr()
    lines = shown.err.splitlines()
    assert shown.out == ""
    assert lines[0].startswith("pgtls: error: ")
    assert lines[1].startswith("pgtls: hint: ")
    assert not any(line.startswith("pgtls: error: ") for line in lines[1:])
    assert "Traceback" not in shown.err
    return lines


def test_demo() -> None:
    """The demo says first what it shows, ends well, and says what its client would have checked."""
    done = run("demo")
    assert done.returncode == 0
    assert done.stdout.startswith("This capture ships with pgtls")
    assert "would have checked chain, dates and name" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["read", "no-such-file.pcap"],
        ["read", "README.md"],
        ["read", "captures"],
        ["read", str(STORY), "--keylog", "no-such-log"],
        ["read", str(STORY), "--keylog", "captures"],
        ["read", str(STORY), "--frobnicate"],
        ["read", str(STORY), "--client", "nobody"],
        ["read", str(STORY), "--at", "tomorrow"],
        ["read", str(STORY), "--sslmode", "verify"],
        ["read", str(STORY), "--format", "xml"],
        ["read"],
        ["frobnicate"],
        [],
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_line_and_a_hint(arguments: list[str], capfd, monkeypatch) -> None:
    """No traceback, exit status 2."""
    monkeypatch.chdir(CHECKOUT)
    mistake(capfd, *arguments)


def test_an_empty_file(tmp_path: Path, capfd) -> None:
    """It is called empty."""
    (tmp_path / "empty.pcap").touch()
    assert "is empty" in mistake(capfd, "read", str(tmp_path / "empty.pcap"))[0]


def status(connection: dict[str, Any]) -> int:
    """What the asked verdict of a connection comes to; a session in plaintext is one, whatever was predicted."""
    asked = connection["verdicts"][0]
    if connection["preamble"] == "CancelRequest":
        return 0  # nobody was asked anything
    if connection["outcome"]["kind"] == "plaintext":
        return int(asked["sslmode"] not in ("disable", "allow"))
    return {"accept": 0, "refuse": 1, "plaintext": 1, "cannot_tell": 2}[asked["outcome"]]


@pytest.mark.parametrize("name", sorted(path.parent.name for path in CAPTURES.glob("*/case.toml")))
def test_the_exit_status_is_the_verdicts(name: str, capfd, monkeypatch) -> None:
    """0 when the asked mode connects, 1 when it refuses or goes on in plaintext, 2 when one connection cannot be told."""
    story = CAPTURES / name
    document = json.loads((story / "expected.json").read_text())
    wanted = max(status(connection) for connection in document["connections"])
    monkeypatch.chdir(story)
    assert main(["read", "capture.pcapng", *expected.options(story)]) == wanted
    capfd.readouterr()
    assert main(["read", str(story / "capture.pcapng")]) == 0


@pytest.mark.parametrize(("content", "outcome"), [(None, 0), ("", 1), ("garbage", 1)])
def test_a_root_file_that_cannot_serve_is_a_verdict(content: str | None, outcome: int, tmp_path: Path, capfd) -> None:
    """A missing one lets require connect, an unusable one does not; either way there is a hint."""
    root = tmp_path / "root.crt"
    if content is not None:
        root.write_text(content)
    assert main(["read", str(STORY), "--sslmode", "require", "--sslrootcert", str(root)]) == outcome
    assert capfd.readouterr().err.startswith("pgtls: hint: ")
    assert main(["read", str(STORY), "--sslmode", "verify-full", "--sslrootcert", str(root)]) == 1


def test_a_cut_file_shows_what_it_has(tmp_path: Path, capfd) -> None:
    """The messages in front of the cut, one error, exit status 2."""
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(STORY.read_bytes()[:8000])
    assert main(["read", str(cut)]) == 2
    shown = capfd.readouterr()
    assert "ClientHello" in shown.out
    assert shown.err.count("pgtls: error: ") == 1
    assert "cut short" in shown.err


def test_no_connection_is_said(tmp_path: Path, capfd) -> None:
    """A capture without PostgreSQL is no mistake."""
    empty = tmp_path / "header.pcap"
    empty.write_bytes(bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000"))
    assert main(["read", str(empty)]) == 0
    assert "no PostgreSQL connection" in capfd.readouterr().err


def test_one_of_several(capfd) -> None:
    """Several connections are a line each, the bad ones in full; --connection shows one."""
    capture = str(CAPTURES / "prefer-wrong-root" / "capture.pcapng")
    main(["read", capture])
    everything = capfd.readouterr().out
    assert "came back on connection 2" in everything
    main(["read", capture, "--connection", "2"])
    second = capfd.readouterr().out
    assert second.startswith("Connection 2 ")
    assert "Connection 1 " not in second


def test_output_goes_to_a_file(tmp_path: Path, capfd) -> None:
    """-o writes there and not to the terminal."""
    assert main(["read", str(STORY), "-o", str(tmp_path / "out.txt")]) == 0
    assert capfd.readouterr().out == ""
    assert "ClientHello" in (tmp_path / "out.txt").read_text()


def test_colour_is_asked_for(capfd, monkeypatch) -> None:
    """Escape sequences with --color always; none in a pipe, and NO_COLOR is heard."""
    main(["read", str(STORY), "--color", "always"])
    assert "\x1b[" in capfd.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main(["read", str(STORY)])
    assert "\x1b" not in capfd.readouterr().out


def test_verbose_explains_and_withholds(capfd) -> None:
    """-v shows fields with what they are for; -vv the bytes, and of secrets only stars."""
    main(["read", str(STORY), "-vv"])
    shown = capfd.readouterr().out
    assert "cipher_suite 0x1302 TLS_AES_256_GCM_SHA384" in shown
    assert "bytes withheld" in shown
    assert "2a 2a 2a 2a" in shown


def test_standard_input_is_read_as_it_arrives() -> None:
    """Each connection is written before the pipe is closed."""
    command = [sys.executable, "-m", "tracer", "read", "-", "--format", "ndjson"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(STORY.read_bytes())
        process.stdin.flush()
        line = process.stdout.readline()
        assert b'"SSLRequest"' in line
        process.stdin.close()
        assert b'"summary"' in process.stdout.readline()
        assert process.wait(20) == 0


def test_a_reader_that_has_enough() -> None:
    """A closed pipe ends the command without a word."""
    command = f"{sys.executable} -m tracer read {STORY} -vv | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, cwd=CHECKOUT, timeout=60)
    assert done.stderr == ""


def test_keys_come_from_the_environment(tmp_path: Path, capfd, monkeypatch) -> None:
    """SSLKEYLOGFILE may name a key log, and need not be there."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "absent"))
    assert main(["read", str(STORY)]) == 0
    assert "opened" in capfd.readouterr().out
    assert os.environ["SSLKEYLOGFILE"]


def test_the_hint_names_the_command(capfd) -> None:
    """Whose help has the option that was meant."""
    lines = mistake(capfd, "read", str(STORY), "--sslmod", "verify-full")
    assert lines == [
        "pgtls: error: unrecognized arguments: --sslmod verify-full",
        "pgtls: hint: did you mean --sslmode? see pgtls read --help",
    ]
    assert mistake(capfd, "read", str(STORY), "--sslrootcrt=x")[1].startswith(
        "pgtls: hint: did you mean --sslrootcert?"
    )
    assert "sslmode= stands in the connection string; see" in mistake(capfd, "explain-mode", "--sslmode", "x")[1]
    assert mistake(capfd, "read", str(STORY), "--quite-another")[1] == "pgtls: hint: see pgtls read --help"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "pgtls demo shows"),
        (["raed", "x.pcap"], "did you mean pgtls read?"),
        (["--sslmode", "verify-full", "read", "x.pcap"], "options stand behind it: pgtls read … --sslmode …"),
        ([str(STORY)], f"pgtls read {STORY}"),
        (["read", str(STORY), "--sslmode", "verify_full"], "did you mean verify-full?"),
    ],
)
def test_what_was_meant_is_said(arguments: list[str], said: str, capfd) -> None:
    """A line that is nearly right gets the one that is."""
    assert said in mistake(capfd, *arguments)[1]


def test_help_is_a_command_too(capfd) -> None:
    """`pgtls help read` is `pgtls read --help`."""
    for words, usage in ((["help"], "usage: pgtls [-h]"), (["help", "read"], "usage: pgtls read")):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
        assert capfd.readouterr().out.startswith(usage)


@pytest.mark.parametrize("name", ["psycopg", "psycopg2"])
def test_a_driver_that_connects_with_libpq_is_libpq(name: str, capfd) -> None:
    """It is taken as libpq, and that is said."""
    main(["read", str(STORY), "--client", "libpq"])
    libpq = capfd.readouterr().out
    main(["read", str(STORY), "--client", name])
    shown = capfd.readouterr()
    assert shown.out == libpq
    assert f"{name} connects with libpq" in shown.err


def test_a_command_is_in_the_module_that_is_loaded_for_it() -> None:
    """Each module has the commands that the table names, and no other."""
    for name, words in COMMANDS.items():
        action = next(a for a in _parser([name])._actions if isinstance(a, argparse._SubParsersAction))
        assert tuple(action.choices) == words


def test_a_command_loads_no_other() -> None:
    """What another command needs is not waited for."""
    code = (
        f"import sys; from tracer.cli import main; main(['read', {str(STORY)!r}]); print(*sys.modules, file=sys.stderr)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT
    ).stderr
    assert "tracer.commands.reading" in loaded.split()
    assert not {"tracer.commands.auditing", "tracer.commands.listening", "asyncio", "importlib.metadata"} & {
        *loaded.split()
    }
