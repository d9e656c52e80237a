"""One side: layers and the way back to the stream."""

from __future__ import annotations

import ssl

from hypothesis import given
from hypothesis import strategies as st

from tests.wire import Tls, follow, packets
from tracer.layers import Layer


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=6), st.data())
def test_ranges_lead_back_to_the_stream(pieces: list[bytes], data) -> None:
    """The spans of a range hold its bytes, piece by piece."""
    layer, stream = Layer(), bytearray()
    for piece in pieces:
        stream += b"head "
        layer.add(piece, len(stream), len(stream) + len(piece), exact=True)
        stream += piece
    start = data.draw(st.integers(0, len(layer.data) - 1))
    stop = data.draw(st.integers(start + 1, len(layer.data)))
    assert b"".join(stream[a:b] for a, b in layer.spans(start, stop)) == layer.data[start:stop]
    assert layer.place(start, stop)[0] == (start, stop)


def test_what_was_sealed_leads_to_its_record() -> None:
    """The range counts in the record's plaintext, the span is the whole record."""
    layer = Layer()
    layer.add(b"aaaa", 100, 130, exact=False)
    layer.add(b"bbbb", 130, 160, exact=False)
    assert layer.place(5, 8)[0] == (1, 4)
    assert layer.spans(5, 8) == ((130, 160),)
    assert layer.spans(2, 6) == ((100, 130), (130, 160))


def test_messages_over_many_packets() -> None:
    """A handshake in segments of seven bytes is the same handshake."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        made = Tls(version).run()
        small, large = (follow(packets(made.preambled(), size=size), made.keys()) for size in (7, 1400))
        assert [(m.kind, m.data, m.spans) for m in small.messages] == [
            (m.kind, m.data, m.spans) for m in large.messages
        ]
