"""Live traffic: real PostgreSQL on the loopback of a network namespace of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tracer.errors import TracerError
from tracer.packets.live import live

CHECKOUT = Path(__file__).resolve().parents[2]

SCRIPT = """
import datetime, signal, subprocess, sys, time
sys.path.insert(0, ".")
from captures import pki, stage

region = pki.region("eu-test-1")
yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
leaf = pki.server(region.subordinate, "my-rds.example.test", yesterday)
chain = pki.certificates_pem([leaf, region.subordinate, region.root])
command = [sys.executable, "-m", "tracer", "live", "-i", "lo", "--format", "ndjson"]
with stage.server(stage.binaries(15), certificate=chain, key=pki.key_pem(leaf)) as server:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        time.sleep(2)
        for _ in range(3):
            assert stage.psql(server, "host=127.0.0.1 sslmode=require").returncode == 0
        for _ in range(3):
            print(process.stdout.readline(), end="")
        process.send_signal(signal.SIGINT)
        print(process.stdout.read(), end="")
        assert process.wait(20) == 0
"""


@pytest.mark.needs("unshare", "ip", "initdb-15")
def test_each_connection_as_it_settles() -> None:
    """Three connections of psql, three lines, then the summary on Ctrl-C."""
    from captures import stage

    command = stage.in_namespace([sys.executable, "-c", SCRIPT])
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT, timeout=120)
    assert done.returncode == 0, done.stderr
    *lines, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["outcome"]["kind"] for line in lines] == ["established"] * 3
    assert [line["id"] for line in lines] == [1, 2, 3]
    assert last["kind"] == "summary"


def test_no_such_interface() -> None:
    """The error names those that there are."""
    with pytest.raises(TracerError) as caught:
        live("no-such-interface")
    assert "lo" in caught.value.hints[0]
