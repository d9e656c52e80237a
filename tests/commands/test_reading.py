"""read, live and demo are told as transcripts in tests/test_cli.py; here is what several sources together do."""

from __future__ import annotations

import json
from pathlib import Path

from tracer.cli import main

CAPTURES = Path(__file__).resolve().parents[2] / "captures"


def test_two_captures(capfd) -> None:
    """Each is named, and the worst exit status of all counts."""
    names = [str(CAPTURES / story / "capture.pcapng") for story in ("verify-full", "wrong-root")]
    roots = str(CAPTURES / "verify-full" / "roots.pem")
    status = main(["read", *names, "--format", "json", "--sslmode", "verify-ca", "--sslrootcert", roots])
    document = json.loads(capfd.readouterr().out)
    assert [c["capture"] for c in document["connections"]] == names
    assert [c["name"] for c in document["captures"]] == names
    assert status == 0


def test_one_of_two_is_damaged(tmp_path: Path, capfd) -> None:
    """What could be read is shown, and the exit status is 2."""
    whole = CAPTURES / "verify-full" / "capture.pcapng"
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(whole.read_bytes()[:-100])
    assert main(["read", str(whole), str(cut)]) == 2
    shown = capfd.readouterr()
    assert shown.out.count("127.0.0.1:5432") >= 2
    assert "cut.pcapng: cut short" in shown.err
