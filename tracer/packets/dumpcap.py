"""Live traffic through Wireshark's capture program: no root where its group is set up, and Wireshark's own interfaces.

dumpcap writes pcapng to a pipe that our reader reads. Interfaces that only Wireshark's helpers (extcap) know come through
tshark, which starts them.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import IO, BinaryIO, cast

from tracer.errors import TracerError
from tracer.packets.filters import expression
from tracer.packets.pcap import read_stream
from tracer.packets.source import Packet, Source, Tick

BUFFER = 64  # MiB that the kernel may hold for it
PATIENCE = 5.0  # seconds for it to end
LAG = 0.5  # seconds that packets may be old when they come: it hands them on several times a second


def available() -> bool:
    """Whether the program is installed; whether it may capture shows when it does."""
    return shutil.which("dumpcap") is not None


def capture(interface: str | None = None, ports: Sequence[int] = ()) -> Source:
    """The packets of an interface from now on. Raises `TracerError`, and `PermissionError` without the right to capture."""
    if not available():
        raise TracerError("dumpcap is not installed", "it comes with Wireshark: apt install wireshark-common")
    name = interface or ("any" if sys.platform == "linux" else "")
    common = ["-q", *(["-i", name] if name else []), "-w", "-"]
    wanted = [expression(ports), expression(ports, tags=False)]  # of some links libpcap knows no VLAN
    attempts = [["dumpcap", *common, "-B", str(BUFFER), "-f", text] for text in wanted]
    said = ""
    for command in [*attempts, ["tshark", *common]]:
        if shutil.which(command[0]):
            source, said = _started(command, name or "the default interface")
            if source is not None:
                return source
    if (
        "permission" in said.lower()
    ):  # the last one's word: Wireshark's own interfaces need no right, which dumpcap cannot know
        raise PermissionError(said)
    raise TracerError(
        f"cannot capture on {name or 'the default interface'}: {_reason(said)}",
        "pgtls live --via wireshark -i one of: dumpcap -D",
    )


def _started(command: list[str], name: str) -> tuple[Source | None, str]:
    """The source; or None, and what the program said before it ended."""
    log = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the program)
    # in a session of its own: Ctrl-C is for us, and the program ends when we say so
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, start_new_session=True)  # noqa: S603 (no shell)
    stop = partial(_stop, process)
    atexit.register(stop)  # nobody may ever look at the source
    try:
        inner = read_stream(cast(BinaryIO, process.stdout), name)
    except TracerError:
        stop()
        log.seek(0)
        return None, log.read().decode(errors="replace")
    source = Source(name, lambda source: _packets(source, inner, process, log, stop), "live")
    return source, ""


def _packets(
    source: Source, inner: Source, process: subprocess.Popen[bytes], log: IO[bytes], stop: Callable[[], None]
) -> Iterator[Packet | Tick]:
    stopping, known = _Stopping(), 0
    try:
        for item in inner.walk(source):
            if isinstance(item, Tick):
                news, known = source.counts.packets > known, source.counts.packets
                source.behind = news and time.time() - (source.counts.last or 0.0) > LAG
                if source.stopped and not stopping.over and stopping.now(source.counts.last, news):
                    process.terminate()  # it writes what it has, and its statistics, but leaves what the kernel holds
            yield item
        source.behind = False
        if process.wait(PATIENCE) and not stopping.over:
            log.seek(0)
            source.problems.append(f"the capture ended: {_reason(log.read().decode(errors='replace'))}")
    finally:
        stop()
        atexit.unregister(stop)
        log.close()


class _Stopping:
    """When to end the program: once everything that came before we were told to has been read."""

    def __init__(self) -> None:
        self.asked: float | None = None  # seconds since 1970
        self.over = False

    def now(self, last: float | None, news: bool) -> bool:
        """Whether the `last` packet is a later one, or none comes any more, or it takes too long."""
        clock = time.time()
        self.asked = self.asked or clock
        quiet = not news and clock - self.asked >= LAG
        self.over = quiet or (last or 0.0) >= self.asked or clock - self.asked >= PATIENCE
        return self.over


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _reason(said: str) -> str:
    """The line of what the program said that says why."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("Capturing on", "File:", "Running as", "Packets "))]
    return (telling or lines or ["it said nothing"])[0].removeprefix("dumpcap: ").removeprefix("tshark: ")
