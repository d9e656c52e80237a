"""What `pgtls read` says of each story: `python captures/expected.py` writes expected.txt and expected.json anew.

The tests compare them with what it says today. Read the difference before you commit it.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

CAPTURES = Path(__file__).resolve().parent
sys.path.insert(0, str(CAPTURES.parent))

NO_ROOT_FILE = "root.crt"  # not in any story's folder


def stories() -> list[Path]:
    """The folders of the stories."""
    return sorted(path.parent for path in CAPTURES.glob("*/case.toml"))


def options(story: Path) -> list[str]:
    """What the story's client was told, as options of `pgtls read`; for use inside the story's folder."""
    case = tomllib.loads((story / "case.toml").read_text())
    root = NO_ROOT_FILE if case["root"] == "absent" else case["root"]
    given = ["--sslmode", case["sslmode"], "--host", case["host"], "--sslrootcert", root]
    if case["client"].startswith("libpq-"):
        given += ["--client", case["client"]]
    if "crl" in case:
        given += ["--sslcrl", case["crl"]]
    words = dict(word.split("=", 1) for word in case.get("conninfo", "").split())
    for name in ("channel_binding", "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version"):
        if name in words:
            given += [f"--{name.replace('_', '-')}", words[name]]
    return given


def said(story: Path, form: str) -> str:
    """The output of `pgtls read` in that format."""
    from tracer.cli import main

    out = story / f".said.{form}"
    with _inside(story), contextlib.redirect_stderr(io.StringIO()):
        main(["read", "capture.pcapng", *options(story), "--format", form, "--output", out.name])
    text = out.read_text()
    out.unlink()
    return text


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def write() -> None:
    """Write what is said of every story, whatever the width of the terminal."""
    os.environ.pop("COLUMNS", None)
    for story in stories():
        (story / "expected.txt").write_text(said(story, "text"))
        (story / "expected.json").write_text(said(story, "json"))


if __name__ == "__main__":
    write()
