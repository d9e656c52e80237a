"""PostgreSQL's messages of both sides, in clear or opened: a layer's bytes to drafts.

Where bytes were lost, reading stops when a message's length or kind is among them: behind that no place is known where
a message begins.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tracer.layers import Layer
from tracer.protocol import postgres
from tracer.protocol.fields import Malformed, Reader
from tracer.sides import MOST_MESSAGES, Draft, Side, captured, lost


def server_messages(side: Side, layer: Layer, *, opened: bool) -> list[int]:
    """Cut a server's PostgreSQL messages; returns the authentication requests that want an answer, in order."""
    asked: list[int] = []
    ready = False
    data = bytes(layer.data[: layer.whole])

    def frame(at: int) -> postgres.Frame | None:
        nonlocal ready
        found = postgres.server_frame(data, at, ready)
        if found is not None and found.read is postgres.authentication:
            asked.append(int.from_bytes(data[at + 5 : at + 9], "big"))
        ready = ready or (found is not None and found.kind == "ReadyForQuery")
        return found

    _cut_messages(side, layer, frame, opened=opened)
    if SASL_CONTINUE in asked[:1]:
        asked.insert(0, SASL)  # it goes on what another request began, which was lost
    return [kind for kind in asked if kind not in (OK, SASL_FINAL)]


def client_messages(side: Side, layer: Layer, asked: list[int], *, opened: bool) -> None:
    """Cut a client's PostgreSQL messages: a startup or cancel request first, then those with a type."""
    answers = iter(asked)
    data = bytes(layer.data[: layer.whole])

    def frame(at: int) -> postgres.Frame | None:
        if at == 0:
            speech = postgres.recognise(data)
            if speech not in postgres.REQUESTS:
                raise Malformed("type", 0, "no PostgreSQL client begins like this")
            stop = int.from_bytes(data[:4], "big")
            return postgres.Frame(speech, 0, stop, postgres.REQUESTS[speech]) if stop <= len(data) else None
        reply = data[at : at + 1] == b"p"
        return postgres.client_frame(data, at, next(answers, None) if reply else None, ready=False)

    _cut_messages(side, layer, frame, opened=opened)


def _cut_messages(side: Side, layer: Layer, frame: Callable[[int], postgres.Frame | None], *, opened: bool) -> None:
    end = len(layer.data) if layer.whole is None else layer.whole
    draft = partial(_postgres_draft, side, layer, opened)
    while layer.done < end:
        at = layer.done
        gap = None if opened or not side.stream.gaps else _hidden(side, layer, at, end)
        if gap is not None:
            draft("Unread", at, end, postgres.unread_bytes, f"{gap}: where a message begins behind them is not known")
            return
        try:
            found = frame(at)
        except Malformed as malformed:
            draft("Unread", at, end, postgres.unread_bytes, str(malformed))
            break
        if found is None or len(side.drafts) >= MOST_MESSAGES:
            why = "the message is not whole in the capture" if layer.whole is None else layer.why
            draft("Unread", at, end, postgres.unread_bytes, why)
            break
        draft(found.kind, at, found.stop, found.read, None)
        layer.done = found.stop
    if end < len(layer.data):
        draft("Unread", end, len(layer.data), postgres.unread_bytes, layer.why)


def _hidden(side: Side, layer: Layer, at: int, end: int) -> str | None:
    """What was lost of the bytes that say which message stands here, and how long it is."""
    known = KIND if layer.data[at : at + 1] == b"R" else HEADER
    return lost(side.stream, layer.spans(at, min(at + known, end)))


def _postgres_draft(
    side: Side,
    layer: Layer,
    opened: bool,
    kind: str,
    start: int,
    stop: int,
    read: Callable[[Reader], None],
    problem: str | None,
) -> None:
    where, spans = layer.place(start, stop)
    seen = None if opened else captured(side.stream, spans)
    if seen is not None:
        problem = problem or lost(side.stream, spans)
    data = bytes(layer.data[start:stop])
    side.drafts.append(
        Draft(kind, "postgres", data, where if opened else spans[0], spans, read, opened, opened, seen, problem)
    )


# TABLES

OK, SASL, SASL_CONTINUE, SASL_FINAL = 0, 10, 11, 12  # kinds of Authentication messages
HEADER, KIND = 5, 9  # bytes of a message's type and length; with the kind of an authentication request behind them
