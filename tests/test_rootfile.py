"""The root file as libpq finds it."""

from __future__ import annotations

from pathlib import Path

from tests.wire import certificate
from tracer import rootfile
from tracer.verify import Unusable


def test_what_a_path_gives(tmp_path: Path) -> None:
    """Nothing, an unusable file, certificates, or the system's."""
    assert rootfile.load(tmp_path / "absent") is None
    (tmp_path / "empty").touch()
    (tmp_path / "garbage").write_bytes(b"\xff\0 hello")
    for name in ("empty", "garbage"):
        assert rootfile.load(tmp_path / name) == Unusable("no certificate or crl found")
    assert isinstance(rootfile.load(tmp_path), Unusable)
    found = rootfile.load(certificate()[0])
    assert isinstance(found, list)
    assert len(found) == 1
    assert rootfile.load("system") == "system"
