"""From segments to streams: any order, twice, lost, wrapped, and when a connection is settled."""

from __future__ import annotations

import itertools
import ssl
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracer
from tests.wire import CLIENT, SSL_REQUEST, STARTUP, WELCOME, Say, Tls, packets, source
from tracer import segments, streams
from tracer.packets.source import ACK, FIN, RST, SYN, Packet, Source, Tick, reverse
from tracer.streams import SESSION_BYTES, Connection

SAID = [("client", STARTUP), ("server", WELCOME)]


def connections(given_packets) -> list[Connection]:
    return list(tracer.reassemble(source(given_packets)))


def renumbered(given_packets: list[Packet], flow: bytes, first: int, later: float = 0.0) -> list[Packet]:
    """The same on other ports."""
    back = reverse(flow)
    return [
        p._replace(number=first + n, time=p.time + later, flow=flow if p.flow == CLIENT else back)
        for n, p in enumerate(given_packets)
    ]


def test_both_streams_and_their_end() -> None:
    """What each side said, and who closed first."""
    (found,) = connections(packets(SAID, size=5))
    assert (found.client_stream.data, found.server_stream.data) == (STARTUP, WELCOME)
    assert (found.ending, found.closed_first, found.whole) == ("closed", "client", True)
    assert (str(found.client), str(found.server)) == ("10.0.0.1:40000", "10.0.0.2:5432")


@given(st.integers(0, 0xFFFFFFFF), st.integers(1, 20))
def test_sequence_numbers_wrap(start: int, size: int) -> None:
    """Any first sequence number gives the same streams."""
    (found,) = connections(packets(SAID, start=start, size=size))
    assert (found.client_stream.data, found.server_stream.data) == (STARTUP, WELCOME)


def test_a_lost_segment_in_the_middle() -> None:
    """A gap behind the recognised beginning is kept as a gap."""
    whole = packets([("client", SSL_REQUEST), ("server", b"N"), ("client", STARTUP)], size=8)
    (found,) = connections([p for p in whole if p.payload != STARTUP[:8]])
    assert found.client_stream.gaps == ((8, 16),)
    assert found.client_stream.data[8:16] == bytes(8)
    assert found.client_stream.missing(0, 8) is None
    assert found.client_stream.missing(4, 12) == (8, 12)


@pytest.mark.parametrize("overlap", [1, 3, 8])
def test_overlapping_segments(overlap: int) -> None:
    """Bytes that come twice count once; the first copy stays."""
    whole = packets(SAID, size=100)
    first = next(p for p in whole if p.payload == STARTUP)
    again = first._replace(seq=first.seq + 8 - overlap, payload=b"\xff" * overlap + STARTUP[8:])
    start = first._replace(payload=STARTUP[:8])
    (found,) = connections([start if p is first else p for p in whole[:3]] + [again, *whole[3:]])
    assert found.client_stream.data == STARTUP


def test_without_a_syn() -> None:
    """A capture that begins in the middle finds the client by what it says."""
    (found,) = connections(packets(SAID, syn=False))
    assert found.client.port == 40000
    assert found.whole is False


def test_one_side_only() -> None:
    """The client alone is a connection, too."""
    (found,) = connections([p for p in packets(SAID) if p.flow == CLIENT])
    assert found.client_stream.data == STARTUP
    assert found.server_stream.data == b""


def test_ports_that_are_used_again() -> None:
    """A new SYN on the same ports settles what was there and begins another."""
    first = packets(SAID, close="")
    second = renumbered(packets(SAID, start=5_000_000), CLIENT, 100, later=0.5)
    found = connections([*first, *second])
    assert [c.ending for c in found] == ["reused", "closed"]
    assert [c.id for c in found] == [1, 2]


def test_a_dead_flow_is_skipped_and_revived() -> None:
    """Packets of a flow that is no PostgreSQL are not asked for again, until a SYN."""
    given_packets = packets([("client", b"GET / HTTP/1.1\r\n")], close="")
    made = source(given_packets)
    assert list(tracer.reassemble(made)) == []
    assert CLIENT in made.skip
    assert reverse(CLIENT) in made.skip


