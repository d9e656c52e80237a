"""The geometry of the ladder."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.wire import SSL_REQUEST, STARTUP, WELCOME, Tls, follow, packets, spoken
from tracer.render.ladder import NARROW, STRETCH, WIDE, Shape, ladder
from tracer.report import report
from tracer.verify import Trust

TIME = datetime(2026, 6, 1, tzinfo=UTC)
MADE = Tls().run()
TRACE = follow(packets(MADE.preambled()), MADE.keys())
QUERY, DONE = b"Q\0\0\0\x0dselect 1\0", b"C\0\0\0\x0dSELECT 1\0"
SEALED = follow(packets(MADE.preambled()))


def drawn(trace, shape: Shape = WIDE, **told):
    return ladder(report(trace, Trust(host="db.example", time=TIME, **told)), shape)


@pytest.mark.parametrize("shape", [WIDE, NARROW])
def test_time_runs_downwards(shape: Shape) -> None:
    """Messages in their order, none less than a row below the one before, all inside the drawing."""
    found = drawn(TRACE, shape)
    heights = [step.y for step in found.steps]
    assert all(below - above >= shape.row for above, below in itertools.pairwise(heights))
    assert heights[-1] < found.height
    assert [step.index for step in found.steps] == sorted(step.index for step in found.steps)


def test_pieces_for_paper() -> None:
    """They join, none is as high as a sheet, and no cut goes through a message's words or a gate."""
    found = drawn(TRACE, sslmode="verify-full", roots=[])
    assert found.pieces[0][0] < 0
    assert found.pieces[-1][1] > found.height
    assert all(above[1] == below[0] for above, below in itertools.pairwise(found.pieces))
    assert all(bottom - top < 400 for top, bottom in found.pieces)
    taken = [(step.y - 20, step.y + 5) for step in found.steps]
    taken += [(gate.y - 12, gate.y + 5 + 16 * len(gate.lines)) for gate in found.gates]
    cuts = [top for top, _ in found.pieces[1:]]
    assert cuts
    assert not [cut for cut in cuts for top, bottom in taken if top < cut < bottom]


def test_what_comes_together_says_until_when() -> None:
    """The session itself is one arrow, however long it took."""
    trace = spoken(("client", STARTUP), ("server", WELCOME), ("client", QUERY), ("server", DONE))
    late = [replace(m, time=m.time + timedelta(seconds=3 * (m.kind == "CommandComplete"))) for m in trace.messages]
    (session,) = (step for step in drawn(replace(trace, messages=tuple(late))).steps if step.sender == "both")
    assert "until 3,0" in session.words


def test_a_longer_wait_is_a_longer_way() -> None:
    """A message that came later stands lower; one that came very much later is cut, and says by how much."""
    late = [replace(m, time=m.time + timedelta(seconds=3 * (m.index > 3))) for m in TRACE.messages]
    usual, delayed = drawn(TRACE), drawn(replace(TRACE, messages=tuple(late)))
    assert 0 < delayed.height - usual.height <= STRETCH
    assert [words for _, words in delayed.cuts] == ["3,000 ms"]
    assert not usual.cuts


def test_what_is_sealed_is_shaded() -> None:
    """Clear in front, then opened or sealed; the bands lie below each other."""
    assert [band.kind for band in drawn(TRACE).bands] == ["clear", "opened"]
    assert [band.kind for band in drawn(SEALED).bands] == ["clear", "sealed"]
    assert [band.kind for band in drawn(spoken(("client", STARTUP), ("server", WELCOME))).bands] == ["clear"]
    above, below = drawn(TRACE).bands
    assert above.bottom < below.top


@pytest.mark.parametrize(
    ("told", "states"),
    [
        ({"sslmode": "require", "roots": None}, ["empty", "empty"]),
        ({"sslmode": "verify-full", "roots": []}, ["closed", "open", "open"]),
        ({"sslmode": "verify-full"}, ["unknown", "unknown", "open"]),
    ],
)
def test_gates_stand_where_the_client_verifies(told, states) -> None:
    """Open, shut, nobody there, or not to be told."""
    assert [gate.state for gate in drawn(TRACE, **told).gates] == states


def test_behind_a_shut_gate_nothing_is_reached() -> None:
    """The name is not looked at once the chain was refused."""
    gates = drawn(TRACE, sslmode="verify-full", roots=[]).gates
    assert [gate.behind for gate in gates] == [False, False, True]
    assert "not reached" in gates[-1].title


def test_no_gate_where_no_tls_is() -> None:
    """Nobody could have been verified."""
    assert not drawn(spoken(("client", SSL_REQUEST), ("server", b"N"), ("client", STARTUP), ("server", WELCOME))).gates
