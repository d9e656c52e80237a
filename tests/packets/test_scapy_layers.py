"""What only scapy can read."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import CHECKOUT
from tracer.packets.scapy_layers import known, network

RADIO = bytes.fromhex("0000080000000000")  # a RadioTap header of no fields


def test_what_is_known() -> None:
    """Our own link types, and those that scapy has a layer for."""
    assert known(1)
    assert known(105)
    assert not known(9999)


def test_what_holds_no_packet() -> None:
    """Junk and unknown link types give nothing, and raise nothing."""
    assert network(105, b"\x08junk") is None
    assert network(127, RADIO) is None
    assert network(9999, b"junk") is None


SEEN = """
import logging, sys
logging.getLogger("scapy").setLevel(logging.ERROR)
from tracer.packets.scapy_layers import register
register(); register()
from scapy.all import TCP, TCPSession, sniff
from scapy.config import conf
conf.tls_session_enable = True
for packet in sniff(offline=sys.argv[1], session=TCPSession):
    if packet[TCP].payload:
        print(packet[TCP].payload.summary(), *(type(m).__name__ for l in packet.layers() for m in getattr(packet[l], "msg", ())))
"""


def shown(story: str) -> list[str]:
    """What scapy shows of a story, in a process of its own: what is registered is so for all of it."""
    capture = CHECKOUT / "captures" / story / "capture.pcapng"
    done = subprocess.run(
        [sys.executable, "-c", SEEN, capture], check=True, capture_output=True, text=True, cwd=CHECKOUT
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("story", ["verify-full", "verify-full-tls12"])
def test_tls_behind_the_preamble(story: str) -> None:
    """Scapy reads the request, the answer, and then both hellos with its own TLS layer."""
    request, answer, *rest = shown(story)
    assert request.startswith("PostgresRequest")
    assert answer.startswith("PostgresAnswer")
    text = "\n".join(rest)
    assert "Client Hello" in rest[0]
    assert "Server Hello" in text
    assert "Postgres" not in text


def test_tls_without_a_preamble() -> None:
    """Direct TLS has none."""
    first, *_ = shown("direct-tls")
    assert "Client Hello" in first


def test_no_tls() -> None:
    """A refusal is one, and a session in clear is no TLS."""
    request, answer, *rest = shown("no-tls-prefer")
    assert request.startswith("PostgresRequest")
    assert answer.startswith("PostgresAnswer")
    assert rest
    assert all("TLS" not in line for line in rest)
