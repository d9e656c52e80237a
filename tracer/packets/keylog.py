"""A key log that is followed as it grows: its new lines, once each is whole."""

from __future__ import annotations

import os
from pathlib import Path

from tracer.protocol.keys import LONGEST_LOG, Keys

LONGEST_LINE = 1 << 16  # bytes; what is longer is no line of a key log
KEPT = 50_000  # connections whose secrets are kept


class KeyLog:
    """A file of that name, which may not be there yet. One that is cut or replaced is read anew from its beginning."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.at = 0
        self.inode = 0
        self.part = b""  # the beginning of a line that is not whole yet

    def look(self, keys: Keys, *, last: bool = False) -> bytes:
        """Give `keys` what is new, and return it; the `last` look takes a line without its end, too.

        Of many connections the oldest are forgotten.
        """
        lines, end, rest = (self.part + self._news()).rpartition(b"\n")
        lines, self.part = (lines + end + rest, b"") if last else (lines + end, rest[:LONGEST_LINE])
        if not lines or not keys.add(lines):
            return b""
        while len(keys.secrets) > KEPT:
            del keys.secrets[next(iter(keys.secrets))]
        return lines

    def _news(self) -> bytes:
        """Bytes behind those that were read before; none while the file cannot be read."""
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_size < self.at or status.st_ino != self.inode:
                    self.at, self.inode, self.part = 0, status.st_ino, b""
                file.seek(self.at)
                news = file.read(LONGEST_LOG)
        except OSError:
            return b""
        self.at += len(news)
        return news
