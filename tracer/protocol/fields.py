"""Reading bytes and remembering where they were.

A message is read by a function that takes a `Reader` and calls `uint`, `bytes`, `opaque`, `vector` and `struct` in wire
order, with the RFC's own names. Each call leaves a `Field` behind. The leaves of the fields of a message tile its bytes:
lengths are leaves too, and what could not be read stays behind as one leaf named `unread`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from typing import NamedTuple

Value = int | bytes | str | None
Bytes = bytes  # inside Reader the name is a method's


class Malformed(ValueError):
    """Bytes that are not what the specification says; names the field and its offset. Stays inside the core."""

    def __init__(self, field: str, offset: int, because: str) -> None:
        super().__init__(f"{field} at byte {offset}: {because}")
        self.field = field
        self.offset = offset


class Field(NamedTuple):
    """One field of a message: `start` and `stop` are offsets into the message's bytes.

    `text` says what the value is called, where a registry names it. A `secret` field keeps its place but not its value.
    """

    name: str
    start: int
    stop: int
    value: Value = None
    text: str = ""
    parts: tuple[Field, ...] = ()
    secret: bool = False


class Fields(tuple[Field, ...]):  # noqa: SLOT001 (it has what was found so far)
    """The fields of a whole message; those of a name are found at once."""

    @cached_property
    def named(self) -> dict[str, list[Field]]:
        """All fields by name, at any depth, in order."""
        found: dict[str, list[Field]] = {}
        _name(self, found)
        return found


def _name(fields: Iterable[Field], found: dict[str, list[Field]]) -> None:
    for field in fields:
        name = field[0]
        if name in found:
            found[name].append(field)
        else:
            found[name] = [field]
        if field[5]:
            _name(field[5], found)


class Reader:
    """A cursor over bytes that records a `Field` for everything it reads. Raises `Malformed` and nothing else."""

    def __init__(self, data: Bytes, start: int = 0, stop: int | None = None) -> None:
        self.data = data
        self.at = start
        self.stop = len(data) if stop is None else stop
        self.fields: list[Field] = []

    def __bool__(self) -> bool:
        return self.at < self.stop

    def left(self) -> int:
        """Bytes left in the window."""
        return self.stop - self.at

    def uint(self, name: str, size: int, names: Mapping[int, str] | None = None) -> int:
        """An unsigned integer of `size` bytes in network order, named by the registry `names` where one is given."""
        start, stop = self.at, self.at + size
        if stop > self.stop:
            self._take(name, size)  # raises
        value = int.from_bytes(self.data[start:stop], "big")
        text = "" if names is None else names.get(value) or registered(names, value, size)
        self.fields.append(Field(name, start, stop, value, text))
        self.at = stop
        return value

    def uints(self, name: str, size: int, names: Mapping[int, str]) -> None:
        """Unsigned integers of `size` bytes up to the window's end: a list is long, and each client has its own."""
        data, add = self.data, self.fields.append
        for at in range(self.at, self.stop - size + 1, size):
            value = int.from_bytes(data[at : at + size], "big")
            add(Field(name, at, at + size, value, names.get(value) or registered(names, value, size)))
        self.at += self.left() // size * size
        if self:
            self.uint(name, size)

    def bytes(self, name: str, length: int, text: str = "") -> Bytes:
        """`length` bytes as they are."""
        value = self._take(name, length)
        self.fields.append(Field(name, self.at - length, self.at, value, text))
        return value

    def rest(self, name: str, text: str = "") -> Bytes:
        """What is left of the window, as it is."""
        return self.bytes(name, self.left(), text)

    def secret(self, name: str, length: int) -> Bytes:
        """`length` bytes that nobody should see printed: a password, a hash, a proof."""
        value = self._take(name, length)
        self.fields.append(Field(name, self.at - length, self.at, None, "withheld", secret=True))
        return value

    def string(self, name: str) -> str:
        """Text up to its NUL. The NUL belongs to the field."""
        end = self.data.find(b"\0", self.at, self.stop)
        if end < 0:
            raise Malformed(name, self.at, "text without its closing NUL")
        value = self.data[self.at : end].decode("utf-8", "backslashreplace")
        self.fields.append(Field(name, self.at, end + 1, value))
        self.at = end + 1
        return value

    def length(self, name: str, size: int) -> int:
        """The length in front of a vector of that name."""
        length = self.uint("length", size)
        if length > self.left():
            raise Malformed(name, self.at - size, f"says {length} bytes, {self.left()} are there")
        return length

    def opaque(self, name: str, size: int, text: Callable[[Bytes], str] | None = None) -> Bytes:
        """Bytes behind a length of `size` bytes; `text` may say what they mean."""
        start, begins = self.at, self.at + size
        length = int.from_bytes(self.data[start:begins], "big")
        stop = begins + length
        if stop > self.stop:
            self.vector(name, size).__enter__()  # raises, and leaves behind what is there
        value = self.data[begins:stop]
        parts = (Field("length", start, begins, length), Field("data", begins, stop, value))
        self.fields.append(Field(name, start, stop, None, "" if text is None else text(value), parts))
        self.at = stop
        return value

    def vector(self, name: str, size: int) -> _Vector:
        """A length of `size` bytes, then a window of that length which the body must use up."""
        return _Vector(self, name, size)

    def struct(self, name: str, text: str = "") -> _Struct:
        """Fields that belong together under one name. Keeps what was read when the body fails."""
        return _Struct(self, name, text)

    def again(self, length: int, read: Callable[..., None], *words: str) -> None:
        """One field of that many bytes, as `read` reads it: remembered, for who comes back says most again, in the same places."""
        if length <= min(self.left(), REMEMBERED_FIELD):
            with suppress(Malformed):
                self.fields.append(_again(read, self.at, self.data[self.at : self.at + length], *words))
                self.at += length
                return
        read(self, *words)

    def end(self, name: str = "message") -> None:
        """Insist that the window is used up."""
        if self.at != self.stop:
            raise Malformed(name, self.at, f"{self.stop - self.at} bytes left over")

    def describe(self, text: str) -> None:
        """Say what the field read last means."""
        last = self.fields[-1]
        self.fields[-1] = Field(last.name, last.start, last.stop, last.value, text, last.parts, last.secret)

    def _take(self, name: str, length: int) -> Bytes:
        if length > self.stop - self.at:
            raise Malformed(name, self.at, f"needs {length} bytes, {self.stop - self.at} are there")
        start = self.at
        self.at += length
        return self.data[start : self.at]


