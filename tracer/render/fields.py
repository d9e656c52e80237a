"""The fields of a message, each with what it is for, and its bytes: -v and -vv."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracer.glossary import GLOSSARY
from tracer.protocol.fields import Field
from tracer.render.page import Page
from tracer.trace import Message

HEX_BYTES = 512  # of one message


def fields(page: Page, m: Message, verbose: int) -> None:
    """The fields of a message; with `verbose` 2 its bytes as well. What was explained already is not explained again."""
    entry = GLOSSARY.get(m.kind)
    if entry and entry not in page.told:
        page.told.add(entry)
        page.add((" " * 22 + f"{entry.what} {entry.why} [{entry.spec}]", "italic"), indent=22)
    for field, depth in walk(m.fields, 0):
        page.add(
            (" " * (22 + 2 * depth) + f"{field.start:>4} ", "dim"),
            (f"{field.name} ", ""),
            (value(field), "cyan"),
            indent=30 + 2 * depth,
        )
        about = next(filter(None, map(GLOSSARY.get, keys(m, field))), None)
        if about and about not in page.told:
            page.told.add(about)
            page.add((" " * (29 + 2 * depth) + f"{about.what} {about.why}", "dim"), indent=29 + 2 * depth)
    if verbose > 1:
        _hex(page, m)


def keys(m: Message, field: Field) -> tuple[str, ...]:
    """Where the glossary may speak of a field, the closest first."""
    return f"{m.kind}.{field.name}", f"{field.name}.{field.text}", field.name


def walk(fields: Iterable[Field], depth: int = 0) -> Iterator[tuple[Field, int]]:
    """Every field with its depth, a parent before its parts."""
    for field in fields:
        yield field, depth
        yield from walk(field.parts, depth + 1)


def value(field: Field) -> str:
    """A field's value in one line."""
    if field.secret:
        return f"{field.stop - field.start} bytes withheld"
    if isinstance(field.value, bytes):
        shown = "0x" + field.value[:24].hex() + ("…" if len(field.value) > 24 else "")
        return f"{shown} {field.text}".strip()
    if field.value is None:
        return field.text
    if field.text and isinstance(field.value, int):  # a registry's number, as its registry writes it
        return f"0x{field.value:0{2 * (field.stop - field.start)}x} {field.text}"
    return f"{field.value} {field.text}".strip()


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
    for field, _ in walk(m.fields, 0):
        if field.secret:
            data[field.start : field.stop] = b"*" * (field.stop - field.start)
    return bytes(data)
