"""`read --cross-check`, with the real tshark."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.render.test_json import valid
from tracer.cli import main

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
STORY = str(CAPTURES / "verify-full" / "capture.pcapng")
pytestmark = pytest.mark.needs("tshark")


def test_the_same(capfd) -> None:
    """Two captures on one page; a difference with a known reason is none to the exit status."""
    assert main(["read", "--cross-check", STORY, str(CAPTURES / "direct-tls" / "capture.pcapng")]) == 0
    said = capfd.readouterr().out
    assert len(re.findall(r"beside tshark \d+\.\d+", said)) == 2
    assert "connection 1, TLS: ✔ the same" in said
    assert "known: tshark does not look for PostgreSQL inside TLS that nobody asked for" in said


def test_as_json(capfd) -> None:
    """Valid by the schema, each message in hexadecimal."""
    assert main(["read", "--cross-check", str(CAPTURES / "direct-tls" / "capture.pcapng"), "--format", "json"]) == 0
    document = json.loads(capfd.readouterr().out)
    valid(document, "compared")
    (capture,) = document["cross_check"]
    postgres = next(layer for layer in capture["layers"] if layer["layer"] == "postgres")
    assert postgres["only_pgtls"][0]["data"].endswith("00")
    assert postgres["reason"]


def test_a_difference_that_nobody_knows(monkeypatch, capfd) -> None:
    """Exit status 1. Here we lack what tshark opens, because the keys of the file are kept from us."""
    from tracer.protocol.keys import Keys

    monkeypatch.setattr(Keys, "add", lambda _self, _log: False)
    assert main(["read", "--cross-check", STORY]) == 1
    assert "only Wireshark: number" in capfd.readouterr().out


def test_other_formats(capfd) -> None:
    """A clear word."""
    assert main(["read", "--cross-check", STORY, "--format", "html"]) == 2
    assert "--cross-check is not told as html" in capfd.readouterr().err
