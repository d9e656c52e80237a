"""From the bytes of a layer back to the stream."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tracer.layers import Layer


def test_exact_and_sealed_pieces() -> None:
    """Bytes in clear are found to the byte; of those that were opened the whole record is the place."""
    layer = Layer()
    layer.add(b"abcd", 10, 14, exact=True)
    layer.add(b"efgh", 20, 60, exact=False)
    assert layer.spans(1, 6) == ((11, 14), (20, 60))
    assert (layer.place(1, 3)[0], layer.place(5, 7)[0]) == ((1, 3), (1, 3))


@given(st.lists(st.binary(min_size=1, max_size=5), min_size=1, max_size=8), st.data())
def test_pieces_cover_every_range(parts: list[bytes], data: st.DataObject) -> None:
    """In order, with nothing left out and nothing twice."""
    layer, at = Layer(), 0
    for part in parts:
        layer.add(part, at, at + len(part), exact=True)
        at += len(part)
    start = data.draw(st.integers(0, at - 1))
    stop = data.draw(st.integers(start + 1, at))
    spans = layer.spans(start, stop)
    assert (spans[0][0], spans[-1][1]) == (start, stop)
    assert all(a[1] == b[0] for a, b in pairwise(spans))
