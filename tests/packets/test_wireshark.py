"""Files that only Wireshark opens give the connections of the capture that they were made of."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import tracer
from tests.conftest import CHECKOUT
from tracer.cli import main
from tracer.packets.wireshark import _seconds

CAPTURE = CHECKOUT / "captures" / "verify-full" / "capture.pcapng"
FORMATS = ("snoop", "nettl", "visual")
pytestmark = pytest.mark.needs("tshark", "editcap")

Program = Callable[[str], str]
Make = Callable[[str], Path]


@pytest.fixture
def made(tmp_path: Path, program: Program) -> Make:
    """The story in another format. None but pcapng holds keys."""

    def make(form: str) -> Path:
        path = tmp_path / f"story.{form}"
        command = [program("editcap"), "--discard-all-secrets", "-T", "ether", "-F", form, str(CAPTURE), str(path)]
        subprocess.run(command, check=True, capture_output=True)
        return path

    return make


def traces(source: tracer.Source, keys: tracer.Keys) -> list[tracer.Trace]:
    return [tracer.follow(connection, keys) for connection in tracer.reassemble(source)]


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_trace(form: str, made: Make) -> None:
    """The same messages, byte for byte, in the same packets; as many packets."""
    plain, other = tracer.read(CAPTURE), tracer.read(made(form), via="wireshark")
    (wanted,), (found,) = traces(plain, plain.keys), traces(other, plain.keys)
    assert [(m.kind, m.packet, m.data) for m in found.messages] == [(m.kind, m.packet, m.data) for m in wanted.messages]
    assert found.certificates == wanted.certificates
    assert other.counts.packets == plain.counts.packets
    assert (other.format, other.problems) == ("wireshark", [])


def test_times(made: Make) -> None:
    """To a hundredth of a millisecond, which every one of these formats keeps."""
    plain = list(tracer.read(CAPTURE, via="wireshark"))
    again = list(tracer.read(made("snoop"), via="wireshark"))
    assert [p.time for p in plain] == pytest.approx([p.time for p in again], abs=1e-5, rel=0)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1764072001.014901000", 1764072001.014901),
        ("2025-11-25T12:00:01.014901000Z", 1764072001.014901),
        ("2025-11-25T12:00:01Z", 1764072001.0),
    ],
)
def test_times_as_they_are_written(written: str, seconds: float) -> None:
    """A number, and from Wireshark 4.6 on a date."""
    assert _seconds(written) == seconds


def test_inside_an_event_loop(made: Make) -> None:
    """As in a notebook."""
    path = made("snoop")

    async def inside() -> int:
        return len(list(tracer.read(path, via="wireshark")))

    assert asyncio.run(inside()) == len(list(tracer.read(path, via="wireshark"))) > 10


def test_a_walk_that_ends_early(made: Make) -> None:
    """Who has seen enough leaves no program behind and no error."""
    source = tracer.read(made("snoop"), via="wireshark")
    walk = iter(source)
    next(walk)
    del walk
    assert source.problems == []


@pytest.mark.parametrize("junk", [b"junk" * 100, bytes(range(128, 256)) * 4])
def test_what_wireshark_cannot_open(junk: bytes, tmp_path: Path, capfd) -> None:
    """One line, status 2, no traceback, nothing of asyncio's."""
    path = tmp_path / "junk"
    path.write_bytes(junk)
    assert main(["read", "--via", "wireshark", str(path)]) == 2
    said = capfd.readouterr().err
    assert f"pgtls: error: {path}: " in said
    assert "Traceback" not in said
    assert "Unknown child" not in said


def test_what_is_cut_short(made: Make) -> None:
    """What is whole is read, and what tshark says of the rest is the problem."""
    path = made("snoop")
    whole = len(list(tracer.read(path, via="wireshark")))
    path.write_bytes(path.read_bytes()[:-10])
    source = tracer.read(path, via="wireshark")
    assert len(list(source)) == whole - 1
    assert "cut short" in source.problems[0]


def test_the_command(made: Make, capfd) -> None:
    """A plain read names the way; it leads there."""
    path = made("snoop")
    assert main(["read", str(path)]) == 2
    assert f"pgtls read --via wireshark {path}" in capfd.readouterr().err
    assert main(["read", "--via", "wireshark", str(path)]) == 0
    assert "ClientHello" in capfd.readouterr().out


@pytest.mark.parametrize("name", ["-", "no-such-file"])
def test_what_is_no_file(name: str) -> None:
    """The user's mistake, before anything is read."""
    with pytest.raises(tracer.TracerError) as raised:
        tracer.read(name, via="wireshark")
    assert raised.value.hints


def test_without_tshark(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what is missing, and where it comes from."""
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(tracer.TracerError, match="tshark is not installed") as raised:
        tracer.read(CAPTURE, via="wireshark")
    assert "apt install tshark" in raised.value.hints[0]
