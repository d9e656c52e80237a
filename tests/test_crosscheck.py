"""Our messages beside those that tshark shows; here with what it might show."""

from __future__ import annotations

from tests.wire import Tls, follow, packets
from tracer.crosscheck import compare, ours, ports
from tracer.packets.wireshark import Shown

MADE = Tls().run()
TRACE = follow(packets(MADE.preambled()), MADE.keys())
CLIENT, SERVER = TRACE.connection.client, TRACE.connection.server


def shown(layer: str) -> list[Shown]:
    """A tshark that sees what we see."""
    ends = {"client": (CLIENT, SERVER), "server": (SERVER, CLIENT)}
    return [Shown(9, *ends[sender], layer, kind, data) for sender, kind, data in ours(TRACE, layer)]


def test_the_same() -> None:
    """Both layers, every message."""
    tls, postgres = compare([TRACE], [*shown("tls"), *shown("postgres")])
    assert not tls.differs
    assert not postgres.differs
    assert tls.same == len(shown("tls")) > 5
    assert postgres.same == len(shown("postgres")) > 2


def test_each_difference_has_its_place() -> None:
    """One that only we have, one that only Wireshark has; the others are still the same."""
    other = shown("tls")
    other[2] = other[2]._replace(data="00")
    tls, postgres = compare([TRACE], other)
    assert [number for number, _ in tls.only_ours] == [2]
    assert tls.only_theirs == ((2, ("server" if other[2].source == SERVER else "client", other[2].kind, "00")),)
    assert tls.same == len(other) - 1
    assert tls.reason is None
    assert (postgres.same, len(postgres.only_ours)) == (0, len(shown("postgres")))


def test_of_somebody_else() -> None:
    """What is of no connection of ours is not ours to compare."""
    stranger = [one._replace(source=CLIENT._replace(port=1)) for one in shown("tls")]
    tls, _ = compare([TRACE], stranger)
    assert (tls.same, tls.only_theirs) == (0, ())


def test_what_tshark_is_told() -> None:
    """Where PostgreSQL is spoken, and where TLS begins with the first byte."""
    direct = follow(packets(MADE.said), MADE.keys())
    assert ports([TRACE]) == {SERVER.port: "pgsql"}
    assert ports([direct]) == {SERVER.port: "tls"}
