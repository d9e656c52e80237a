"""Writing down what a live source sees."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packets.test_walk import frame
from tracer.errors import TracerError
from tracer.packets.link import ETHERNET, RAW
from tracer.packets.pcap import open_capture
from tracer.packets.recorder import HELD, PERIOD, Recorder, Rotation, rotation
from tracer.packets.source import Packet

FRAME = frame(16)
SECOND = 10**9


def packets(path: Path) -> list[Packet]:
    source = open_capture(path)
    found = [item for item in source if isinstance(item, Packet)]
    assert not source.problems
    return found


def test_what_came_is_in_the_file_before_it_is_closed(tmp_path: Path) -> None:
    """After a flush, whatever happens then."""
    path = tmp_path / "out.pcapng"
    recorder = Recorder(str(path))
    recorder.frame("eth0", ETHERNET, 5 * SECOND, FRAME, len(FRAME))
    recorder.frame("tun0", RAW, 6 * SECOND, FRAME[14:], len(FRAME) - 14)
    recorder.flush()
    assert [packet.time for packet in packets(path)] == [5.0, 6.0]
    recorder.close()
    assert len(packets(path)) == recorder.packets == 2


def test_keys_stand_in_front_of_their_packets(tmp_path: Path) -> None:
    """A frame waits for some flushes; at the end none waits. Nobody else may read the file."""
    path = tmp_path / "out.pcapng"
    recorder = Recorder(str(path), keys=True)
    recorder.frame("eth0", ETHERNET, 5 * SECOND, FRAME, len(FRAME))
    for _ in range(HELD):
        recorder.due = 0.0  # it is time
        recorder.flush()
    assert not packets(path)
    recorder.keys(b"CLIENT_RANDOM %064x %096x\n" % (1, 2))
    recorder.close()
    data = path.read_bytes()
    assert 0 < data.index(b"CLIENT_RANDOM") < data.index(FRAME)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_frame_waits_no_longer_than_that(tmp_path: Path) -> None:
    """Whoever kills it loses less than a second."""
    path = tmp_path / "out.pcapng"
    recorder = Recorder(str(path), keys=True)
    for when in (5, 6):
        recorder.frame("eth0", ETHERNET, when * SECOND, FRAME, len(FRAME))
        recorder.due = 0.0
        recorder.flush()
    recorder.due = 0.0
    recorder.flush()
    assert [packet.time for packet in packets(path)] == [5.0]
    assert HELD * PERIOD + PERIOD < 1
    recorder.close()
    assert len(packets(path)) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100MB", Rotation(size=100_000_000)),
        ("2GiB", Rotation(size=2 << 30)),
        ("90s", Rotation(nanoseconds=90 * SECOND)),
        ("1h", Rotation(nanoseconds=3600 * SECOND)),
        ("7d", Rotation(nanoseconds=7 * 86400 * SECOND)),
    ],
)
def test_a_size_or_a_time(text: str, expected: Rotation) -> None:
    """As people write them."""
    assert rotation(text) == expected


@pytest.mark.parametrize("text", ["", "100", "MB", "0MB", "-1h", "1 fortnight", "1.5h"])
def test_neither(text: str) -> None:
    """The user's mistake."""
    with pytest.raises(TracerError, match="neither a size nor a time"):
        rotation(text)


def test_files_of_a_size(tmp_path: Path) -> None:
    """None is longer, each stands alone, and no packet is lost."""
    recorder = Recorder(str(tmp_path / "out.pcapng"), Rotation(size=1000))
    for number in range(50):
        recorder.frame("eth0", ETHERNET, number * SECOND + 1, FRAME, len(FRAME))
    recorder.close()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [f"out-{n:05d}.pcapng" for n in range(1, recorder.files + 1)]
    assert len(files) > 3
    assert all(file.stat().st_size <= 1000 for file in files)
    assert [int(p.time) for file in files for p in packets(file)] == list(range(50))


def test_files_of_a_time(tmp_path: Path) -> None:
    """By the packets' clock; a quiet hour makes no file."""
    recorder = Recorder(str(tmp_path / "out.pcapng"), Rotation(nanoseconds=60 * SECOND))
    for second in (100, 159, 160, 200, 1000):
        recorder.frame("eth0", ETHERNET, second * SECOND, FRAME, len(FRAME))
    recorder.close()
    times = [[int(p.time) for p in packets(file)] for file in sorted(tmp_path.iterdir())]
    assert times == [[100, 159], [160, 200], [1000]]


FULL = """
import sys
from tracer.packets.recorder import Recorder
frame = bytes.fromhex(sys.argv[2])
recorder = Recorder(sys.argv[1])
while recorder.failed is None:
    recorder.frame("eth0", 1, 1, frame, len(frame))
written = recorder.packets
recorder.frame("eth0", 1, 1, frame, len(frame))
recorder.close()
print(recorder.failed)
"""


def test_no_room(tmp_path: Path) -> None:
    """The error is kept for whoever asked; the file ends with a whole block."""
    path = tmp_path / "out.pcapng"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path), FRAME.hex()],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_001, 1_000_001)),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == f"cannot write {path}: file too large\n"
    assert 900_000 < path.stat().st_size <= 1_000_001
    assert len(packets(path)) > 8_000


def test_a_file_that_cannot_be(tmp_path: Path) -> None:
    """Before anything is listened to."""
    with pytest.raises(TracerError, match="cannot write"):
        Recorder(str(tmp_path / "no-such-folder" / "out.pcapng"))
