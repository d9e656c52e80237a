"""The screen: what stands on it, and that it fits."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

import tracer
from tests.wire import SSL_REQUEST, STARTUP, WELCOME, Tls, follow, packets, spoken
from tracer.render import screen
from tracer.report import report

MADE = Tls().run()
TRACE = follow(packets(MADE.preambled()), MADE.keys())


@pytest.mark.parametrize("width", [80, 110, 200])
@pytest.mark.parametrize("verbose", [0, 2])
def test_no_line_is_too_long(width: int, verbose: int) -> None:
    """Whatever the width of the terminal."""
    assert max(cell_len(line) for line in tracer.render.text(TRACE, width=width, verbose=verbose).splitlines()) <= width


def test_the_marks_stand_behind_their_messages() -> None:
    """① and ② behind Certificate, ③ behind the client's Finished."""
    lines = tracer.render.text(
        TRACE, tracer.Trust(host="db.example", sslmode="verify-full", time=TRACE.time)
    ).splitlines()
    order = [
        next(n for n, line in enumerate(lines) if word in line)
        for word in ("Certificate  ", "①", "②", "CertificateVerify", "③")
    ]
    assert order == sorted(order)
    finished = [n for n, line in enumerate(lines) if "Finished" in line]
    assert lines[finished[-1] + 1].lstrip().startswith("╰─ ③")


def test_nobody_looked_is_said() -> None:
    """Without a root file."""
    shown = tracer.render.text(TRACE, tracer.Trust(host="db.example", sslmode="require", roots=None, time=TRACE.time))
    assert "nobody checked who is at the other end" in shown
    assert shown.count("nobody looked") >= 3


def test_a_line_for_one_of_many() -> None:
    """Id, ends, protocol, outcome and verdict."""
    found = report(TRACE, tracer.Trust(sslmode="require", roots=None, time=TRACE.time))
    line = screen.line(found, width=200)
    assert line.count("\n") == 1
    for word in ("1", "10.0.0.1:40000", "TLS 1.3", "established", "require: connects"):
        assert word in line


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([("client", STARTUP), ("server", WELCOME)], "Not encrypted"),
        ([("client", SSL_REQUEST), ("server", b"N")], "would not go on without"),
        ([("client", SSL_REQUEST)], "did not wait for the answer to SSLRequest"),
    ],
)
def test_connections_without_tls(said, words: str) -> None:
    """They have a screen, too."""
    assert words in tracer.render.text(spoken(*said))


def test_a_request_to_cancel() -> None:
    """Nobody was to be checked: no refusal, and no table of what modes would do."""
    shown = tracer.render.text(spoken(("client", bytes.fromhex("00000010 04d2162e 00000001 00000002"))))
    assert "A request to cancel a query" in shown
    assert "No session" not in shown
    assert "sslmode" not in shown
