"""The first verb."""

from __future__ import annotations

import io
import ssl
from pathlib import Path

import pytest

import tracer
from tests.packets.test_probe import serving, tls

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
