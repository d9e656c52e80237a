"""A capture's bytes, in chunks: from a file, from a pipe as it grows, and out of gzip or zstd."""

from __future__ import annotations

import os
import select
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from io import BufferedIOBase, RawIOBase
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from tracer.errors import TracerError

CHUNK = 64 << 10  # bytes: few enough to stay near the processor, and to be had from the heap and not the kernel
REFILLED = 256 << 10  # bytes of a buffer that is filled again and again
UNPACKED = 4 << 20
PACKED = 1 << 8  # bytes unpacked at a time: of zstd, four may hold a block of 128 KiB
PATIENCE = 0.25  # seconds without news from a stream until None
GZIP, ZSTD = bytes.fromhex("1f8b"), bytes.fromhex("28b52ffd")

Chunks = Iterator[bytes | None]


def open_file(name: str) -> BinaryIO:
    """An open file of that name; `-` is standard input. Raises `TracerError`."""
    if name == "-":
        import sys

        if sys.stdin.isatty():
            raise TracerError("standard input is a terminal", "tcpdump -U -w - port 5432 | pgtls read -")
        return sys.stdin.buffer
    if not name:
        raise TracerError("the name of the capture is empty")
    try:
        return Path(name).open("rb", buffering=0)
    except FileNotFoundError:
        raise TracerError(f"{name}: no such file", "- reads a capture from standard input") from None
    except IsADirectoryError:
        raise TracerError(
            f"{name} is a folder",
            "name the captures in it, for example *.pcapng",
            f"or all in one table: pgtls audit {name}",
        ) from None
    except OSError as error:
        raise TracerError(f"{name}: {(error.strerror or str(error)).lower()}", "may you read it?") from None


def chunks(file: BinaryIO) -> Chunks:
    """What the file holds, in chunks; None while a pipe has nothing new."""
    regular = _is_regular(file)
    while True:
        if not regular and not select.select([file], [], [], PATIENCE)[0]:
            yield None
            continue
        chunk = os.read(file.fileno(), CHUNK) if not regular else file.read(CHUNK)
        if not chunk:
            return
        yield chunk


def beginning(of: Chunks) -> bytes:
    """Enough to know the format, where there is enough."""
    start = b""
    for chunk in of:
        start += chunk or b""
        if len(start) >= 4:
            break
    return start


def unpacked(name: str, start: bytes, rest: Chunks, problems: list[str]) -> tuple[bytes, Chunks] | None:
    """The beginning and the rest of what gzip or zstd packed; None when neither did.

    Damage goes to `problems` when it is met. Raises `TracerError` for zstd where no library for it is installed.
    """
    if start[:2] == GZIP:
        packed = _unpacked(chain([start], rest), _Members(_gzip), problems)
    elif start[:4] == ZSTD:
        packed = _unpacked(chain([start], rest), _Members(_zstd(name)), problems)
    else:
        return None
    return beginning(packed), packed


class Window:
    """A buffer over the chunks: a walk moves `at` and asks for `more` when a record does not fit."""

    def __init__(self, start: bytes, rest: Chunks) -> None:
        self.buffer: bytes | bytearray = start
        self.at = 0
        self.before = 0  # bytes of the stream in front of the buffer
        self.chunks = rest
        self.ended = False

    def more(self) -> bool:
        """Drop what was walked and read on, as much again as is left or more; whether anything came."""
        left = self.buffer[self.at :]
        came: list[bytes] = []
        size = 0
        while not came or size < len(left):
            chunk = next(self.chunks, b"")
            self.ended = chunk == b"" and not came
            if not chunk:
                break
            came.append(chunk)
            size += len(chunk)
        if not came:
            return False
        self.before += self.at
        self.buffer = b"".join((left, *came))
        self.at = 0
        return True

    def position(self) -> int:
        return self.before + self.at


class Refilled(Window):
    """The same over a file, in one buffer: to have a new one each time takes longer than to walk it."""

    def __init__(self, start: bytes, file: RawIOBase | BufferedIOBase) -> None:
        super().__init__(start, iter(()))
        self.file = file

    def more(self) -> bool:
        rest = self.buffer[self.at :]
        size = max(REFILLED, 2 * len(rest))
        buffer = self.buffer
        if not isinstance(buffer, bytearray) or len(buffer) != size:
            buffer = bytearray(size)
        buffer[: len(rest)] = rest
        with memoryview(buffer)[len(rest) :] as room:
            came = self.file.readinto(room) or 0
        del buffer[len(rest) + came :]  # nothing, but at the file's end
        self.before += self.at
        self.buffer, self.at, self.ended = buffer, 0, not came
        return bool(came)


def window(start: bytes, rest: Chunks, file: BinaryIO | None) -> Window:
    """A window over what begins with `start`: over the `file` itself, where the rest is in there as it is."""
    if isinstance(file, RawIOBase | BufferedIOBase) and _is_regular(file):
        return Refilled(start, file)
    return Window(start, rest)


def _is_regular(file: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except (OSError, ValueError):
        return True  # no descriptor: an in-memory file


def _unpacked(packed: Iterable[bytes | None], members: _Members, problems: list[str]) -> Chunks:
    """What was packed, a bounded piece at a time, up to the damage where there is some."""
    for chunk in packed:
        if not chunk:
            yield None
            continue
        piece = b""
        for at in range(0, len(chunk), PACKED):
            try:
                for part in members.unpack(chunk[at : at + PACKED]):
                    piece += part
            except Exception as error:  # noqa: BLE001 (each library has an error of its own)
                problems.append(f"damaged: its compression ends in an error ({str(error).lower()})")
                break
            if len(piece) >= UNPACKED:
                yield piece
                piece = b""
        if piece:
            yield piece
        if problems:
            return


class _Members:
    """Unpacks what comes: several members may stand behind each other (RFC 1952 §2.2, RFC 8878 §3), and zeros behind them."""

    def __init__(self, begin: Callable[[], Any]) -> None:
        self.begin = begin
        self.member: Any = None

    def unpack(self, data: bytes) -> Iterator[bytes]:
        while data := data if self.member else data.lstrip(b"\0"):
            self.member = self.member or self.begin()
            yield self.member.decompress(data)
            if not self.member.eof:
                return
            data, self.member = self.member.unused_data, None


def _gzip() -> Any:  # noqa: ANN401 (one of zlib's objects)
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _zstd(name: str) -> Callable[[], Any]:
    """What begins to unpack zstd, from whichever library is there."""
    for library in ("compression.zstd", "zstandard"):
        try:
            module = import_module(library)
        except ImportError:
            continue
        return module.ZstdDecompressor if library == "compression.zstd" else module.ZstdDecompressor().decompressobj  # type: ignore[no-any-return]
    raise TracerError(f"{name} is compressed with zstd", f"pip install zstandard, or: zstd -dc {name} | pgtls read -")
