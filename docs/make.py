"""`python docs/make.py` brings the documents up to date; tests/test_docs.py fails while they are not.

Four kinds of text are made, everything else is written by hand:

* what stands behind the `$ ` lines of a ```console block is what these commands print, run in the checkout;
* a ```text block right behind a ```python block is what that Python prints;
* one right behind a ```sql block is what that gives, asked of an audit of a few stories;
* what stands between `<!-- NAME -->` and `<!-- end -->` is what the function of that name in `PARTS` gives.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

import tracer  # noqa: E402
from tracer import audit as auditing  # noqa: E402
from tracer import cli  # noqa: E402
from tracer.frames import COLUMNS  # noqa: E402
from tracer.glossary import SECTIONS  # noqa: E402
from tracer.places import Place  # noqa: E402
from tracer.render.page import Page  # noqa: E402
from tracer.render.summary import summary as summary_screen  # noqa: E402
from tracer.report import report  # noqa: E402
from tracer.summary import summary  # noqa: E402
from tracer.tables import Tables  # noqa: E402

DOCUMENTS = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]

CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
PYTHON = re.compile(r"```python\n(.*?)```(\n\n```text\n)?(?(2)(.*?)```)", re.DOTALL)
SQL = re.compile(r"```sql\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
PART = re.compile(r"<!-- ([a-z]+) -->\n(.*?)<!-- end -->", re.DOTALL)


def fresh(text: str) -> str:
    """The text of a document as it should be."""
    text = PART.sub(lambda m: f"<!-- {m[1]} -->\n{PARTS[m[1]]()}<!-- end -->", text)
    text = CONSOLE.sub(lambda m: f"```console\n{console(m[1])}```", text)
    text = SQL.sub(lambda m: f"```sql\n{m[1]}```\n\n```text\n{answered(m[1])}```", text)
    return PYTHON.sub(lambda m: f"```python\n{m[1]}```" + (f"{m[2]}{printed(m[1])}```" if m[2] else ""), text)


# EXAMPLES


def console(block: str) -> str:
    """The commands of a block, each with what it prints. A command goes on behind a backslash."""
    commands = re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.MULTILINE)
    return "\n".join(f"$ {command}\n{said(command).rstrip()}\n" for command in commands)


def said(command: str) -> str:
    """What a shell prints for a command, in the checkout, with this tree's pgtls."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "pgtls"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tracer "$@"\n')
        program.chmod(0o755)
        path = os.pathsep.join([folder, str(Path(sys.executable).parent), os.environ["PATH"]])
        plain = {"PATH": path, "PYTHONPATH": str(CHECKOUT), "HOME": folder, "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            ["sh", "-c", f"{command}\n"], cwd=CHECKOUT, env=plain, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )  # fmt: skip
    return done.stdout.decode()


def printed(code: str) -> str:
    """What a piece of Python prints, run in the checkout."""
    out = io.StringIO()
    with contextlib.chdir(CHECKOUT), contextlib.redirect_stdout(out):
        exec(compile(code, "example", "exec"), {"__name__": "example"})  # noqa: S102
    return out.getvalue()


# THE AUDIT


@cache
def stories() -> Tables:
    """An audit of a few stories, in memory."""
    tables = Tables(None)
    for name in AUDITED:
        path = f"captures/{name}/capture.pcapng"
        with contextlib.chdir(CHECKOUT):
            found = auditing.audit(
                tracer.read(path), lambda trace: report(trace, tracer.Trust(time=trace.time), asked=False)
            )
        tables.add([(Place(path, 0, ""), found)])
    return tables


def answered(query: str) -> str:
    """What a query gives, its columns under each other."""
    columns, rows = stories().rows(query, {})
    cells = [columns, *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:], ""])


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value)


def audited() -> str:
    """The summary of that audit."""
    page = Page(110, color=False)
    summary_screen(page, summary(stories(), datetime(2027, 10, 1, tzinfo=UTC)))
    return f"```text\n$ pgtls audit --summary audit.duckdb --at 2027-10-01\n{page.text()}```\n"


def row_columns() -> str:
    """What the columns of `connections` are, from the table that fills them."""
    rows = "".join(f"| `{c.name}` | {c.type} | {c.what} |\n" for c in auditing.COLUMNS)
    return f"| column | type | what it says |\n|---|---|---|\n{rows}"


# THE REFERENCE


def commands() -> str:
    """Every command with the options that it has to itself, from the parser."""
    return "".join(_command(name, parser, what) for name, parser, what in subcommands())


def subcommands() -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    action = next(a for a in cli._parser(cli.COMMANDS)._actions if isinstance(a, argparse._SubParsersAction))
    for choice in action._choices_actions:
        yield choice.dest, action.choices[choice.dest], choice.help or ""


def _command(name: str, parser: argparse.ArgumentParser, what: str) -> str:
    own = [
        a
        for group in parser._action_groups
        if group.title in UNTITLED
        for a in group._group_actions
        if a.dest != "help"
    ]
    usage = " ".join(_usage(action) for action in own)
    text = f"### `pgtls {name}{' ' + usage if usage else ''}`\n\n{what[0].upper()}{what[1:]}.\n\n"
    return text + _options(own) if own else text


