"""The laws of a trace, on the stories and on what hypothesis makes of them."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracer
from tests import wire
from tracer.packets.source import FIN, RST, SYN, Packet, Source
from tracer.protocol.fields import Field, leaves
from tracer.protocol.keys import Keys
from tracer.trace import Message, Trace

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
STORIES = sorted(path.parent.name for path in CAPTURES.glob("*/capture.pcapng"))
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
GSSENC = [("client", bytes.fromhex("0000000804d21630")), ("server", b"N")]
UNKNOWN_CA = bytes.fromhex("15030300020230")
LOGIN = (
    ("client", wire.STARTUP),
    ("server", b"R\0\0\0\x08\0\0\0\3"),
    ("client", b"p\0\0\0\6x\0"),
    ("server", wire.WELCOME),
)


def plaintext() -> tuple[list[wire.Say], Keys]:
    return [("client", wire.SSL_REQUEST), ("server", b"N"), *LOGIN], Keys()


def over_tls(**how) -> tuple[list[wire.Say], Keys]:
    made = wire.Tls(talk=LOGIN, **how).run()
    return made.preambled(), made.keys()


def refused() -> tuple[list[wire.Say], Keys]:
    return [*over_tls(version=TLS_1_2)[0][:4], ("client", UNKNOWN_CA)], Keys()


def behind_gssenc() -> tuple[list[wire.Say], Keys]:
    said, keys = over_tls()
    return [*GSSENC, *said], keys


def in_small_records() -> tuple[list[wire.Say], Keys]:
    """Messages over many records, and an alert over two."""
    return wire.in_small_records(refused()[0], 1), Keys()


KINDS: dict[str, Callable[[], tuple[list[wire.Say], Keys]]] = {
    "TLS 1.2": partial(over_tls, version=TLS_1_2),
    "TLS 1.2, CBC": partial(over_tls, version=TLS_1_2, ciphers="ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"),
    "TLS 1.3": over_tls,
    "TLS 1.3, a client certificate is asked for": partial(over_tls, ask=True),
    "TLS 1.3 without keys": lambda: (over_tls()[0], Keys()),
    "HelloRetryRequest": partial(over_tls, curve="secp384r1"),
    "GSSENCRequest": behind_gssenc,
    "plaintext": plaintext,
    "refused": refused,
    "refused, a byte a record": in_small_records,
}
ALL = [*STORIES, *KINDS]


@cache
def packets(story: str) -> tuple[tuple[Packet, ...], Keys]:
    """Every packet of a story or of a kind of connection, and its keys."""
    if story in KINDS:
        said, keys = KINDS[story]()
        return tuple(wire.packets(said, size=300)), keys
    source = tracer.read(CAPTURES / story / "capture.pcapng")
    return tuple(item for item in source if isinstance(item, Packet)), source.keys


def traces(given_packets: tuple[Packet, ...] | list[Packet], keys: Keys) -> list[Trace]:
    def walk(_: Source) -> Iterator[Packet]:
        yield from given_packets

    return [tracer.follow(c, keys) for c in tracer.reassemble(Source("test", walk))]


def told(message: Message) -> tuple[object, ...]:
    """What the order of arrival must not change."""
    return message.sender, message.kind, message.range, message.spans, message.data, message.problem


def assert_tiled(fields: tuple[Field, ...], length: int) -> None:
    at = 0
    for leaf in leaves(fields):
        assert leaf.start == at
        at = leaf.stop
    assert at == length


def assert_accounted(trace: Trace) -> None:
    for sender in ("client", "server"):
        stream = trace.connection.stream(sender)
        covered = bytearray(len(stream.data))
        parts = [span for m in trace.messages if m.sender == sender for span in m.spans]
        parts += [(record.start, record.stop) for record in trace.records[sender]]
        for start, stop in parts:
            covered[start:stop] = b"\1" * (stop - start)
        assert all(covered)


@pytest.mark.parametrize("story", ALL)
def test_leaves_tile_their_message(story: str) -> None:
    """Law 1: the leaf fields of a message are its bytes, without gap or overlap."""
    for trace in traces(*packets(story)):
        for message in trace.messages:
            assert message.problem is None
            assert_tiled(message.fields, message.length)


@pytest.mark.parametrize("story", ALL)
def test_every_byte_is_accounted_for(story: str) -> None:
    """Law 2: records and messages cover both streams."""
    for trace in traces(*packets(story)):
        assert_accounted(trace)


@settings(max_examples=40)
@given(st.sampled_from(ALL), st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_segments_does_not_matter(story: str, chance, twice: bool) -> None:
    """Law 3: segments between SYN and FIN may come in any order, and more than once."""
    original, keys = packets(story)
    if len({p.flow for p in original}) > 2:
        return  # two connections: their segments are not one shuffle
    data = [p for p in original if p.payload and not p.flags & (SYN | FIN | RST)]
    head = [p for p in original if p.flags & SYN]
    tail = [p for p in original if p.flags & (FIN | RST)]
    shuffled = data + (chance.sample(data, len(data) // 2) if twice else [])
    chance.shuffle(shuffled)
    before, after = traces(head + data + tail, keys), traces(head + shuffled + tail, keys)
    assert [told(m) for t in after for m in t.messages] == [told(m) for t in before for m in t.messages]


@settings(max_examples=40)
@given(st.sampled_from(ALL), st.data())
def test_a_prefix_says_a_prefix(story: str, data) -> None:
    """Law 4: what a side said in the first packets stays what it said."""
    original, keys = packets(story)
    some = traces(original[: data.draw(st.integers(0, len(original)))], keys)
    ended = {trace.connection.client: trace for trace in traces(original, keys)}
    for early in some:
        whole = ended[early.connection.client]
        for sender in ("client", "server"):
            seen = [told(m)[1:5] for m in early.messages if m.sender == sender and m.problem is None]
            sealed = early.tls is not None and early.tls.version is None
            if not sealed:
                assert seen == [told(m)[1:5] for m in whole.messages if m.sender == sender][: len(seen)]


@settings(max_examples=150)
@given(st.sampled_from(ALL), st.data(), st.binary(max_size=200))
def test_junk_never_raises(story: str, data, junk: bytes) -> None:
    """Law 5: valid bytes up to any point, then junk: messages still tile, and nothing is raised."""
    original, keys = packets(story)
    number = data.draw(st.integers(0, len(original) - 1))
    packet = original[number]
    keep = data.draw(st.integers(0, len(packet.payload)))
    broken = packet._replace(payload=packet.payload[:keep] + junk)
    for trace in traces([*original[:number], broken, *original[number + 1 :]], keys):
        for message in trace.messages:
            assert_tiled(message.fields, message.length)
        assert trace.outcome.kind
        assert tracer.render.text(trace)


@settings(max_examples=150)
@given(st.sampled_from(ALL), st.data())
def test_lost_packets_are_named(story: str, data) -> None:
    """A segment that was not captured makes no message: one that lacks bytes names them, and no other is made up."""
    original, keys = packets(story)
    known = {(told(m)[0], m.spans, m.data): m for t in traces(original, keys) for m in t.messages}
    lost = data.draw(st.sets(st.integers(0, len(original) - 1), max_size=3))
    opened = [p for number, p in enumerate(original) if number not in lost or p.flags & SYN]
    for trace in traces(opened, keys):
        assert_accounted(trace)
        assert trace.of("UnencryptedData") is None or story == "bytes-behind-s"
        for message in trace.messages:
            gap = any(trace.connection.stream(message.sender).missing(*span) for span in message.spans)
            if gap and not message.opened:
                assert "not captured" in (message.problem or "")
            if message.problem is None and message.kind not in ("Sealed", "AuthenticationResponse"):
                assert known[message.sender, message.spans, message.data].kind == message.kind


@pytest.mark.parametrize("story", STORIES)
def test_secrets_are_not_kept(story: str) -> None:
    """No field holds a password, a proof or a cancel key, and the screen with all bytes shows none."""
    for trace in traces(*packets(story)):
        for message in trace.messages:
            for leaf in leaves(message.fields):
                if leaf.secret and leaf.stop > leaf.start:
                    assert leaf.value is None
                    secret = message.data[leaf.start : leaf.stop]
                    if len(secret) > 8:
                        assert secret.hex(" ", 1)[:40] not in tracer.render.text(trace, verbose=2)


def test_without_keys_it_stays_sealed() -> None:
    """With no key everything behind ServerHello is one message a record, and the certificates are not known."""
    original, _ = packets("verify-full")
    (trace,) = traces(original, Keys())
    assert trace.tls is not None
    assert (trace.tls.keys, trace.certificates, trace.tls.client_certificate) == ("none", (), None)
    assert {m.kind for m in trace.messages if m.protected} == {"Sealed"}


def test_what_gssapi_seals_is_sealed() -> None:
    """Behind G nothing can be read, and that is no problem of the messages."""
    (trace,) = traces(*packets("gss-encrypted"))
    assert {m.kind for m in trace.messages} == {"GSSENCRequest", "GSSENCResponse", "Sealed"}
    assert all(int.from_bytes(m.data[:4], "big") == m.length - 4 for m in trace.every("Sealed"))
    assert trace.outcome.kind == "established"


def test_a_connection_of_nothing() -> None:
    """A connection whose client said SSLRequest and nothing else is a trace, too."""
    original, keys = packets("verify-full")
    (trace,) = traces([p for p in original if p.payload][:1], keys)
    assert [m.kind for m in trace.messages] == ["SSLRequest"]
    assert trace.outcome.kind == "incomplete"
    assert replace(trace).tls is None


# NO MORE THAN THE BYTES CARRY


def recorded(body: bytes) -> bytes:
    return b"\x16\3\3" + len(body).to_bytes(2, "big") + body


SERVER_HELLO = bytes.fromhex("020000 2e 0303") + b"s" * 32 + bytes.fromhex("00 1301 00 0006 002b 0002 0304")


@pytest.mark.parametrize(
    ("hello", "version"),
    [
        (SERVER_HELLO, "TLS 1.3"),
        (SERVER_HELLO[:-1] + b"\5", "0x0305"),
        (SERVER_HELLO.replace(b"\0\x2b\0\2", b"\0\x2b\0\3"), None),  # the extension is longer than what is there
        (SERVER_HELLO[:3] + b"\x26" + SERVER_HELLO[4:42], "TLS 1.2"),
    ],
)
def test_the_version_that_a_server_hello_carries(hello: bytes, version: str | None) -> None:
    """TLS 1.3 is said in an extension: where extensions cannot be read, the field of TLS 1.2 settles nothing."""
    assert wire.spoken(("client", HELLO), ("server", recorded(hello))).tls.version == version


@pytest.mark.parametrize("size", range(5, len(SERVER_HELLO) + 5))
def test_a_server_hello_that_is_cut(size: int) -> None:
    """It settles nothing, and says that its end is missing."""
    trace = wire.spoken(("client", HELLO), ("server", recorded(SERVER_HELLO)[:size]), close="")
    assert (trace.tls.version, trace.tls.cipher_suite) == (None, None)
    assert all(m.problem for m in trace.messages if m.sender == "server")


HELLO = wire.Tls().run().said[0][1]
SECRET = b"s" * 32


@pytest.mark.parametrize(("seen", "asked"), [(True, "none"), (False, None)])
def test_a_sealed_record_may_hold_the_request(seen: bool, asked: str | None) -> None:
    """Whether a certificate was asked for is known only when nothing of the server's flight stayed sealed."""
    label = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
    flight = [
        wire.sealed(SECRET, b"\x08\0\0\2\0\0\x16", 0),
        wire.sealed(SECRET, b"\x14\0\0\x20" + bytes(32) + b"\x16", 1),
    ]
    if not seen:
        flight[0] = flight[0][:-1] + bytes([flight[0][-1] ^ 1])
    keys = Keys({HELLO[11:43]: {label: SECRET}})
    said = [("client", HELLO), ("server", recorded(SERVER_HELLO) + b"".join(flight))]
    trace = wire.follow(wire.packets(said), keys)
    assert trace.of("Finished", "server") is not None
    assert trace.tls.client_certificate == asked


