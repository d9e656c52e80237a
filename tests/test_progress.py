"""Progress: a line on a terminal that goes away again, and silence in a pipe."""

from __future__ import annotations

import fcntl
import io
import os
import struct
import termios
from contextlib import suppress

import pytest

from tracer import progress
from tracer.packets.source import Source, Tick
from tracer.progress import ERASE, Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def listening() -> Source:
    def walk(source: Source):
        for number in range(1, 4):
            source.counts.packets = number
            yield Tick(float(number))

    return Source("eth0", walk, "live")


@pytest.fixture
def at_once(monkeypatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "PERIOD", 0.0)


@pytest.mark.usefixtures("at_once")
def test_a_terminal_sees_how_far_it_is() -> None:
    """One line, written over itself, and the items pass through."""
    terminal = Terminal()
    shown = Progress(terminal)
    assert list(shown.watch(listening())) == [Tick(1.0), Tick(2.0), Tick(3.0)]
    counted = ("1 packet", "2 packets", "3 packets")
    assert terminal.getvalue() == "".join(f"{ERASE}eth0: {n}, 0 PostgreSQL connections" for n in counted)


@pytest.mark.usefixtures("at_once")
def test_a_live_capture_tells_how_it_goes() -> None:
    """What was dropped, where somebody counts, and how the connections ended, the most frequent way first, then by name."""
    terminal, source = Terminal(), listening()
    source.counts.dropped = 1234
    shown = Progress(terminal)
    for how in ("refused_by_client", "plaintext", "established", "established"):
        shown.settled(how)
    list(shown.watch(source))
    last = terminal.getvalue().split(ERASE)[-1]
    how = "2 established, 1 plaintext, 1 refused by client"
    assert last == f"eth0: 3 packets (1,234 dropped), 4 PostgreSQL connections ({how})"


@pytest.mark.usefixtures("at_once")
def test_it_stays_on_its_line() -> None:
    """A narrow terminal sees its beginning: a second line could not be taken away again."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 30, 0, 0))
    seen = ""
    with os.fdopen(ours, "rb", buffering=0) as reading:
        with os.fdopen(theirs, "w") as terminal:
            list(Progress(terminal).watch(listening()))
        with suppress(OSError):  # the end, since nobody can write any more
            while part := reading.read(4096):
                seen += part.decode()
    lines = seen.split(ERASE)[1:]
    assert lines == [f"eth0: {n} packet{'s' * (n > 1)}, 0 PostgreSQL connections"[:29] for n in (1, 2, 3)]


@pytest.mark.usefixtures("at_once")
def test_a_file_has_an_end(tmp_path) -> None:
    """Of a file the part that is read is told, in per cent."""
    file = tmp_path / "half.pcap"
    file.write_bytes(bytes(200))

    def walk(source: Source):
        source.counts.bytes = 100
        yield Tick(0.0)

    terminal = Terminal()
    list(Progress(terminal).watch(Source(str(file), walk, "pcap")))
    assert terminal.getvalue().startswith(f"{ERASE}half.pcap: 50 %, ")


@pytest.mark.usefixtures("at_once")
def test_another_process_reads() -> None:
    """What it has told of the source is shown."""
    terminal, source = Terminal(), listening()
    source.counts.packets = 7
    Progress(terminal).heard(source)
    assert terminal.getvalue() == f"{ERASE}eth0: 7 packets, 0 PostgreSQL connections"


@pytest.mark.usefixtures("at_once")
def test_it_goes_away() -> None:
    """Before a result is written the line is erased, once."""
    terminal = Terminal()
    shown = Progress(terminal)
    list(shown.watch(listening()))
    shown.clear()
    shown.clear()
    assert terminal.getvalue().endswith(f"connections{ERASE}")


def test_short_work_shows_nothing() -> None:
    """The line has patience."""
    terminal = Terminal()
    list(Progress(terminal).watch(listening()))
    assert terminal.getvalue() == ""


@pytest.mark.usefixtures("at_once")
def test_a_pipe_sees_nothing() -> None:
    """The source itself comes back: no cost, no word."""
    pipe, source = io.StringIO(), listening()
    shown = Progress(pipe)
    assert shown.watch(source) is source
    list(source)
    assert pipe.getvalue() == ""


@pytest.mark.usefixtures("at_once")
def test_a_bar_over_many_captures() -> None:
    """How many of how many, those of an earlier run among them; it goes away again."""
    terminal = Terminal()
    bar = progress.Bar(terminal, total=4, before=1)
    bar.done(3, 0)
    bar.done(0, 1)
    first, second = terminal.getvalue().split(ERASE)[1:]
    assert first.startswith("[############............] 2 of 4 captures, 3 connections, 0 s left")
    assert second.startswith("[##################......] 3 of 4 captures, 3 connections, 1 problems, 0 s left")
    bar.clear()
    assert terminal.getvalue().endswith(ERASE)


@pytest.mark.usefixtures("at_once")
def test_no_bar_in_a_pipe() -> None:
    """Nothing is written."""
    pipe = io.StringIO()
    bar = progress.Bar(pipe, total=1)
    bar.done(1, 0)
    bar.clear()
    assert pipe.getvalue() == ""
