"""The picture of the code, held by its imports: who may know whom, who may speak, how long things may be.

Each rule is a function from the source files to the offenders. `BROKEN` shows that each can fail.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent

Sources = dict[str, str]  # path below tracer/ → its text
Rule = Callable[[Sources], list[str]]

# Only these files import it.
ONLY: dict[str, set[str]] = {
    "scapy": {"packets/live.py", "packets/scapy_layers.py"},
    "pyshark": {"packets/wireshark.py"},
    "socket": {"packets/probe.py", "packets/ring.py", "packets/live.py"},
    "ssl": {"packets/probe.py", "rootfile.py"},  # there for OpenSSL's default paths
    "asyncio": {"packets/wireshark.py"},
    "pandas": {"frames.py"},
    "polars": {"frames.py"},
    "http": set(),
    "urllib.request": set(),
    "cryptography.hazmat.primitives.ciphers": {"protocol/ciphers.py"},
}

# What of tracer a file, or a folder, may import; the first row that fits. None is everything.
# `render.notebook` is what a notebook asks of a value: three values know it, inside one method, and nothing else of render.
TRACE = ("trace", "preamble", "layers", "framing", "sides", "speech", "tls", "summaries", "outcome")
CERTIFICATES = ("certificates", "signatures", "presented", "der")
VALUES = (*TRACE, *CERTIFICATES, "packets.source", "segments", "streams", "protocol")  # what the verbs hand on
MAY_IMPORT: dict[str, tuple[str, ...] | None] = {
    "__init__.py": None,
    "__main__.py": None,
    "cli.py": None,
    "commands/": None,
    "audit.py": (*VALUES, "findings", "report"),
    "places.py": ("packets.chunks", "errors"),
    "tables.py": ("audit", "places", "render.escape", "errors"),
    "summary.py": ("audit", "tables"),
    "errors.py": (),
    "pipes.py": (),
    "privileges.py": ("errors",),
    "glossary.py": (),
    "protocol/numbers.py": (),
    "protocol/fields.py": (),
    "protocol/": ("protocol", "distinguished"),
    "packets/source.py": ("protocol.keys",),
    "packets/probe.py": ("packets", "errors", "rootfile", "verify.model"),
    "packets/": ("packets", "protocol.keys", "errors"),
    "sources.py": ("packets", "errors", "client", "settings"),
    "client.py": (
        "certificates",
        "conninfo",
        "errors",
        "pipes",
        "packets.probe",
        "settings",
        "verify.model",
        "verify.names",
    ),
    "parameters.py": (),
    "conninfo.py": ("parameters", "errors"),
    "pasted.py": ("conninfo", "errors", "parameters", "settings", "verify.model"),
    "settings.py": (
        "certificates",
        "conninfo",
        "parameters",
        "pipes",
        "rootfile",
        "verify.model",
        "verify.revocation",
        "errors",
    ),
    "progress.py": ("packets.source",),
    "segments.py": ("packets.source",),
    "clock.py": (),
    "streams.py": ("clock", "packets.source", "protocol.settled", "segments"),
    **{f"{name}.py": VALUES for name in (*TRACE, "presented")},
    "trace.py": (*VALUES, "render.notebook"),
    "der.py": (),
    "distinguished.py": ("der",),
    "signatures.py": ("der", "certificates"),
    "certificates.py": (*CERTIFICATES, "distinguished", "trace", "outcome", "render.notebook"),
    "serverkey.py": ("errors",),
    "chainfile.py": ("certificates", "der", "errors"),
    "bundle.py": ("certificates", "verify"),
    "pem.py": (),
    "rootfile.py": (
        "certificates",
        "der",
        "pem",
        "pipes",
        "verify.model",
        "verify.revocation",
        "verify.uses",
        "errors",
    ),
    "cost.py": VALUES,
    "measure.py": ("cost", "verify.model"),
    "crosscheck.py": (*VALUES, "packets.wireshark"),
    "frames.py": (*VALUES, "cost", "errors"),
    "findings/": (*VALUES, "verify", "findings"),
    "verify/model.py": ("verify", *CERTIFICATES, "render.notebook"),
    "verify/revocation.py": ("verify", *CERTIFICATES, "distinguished", "pipes"),
    "verify/": ("verify", *CERTIFICATES, "distinguished", "trace", "outcome", "protocol.fields", "errors"),
    "modes.py": ("certificates", "settings", "verify"),
    "advice.py": ("certificates", "report", "rootfile", "verify"),
    "report.py": (*VALUES, "verify", "findings", "cost"),
    "render/": (
        *VALUES,
        "verify",
        "findings",
        "cost",
        "report",
        "advice",
        "bundle",
        "measure",
        "crosscheck",
        "glossary",
        "modes",
        "render",
        "settings",
        "summary",
        "errors",
    ),
    "part.py": ("findings", "report", "render"),
    "output.py": (*VALUES, "part", "verify", "findings", "report", "render", "settings", "errors"),
}

HEAVY = {"scapy", "pyshark", "rich", "jinja2", "pandas", "polars"}
SPEAKERS = ("cli.py", "__main__.py", "commands/")
SPEECH = {"print", "exit", "quit", "SystemExit", "sys.exit", "os._exit", "sys.stdout.write", "sys.stderr.write"}
TABLES = {"protocol/numbers.py", "glossary.py", "parameters.py"}  # data only: as long as they must be
UNTESTED = {*TABLES, "errors.py", "__init__.py", "__main__.py"}  # nothing happens in them

LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def test_each_library_has_its_place() -> None:
    """Packets, sockets and ciphers are known to the files of `ONLY`, and to no other."""
    assert not (offenders := outside_its_place(sources())), report(offenders)


def test_imports_follow_the_layers() -> None:
    """A file imports what its row of `MAY_IMPORT` names, and nothing else of tracer."""
    assert not (offenders := against_the_layers(sources())), report(offenders)


def test_every_file_has_a_layer() -> None:
    """A new file says in `MAY_IMPORT` where it belongs."""
    assert not (offenders := without_a_layer(sources())), report(offenders)


def test_importing_is_cheap() -> None:
    """Heavy libraries are imported by the functions that need them, never with the module."""
    assert not (offenders := heavy_at_import(sources())), report(offenders)


def test_only_the_command_speaks() -> None:
    """The library prints nothing and ends no program."""
    assert not (offenders := speaks(sources())), report(offenders)


def test_files_are_short() -> None:
    """A file is read in one sitting."""
    assert not (offenders := long_files(sources())), report(offenders)


def test_functions_are_short() -> None:
    """A function is seen whole."""
    assert not (offenders := long_functions(sources())), report(offenders)


def test_every_file_has_its_tests() -> None:
    """What tracer/x/y.py does is tested in tests/x/test_y.py."""
    assert not (offenders := without_tests(sources())), report(offenders)


def sources() -> Sources:
    """Every Python file of the package."""
    package = CHECKOUT / "tracer"
    files = sorted(package.rglob("*.py"))
    assert files
    return {file.relative_to(package).as_posix(): file.read_text("utf-8") for file in files}


def report(offenders: list[str]) -> str:
    return "\n  ".join(["", *offenders])


def outside_its_place(files: Sources) -> list[str]:
    return [
        f"tracer/{path}:{line} imports {name}, which is for {', '.join(sorted(places))}"
        for path, text in files.items()
        for line, name in imports(path, ast.parse(text))
        for library, places in ONLY.items()
        if below(name, library) and path not in places
    ]


def against_the_layers(files: Sources) -> list[str]:
    return [
        f"tracer/{path}:{line} imports {name}"
        for path, text in files.items()
        if (allowed := layer(path)) is not None
        for line, name in imports(path, ast.parse(text))
        if below(name, "tracer") and not any(below(name, f"tracer.{part}") for part in allowed)
    ]


def without_a_layer(files: Sources) -> list[str]:
    return [f"tracer/{path} has no row in MAY_IMPORT" for path in files if row(path) is None]


def heavy_at_import(files: Sources) -> list[str]:
    return [
        f"tracer/{path}:{line} imports {name} with the module"
        for path, text in files.items()
        for line, name in imports(path, at_import(ast.parse(text)))
        if name.partition(".")[0] in HEAVY
    ]


def speaks(files: Sources) -> list[str]:
    return [
        f"tracer/{path}:{node.lineno} says {ast.unparse(node)}"
        for path, text in files.items()
        if not path.startswith(SPEAKERS)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in SPEECH
    ]


def long_files(files: Sources) -> list[str]:
    return [
        f"tracer/{path} has {count} lines, {LONGEST_FILE} are enough"
        for path, text in files.items()
        if path not in TABLES and (count := len(text.splitlines())) > LONGEST_FILE
    ]


def long_functions(files: Sources) -> list[str]:
    return [
        f"tracer/{path}:{node.lineno} {node.name} has {count} lines, {LONGEST_FUNCTION} are enough"
        for path, text in files.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (count := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]


def without_tests(files: Sources) -> list[str]:
    return [
        f"tracer/{path} has no {test}"
        for path in files
        if path not in UNTESTED and Path(path).name not in UNTESTED
        if not (CHECKOUT / (test := f"tests/{Path(path).parent / f'test_{Path(path).name}'}")).is_file()
    ]


def imports(path: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each imported name with its module before it, as in `tracer.streams.Packet`, and the line."""
    package = ("tracer", *Path(path).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from ((node.lineno, str(name.value)) for name in node.args[:1] if isinstance(name, ast.Constant))


def at_import(tree: ast.Module) -> ast.Module:
    """The module without what does not run when it is imported: functions, and imports for types alone."""

    class Prune(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None: ...
        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None: ...
        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if "TYPE_CHECKING" in ast.unparse(node.test) else self.generic_visit(node)

    pruned = Prune().visit(tree)
    assert isinstance(pruned, ast.Module)
    return pruned


def below(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def row(path: str) -> str | None:
    return next((name for name in MAY_IMPORT if path == name or (name[-1] == "/" and path.startswith(name))), None)


def layer(path: str) -> tuple[str, ...] | None:
    return MAY_IMPORT.get(row(path) or "")


# rule, a file that breaks it, its text
BROKEN: list[tuple[Rule, str, str]] = [
    (outside_its_place, "packets/pcap.py", "def f():\n    from scapy.all import sniff"),
    (outside_its_place, "packets/pcap.py", "import importlib\nimportlib.import_module('scapy.all')"),
    (outside_its_place, "packets/live.py", "import pyshark"),
    (outside_its_place, "streams.py", "import socket"),
    (outside_its_place, "packets/ring.py", "import ssl"),
    (outside_its_place, "verify/revocation.py", "from urllib.request import urlopen"),
    (outside_its_place, "trace.py", "from cryptography.hazmat.primitives.ciphers.aead import AESGCM"),
    (outside_its_place, "trace.py", "from cryptography.hazmat.primitives import ciphers"),
    (against_the_layers, "protocol/records.py", "from tracer.streams import Packet"),
    (against_the_layers, "protocol/records.py", "from ..streams import Packet"),
    (against_the_layers, "protocol/records.py", "from .. import streams"),
    (against_the_layers, "protocol/records.py", "import tracer"),
    (against_the_layers, "protocol/fields.py", "from tracer.protocol import numbers"),
    (against_the_layers, "streams.py", "from tracer.protocol.handshake import client_hello"),
    (against_the_layers, "streams.py", "from tracer.packets.pcap import open_capture"),
    (against_the_layers, "packets/pcap.py", "from tracer.streams import reassemble"),
    (against_the_layers, "streams.py", "def f():\n    from tracer.trace import follow"),
    (against_the_layers, "trace.py", "from tracer import packets"),
    (against_the_layers, "trace.py", "from tracer.verify.chain import walk"),
    (against_the_layers, "verify/clients/libpq.py", "from tracer.render import text"),
    (against_the_layers, "render/text.py", "from tracer.packets.pcap import read"),
    (without_a_layer, "helpers.py", ""),
    (heavy_at_import, "packets/live.py", "from scapy.all import sniff"),
    (heavy_at_import, "render/html.py", "try:\n    import jinja2\nexcept ImportError:\n    pass"),
    (heavy_at_import, "render/text.py", "class Text:\n    from rich.console import Console"),
    (speaks, "trace.py", "print('hello')"),
    (speaks, "trace.py", "import sys\nsys.exit(1)"),
    (speaks, "trace.py", "raise SystemExit(1)"),
    (speaks, "render/text.py", "import sys\nsys.stdout.write('hello')"),
    (long_files, "trace.py", "\n" * (LONGEST_FILE + 1)),
    (long_functions, "trace.py", "class C:\n  def f():\n" + "    pass\n" * LONGEST_FUNCTION),
    (without_tests, "verify/none.py", ""),
]
# the same for what is allowed
WHOLE: list[tuple[Rule, str, str]] = [
    (outside_its_place, "packets/live.py", "def f():\n    from scapy.all import sniff"),
    (outside_its_place, "trace.py", "from cryptography.hazmat.primitives import hashes"),
    (against_the_layers, "protocol/keys.py", "from . import records\nfrom .records import Record"),
    (against_the_layers, "streams.py", "from tracer.protocol import settled"),
    (against_the_layers, "cli.py", "import tracer\nfrom tracer import packets"),
    (heavy_at_import, "render/text.py", "if TYPE_CHECKING:\n    import rich\ndef f():\n    import rich"),
    (speaks, "cli.py", "print('hello')"),
    (long_files, "glossary.py", "\n" * (LONGEST_FILE + 1)),
    (long_functions, "trace.py", "def f():\n" + "    pass\n" * (LONGEST_FUNCTION - 1)),
    (without_tests, "render/__init__.py", ""),
]


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN)
def test_a_rule_can_fail(rule: Rule, path: str, text: str) -> None:
    """A file that breaks the rule is named by it."""
    offenders = rule({path: text})
    assert offenders
    assert all(f"tracer/{path}" in offender for offender in offenders)


@pytest.mark.parametrize(("rule", "path", "text"), WHOLE)
def test_a_rule_can_pass(rule: Rule, path: str, text: str) -> None:
    """What the picture allows offends no rule."""
    assert not rule({path: text})
