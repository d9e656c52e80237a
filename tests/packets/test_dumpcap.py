"""Live traffic through Wireshark's capture program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packets.listening import in_namespace
from tracer.errors import TracerError
from tracer.packets.dumpcap import available, capture

pytestmark = pytest.mark.needs("dumpcap", "unshare", "ip")

SCRIPT = """
with postgres() as server, listening("--via", "wireshark", "--port", str(server.port), "--write", sys.argv[1], *sys.argv[2:]) as pgtls:
    assert "through Wireshark's dumpcap" in pgtls.said[-1]
    for _ in range(3):
        assert stage.psql(server, "host=127.0.0.1 sslmode=require").returncode == 0
    print("".join(pgtls.stdout.readline() for _ in range(3)), end="")
    pgtls.send_signal(signal.SIGINT)
    print(pgtls.stdout.read(), end="")
    assert pgtls.wait(20) == 0
"""


@pytest.mark.needs("initdb-15")
@pytest.mark.parametrize("interface", [("-i", "lo"), ()])
def test_each_connection_as_it_settles(interface: tuple[str, ...], tmp_path: Path) -> None:
    """By the interface's name, and from all of them; Ctrl-C is ours, and what was lost is counted."""
    file = tmp_path / "out.pcapng"
    *lines, last = [json.loads(line) for line in in_namespace(SCRIPT, str(file), *interface).splitlines()]
    assert [line["outcome"]["kind"] for line in lines] == ["established"] * 3
    (capture,) = last["captures"]
    assert capture["dropped"] == 0
    assert capture["problems"] == []
    shown = subprocess.run(
        [sys.executable, "-m", "tracer", "read", str(file), "--format", "json"], capture_output=True, check=True
    )
    document = json.loads(shown.stdout)
    assert document["captures"][0]["packets"] == capture["packets"]
    by_id = [{c["id"]: untimed(c) for c in found} for found in (document["connections"], lines)]
    assert by_id[0] == by_id[1]


def untimed(connection: dict) -> list[dict]:
    """Its messages without their times: seconds as numbers of 53 bits come from microseconds here, there from nanoseconds."""
    return [message | {"time": None} for message in connection["messages"]]


def test_no_such_interface() -> None:
    """What dumpcap says about it, and where the names are."""
    with pytest.raises(TracerError, match="cannot capture on no-such-interface") as caught:
        capture("no-such-interface")
    assert "dumpcap -D" in caught.value.hints[0]


EXTCAP = """
from tracer.packets.dumpcap import capture
source = capture("randpkt")
for _ in source:
    source.stopped |= source.counts.packets > 0
print(source.counts.packets > 0, source.counts.dropped)
"""


@pytest.mark.needs("tshark", "setpriv")
@pytest.mark.parametrize(
    "drop", [[], ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]], ids=["as I am", "no right"]
)
def test_an_interface_that_only_wireshark_has(drop: list[str]) -> None:
    """An extcap: packets come, though these are nobody's; no right to capture is needed. A helper counts no drops."""
    listed = subprocess.run(["tshark", "-D"], capture_output=True, text=True, check=False, timeout=60).stdout
    if "randpkt" not in listed:
        pytest.skip("Wireshark has no randpkt here")
    command = [*(drop if os.geteuid() == 0 else []), sys.executable, "-c", EXTCAP]  # an ordinary user has none to drop
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "True None\n", done.stderr


COME = """
import socket
from tests.packets.test_walk import frame
from tracer.packets.dumpcap import capture
from tracer.packets.source import Tick
source = capture("lo")
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as cable:
    cable.bind(("lo", 0))
    for _ in range(20_000):
        cable.send(frame(16))
time.sleep(1)
source.stopped = True
behind = [source.behind for item in source if isinstance(item, Tick)]
print(source.counts.packets, source.counts.dropped, any(behind), source.behind)
"""


def test_what_has_come_before_the_end_is_read() -> None:
    """More than the pipe holds waits in the kernel; until it is read the source says that it is behind."""
    assert in_namespace(COME) == "20000 0 True False\n"


UNSEEN = (
    """
script = """
    + repr(
        """
import subprocess, os
from tracer.packets.dumpcap import capture
source = capture("lo")
print(subprocess.run(["pgrep", "-P", str(os.getpid()), "dumpcap"], capture_output=True, text=True).stdout)
"""
    )
    + """
done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
(child,) = done.stdout.split()
print(child, Path("/proc", child).exists())
"""
)


@pytest.mark.needs("pgrep")
def test_a_source_that_nobody_looks_at() -> None:
    """The program ends with ours, also where no packet comes."""
    assert in_namespace(UNSEEN).endswith(" False\n")


def test_without_the_right() -> None:
    """It is its group's matter, and the error is no guess: dumpcap says that it may not."""
    if os.geteuid() != 0:
        pytest.skip("only root can give its rights away")
    script = "from tracer.packets.dumpcap import capture; capture('lo')"
    command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "PermissionError" in done.stderr


def test_where_it_is_not_installed(monkeypatch) -> None:
    """The hint says what to install."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert not available()
    with pytest.raises(TracerError, match="not installed"):
        capture("lo")
