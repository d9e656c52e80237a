"""Live traffic through scapy: real PostgreSQL on the loopback of a network namespace of its own."""

from __future__ import annotations

import json

import pytest

from tests.packets.listening import in_namespace
from tracer.errors import TracerError
from tracer.packets.live import capture

SCRIPT = """
with postgres() as server, listening("-i", "lo", "--via", "scapy", "--count", "3", "--port", str(server.port), "--write", sys.argv[1]) as pgtls:
    with postgres() as other:
        assert stage.psql(other, "host=127.0.0.1 sslmode=require").returncode == 0
    for _ in range(3):
        assert stage.psql(server, "host=127.0.0.1 sslmode=require").returncode == 0
    print(pgtls.stdout.read(), end="")
    assert pgtls.wait(20) == 0
    assert "through scapy" in pgtls.said[-1]
"""


@pytest.mark.needs("unshare", "ip", "initdb-15")
def test_each_connection_as_it_settles(tmp_path) -> None:
    """Three connections of psql, none of another port, and the packets of a loopback once."""
    file = tmp_path / "out.pcapng"
    *lines, last = [json.loads(line) for line in in_namespace(SCRIPT, str(file)).splitlines()]
    assert [line["outcome"]["kind"] for line in lines] == ["established"] * 3
    assert {line["id"] for line in lines} == {1, 2, 3}
    assert last["kind"] == "summary"
    assert last["captures"][0]["dropped"] == 0
    hellos = [m for line in lines for m in line["messages"] if m["kind"] == "SSLRequest"]
    assert file.read_bytes().count(bytes.fromhex("0000000804d2162f")) == len(hellos) == 3


COME = """
import socket
from tracer.packets.live import capture
source = capture("lo")
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as cable:
    cable.bind(("lo", 0))
    for _ in range(500):
        cable.send(bytes(60))
source.stopped = True
list(source)
print(source.counts.packets, source.counts.dropped)
"""


@pytest.mark.needs("unshare", "ip")
def test_what_has_come_before_the_end_is_read() -> None:
    """Packets that wait in the socket when somebody ends it."""
    assert in_namespace(COME) == "500 0\n"


def test_no_such_interface() -> None:
    """The error names those that there are."""
    with pytest.raises(TracerError) as caught:
        capture("no-such-interface")
    assert "lo" in caught.value.hints[0]
