"""The README and the documents are true: every example is run, every table is held against what it describes."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tracer import cli
from tracer.findings import endings

CHECKOUT = Path(__file__).resolve().parent.parent
REFERENCE = (CHECKOUT / "docs" / "reference.md").read_text()
SCHEMA = json.loads((CHECKOUT / "tracer" / "render" / "schema.json").read_text())["$defs"]


def load() -> Any:
    """docs/make.py as a module."""
    spec = importlib.util.spec_from_file_location("make", CHECKOUT / "docs" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make = load()
DOCUMENTS = pytest.mark.parametrize("path", make.DOCUMENTS, ids=lambda path: path.name)


@DOCUMENTS
def test_examples_and_tables_are_up_to_date(path: Path) -> None:
    """Run anew, every example prints what stands there, and every table is as it was made: else `python docs/make.py`."""
    text = path.read_text()
    assert make.fresh(text) == text


@DOCUMENTS
def test_every_link_leads_somewhere(path: Path) -> None:
    """To a file, and to a heading of it. Where other people's pages lead nobody asks: no test leaves this machine."""
    for target in re.findall(r"\]\((?!https://)([^)\s]+)\)", path.read_text()):
        name, _, heading = target.partition("#")
        file = path.parent / name if name else path
        assert file.exists(), target
        assert not heading or heading in anchors(file.read_text()), target


def anchors(text: str) -> set[str]:
    """The headings of a document, as GitHub links to them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@DOCUMENTS
def test_nothing_is_too_wide_for_a_screen(path: Path) -> None:
    """Prose is broken at 130 characters; tables, headings, links and what programs print are as long as they are."""
    prose = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    assert [line for line in prose.splitlines() if len(line) > 130 and line[:1] not in "|#"] == []


def test_an_example_that_is_not_true_is_found() -> None:
    """A word that a program does not print, an option that it does not have, a command that goes on in the next line."""
    wrong = "```console\n$ pgtls \\\n    --version\npgtls 99\n```\n\n```python\nprint(1)\n```\n\n```text\n2\n```\n"
    right = make.fresh(wrong)
    assert right != wrong
    assert "$ pgtls \\\n    --version\npgtls " in right
    assert right.endswith("```text\n1\n```\n")


@DOCUMENTS
def test_no_example_is_a_slip(path: Path) -> None:
    """A command that was not understood is up to date, too, and shows nothing."""
    examples = "".join(make.CONSOLE.findall(path.read_text()))
    assert "pgtls: error" not in examples
    assert not re.search(r"\\\n(?!    )", examples)


def test_what_psql_printed_in_the_tutorial() -> None:
    """The text is that of the story's real client."""
    tutorial = (CHECKOUT / "docs" / "tutorial.md").read_text()
    case = tomllib.loads((CHECKOUT / "captures" / "wrong-root" / "case.toml").read_text())
    assert f"failed: {case['expect']['prints']}\n" in tutorial


def test_every_command_and_option_is_in_the_reference() -> None:
    """With its help: an option without one is a failure."""
    for name, parser, what in make.subcommands():
        assert what
        assert f"### `pgtls {name}" in REFERENCE
        for action in parser._actions:
            assert action.help or action.choices, action.dest
            assert all(f"`{flag}" in REFERENCE for flag in action.option_strings if action.dest != "help")
    assert cli.EXAMPLES.startswith("examples:")


# THE JSON DOCUMENT


def rows(heading: str) -> dict[str, str]:
    """The table below a heading: each key with its row."""
    section = REFERENCE.partition(f"\n{heading}\n")[2]
    table = re.split(r"\n#", section)[0]
    found = {}
    for line in table.splitlines():
        if line.startswith("| `"):
            for key in re.findall(r"`(\w+)`", line.split("|")[1]):
                found[key] = line
    return found


def properties(*paths: str) -> dict[str, Any]:
    """The properties of objects of the schema, together."""
    found: dict[str, Any] = {}
    for path in paths:
        name, *inner = path.split(".")
        at = SCHEMA[name]
        for key in inner:
            at = at["properties"][key]
            at = next((one for one in at.get("anyOf", []) if "properties" in one), at)
            at = at.get("items", at)
        found |= at["properties"]
    return found


@pytest.mark.parametrize(
    ("heading", "paths"),
    [
        ("### The document, and the summary of ndjson", ("document", "summary")),
        ("### A connection", ("connection",)),
        ("### `tls`", ("connection.tls",)),
        ("### A message", ("message",)),
        ("### A certificate", ("certificate",)),
        ("### `outcome`", ("connection.outcome",)),
        ("### A verdict", ("verdict",)),
        ("### A check", ("check",)),
        ("### A finding", ("together", "connection.findings")),
        ("### `cost` and captures", ("connection.cost", "capture")),
    ],
)
def test_every_key_is_in_the_reference(heading: str, paths: tuple[str, ...]) -> None:
    """Each key of the schema has its row, each row its key; and a row names every value that the key can have."""
    table, keys = rows(heading), properties(*paths)
    assert set(table) == set(keys)
    for key, schema in keys.items():
        for value in schema.get("enum", ()):
            assert not isinstance(value, str) or f"`{value}`" in table[key] or key in OTHERWISE, (key, value)


OTHERWISE = {"client", "sslmode"}  # whose values stand elsewhere in the page


# FINDINGS


def kinds() -> Iterator[str]:
    """Every kind of finding that the code can make."""
    for path in (CHECKOUT / "tracer" / "findings").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) == "Finding"
                and isinstance(node.args[0], ast.Constant)
            ):
                yield node.args[0].value
    yield from (kind for kind, _, _ in endings.SERVER_ALERTS.values())


def test_every_finding_is_in_the_reference() -> None:
    """Each kind has its row, and each row is of a kind."""
    assert set(rows("## Findings")) == set(kinds())
