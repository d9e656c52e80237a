"""Writing pcapng: interfaces, packets with comments, and keys, as Wireshark opens them.

A file grows by whole blocks only, so that it can be read at any moment and after any end. What cannot be written is one
`TracerError`; where the disk is full the file is cut behind the last whole block. Format: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterable
from typing import BinaryIO, Self

from tracer.errors import TracerError

SECTION, INTERFACE, ENHANCED, SECRETS = 0x0A0D0D0A, 1, 6, 0x0A
NSS_KEY_LOG = 0x544C534B  # §4.7, secrets type
COMMENT, USER_APPLICATION, INTERFACE_NAME, RESOLUTION = 1, 4, 2, 9  # options

LONGEST_OPTION = 0xFFFF  # bytes: its length is a 16 bit number
KEYS_GO = "keys are only written into a file of your own"
HELD_BACK = 1 << 18  # bytes that wait for a flush

# §4.3: type, length, interface, time in two halves, bytes kept, bytes on the wire. At once: live writes 100,000 a second
PACKET, NUMBER = struct.Struct("<7I").pack, struct.Struct("<I").pack
PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")  # to a length's remainder


class Blocks:
    """A file to which whole blocks are written.

    `file` is a path or an open binary file, which stays open. `private` is for a file that will hold keys: nobody else
    may read it from its first byte on. Raises `TracerError`, as each of its methods does.
    """

    def __init__(self, file: str | os.PathLike[str] | BinaryIO, *, private: bool = False) -> None:
        self.ours = isinstance(file, (str, os.PathLike))
        self.name = os.fspath(file) if isinstance(file, (str, os.PathLike)) else str(getattr(file, "name", "output"))
        self.size = 0  # bytes, with those that wait
        self._waiting: list[bytes] = []
        self._held = 0
        self._file = self._opened(file, private) if isinstance(file, (str, os.PathLike)) else file

    def block(self, block: bytes) -> None:
        """A whole block, of any kind."""
        self._waiting.append(block)
        self.size += len(block)
        self._held += len(block)
        if self._held >= HELD_BACK:
            self.flush()

    def flush(self) -> None:
        """Give what waits to the system: a reader sees it, and it survives our own end."""
        waiting, self._waiting, self._held = self._waiting, [], 0
        data = memoryview(b"".join(waiting))
        done = 0
        try:
            while done < len(data):
                done += self._file.write(data[done:]) or 0
            self._file.flush()
        except OSError as error:
            if isinstance(error, BrokenPipeError) and not self.ours:
                raise  # whoever read standard output has had enough: that is no error
            self.size -= len(data)
            self._cut(waiting, done)
            raise self._error(error) from None

    def close(self) -> None:
        """Write what waits; a path that was opened here is closed."""
        try:
            self.flush()
        finally:
            if self.ours:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def make_private(self) -> None:
        """From here on nobody else may open it. Does nothing to a pipe, a device, or a file opened by the caller."""
        if not self.ours:
            return
        try:
            _keep_private(self._file.fileno())
        except OSError as error:
            raise self._error(error, KEYS_GO) from None

    def _opened(self, path: str | os.PathLike[str], private: bool) -> BinaryIO:
        def opener(name: str, flags: int) -> int:
            if not private:
                return os.open(name, flags, 0o666)
            file = os.open(name, flags & ~os.O_TRUNC, 0o600)  # it may have been there before
            try:
                if _keep_private(file):
                    os.ftruncate(file, 0)
            except BaseException:
                os.close(file)
                raise
            return file

        try:
            file: BinaryIO = open(path, "wb", buffering=0, opener=opener)  # noqa: SIM115 (`close` does)
        except OSError as error:
            raise self._error(error, KEYS_GO if private else "") from None
        return file

    def _cut(self, waiting: list[bytes], done: int) -> None:
        """Drop the part of a block that was written last."""
        part = done
        for block in waiting:
            if part < len(block):
                break
            part -= len(block)
        self.size += done - part
        if part and self.ours and self._file.seekable():
            end = self._file.tell() - part
            self._file.truncate(end)
            self._file.seek(end)

    def _error(self, error: OSError, hint: str = "") -> TracerError:
        why = (error.strerror or str(error)).lower()
        where = "what was written before it can be read" if self.size else "name a file in a folder that is yours"
        return TracerError(f"cannot write {self.name}: {why}", hint or where)


class Writer(Blocks):
    """A capture of our own: one section, little-endian."""

    def __init__(self, file: str | os.PathLike[str] | BinaryIO, *, private: bool = False) -> None:
        super().__init__(file, private=private)
        self.interfaces = 0
        head = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)  # §4.1: version 1.0, of no length that is known
        self.block(block(SECTION, head + options([(USER_APPLICATION, b"pgtls")])))

    def interface(self, link: int, *, snaplen: int = 0, digits: int = 6, name: str = "") -> int:
        """An interface of a link type, and its number. Its times count in units of 10 ** -digits seconds."""
        named = [(INTERFACE_NAME, name.encode())] if name else []
        head = struct.pack("<HHI", link, 0, snaplen)
        self.block(block(INTERFACE, head + options([*named, (RESOLUTION, bytes([digits]))])))
        self.interfaces += 1
        return self.interfaces - 1

    def packet(
        self, interface: int, ticks: int, frame: bytes, *, length: int | None = None, comments: Iterable[str] = ()
    ) -> None:
        """A frame, as of `ticks` units of its interface since 1970; `length` is what it had on the wire, when it was cut."""
        size = len(frame)
        after = PADDING[size % 4] + (options((COMMENT, comment(text)) for text in comments) if comments else b"")
        total = 32 + size + len(after)
        length = size if length is None else length
        head = PACKET(ENHANCED, total, interface, ticks >> 32 & 0xFFFFFFFF, ticks & 0xFFFFFFFF, size, length)
        self.block(head + frame + after + NUMBER(total))

    def secrets(self, key_log: bytes) -> None:
        """The lines of an NSS key log. Wireshark opens what stands behind them. Nobody else may read the file from now on."""
        self.make_private()
        self.block(secrets_block(key_log))


def _keep_private(file: int) -> bool:
    """Nobody but its owner may open the file, who is us; whether it is one, and no pipe or device. Raises `OSError`."""
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        return False
    if status.st_uid != os.geteuid():  # root would write there, and its owner read
        raise PermissionError(errno.EPERM, "it is somebody else's")
    os.fchmod(file, 0o600)
    return True


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A block of that kind, in a byte order of `struct` (§3.1)."""
    body = padded(body)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def options(of: Iterable[tuple[int, bytes]], order: str = "<") -> bytes:
    """Options, and their end where there are any (§3.5)."""
    data = b"".join(struct.pack(order + "HH", code, len(value)) + padded(value) for code, value in of)
    return data and data + bytes(4)


def comment(text: str) -> bytes:
    """A comment as an option's value: UTF-8, cut between two characters where it is too long for one."""
    return text.encode("utf-8", "backslashreplace")[:LONGEST_OPTION].decode("utf-8", "ignore").encode()


def secrets_block(key_log: bytes, order: str = "<") -> bytes:
    """A decryption secrets block of an NSS key log (§4.7)."""
    return block(SECRETS, struct.pack(order + "II", NSS_KEY_LOG, len(key_log)) + padded(key_log), order)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