@pytest.mark.parametrize(("seconds", "settled"), [(59.0, False), (61.0, True)])
def test_silence_settles(seconds: float, settled: bool) -> None:
    """60 s without a packet."""
    given_packets = packets([("client", SSL_REQUEST)], close="")

    def walk(_: Source):
        yield from given_packets
        yield Tick(given_packets[-1].time + seconds)
        yield Tick(given_packets[-1].time + seconds)

    endings = [c.ending for c in tracer.reassemble(Source("t", walk))]
    assert endings == (["silent"] if settled else ["end"])


def test_quiet_behind_ready_settles() -> None:
    """A session that has begun and says nothing for a second is handed on."""
    given_packets = packets(SAID, close="")

    def walk(_: Source):
        yield from given_packets
        yield Tick(given_packets[-1].time + 1.1)
        raise AssertionError

    assert next(iter(tracer.reassemble(Source("t", walk)))).ending == "quiet"


def test_a_reset_settles() -> None:
    """Nothing comes behind it."""
    (found,) = connections(packets(SAID, close="rst"))
    assert (found.ending, found.client_stream.closed) == ("reset", "rst")


def test_a_bound_on_bytes(monkeypatch) -> None:
    """A side that never ends does not fill the memory."""
    monkeypatch.setattr(segments, "STREAM_BYTES", 1000)
    (found,) = connections(packets([("client", STARTUP), ("server", bytes(5000))], size=100, close=""))
    assert found.ending == "full"
    assert len(found.server_stream.data) <= 1100


