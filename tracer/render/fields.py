"""The fields of a message, each with what it is for, and its bytes: -v and -vv."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracer.glossary import GLOSSARY
from tracer.protocol.fields import Field
from tracer.render.page import Page
from tracer.trace import Message

HEX_BYTES = 512  # of one message
MANY, SOME = 24, 16  # bytes of one value, alone and behind its length
EMPTY = ", empty"
LEGEND = "The number in front of a field is the byte of the message at which it begins."


def fields(page: Page, m: Message, verbose: int) -> None:
    """The fields of a message; with `verbose` 2 its bytes as well. What was explained already is not explained again."""
    if not page.told:
        page.add((" " * 22 + LEGEND, "dim"), indent=22)
    entry = GLOSSARY.get(m.kind)
    if entry and entry not in page.told:
        page.told.add(entry)
        page.add((" " * 22 + f"{entry.what} {entry.why} [{entry.spec}]", "italic"), indent=22)
    for field, value, depth in _shown(m.fields, 0):
        page.add(
            (" " * (22 + 2 * depth) + f"{field.start:>4} ", "dim"),
            (f"{field.name} ", ""),
            (value, "cyan"),
            indent=30 + 2 * depth,
        )
        about = next(filter(None, map(GLOSSARY.get, _keys(m, field))), None)
        if about and about not in page.told:
            page.told.add(about)
            page.add((" " * (29 + 2 * depth) + f"{about.what} {about.why}", "dim"), indent=29 + 2 * depth)
    if verbose > 1:
        _hex(page, m)


def _keys(m: Message, field: Field) -> tuple[str, ...]:
    """Where the glossary may speak of a field, the closest first."""
    return f"{m.kind}.{field.name}", f"{field.name}.{field.text}", field.name


def _shown(fields: Iterable[Field], depth: int) -> Iterator[tuple[Field, str, int]]:
    """The fields, each with its value and its depth. A length that says where its own field ends is part of the value."""
    for field in fields:
        if field.name == "extension" and len(field.parts) == 2:  # its number is its name
            size, parts = _unpacked(field.parts[1])
            value, parts = (field.text, field.parts) if size is None else (field.text + EMPTY * (not size), parts)
        else:
            size, parts = _unpacked(field)
            value = _value(field) if size is None else _sized(field, size, parts)
            parts = () if size is not None and _opaque(parts) else parts
        yield field, value, depth
        yield from _shown(parts, depth + 1)


def _unpacked(field: Field) -> tuple[int | None, tuple[Field, ...]]:
    """The length in front of what a field holds, and the rest; None where it has none, or breaks off before its end."""
    length = field.parts[0] if field.parts else field
    if length.name != "length" or not isinstance(length.value, int) or length.value != field.stop - length.stop:
        return None, field.parts
    return length.value, field.parts[1:]


def _opaque(parts: tuple[Field, ...]) -> bool:
    return all(part.name == "data" for part in parts)


def _sized(field: Field, size: int, parts: tuple[Field, ...]) -> str:
    if field.text:
        return field.text
    if not size:
        return "empty"
    shown = "".join(
        f": {_bytes(part.value, SOME)}" for part in parts if isinstance(part.value, bytes) and _opaque(parts)
    )
    return f"{size:,} byte{'s' * (size > 1)}{shown}"


def _walk(fields: Iterable[Field], depth: int) -> Iterator[tuple[Field, int]]:
    for field in fields:
        yield field, depth
        yield from _walk(field.parts, depth + 1)


def _value(field: Field) -> str:
    if field.secret:
        return f"{field.stop - field.start} bytes withheld"
    if isinstance(field.value, bytes):
        return f"{_bytes(field.value, MANY)} {field.text}".strip()
    if field.value is None:
        return field.text
    if field.text and isinstance(field.value, int):  # a registry's number, as its registry writes it
        return f"0x{field.value:0{2 * (field.stop - field.start)}x} {field.text}"
    return f"{field.value} {field.text}".strip()


def _bytes(value: bytes, most: int) -> str:
    return "0x" + value[:most].hex() + "…" * (len(value) > most)


def _hex(page: Page, m: Message) -> None:
    shown = visible(m)[:HEX_BYTES]
    for at in range(0, len(shown), 16):
        row = shown[at : at + 16]
        page.add((" " * 22 + f"{at:04x}  {row.hex(' ')}", "dim"))
    if m.length > HEX_BYTES:
        page.add((" " * 22 + f"… {m.length - HEX_BYTES:,} bytes more", "dim"))


def visible(m: Message) -> bytes:
    """A message's bytes with those of its secrets blanked out."""
    data = bytearray(m.data)
    for field, _ in _walk(m.fields, 0):
        if field.secret:
            data[field.start : field.stop] = b"*" * (field.stop - field.start)
    return bytes(data)
