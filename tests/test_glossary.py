"""The prose covers what can be seen, and nothing else.

The readers of `tracer/protocol` are walked: every function that takes a `Reader`, every name that it can give a field.
A name that the walk cannot tell is a failure, too.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import tracer
from tracer import tls
from tracer.glossary import GLOSSARY, SECTIONS
from tracer.protocol import extensions, fields, handshake, numbers, postgres
from tracer.protocol.fields import Field, Reader

CHECKOUT = Path(__file__).resolve().parent.parent
MODULES = (handshake, extensions, postgres)
NAMING = {
    "uint",
    "uints",
    "bytes",
    "rest",
    "secret",
    "string",
    "opaque",
    "vector",
    "struct",
}  # methods that name a field
OF_ITSELF = {"length", "data", "unread"}  # what `Reader` and `parse` name by themselves


# WALKING THE READERS


def readers() -> Iterator[tuple[ModuleType, FunctionType]]:
    """Every function of the protocol that takes a `Reader`, those inside others with them."""
    for module in MODULES:
        for function in vars(module).values():
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                yield module, function


def given_names(module: ModuleType, function: FunctionType) -> Iterator[str]:
    """The names that a function can give to fields."""
    tree = ast.parse(inspect.getsource(function))
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and _is_reader(call.func.value):
            assert call.func.attr in NAMING | {"again", "left", "end", "describe"}, (
                f"{call.func.attr} is new: does it name a field?"
            )
            if call.func.attr in NAMING:
                yield from _strings(module, tree, call.args[0])


def _is_reader(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "r"


def _strings(module: ModuleType, tree: ast.AST, node: ast.expr) -> list[str]:
    """The strings that an expression can be: a constant, one of two, a table's values and its default, a loop's items."""
    if isinstance(node, ast.Constant):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*_strings(module, tree, node.body), *_strings(module, tree, node.orelse)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        table = getattr(module, ast.unparse(node.func.value))
        return [*table.values(), *_strings(module, tree, node.args[1])]
    if isinstance(node, ast.Name):
        loops = [loop for loop in ast.walk(tree) if isinstance(loop, ast.comprehension | ast.For)]
        items = next(loop.iter for loop in loops if ast.unparse(loop.target) == node.id)
        assert isinstance(items, ast.Tuple), f"what is {node.id}?"
        return [string for item in items.elts for string in _strings(module, tree, item)]
    raise AssertionError(f"the walk cannot tell what {ast.unparse(node)} can be")


FIELDS = sorted({name for module, function in readers() for name in given_names(module, function)} | OF_ITSELF)


def kinds() -> set[str]:
    """Every kind of message that the tables know."""
    server = {name for name, _ in postgres.SERVER.values() if name}
    responses = {name for name, _ in postgres.RESPONSES.values()}
    frames = {*postgres.SERVER_SESSION.values(), *postgres.CLIENT_SESSION.values(), *postgres.REQUESTS}
    logins = {f"Authentication{kind}" for kind in numbers.AUTHENTICATION_KINDS.values()}
    messages = {*numbers.HANDSHAKE_TYPES.values(), *(kind for kind, _ in handshake.READERS)}
    records = {kind for kind, _ in tls.CLEAR.values()}
    return server | responses | frames | logins | messages | records | literal_kinds()


READ_EXTENSIONS = sorted({numbers.EXTENSIONS[number] for _, number in extensions.READERS})


def literal_kinds() -> set[str]:
    """The kinds that code names without a table: what stands first in a call that makes a draft or a frame."""
    made = r'(?:take|clear|draft|_draft|Frame|Draft)\(\s*"(\w+)"'
    code = "".join(
        (CHECKOUT / "tracer" / name).read_text()
        for name in ("sides.py", "speech.py", "tls.py", "trace.py", "preamble.py", "protocol/postgres.py")
    )
    answers = set(re.findall(r'"((?:SSL|GSSENC)Response)"', code))
    return set(re.findall(made, code)) | answers


def names(fields: tuple[Field, ...]) -> Iterator[str]:
    for field in fields:
        yield field.name
        yield from names(field.parts)


# THE TESTS


def test_the_walk_finds_what_it_should() -> None:
    """Names that stand in a call, in a table, in a condition, in a loop; and kinds from each table."""
    assert len(FIELDS) > 130
    assert {"legacy_version", "iterations", "channel_binding", "challenge_length", "secret_key", "payload"} < set(
        FIELDS
    )
    assert {"AuthenticationGSS", "PortalSuspended", "SSLv2ClientHello", "UnencryptedData", "Unread", "Sealed"} < kinds()


def test_every_naming_method_is_walked() -> None:
    """A new method of `Reader` that makes a field would escape the walk."""
    makes = {
        name
        for name, method in vars(Reader).items()
        if inspect.isfunction(method) and "name" in inspect.signature(method).parameters and not name.startswith("_")
    }
    assert makes - {"end", "length"} == NAMING  # a length is one of those that name themselves
    assert set(re.findall(r'"(\w+)"', inspect.getsource(fields))) >= OF_ITSELF


def test_every_table_leads_to_a_function_that_is_walked() -> None:
    """The readers in the tables are those of the walk."""
    walked = {function for _, function in readers()}
    tables = [*handshake.READERS.values(), *handshake.READERS_BEFORE_12.values(), *extensions.READERS.values()]
    tables += [
        *postgres.REQUESTS.values(),
        *(read for _, read in (*postgres.SERVER.values(), *postgres.RESPONSES.values())),
    ]
    tables += [step for _, on_server, on_client in handshake.KEY_EXCHANGES for step in (*on_server, *on_client)]
    assert len(tables) > 70
    assert [read for read in tables if read not in walked] == []


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_explained(name: str) -> None:
    """Each name that a reader gives, whatever the message."""
    assert name in GLOSSARY


@pytest.mark.parametrize("name", READ_EXTENSIONS)
def test_every_extension_that_is_read_is_explained(name: str) -> None:
    """By its own name, beside the names of its fields."""
    assert f"extension.{name}" in GLOSSARY


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_message_is_explained(kind: str) -> None:
    """Each kind of the tables."""
    assert kind in GLOSSARY


@pytest.mark.parametrize("story", sorted(CHECKOUT.glob("captures/*/capture.pcapng")), ids=lambda path: path.parent.name)
def test_everything_in_a_story_is_explained(story: Path) -> None:
    """Each message and each field that a story shows has its entry."""
    source = tracer.read(story)
    for connection in tracer.reassemble(source):
        for message in tracer.follow(connection, source.keys).messages:
            assert message.kind in GLOSSARY
            for name in names(message.fields):
                assert f"{message.kind}.{name}" in GLOSSARY or name in GLOSSARY, f"{message.kind}.{name}"


@pytest.mark.parametrize("key", GLOSSARY)
def test_an_entry_is_whole(key: str) -> None:
    """What, why and where, in sentences, short enough for a line or two."""
    entry = GLOSSARY[key]
    assert entry.what.endswith(".")
    assert entry.why.endswith(".")
    assert re.match(r"RFC \d+ §|PostgreSQL: |CVE-|pgtls$", entry.spec)
    assert len(entry.what) + len(entry.why) < 260


@pytest.mark.parametrize("key", GLOSSARY)
def test_no_entry_is_about_nothing(key: str) -> None:
    """Each key is a kind, a field, a field of a kind, or an extension."""
    kind, _, name = key.rpartition(".")
    if kind == "extension":
        assert name in numbers.EXTENSIONS.values()
    else:
        assert (name in FIELDS and kind in kinds()) if kind else key in FIELDS or key in kinds()


def test_no_key_stands_in_two_sections() -> None:
    """The sections make one glossary."""
    assert sum(len(section) for section in SECTIONS.values()) == len(GLOSSARY)
