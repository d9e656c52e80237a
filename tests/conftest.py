"""What tests share: programs that may be missing, and the folder of other people's captures."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("PGTLS_SHARED") or CHECKOUT.parent / "shared")
CI = os.environ.get("CI") == "true"

for variable in (
    "COLUMNS",
    "LINES",
):  # of whoever runs the tests, and of pytest-xdist: a screen is as wide as a test says
    os.environ.pop(variable, None)

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may ignore them, and so would what they start
signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("pgtls", hypothesis.settings.default, deadline=None)  # machines are busy
hypothesis.settings.load_profile("pgtls")


def find(program: str) -> str | None:
    """The path of a program. `initdb` is the newest one; `initdb-18` and `libpq-18` are PostgreSQL 18's own."""
    name, _, version = program.partition("-")
    if not version.isdigit():
        name, version = program, "*"
    file = "lib/libpq.so.5" if name == "libpq" else f"bin/{name}"
    debian = sorted(Path("/usr/lib/postgresql").glob(f"{version}/{file}"), key=_version)
    npm = sorted(Path(sys.prefix).glob(f"postgres/{version}/native/{file}"), key=_version)
    if found := [*npm, *debian]:
        return str(found[-1])
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")


def need(*programs: str) -> None:
    """Skip this test, or fail it when CI=true, unless all of these programs are there."""
    if missing := [program for program in programs if not find(program)]:
        (pytest.fail if CI else pytest.skip)(f"missing on this machine: {', '.join(missing)} (see tests/install.sh)")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hold `@pytest.mark.needs("tshark", "initdb-18")`, before any fixture starts one of them."""
    for mark in item.iter_markers("needs"):
        need(*mark.args)


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """`program("initdb")` is its path; without it the test is skipped, or fails when CI=true."""

    def path(name: str) -> str:
        need(name)
        return find(name) or name

    return path


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party captures and cases: $PGTLS_SHARED, or ../shared beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("no folder of third-party captures here (PGTLS_SHARED names one)")
    return SHARED


def _version(path: Path) -> int:
    number = path.parts[-4] if "native" in path.parts else path.parts[-3]
    return int(number) if number.isdigit() else 0