INSIDE = b"\0" + b"\0\0\x0a" + b"\0\0\5" + b"\x30\3abc" + b"\0\0"  # a Certificate of one
EMPTY = b"\0" + b"\0\0\0"


@pytest.mark.parametrize(
    ("algorithm", "inside", "found", "certificates"),
    [(1, INSIDE, "sent", (b"\x30\3abc",)), (1, EMPTY, "requested", ()), (2, INSIDE, "sent", ())],
    ids=["zlib", "none in it", "Brotli, which is not read"],
)
def test_a_client_that_compresses_its_certificate(
    algorithm: int, inside: bytes, found: str, certificates: tuple[bytes, ...]
) -> None:
    """As OpenSSL 3.6 does where it was built with zlib (RFC 8879)."""
    packed = zlib.compress(inside)
    length = algorithm.to_bytes(2, "big") + len(inside).to_bytes(3, "big") + len(packed).to_bytes(3, "big")
    answer = b"\x19" + (len(length + packed)).to_bytes(3, "big") + length + packed
    theirs = b"\x08\0\0\2\0\0" + b"\x0d\0\0\3\0\0\0" + b"\x14\0\0\x20" + bytes(32)
    sides = {"SERVER_HANDSHAKE_TRAFFIC_SECRET": SECRET, "CLIENT_HANDSHAKE_TRAFFIC_SECRET": SECRET}
    said = [
        ("client", HELLO),
        ("server", recorded(SERVER_HELLO) + wire.sealed(SECRET, theirs + b"\x16", 0)),
        ("client", wire.sealed(SECRET, answer + b"\x14\0\0\x20" + bytes(32) + b"\x16", 0)),
    ]
    trace = wire.follow(wire.packets(said), Keys({HELLO[11:43]: sides}))
    assert trace.of("CompressedCertificate", "client") is not None
    assert (trace.tls.client_certificate, trace.client_certificates) == (found, certificates)


@pytest.mark.parametrize("body", ["02", "0228", "02280100", "0228" * 9])
def test_alerts_behind_a_change_cipher_spec(body: str) -> None:
    """Half an alert is no sealed one, and a long one is no alert in clear."""
    alert = b"\x15\3\3" + len(bytes.fromhex(body)).to_bytes(2, "big") + bytes.fromhex(body)
    for front in (b"", bytes.fromhex("140303000101")):
        trace = wire.spoken(("client", HELLO + front + alert))
        last = trace.messages[-1]
        assert last.kind == ("Sealed" if len(body) > 34 else "Alert")
        assert (last.problem is None) == (len(body) in (4, 36))
