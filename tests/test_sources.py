"""The first verb."""

from __future__ import annotations

import io
import ssl
import sys
from pathlib import Path

import pytest

import tracer
from tests.packets.test_probe import serving, tls
from tracer.packets.source import Source

STORY = Path(__file__).resolve().parent.parent / "captures" / "verify-full" / "capture.pcapng"


def test_a_path_or_an_open_file() -> None:
    """Both give the same packets, and count them."""
    by_path, by_file = tracer.read(STORY), tracer.read(io.BytesIO(STORY.read_bytes()))
    assert list(by_path) == list(by_file)
    assert by_path.counts.packets == by_file.counts.packets > 0
    assert by_path.format == "pcapng"


def test_no_such_file() -> None:
    """The user's mistake."""
    with pytest.raises(tracer.TracerError, match="no such file"):
        tracer.read("no-such-file")


def test_a_connection_of_our_own() -> None:
    """It takes what psql takes, and gives a source as the others do."""
    with serving(tls(ssl.TLSVersion.TLSv1_3)) as endpoint:
        text = f"host=db.example hostaddr={endpoint.address} port={endpoint.port} sslmode=require"
        source = tracer.probe(text, environment={"PGAPPNAME": "test"}, home=Path("/nonexistent"))
    (connection,) = tracer.reassemble(source)
    trace = tracer.follow(connection, source.keys)
    assert len(trace.certificates) == 1
    assert tracer.replay(trace, tracer.Trust(host="db.example", roots=None, sslmode="require")).outcome == "accept"


# LIVE


@pytest.fixture
def ways(monkeypatch) -> dict[str, Exception | None]:
    """What each way in says on this machine; None: it opens. Which interface there is nobody can choose in a test."""
    from tracer.packets import dumpcap, live, ring

    said: dict[str, Exception | None] = {"ring": None, "scapy": None, "wireshark": None}

    def way(name: str):
        def capture(interface, ports):
            if (problem := said[name]) is not None:
                raise problem
            return Source(f"{name} {interface} {ports}", lambda _: iter(()), "live")

        return capture

    for name, module in (("ring", ring), ("scapy", live), ("wireshark", dumpcap)):
        monkeypatch.setattr(module, "capture", way(name))
    monkeypatch.setattr(dumpcap, "available", lambda: True)
    return said


@pytest.mark.parametrize(
    ("refused", "expected"),
    [((), "a packet ring"), (("ring",), "scapy"), (("ring", "scapy"), "Wireshark's dumpcap")],
)
def test_the_best_way_that_there_is(ways, monkeypatch, refused, expected) -> None:
    """A ring where Linux has one, scapy, then whoever may capture for us."""
    monkeypatch.setattr(sys, "platform", "linux")
    ways.update(dict.fromkeys(refused, OSError(22, "Invalid argument")))
    assert tracer.live("eth0").way == expected
    ways.update(dict.fromkeys(refused, PermissionError(1, "Operation not permitted")))
    assert tracer.live("eth0").way == expected


def test_elsewhere_there_is_no_ring(ways, monkeypatch) -> None:
    """Neither is it asked for one."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert tracer.live(ports=[5432]).name == "scapy None [5432]"


def test_a_way_that_was_asked_for(ways) -> None:
    """That one and no other."""
    assert tracer.live(via="wireshark").way == "Wireshark's dumpcap"
    ways["wireshark"] = PermissionError(1, "Operation not permitted")
    with pytest.raises(tracer.TracerError, match="no right to capture") as caught:
        tracer.live(via="wireshark")
    assert any("usermod" in hint for hint in caught.value.hints)


def test_what_is_wrong_is_told(ways) -> None:
    """Not the missing right of the last way, where the first one had another problem."""
    ways["ring"] = ways["scapy"] = OSError(100, "Network is down")
    ways["wireshark"] = PermissionError(1, "Operation not permitted")
    with pytest.raises(tracer.TracerError, match=r"cannot capture on eth0: .*Network is down"):
        tracer.live("eth0")
