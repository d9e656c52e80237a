"""docs/security.md says what is so."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests import wire
from tracer.packets import frames

CHECKOUT = Path(__file__).resolve().parent.parent
BOUNDS = re.findall(
    r"^\| [^|]+ \| ([\d,]+) \| `([\w.]+)\.(\w+)` \|$", (CHECKOUT / "docs" / "security.md").read_text(), re.MULTILINE
)


@pytest.mark.parametrize(("number", "module", "name"), BOUNDS)
def test_bounds_are_as_they_stand_there(number: str, module: str, name: str) -> None:
    """Each names the constant that holds it."""
    assert getattr(import_module(module), name) == int(number.replace(",", ""))


def test_there_are_bounds() -> None:
    assert len(BOUNDS) >= 16


def test_a_file_with_keys_is_its_owner_s(tmp_path: Path) -> None:
    """Also one that was there before, for everybody."""
    made = wire.Tls().run()
    for path in (tmp_path / "new.pcapng", tmp_path / "old.pcapng"):
        if "old" in path.name:
            path.touch(0o644)
        frames.write(str(path), wire.packets(made.preambled()), made.keys())
        assert path.stat().st_mode & 0o777 == 0o600
