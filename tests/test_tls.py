"""The TLS part of a side: messages over records, and what lost bytes leave of them."""

from __future__ import annotations

import ssl

import pytest

from tests.wire import (
    CLIENT,
    SSL_REQUEST,
    STARTUP,
    WELCOME,
    Say,
    Tls,
    follow,
    in_small_records,
    packets,
    reverse,
    sealed,
    spoken,
)
from tracer.protocol.keys import Keys
from tracer.protocol.records import records
from tracer.tls import MOST_LOST_RECORDS
from tracer.trace import Trace

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
ALERT = bytes.fromhex("15030300020230")


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 100])
@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_messages_over_many_records(version: ssl.TLSVersion, size: int) -> None:
    """However short the records in clear are, the messages are the same."""
    made = Tls(version).run()
    whole, cut = (
        follow(packets(said), made.keys()) for said in (made.preambled(), in_small_records(made.preambled(), size))
    )
    clear = [
        [
            (m.kind, m.data, m.range, m.problem)
            for m in t.messages
            if not m.protected and m.layer == "tls" and m.kind != "ChangeCipherSpec"
        ]
        for t in (whole, cut)
    ]
    assert clear[0] == clear[1]
    assert [m.problem for m in cut.messages if m.problem] == []


@pytest.mark.parametrize("front", [b"", bytes.fromhex("140303000101")])
def test_an_alert_over_two_records(front: bytes) -> None:
    """A byte in each; the client's ChangeCipherSpec may stand in front of them."""
    made = Tls().run()
    said = [*made.preambled()[:3], ("client", front + b"\x15\3\3\0\1\2" + b"\x15\3\3\0\1\x30")]
    trace = follow(packets(said))
    alert = trace.of("Alert")
    assert alert is not None
    assert (alert.data, alert.problem, len(alert.spans)) == (b"\2\x30", None, 2)
    assert trace.outcome.kind == "refused_by_client"
    assert [m.kind for m in trace.messages].count("Alert") == 1


def test_an_alert_over_two_sealed_records() -> None:
    """The same, opened."""
    secret = b"k" * 32
    made = Tls().run()
    hello = made.said[0][1]
    server = next(r for r in records(made.said[1][1], 0))
    clear = made.said[1][1][: server.stop]
    halves = sealed(secret, b"\2\x15", 0) + sealed(secret, b"\x28\x15", 1)
    keys = Keys({hello[11:43]: {"SERVER_HANDSHAKE_TRAFFIC_SECRET": secret}})
    if b"\x13\x01" not in clear[:80]:
        clear = clear.replace(b"\x13\x02", b"\x13\x01", 1)
    trace = follow(
        packets([("client", SSL_REQUEST), ("server", b"S"), ("client", hello), ("server", clear + halves)]), keys
    )
    alert = trace.of("Alert", "server")
    assert alert is not None
    assert (alert.data, alert.opened, alert.problem) == (b"\2\x28", True, None)


def test_half_an_alert() -> None:
    """The other half did not come."""
    trace = spoken(*Tls().run().preambled()[:3], ("client", b"\x15\3\3\0\1\2"))
    alert = trace.of("Alert")
    assert alert is not None
    assert alert.problem is not None


# LOST BYTES


def without(said: list[Say], sender: str, start: int, stop: int, keys: Keys | None = None, size: int = 1) -> Trace:
    """The trace when these bytes of a side were not captured, in segments of `size` bytes."""
    given = packets(said, size=size)
    flow = CLIENT if sender == "client" else reverse(CLIENT)
    first = next(p.seq for p in given if p.flow == flow) + 1
    return follow([p for p in given if p.flow != flow or not p.payload or not start <= p.seq - first < stop], keys)


MADE = Tls(TLS_1_2).run()
SERVER = b"S" + MADE.said[1][1]
FLIGHT = list(records(SERVER, 1))  # ServerHello, Certificate, ServerKeyExchange, ServerHelloDone


def test_bytes_lost_inside_a_message() -> None:
    """It says which, and the messages behind it are read."""
    certificate = FLIGHT[1]
    at = certificate.body + 50
    trace = without(MADE.preambled(), "server", at, at + 20, MADE.keys())
    lacking = trace.of("Certificate", "server")
    assert lacking is not None
    assert lacking.problem == f"bytes {at} to {at + 20} of the stream were not captured"
    assert [m.kind for m in trace.messages if m.problem] == ["Certificate"]
    assert trace.of("ServerHelloDone") is not None
    assert trace.outcome.kind == "established"


def test_the_type_and_length_of_a_message_that_were_lost() -> None:
    """Zeros are no HelloRequests: nothing is made of the record, and the next one is read."""
    certificate = FLIGHT[1]
    trace = without(MADE.preambled(), "server", certificate.body, certificate.body + 4, MADE.keys())
    assert trace.of("HelloRequest") is None
    assert trace.of("Certificate", "server") is None
    (lacking,) = [m for m in trace.messages if m.problem]
    assert (lacking.kind, lacking.spans) == ("Unread", ((certificate.body, certificate.stop),))
    assert "which messages stand here is not known" in (lacking.problem or "")
    assert trace.of("ServerKeyExchange") is not None


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_lost_record_header(size: int) -> None:
    """Behind it reading goes on at the next packet that begins with a record."""
    certificate = FLIGHT[1]
    said = [("client", SSL_REQUEST), ("server", b"S"), MADE.said[0]]
    said += [("server", SERVER[r.start : r.stop]) for r in FLIGHT]
    said += MADE.said[2:]
    given = packets(said, size=4000)
    lost = next(p for p in given if p.payload == SERVER[certificate.start : certificate.stop])
    rest = lost._replace(seq=lost.seq + size, payload=lost.payload[size:])
    trace = follow([rest if p is lost else p for p in given], MADE.keys())
    (lacking,) = [m for m in trace.messages if m.problem]
    assert (lacking.kind, lacking.spans) == ("Unread", ((certificate.start, certificate.stop),))
    assert f"bytes {certificate.start} to {certificate.start + size} of the stream were not captured" in (
        lacking.problem or ""
    )
    assert [m.kind for m in trace.messages if m.sender == "server"][:4] == [
        "SSLResponse",
        "ServerHello",
        "Unread",
        "ServerKeyExchange",
    ]
    assert trace.outcome.kind == "established"


