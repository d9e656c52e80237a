"""Files that somebody names for a client, and that may be pipes: nobody waits for one into which nothing is written.

libpq would: OpenSSL opens and reads its files as they come, and a pipe without a writer lets it wait for ever.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from pathlib import Path

PATIENCE = 1.0  # seconds for the next bytes of a pipe
CHUNK = 64 << 10


class Silent(OSError):
    """A pipe, or another thing that is no file, from which nothing comes."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(errno.EAGAIN, "nobody writes into this pipe", os.fspath(path))


def content(path: str | os.PathLike[str], largest: int) -> bytes:
    """Its bytes, at most `largest`. Raises `OSError`; `Silent` where it would have to wait."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(number, "rb", buffering=0) as file:
        mode = os.fstat(number).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
        if stat.S_ISREG(mode):
            return file.read(largest)
        return _arriving(path, number, largest)


def is_pipe(path: str | os.PathLike[str]) -> bool:
    """Whether it is one, of whomever."""
    try:
        return stat.S_ISFIFO(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


def _arriving(path: str | os.PathLike[str], number: int, largest: int) -> bytes:
    found = bytearray()
    end = time.monotonic() + PATIENCE
    while len(found) < largest:
        if not select.select([number], [], [], max(0.0, end - time.monotonic()))[0]:
            raise Silent(path)
        part = os.read(number, min(CHUNK, largest - len(found)))
        if not part:
            break
        found += part
        end = time.monotonic() + PATIENCE
    return bytes(found)