def test_a_session_that_is_long_enough() -> None:
    """What comes behind its first bytes is not kept; a login that takes as many is, since it is no session yet."""
    rows = bytes(10 * SESSION_BYTES)
    (found,) = connections([*packets([*SAID, ("server", rows)], size=1000, close="")])
    assert found.ending == "full"
    assert SESSION_BYTES < len(found.server_stream.data) <= 2 * SESSION_BYTES + 2000
    late = [("client", STARTUP), ("server", rows[:SESSION_BYTES]), ("server", WELCOME)]  # it begins there
    (refused,) = connections([*packets([*late, ("server", rows[: SESSION_BYTES // 2])], size=1000)])
    assert refused.ending == "closed"
    (slow,) = connections([*packets([("client", STARTUP), ("server", rows[: 5 * SESSION_BYTES])], size=1000, close="")])
    assert slow.ending == "end"
    assert len(slow.server_stream.data) == 5 * SESSION_BYTES


def test_ids_count_first_packets() -> None:
    """Of connections that have spoken, the one whose SYN came first is the first, even when it ends last."""
    other = CLIENT[:8] + (41000).to_bytes(2, "big") + CLIENT[-2:]
    early, late = packets(SAID), renumbered(packets(SAID), other, 1000)
    found = connections([*early[:3], *late, *early[3:]])
    assert [(c.id, c.client.port) for c in found] == [(2, 41000), (1, 40000)]


def flood(count: int) -> Iterator[Packet]:
    """SYNs that nobody answers, each of another address and port."""
    for n in range(1, count + 1):
        flow = b"\x0b" + n.to_bytes(3, "big") + CLIENT[4:8] + (1024 + n % 60000).to_bytes(2, "big") + CLIENT[-2:]
        yield Packet(n, 1000.0 + n / 100_000, flow, 1, 0, SYN, b"")


def test_a_flood_of_half_open_connections() -> None:
    """Fifty thousand SYNs do not fill the memory, and what comes behind them is found."""
    last = [p._replace(number=p.number + 200_000, time=p.time + 2.0) for p in packets(SAID)]
    made = Source("flood", lambda _: itertools.chain(flood(50_000), last))
    tracemalloc.start()
    found = [c.client.port for c in tracer.reassemble(made)]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [40000]
    assert most < 100e6
    assert made.problems == []


def test_half_open_ones_are_forgotten_first(monkeypatch) -> None:
    """What has spoken is kept, and a connection whose SYN was forgotten is found by what it says."""
    monkeypatch.setattr(streams, "LIVE_FLOWS", 4)
    said, late = packets(SAID), renumbered(packets(SAID), CLIENT[:9] + b"\x01" + CLIENT[-2:], 2000)
    found = connections([*late[:1], *said[:3], *list(flood(50)), *late[1:], *said[3:]])
    assert sorted(c.client.port for c in found) == sorted([40000, 39937])


def test_connections_that_were_not_followed_are_counted(monkeypatch) -> None:
    """Where all that are open have spoken, the oldest that may be something else goes, and it is said."""
    monkeypatch.setattr(streams, "LIVE_FLOWS", 4)
    start = packets([("client", SSL_REQUEST[:4])], close="")
    opened = [p for n in range(7) for p in renumbered(start, CLIENT[:8] + bytes([200, n]) + CLIENT[-2:], 10 * n)]
    made = source([*packets(SAID, close=""), *opened])
    assert [c.client.port for c in tracer.reassemble(made)] == [40000]
    assert made.problems == ["4 connections were not followed because more than 4 were open at once"]


def test_many_flows_in_flight_are_bounded(monkeypatch) -> None:
    """A flood of SYNs does not fill the memory."""
    monkeypatch.setattr(streams, "LIVE_FLOWS", 10)
    flood = [Packet(n, 1000.0, CLIENT[:8] + n.to_bytes(2, "big") + CLIENT[-2:], 1, 0, SYN, b"") for n in range(1, 500)]
    last = [p._replace(number=p.number + 1000, time=1001.0) for p in packets(SAID)]
    assert [c.client.port for c in connections([*flood, *last])] == [40000]


def test_all_bytes_in_flight_are_bounded(monkeypatch) -> None:
    """Many connections that are long and do not end: the oldest is handed on as it is, and none is lost without a word."""
    monkeypatch.setattr(streams, "ALL_BYTES", 10_000)
    long = packets([("client", STARTUP), ("server", bytes(3000))], size=1000, close="")
    opened = [p for n in range(7) for p in renumbered(long, CLIENT[:8] + bytes([200, n]) + CLIENT[-2:], 10 * n)]
    found = connections(opened)
    assert [c.ending for c in found] == ["full"] * 4 + ["end"] * 3
    assert {len(c.client_stream.data) for c in found} == {len(STARTUP)}


def test_a_fin_may_overtake_data() -> None:
    """With both FINs seen and a byte missing, two seconds are waited."""
    whole = packets(SAID)
    data = next(p for p in whole if p.flow != CLIENT and p.payload)
    rest = [p for p in whole if p is not data]
    assert all(p.flags & (FIN | ACK | SYN | RST) for p in rest)
    (found,) = connections([*rest, data._replace(time=rest[-1].time + 0.1)])
    assert found.server_stream.data == WELCOME
    assert found.ending == "closed"


def test_both_open_at_once() -> None:
    """In a simultaneous open the client is who speaks first."""
    whole = packets(SAID)
    opened = [
        whole[1]._replace(flags=SYN, ack=0),
        whole[0],
        whole[0]._replace(flags=SYN | ACK),
        whole[1],
        whole[0]._replace(seq=whole[0].seq + 1, flags=ACK),
    ]
    (found,) = connections([*opened, *whole[2:]])
    assert (found.client.port, found.client_stream.data) == (40000, STARTUP)


def test_a_late_syn_of_the_server() -> None:
    """Who is the client is known by then: neither a SYN of the other side nor one that is sent again changes that."""
    syn, answer = packets(SAID)[:2]
    tls = [packet for packet in packets(Tls().run().preambled()) if packet.payload]
    lost = [syn, answer, *(packet for packet in tls if packet.payload != SSL_REQUEST)]
    (found,) = connections([*lost[:4], answer._replace(flags=SYN, ack=0), *lost[4:]])
    assert found.client.port == 40000


def test_every_packet_twice() -> None:
    """A loopback as some programs capture it: nothing is counted as sent again with other bytes."""
    (found,) = connections([packet for packet in packets(SAID) for _ in range(2)])
    assert (found.client_stream.data, found.server_stream.data) == (STARTUP, WELCOME)
    assert found.client_stream.rewrites == found.server_stream.rewrites == ()


def test_a_lost_fin() -> None:
    """Who closed is known from the other's FIN; the connection ends with the input."""
    (found,) = connections(packets(SAID, close="client"))
    assert (found.ending, found.closed_first, found.server_stream.closed) == ("end", "client", None)


def test_ids_go_on_behind_those_of_another_capture() -> None:
    """Several captures that are read together have no two connections of one number."""
    assert [c.id for c in tracer.reassemble(source(packets(SAID)), after=3)] == [4]


def test_a_stranger_in_front_of_everything(monkeypatch) -> None:
    """Without a SYN, a byte far in front of the first one does not make a gap of gigabytes."""
    far = Packet(1, 1000.0, CLIENT, 0x90000000, 0, ACK, SSL_REQUEST)
    (found,) = connections([far, far._replace(number=2, seq=0x60000000, payload=b"x")])
    assert found.client_stream.data == SSL_REQUEST


def test_one_side_that_is_not_known_yet_is_bounded(monkeypatch) -> None:
    """A byte that may be the beginning of anything does not keep what the other side sends."""
    monkeypatch.setattr(segments, "STREAM_BYTES", 1000)
    start = Packet(1, 1000.0, CLIENT, 1, 0, ACK, b"\0")
    flood = [Packet(n, 1000.0, reverse(CLIENT), 1 + 100 * n, 0, ACK, bytes(100)) for n in range(2, 50)]
    made = source([start, *flood])
    assert list(tracer.reassemble(made)) == []
    assert CLIENT in made.skip


def test_a_reset_from_nowhere() -> None:
    """One whose number is far from all that was sent ends nothing: a receiver drops it, too."""
    whole = packets(SAID)
    stray = whole[3]._replace(number=90, seq=whole[3].seq + 0x30000000 & 0xFFFFFFFF, flags=RST, payload=b"")
    (found,) = connections([*whole[:4], stray, *whole[4:]])
    assert (found.ending, found.client_stream.data, found.server_stream.data) == ("closed", STARTUP, WELCOME)


# WHEN A SESSION SETTLES


def with_time(given_packets: list[Packet], *seconds: float) -> Source:
    """These packets, then nothing until so many seconds behind the last of them."""

    def walk(_: Source):
        yield from given_packets
        for later in seconds:
            yield Tick(given_packets[-1].time + later)
        raise AssertionError

    return Source("t", walk)


GSSENC = [("client", bytes.fromhex("0000000804d21630")), ("server", b"N")]
LOGIN = [("client", STARTUP), ("server", b"R\0\0\0\x08\0\0\0\x03"), ("client", b"p\0\0\0\x06x\0"), ("server", WELCOME)]


@pytest.mark.parametrize("front", [[], GSSENC])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_takes_its_time(version: ssl.TLSVersion, front: list[Say]) -> None:
    """It answers the password after three seconds: that still belongs to the connection, which settles behind it."""
    made = Tls(version, talk=tuple(LOGIN)).run()
    whole = packets([*front, *made.preambled()], close="")
    late = whole[-1]._replace(time=whole[-2].time + 3.0)

    def walk(_: Source):
        yield from whole[:-1]
        yield Tick(whole[-2].time + 2.0)
        yield late
        yield Tick(late.time + 1.1)
        raise AssertionError

    found = next(iter(tracer.reassemble(Source("t", walk))))
    assert found.ending == "quiet"
    assert found.server_stream.data.endswith(late.payload)


def test_the_end_of_a_handshake_is_no_session() -> None:
    """Its sealed records go both ways, and the client has yet to speak: sixty seconds are waited, not one."""
    made = Tls(talk=()).run()
    opened = packets(made.preambled(), close="")
    assert next(iter(tracer.reassemble(with_time(opened, 1.1, 11.0, 61.0)))).ending == "silent"


def test_what_may_be_a_session() -> None:
    """The client spoke together with its Finished, and the server's records are tickets or an answer: ten seconds."""
    made = Tls().run()
    hello, flight, finished, tickets, startup, welcome = made.said
    said = [hello, flight, ("client", finished[1] + startup[1]), ("server", tickets[1] + welcome[1])]
    opened = packets([("client", SSL_REQUEST), ("server", b"S"), *said], close="")
    found = next(iter(tracer.reassemble(with_time(opened, 1.1, 9.0, 10.5))))
    assert found.ending == "quiet"


# WHAT COMES IN ANOTHER WAY


@pytest.mark.parametrize("size", [1, 3, 5, 6, 40, 2000])
@pytest.mark.parametrize("length", [1, 5, 60, 2000])
def test_direct_tls_in_pieces(size: int, length: int, alpn_hello: bytes) -> None:
    """A ClientHello that offers postgresql is found over any number of records and segments."""
    body = alpn_hello[5:]
    cut = b"".join(
        b"\x16\3\1" + len(part).to_bytes(2, "big") + part
        for part in (body[at : at + length] for at in range(0, len(body), length))
    )
    (found,) = connections(packets([("client", cut)], size=size))
    assert found.client_stream.data == cut


@pytest.fixture(scope="module")
def alpn_hello() -> bytes:
    """Of a client that begins with TLS."""
    context, out = ssl.create_default_context(), ssl.MemoryBIO()
    context.set_alpn_protocols(["postgresql"])
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="db.example")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


def test_a_request_that_was_lost() -> None:
    """Both SYNs, `S`, and a ClientHello behind 8 bytes: nothing but an SSLRequest is answered like that."""
    made = Tls().run()
    given_packets = [p for p in packets(made.preambled()) if p.payload != SSL_REQUEST]
    (found,) = connections(given_packets)
    assert found.client_stream.gaps == ((0, 8),)
    trace = tracer.follow(found, made.keys())
    assert [(n.request, n.answer) for n in trace.negotiation] == [("SSLRequest", "S")]
    assert trace.messages[0].kind == "SSLRequest"
    assert "0 to 8" in (trace.messages[0].problem or "")
    assert trace.outcome.kind == "established"


@pytest.mark.parametrize("later", [0.1, 1.9])
def test_a_reset_that_overtakes_data(later: float) -> None:
    """What was sent before it, by its sequence number, still counts for two seconds."""
    whole = packets(SAID, close="")
    last = whole[-1]
    reset = last._replace(number=90, seq=last.seq + len(last.payload), flags=RST, payload=b"")
    (found,) = connections([*whole[:-1], reset, last._replace(time=reset.time + later)])
    assert (found.ending, found.server_stream.closed, found.server_stream.data) == ("reset", "rst", WELCOME)


def test_a_reset_and_what_was_never_captured() -> None:
    """Two seconds behind it the connection ends without that."""
    whole = packets(SAID, close="")
    last = whole[-1]
    reset = last._replace(number=90, seq=last.seq + len(last.payload), flags=RST, payload=b"")
    found = next(iter(tracer.reassemble(with_time([*whole[:-1], reset], 1.0, 2.1))))
    assert (found.ending, found.server_stream.data) == ("reset", b"")


def test_a_clock_that_is_set_back() -> None:
    """By seventy seconds, in the middle of a connection: it is whole, and quiet settles the next one as ever."""
    whole = packets([*SAID, ("client", b"Q\0\0\0\x05\0"), ("server", WELCOME)])
    back = [p._replace(time=p.time - 70.0) if p.number > 4 else p for p in whole]
    second = [
        p._replace(time=p.time - 60.0)
        for p in renumbered(packets(SAID, close=""), CLIENT[:9] + b"\x07" + CLIENT[-2:], 100)
    ]
    found = list(itertools.islice(tracer.reassemble(with_time([*back, *second], 0.5, 1.2)), 2))
    assert [(c.ending, len(c.server_stream.data)) for c in found] == [
        ("closed", 2 * len(WELCOME)),
        ("quiet", len(WELCOME)),
    ]


def test_time_passes_by() -> None:
    """`arriving` hands on every tick between the connections, `reassemble` none."""
    items = [*packets(SAID), Tick(2.0e9), Tick(2.1e9)]
    arrived = list(streams.arriving(Source("x", lambda _: iter(items))))
    assert [item for item in arrived if isinstance(item, Tick)] == items[-2:]
    assert [type(item) for item in arrived if item not in items] == [Connection]
    assert len(list(tracer.reassemble(Source("x", lambda _: iter(items))))) == 1


def test_an_end_that_speaks_to_itself() -> None:
    """One address and port on both sides: such packets have no two sides, and the connections beside them are found."""
    itself = b"\x7f\0\0\x01" * 2 + b"\x15\x38" * 2
    alone = [
        Packet(n, 1000.0, itself, n, 0, flags, data) for n, (flags, data) in enumerate([(SYN, b""), (ACK, STARTUP)])
    ]
    assert len(list(tracer.reassemble(source([*alone, *packets(SAID)])))) == 1
