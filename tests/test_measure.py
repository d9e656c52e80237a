"""What each way to connect costs, summed up."""

from __future__ import annotations

from tracer.cost import PHASES, Cost
from tracer.measure import Way, row, ways
from tracer.verify.model import SSLMODES


def made(total: float, turns: int = 4) -> Cost:
    """A cost whose phases are a quarter of its time each."""
    return Cost(turns, 500, 3000, dict.fromkeys(PHASES, total / 4))


def test_every_mode_in_every_version() -> None:
    """Modes that begin without TLS have one way, prefer two, the others four where the server knows direct negotiation."""
    found = list(ways(direct=True))
    assert {way.sslmode for way in found} == set(SSLMODES)
    count = {mode: sum(way.sslmode == mode for way in found) for mode in SSLMODES}
    assert count == {"disable": 1, "allow": 1, "prefer": 2, "require": 4, "verify-ca": 4, "verify-full": 4}
    assert [way for way in found if not way.direct] == list(ways(direct=False))


def test_a_way_is_what_libpq_is_told() -> None:
    """By the names of its parameters."""
    told = Way("require", "TLSv1.2", direct=True).parameters
    assert told == {"sslmode": "require", "ssl_max_protocol_version": "TLSv1.2", "sslnegotiation": "direct"}
    assert Way("disable").parameters == {"sslmode": "disable"}
    assert not Way("allow").asks


def test_the_middle_and_its_spread() -> None:
    """Medians, so that one slow connection counts as one; the quartiles say how far it goes."""
    found = row(Way("require", "TLSv1.3"), [made(t / 1000) for t in (10, 11, 12, 13, 500)])
    assert (found.samples, found.total, found.round_trips, found.bytes_server) == (5, 0.012, 4, 3000)
    assert found.spread is not None
    assert found.spread[0] < 0.012 < found.spread[1]
    assert found.seconds is not None
    assert found.seconds["handshake"] == 0.003


def test_few_are_shown_whole() -> None:
    """Of two or three there are no quartiles."""
    assert row(Way("disable"), [made(0.010), made(0.020)]).spread == (0.010, 0.020)


def test_what_never_came_to_a_request() -> None:
    """It has no figure, and says why."""
    broken = Cost(2, 8, 1, dict.fromkeys(PHASES))
    assert row(Way("require", "TLSv1.3"), [broken], "the server closed").problem == "the server closed"
    mixed = row(Way("require", "TLSv1.3"), [broken, made(0.010)])
    assert (mixed.samples, mixed.total, mixed.problem) == (1, 0.010, None)
