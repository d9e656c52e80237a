"""The laws of a trace, on the stories and on what hypothesis makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracer
from tracer.packets.source import FIN, RST, SYN, Packet, Source
from tracer.protocol.fields import Field, leaves
from tracer.protocol.keys import Keys
from tracer.trace import Message, Trace

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
STORIES = sorted(path.parent.name for path in CAPTURES.glob("*/capture.pcapng"))


@cache
def packets(story: str) -> tuple[tuple[Packet, ...], Keys]:
    """Every packet of a story, and its keys."""
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


@pytest.mark.parametrize("story", STORIES)
def test_leaves_tile_their_message(story: str) -> None:
    """Law 1: the leaf fields of a message are its bytes, without gap or overlap."""
    for trace in traces(*packets(story)):
        for message in trace.messages:
            assert message.problem is None
            assert_tiled(message.fields, message.length)


@pytest.mark.parametrize("story", STORIES)
def test_every_byte_is_accounted_for(story: str) -> None:
    """Law 2: records and messages cover both streams."""
    for trace in traces(*packets(story)):
        for sender in ("client", "server"):
            stream = trace.connection.stream(sender)
            covered = bytearray(len(stream.data))
            parts = [span for m in trace.messages if m.sender == sender for span in m.spans]
            parts += [(record.start, record.stop) for record in trace.records[sender]]
            for start, stop in parts:
                covered[start:stop] = b"\1" * (stop - start)
            assert all(covered)


@settings(max_examples=40)
@given(st.sampled_from(STORIES), st.randoms(use_true_random=False), st.booleans())
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
@given(st.sampled_from(STORIES), st.data())
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
@given(st.sampled_from(STORIES), st.data(), st.binary(max_size=200))
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


@settings(max_examples=60)
@given(st.sampled_from(STORIES), st.data())
def test_lost_packets_are_named(story: str, data) -> None:
    """A segment that was not captured makes no message of its own: what lacks bytes says so."""
    original, keys = packets(story)
    lost = data.draw(st.sets(st.integers(0, len(original) - 1), max_size=3))
    for trace in traces([p for number, p in enumerate(original) if number not in lost], keys):
        assert trace.of("UnencryptedData") is None or story == "bytes-behind-s"
        for message in trace.messages:
            gap = any(trace.connection.stream(message.sender).missing(*span) for span in message.spans)
            if gap and not message.opened:
                assert message.problem


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
