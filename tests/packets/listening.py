"""What the tests of live capture share: a script that runs on a loopback of its own, with pgtls listening there."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

BEGIN = """
import contextlib, datetime, json, os, signal, subprocess, sys, time
from pathlib import Path
sys.path.insert(0, ".")
from captures import pki, stage
from tests.packets.listening import listening, postgres
stays = ("--user", "root") if os.geteuid() == 0 else ()  # for files that come later: pytest's folders are root's alone
"""


def in_namespace(script: str, *arguments: str, timeout: float = 120) -> str:
    """Run a script there; returns what it printed."""
    from captures import stage

    command = stage.in_namespace([sys.executable, "-c", BEGIN + script, *arguments])
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT, timeout=timeout)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def postgres(**options: object):
    """A server with a chain of three, as RDS has."""
    from captures import pki, stage

    region = pki.region("eu-test-1")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    leaf = pki.server(region.subordinate, "my-rds.example.test", yesterday)
    chain = pki.certificates_pem([leaf, region.subordinate, region.root])
    return stage.server(stage.binaries(15), certificate=chain, key=pki.key_pem(leaf), **options)  # type: ignore[arg-type]


def listening(*options: str, format_: str = "ndjson", **process: object) -> subprocess.Popen[str]:
    """`pgtls live`, once it says that it listens; its stderr before that is in `said`."""
    command = [sys.executable, "-m", "tracer", "live", "--format", format_, *options]
    pgtls = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **process)  # type: ignore[call-overload]
    said = []
    for line in pgtls.stderr:
        said.append(line)
        if line.startswith("pgtls: listening on "):
            break
    pgtls.said = said  # type: ignore[attr-defined]
    return pgtls  # type: ignore[no-any-return]