class _Struct:
    """What `Reader.struct` enters. A class, since a generator in its place takes twice as long."""

    __slots__ = ("name", "outer", "reader", "start", "text")

    def __init__(self, reader: Reader, name: str, text: str) -> None:
        self.reader, self.name, self.text = reader, name, text

    def __enter__(self) -> None:
        reader = self.reader
        self.outer, self.start = reader.fields, reader.at
        reader.fields = []

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        reader = self.reader
        self.outer.append(Field(self.name, self.start, reader.at, None, self.text, tuple(reader.fields)))
        reader.fields = self.outer


class _Vector:
    """What `Reader.vector` enters."""

    __slots__ = ("name", "size", "stop", "struct")

    def __init__(self, reader: Reader, name: str, size: int) -> None:
        self.struct, self.name, self.size = _Struct(reader, name, ""), name, size

    def __enter__(self) -> int:
        reader = self.struct.reader
        self.struct.__enter__()
        try:
            length = reader.length(self.name, self.size)
        except Malformed:
            self.struct.leave()
            raise
        self.stop, reader.stop = reader.stop, reader.at + length
        return length

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        reader = self.struct.reader
        try:
            if kind is None:
                reader.end(self.name)
                reader.stop = self.stop
        finally:
            self.struct.leave()


REMEMBERED_FIELD = 1 << 10  # bytes: what is longer is no browser's and no driver's


@lru_cache(512)
def _again(read: Callable[..., None], at: int, data: bytes, *words: str) -> Field:
    reader = Reader(bytes(at) + data, at)
    read(reader, *words)
    return reader.fields[0]


Parsed = tuple[Fields, str | None]


def parse(read: Callable[[Reader], None], data: bytes, captured: int | None = None) -> Parsed:
    """Read a whole message with `read`: its fields and, when its bytes are not what they should be, the problem.

    `captured` is how many of the bytes were really seen when packets were lost; nothing behind it is read. Never raises.
    """
    return (_remembered if len(data) <= REMEMBERED_BYTES else _parse)(read, data, captured)


def _parse(read: Callable[[Reader], None], data: bytes, captured: int | None) -> Parsed:
    reader = Reader(data, 0, len(data) if captured is None else captured)
    problem = None
    try:
        read(reader)
        reader.end()
        if reader.at < len(data):
            problem = f"bytes {reader.at} to {len(data)} were not captured"
    except Malformed as malformed:
        problem = str(malformed)
    if reader.at < len(data):
        reader.fields.append(Field("unread", reader.at, len(data), data[reader.at :]))
    return Fields(reader.fields), problem


# A hello is read once for what it settles and once to be shown; and a server says much the same to everybody.
REMEMBERED, REMEMBERED_BYTES = 512, 1 << 14
_remembered = lru_cache(REMEMBERED)(_parse)


def registered(names: Mapping[int, str], value: int, size: int) -> str:
    """The registry's name of a value; GREASE values (RFC 8701 §2) and unknown ones are called that."""
    if value in names:
        return names[value]
    if size == 2 and value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF:
        return f"GREASE 0x{value:04x}"
    return f"unknown 0x{value:0{2 * size}x}"


def leaves(fields: tuple[Field, ...]) -> Iterator[Field]:
    """The fields without parts, in the order of their bytes."""
    for field in fields:
        if field.parts:
            yield from leaves(field.parts)
        else:
            yield field


def every(fields: tuple[Field, ...], name: str) -> Iterable[Field]:
    """All fields of that name, at any depth, in order."""
    if not isinstance(fields, Fields):
        fields = Fields(fields)
    return fields.named.get(name, ())


def first(fields: tuple[Field, ...], name: str) -> Field | None:
    """The first field of that name, at any depth."""
    return next(iter(every(fields, name)), None)


def content(field: Field | None) -> bytes:
    """The bytes of an `opaque` field behind its length; nothing where the field is missing or broken."""
    if field is None or len(field.parts) < 2:
        return b""
    value = field.parts[1].value
    return value if isinstance(value, bytes) else b""


def number(field: Field | None) -> int | None:
    """The value of a `uint` field."""
    return field.value if field is not None and isinstance(field.value, int) else None