def test_a_change_cipher_spec_that_was_lost() -> None:
    """The Finished behind it is sealed, with its keys it opens, and nothing in clear is made of it."""
    client = SSL_REQUEST + b"".join(data for sender, data in MADE.said if sender == "client")
    change = next(r for r in records(client, 8) if r.type == 20)
    said = MADE.preambled()
    for keys, kind in ((MADE.keys(), "Finished"), (None, "Sealed")):
        given = packets(said, size=1)
        start = change.start
        merged = follow(_regroup(given, "client", [start, change.stop], (start, change.stop)), keys)
        behind = [m.kind for m in merged.messages if m.sender == "client" and m.spans[0][0] >= change.stop]
        assert behind[0] == kind
        assert merged.outcome.kind == "established"


def _regroup(given, sender: str, cuts: list[int], lose: tuple[int, int]):
    """A side's bytes in segments that end at `cuts`, without those of `lose`."""
    flow = CLIENT if sender == "client" else reverse(CLIENT)
    first = next(p.seq for p in given if p.flow == flow) + 1
    kept = []
    for p in given:
        at = p.seq - first
        if p.flow != flow or not p.payload:
            kept.append(p)
        elif lose[0] <= at < lose[1]:
            continue
        elif (
            kept
            and kept[-1].flow == flow
            and kept[-1].payload
            and at not in cuts
            and kept[-1].seq + len(kept[-1].payload) == p.seq
        ):
            kept[-1] = kept[-1]._replace(payload=kept[-1].payload + p.payload)
        else:
            kept.append(p)
    return kept


# NUMBERS OF SEALED RECORDS

SECRET = b"s" * 32


def numbered(skipped: int, *, junk: bool = False) -> Trace:
    """A TLS 1.3 session whose server's application records 1 to `skipped` were lost, each a packet."""
    made = Tls().run()
    hello = made.said[0][1]
    first = next(records(made.said[1][1], 0))
    server_hello = made.said[1][1][: first.stop].replace(b"\x13\x02", b"\x13\x01", 1)
    keys = Keys({hello[11:43]: {"SERVER_TRAFFIC_SECRET_0": SECRET}})
    message = b"S\0\0\0\x08a\0b\0"
    sent = [("server", sealed(SECRET, message + b"\x17", n)) for n in range(skipped + 3)]
    if junk:
        sent = [*sent[:-2], *[(who, data[:-1] + bytes([data[-1] ^ 1])) for who, data in sent[-2:]]]
    said = [("client", SSL_REQUEST), ("server", b"S"), ("client", hello), ("server", server_hello), *sent]
    given = packets(said)
    at = next(n for n, p in enumerate(given) if p.payload == sent[0][1])
    return follow([*given[: at + 1], *given[at + 1 + skipped :]], keys)


@pytest.mark.parametrize("skipped", [1, 2, 7])
def test_lost_records_take_numbers(skipped: int) -> None:
    """The tag tells which number a record has: behind lost ones the next are tried."""
    trace = numbered(skipped)
    assert [m.kind for m in trace.messages if m.protected] == ["ParameterStatus", "Unread"]
    unread = trace.messages[-1]
    assert (unread.opened, len(unread.data)) == (True, 18)
    assert "where a message begins behind that is not known" in (unread.problem or "")


def test_a_bound_on_lost_records() -> None:
    """What none of so many numbers opens stays sealed, and says how many were tried."""
    trace = numbered(MOST_LOST_RECORDS + 1)
    last = trace.messages[-1]
    assert last.kind == "Sealed"
    assert f"none of the next {MOST_LOST_RECORDS} sequence numbers" in (last.problem or "")


def test_what_does_not_authenticate_is_sealed() -> None:
    """However many numbers are tried."""
    assert [m.kind for m in numbered(2, junk=True).messages if m.protected] == ["ParameterStatus", "Sealed", "Sealed"]


def test_a_message_of_the_application_over_a_lost_record() -> None:
    """What was opened before and behind it is not put together."""
    made = Tls(
        talk=(("client", STARTUP), ("server", WELCOME[:3]), ("server", WELCOME[3:6]), ("server", WELCOME[6:]))
    ).run()
    given = packets(made.preambled())
    lost = next(p for p in given if p.payload == made.said[-2][1])
    trace = follow([p for p in given if p is not lost], made.keys())
    behind = [m for m in trace.messages if m.layer == "postgres" and m.opened and m.sender == "server"]
    assert [m.kind for m in behind] == ["Unread", "Unread"]
    assert all(m.problem for m in behind)
    assert ALERT