def options() -> str:
    """The options that commands have in common, by the parsers' own groups; which commands, where it is not all."""
    groups: dict[str, dict[str, argparse.Action]] = {}
    for _, parser, _ in subcommands():
        for group in parser._action_groups:
            if group.title not in UNTITLED:
                known = groups.setdefault(group.title or "", {})
                known.update({a.dest: a for a in group._group_actions if a.dest not in known})
    return "".join(
        f"#### {title[0].upper()}{title[1:]}\n\n{_options(list(found.values()))}" for title, found in groups.items()
    )


def _only(action: argparse.Action) -> str:
    """The commands that have an option, where it is not all of them."""
    has = {name: any(a.dest == action.dest for a in parser._actions) for name, parser, _ in subcommands()}
    own = action.container.title in UNTITLED
    return "" if own or all(has.values()) else "with " + ", ".join(f"`{name}`" for name, yes in has.items() if yes)


def _usage(action: argparse.Action) -> str:
    if action.option_strings:
        value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
        return f"[{action.option_strings[0]}{value}]"
    return f"{action.metavar or action.dest.upper()}{'…' if action.nargs == '+' else ''}"


def _options(actions: list[argparse.Action]) -> str:
    rows = "".join(f"| {_flag(action)} | {_meaning(action)} |\n" for action in actions)
    return f"| option | what it says |\n|---|---|\n{rows}\n"


def _flag(action: argparse.Action) -> str:
    value = f" {action.metavar or action.dest.upper()}" if action.nargs != 0 and action.choices is None else ""
    flags = ", ".join(f"`{flag}{value}`" for flag in action.option_strings)
    return flags or f"`{action.metavar or action.dest.upper()}`"


def _meaning(action: argparse.Action) -> str:
    choices = ", ".join(f"`{choice}`" for choice in action.choices or ())
    default = f" (default `{action.default}`)" if choices and action.default else ""
    return "; ".join(
        part for part in (action.help or "", choices and f"one of {choices}{default}", _only(action)) if part
    )


def python() -> str:
    """The public names, with their signatures or fields, from the package itself."""
    verbs = [name for name in tracer.__all__ if inspect.isfunction(getattr(tracer, name))]
    values = [name for name in tracer.__all__ if inspect.isclass(getattr(tracer, name))]
    rest = [name for name in tracer.__all__ if name not in verbs and name not in values]
    text = "| function | gives |\n|---|---|\n"
    text += "".join(f"| `{_signature(name)}` | {_first(getattr(tracer, name))} |\n" for name in verbs)
    text += "\n| value | is | holds |\n|---|---|---|\n"
    text += "".join(
        f"| `{name}` | {_first(getattr(tracer, name))} | {_holds(getattr(tracer, name))} |\n" for name in values
    )
    return text + f"\nBesides: {', '.join(f'`tracer.{name}`' for name in rest)}.\n"


def _signature(name: str) -> str:
    parameters = inspect.signature(getattr(tracer, name)).parameters.values()
    shown = [str(p.replace(annotation=p.empty)).replace("<Unknown.UNKNOWN: 'unknown'>", "UNKNOWN") for p in parameters]
    keyword = next((at for at, p in enumerate(parameters) if p.kind is p.KEYWORD_ONLY), None)
    if keyword is not None:
        shown.insert(keyword, "*")
    return f"{name}({', '.join(shown)})"


def _first(thing: Any) -> str:
    """The first sentence of a docstring of its own."""
    text = " ".join((thing.__doc__ or "").split())
    if text.startswith(f"{getattr(thing, '__name__', '')}("):
        return ""
    return re.split(r"(?<=[.;]) ", text)[0].rstrip(".;").replace("|", "\\|")


def _holds(thing: Any) -> str:
    fields = [name for name in getattr(thing, "__annotations__", {}) if not name.startswith("_")]
    found = vars(thing)
    fields += [
        n
        for n, v in found.items()
        if not n.startswith("_") and n not in fields and not inspect.isfunction(v) and _shown(v)
    ]
    return ", ".join(f"`{name}`" for name in fields)


def _shown(value: Any) -> bool:
    return isinstance(value, property) or type(value).__name__ == "cached_property"


def columns() -> str:
    """The columns of `tracer.frame`, with their types."""
    kinds = {str: "text", int: "number", float: "seconds", bool: "yes or no", datetime: "time (UTC)"}
    found: dict[str, list[str]] = {}
    for name, kind in COLUMNS.items():
        found.setdefault(kinds[kind], []).append(f"`{name}`")
    return "| type | columns |\n|---|---|\n" + "".join(
        f"| {kind} | {', '.join(names)} |\n" for kind, names in found.items()
    )


# THE GLOSSARY


def glossary() -> str:
    """Every entry, section by section."""
    return "\n".join(_section(title, entries) for title, entries in SECTIONS.items())


def _section(title: str, entries: dict[str, Any]) -> str:
    rows = "".join(f"| **{key}** | {e.what} | {e.why} | {e.spec} |\n" for key, e in entries.items())
    return f"## {title}\n\n| | what it is | why it matters | where it is specified |\n|---|---|---|---|\n{rows}"


# TABLES

AUDITED = ("verify-full", "verify-full-tls12", "wrong-root", "prefer-wrong-root", "no-tls-prefer", "sibling-verify-ca", "sibling-verify-full", "pooler-own-root", "tls10")  # fmt: skip
UNTITLED = {"positional arguments", "options"}  # argparse's own groups
PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "options": options,
    "python": python,
    "columns": columns,
    "glossary": glossary,
    "audited": audited,
    "rows": row_columns,
}


def write() -> None:
    """Bring every document up to date."""
    for path in DOCUMENTS:
        path.write_text(fresh(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    write()
