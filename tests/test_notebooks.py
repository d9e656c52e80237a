"""The notebooks run from their first cell to their last, on the captures alone, and are easy to read."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import tracer
from tests.render.test_json import valid

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
LONGEST_CELL = 5
BESIDES = {
    "dataclasses",
    "json",
    "pathlib",
    "subprocess",
    "sys",
    "tempfile",
    "duckdb",
}  # duckdb holds what an audit wrote

EVERY = pytest.mark.parametrize("name", NAMES)


def code(name: str) -> Iterator[str]:
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    return (cell.source for cell in notebook.cells if cell.cell_type == "code")


@EVERY
def test_every_cell_runs(name: str) -> None:
    """No cell raises, and the last one shows something."""
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    assert notebook.cells[-1].cell_type == "code"
    assert notebook.cells[-1].outputs


@EVERY
def test_cells_are_short(name: str) -> None:
    """A cell is one thought; outputs are not kept, so that none can be old."""
    assert [source for source in code(name) if len(source.splitlines()) > LONGEST_CELL] == []
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)


@EVERY
def test_names_are_public(name: str) -> None:
    """Of tracer what is in `__all__`, and nothing that begins with an underscore."""
    assert not (found := sorted(private("\n".join(code(name))))), found


def private(text: str) -> Iterator[str]:
    """What a notebook should not use."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            ours = isinstance(node.value, ast.Name) and node.value.id == "tracer"
            if node.attr.startswith("_") or (ours and node.attr not in tracer.__all__):
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            if node.module == "tracer":
                yield from (alias.name for alias in node.names if alias.name not in tracer.__all__)
            elif node.module not in BESIDES:
                yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name not in BESIDES | {"tracer"})


@pytest.mark.parametrize(
    "text",
    [
        "import tracer.cost",
        "from tracer.cost import cost",
        "from tracer import cost",
        "tracer.conninfo",
        "tracer.table.__wrapped__",
        "import pandas",
    ],
)
def test_a_private_name_is_found(text: str) -> None:
    """Each of the ways to get at one."""
    assert list(private(text))


def test_the_readme_has_all_of_them() -> None:
    """A notebook that nobody finds is none."""
    readme = (NOTEBOOKS.parent / "README.md").read_text()
    assert set(re.findall(r"notebooks/([\w-]+\.ipynb)", readme)) == set(NAMES)


def well_made(data: dict[str, object]) -> None:
    """What the last notebook reads."""
    cost, queries = data["cost"], data["queries"]
    assert isinstance(cost, dict)
    assert isinstance(queries, list)
    for rows in cost.values():
        valid({"schema": 1, "tool": {"name": "pgtls", "version": "0"}, "server": "", "rows": rows}, "measured")
        turns = {(row["sslmode"], row["tls"], row["sslnegotiation"]): row["round_trips"] for row in rows}
        assert turns["disable", None, "postgres"] == 2
        assert turns["verify-full", "TLS 1.3", "postgres"] == turns["require", "TLS 1.3", "postgres"] == 4
        assert turns["verify-full", "TLS 1.3", "direct"] == 3
    assert len(queries) == 12
    assert all(row["seconds"] > 0 for row in queries)


def test_what_was_measured() -> None:
    """The turns that the text tells of are those of the data."""
    well_made(json.loads((NOTEBOOKS / "data" / "cost.json").read_text()))


@pytest.mark.needs("initdb-18")
def test_measuring(tmp_path: Path) -> None:
    """The script runs, and what it writes is the same kind of thing."""
    found = tmp_path / "cost.json"
    command = [sys.executable, str(NOTEBOOKS / "measure.py"), "--repeat", "1", "--into", str(found)]
    subprocess.run(command, check=True, timeout=300)
    well_made(json.loads(found.read_text()))
