"""A key log that is followed as it grows: its new lines, once each is whole."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from tracer.protocol.keys import LONGEST_LOG, Keys

LONGEST_LINE = 1 << 16  # bytes; what is longer is no line of a key log
KEPT = 50_000  # connections whose secrets are kept


class KeyLog:
    """A file of that name, which may not be there yet. One that is cut or replaced is read anew from its beginning.

    It stays open: one that can be opened now is read on when its name is gone, or is no longer ours to open.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.file: BinaryIO | None = None
        self.at = 0
        self.part = b""  # the beginning of a line that is not whole yet
        self._follow()

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
        self._follow()
        if self.file is None:
            return b""
        try:
            if os.fstat(self.file.fileno()).st_size < self.at:
                self.at, self.part = 0, b""
            self.file.seek(self.at)
            news = self.file.read(LONGEST_LOG)
        except OSError:
            return b""
        self.at += len(news)
        return news

    def _follow(self) -> None:
        """Open what the name names, where that is another file than the one that is open."""
        with suppress(OSError):
            if self.file is not None and os.path.samestat(self.path.stat(), os.fstat(self.file.fileno())):
                return
            file = self.path.open("rb")
            if self.file is not None:
                self.file.close()
            self.file, self.at, self.part = file, 0, b""
