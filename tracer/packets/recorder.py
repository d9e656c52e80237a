"""Writing down what a live source sees: whole blocks, at least once a second, into one file or into many.

A failure is kept and not raised: the packets still want to be looked at, and whoever asked for the file is told.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tracer.errors import TracerError
from tracer.packets.pcapng import Writer

PERIOD = 0.25  # seconds from one flush to the next
HELD = 2  # flushes that frames wait for their keys: a client on a busy machine takes its time to write them down
NANOSECONDS = 9  # digits
ROOM = 64  # bytes of a block around its frame, at most
AMOUNT = re.compile(r"(\d+)\s*([a-z]+)", re.IGNORECASE)
SIZES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
TIMES = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


class Rotation(NamedTuple):
    """When a file is full; 0 is never."""

    size: int = 0  # bytes
    nanoseconds: int = 0


Frame = tuple[str, int, int, bytes, int]  # what `Source.record` is given; no NamedTuple, which takes longer to make


def rotation(text: str) -> Rotation:
    """What `100MB` or `1h` says. Raises `TracerError`."""
    match = AMOUNT.fullmatch(text.strip())
    amount, unit = (int(match[1]), match[2].lower()) if match else (0, "")
    if amount and unit in SIZES:
        return Rotation(size=amount * SIZES[unit])
    if amount and unit in TIMES:
        return Rotation(nanoseconds=amount * TIMES[unit] * 10**9)
    raise TracerError(f"{text!r} is neither a size nor a time", "write 100MB or 2GiB, or 90s, 15min, 1h, 7d")


class Recorder:
    """Frames to pcapng. With `rotate` the files are called OUT-00001.pcapng and so on.

    `keys` is for a file that keys are written to: frames wait there for `HELD` flushes, so that their keys stand in front
    of them. Raises `TracerError` when the first file cannot be opened.
    """

    def __init__(self, path: str, rotate: Rotation | None = None, *, keys: bool = False) -> None:
        self.path, self.rotate, self.private = Path(path), rotate, keys
        self.files = self.packets = self.began = 0
        self.failed: TracerError | None = None
        self.held: deque[list[Frame]] = deque([[]])  # those of each period, the youngest last
        self.due = 0.0
        self.writer = self._next()

    def frame(self, interface: str, link: int, when: int, data: bytes, length: int) -> None:
        """A frame that has come: `Source.record`."""
        if self.private:
            self.held[-1].append((interface, link, when, data, length))
        elif self.failed is None:
            self._keep(((interface, link, when, data, length),))

    def keys(self, log: bytes) -> None:
        """Lines of a key log, in front of the frames that wait."""
        if log and self.failed is None:
            try:
                self.writer.secrets(log)
            except TracerError as error:
                self.failed = error

    def flush(self, *, last: bool = False) -> None:
        """Give the system what is old enough, when it is time to."""
        now = time.monotonic()
        if self.failed is not None or (now < self.due and not last):
            return
        self.due = now + PERIOD
        self.held.append([])
        while len(self.held) > (1 if last else HELD + 1):
            self._keep(self.held.popleft())
        try:
            self.writer.flush()
        except TracerError as error:
            self.failed = error

    def close(self) -> None:
        """Write what waits, and close the file."""
        self.flush(last=True)
        try:
            self.writer.close()
        except TracerError as error:
            self.failed = self.failed or error

    def _keep(self, frames: Iterable[Frame]) -> None:
        try:
            for interface, link, when, data, length in frames:
                if self.rotate is not None and self._full(self.rotate, when, len(data)):
                    self.writer.close()
                    self.writer = self._next()
                self.began = self.began or when
                number = self.interfaces.get((interface, link))
                if number is None:
                    number = self.writer.interface(link, digits=NANOSECONDS, name=interface)
                    self.interfaces[interface, link] = number
                self.writer.packet(number, when, data, length=length)
                self.packets += 1
        except TracerError as error:
            self.failed = error

    def _full(self, rotate: Rotation, when: int, kept: int) -> bool:
        """Whether the frame belongs into the next file; the first one of a file always finds room."""
        size, period = rotate
        return bool(
            self.began
            and ((size and self.writer.size + kept + ROOM > size) or (period and when - self.began >= period))
        )

    def _next(self) -> Writer:
        """The next file."""
        self.files += 1
        self.began = 0  # when its first frame came
        self.interfaces: dict[tuple[str, int], int] = {}
        name = self.path
        if self.rotate is not None:
            name = name.with_name(f"{name.stem}-{self.files:05d}{name.suffix}")
        return Writer(name, private=self.private)
