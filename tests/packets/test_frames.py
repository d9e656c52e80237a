"""Frames of our own: our reader takes them back, and tshark finds nothing wrong in them."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracer
from tests.packets.test_probe import serving, tls
from tests.wire import ssl
from tracer.packets.frames import ip, write
from tracer.packets.link import RAW, segment
from tracer.packets.probe import Conduct, probe
from tracer.packets.source import ACK, Packet

NUMBER = st.integers(0, 2**32 - 1)


@given(st.sampled_from([12, 36]).flatmap(lambda n: st.binary(min_size=n, max_size=n)), NUMBER, NUMBER, st.binary())
def test_a_frame_is_read_back(flow: bytes, seq: int, ack: int, payload: bytes) -> None:
    """What is written is the packet that it was made of."""
    found = segment(RAW, ip(Packet(1, 0.0, flow, seq, ack, ACK, payload)))
    assert found == (flow, seq, ack, ACK, payload, 0)


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_wireshark_opens_it(tmp_path: Path, address: str, program: Callable[[str], str]) -> None:
    """The file of a probe decrypts in tshark; no frame is malformed and every checksum is good."""
    with serving(tls(ssl.TLSVersion.TLSv1_3), address) as endpoint:
        source = probe([endpoint], Conduct(timeout=1))
    name = str(tmp_path / "probe.pcapng")
    write(name, (item for item in source if isinstance(item, Packet)), source.keys)
    assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
    again = tracer.read(name)
    (connection,) = tracer.reassemble(again)
    assert len(tracer.follow(connection, again.keys).certificates) == 1
    options = [
        "-d",
        f"tcp.port=={endpoint.port},pgsql",
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "ip.check_checksum:TRUE",
    ]
    command = [program("tshark"), "-r", name, *options, "-V"]
    seen = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Handshake Protocol: Certificate Verify" in seen  # sealed, so it was opened
    assert "Malformed" not in seen
    assert "[Checksum Status: Bad]" not in seen
    assert "[Checksum Status: Good]" in seen
