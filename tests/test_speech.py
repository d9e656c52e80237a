"""PostgreSQL's messages where bytes were lost. Whole connections are in test_trace.py."""

from __future__ import annotations

import pytest

from tests.wire import SSL_REQUEST, STARTUP, WELCOME, follow, packets

SAID = [("client", SSL_REQUEST), ("server", b"N"), ("client", STARTUP), ("server", WELCOME)]


@pytest.mark.parametrize(("at", "kinds"), [(1, ["Unread"]), (6, ["Unread"]), (10, ["AuthenticationOk", "Unread"])])
def test_a_lost_byte(at: int, kinds: list[str]) -> None:
    """Where it hides which message stands there, reading stops: zeros are no AuthenticationOk."""
    given = packets(SAID, size=1)
    server = [p for p in given if p.payload and p.flow == given[1].flow]
    trace = follow([p for p in given if p is not server[1 + at]])
    found = [m for m in trace.messages if m.sender == "server"][1:]
    assert [m.kind for m in found] == kinds
    assert f"bytes {1 + at} to {2 + at} of the stream were not captured" in (found[-1].problem or "")


def test_a_lost_byte_of_a_value() -> None:
    """The message lacks it, and the next one is read."""
    given = packets(SAID, size=1)
    server = [p for p in given if p.payload and p.flow == given[1].flow]
    trace = follow([p for p in given if p is not server[len(WELCOME)]])
    last = [m for m in trace.messages if m.sender == "server"][-1]
    assert (last.kind, last.problem) == ("ReadyForQuery", "bytes 15 to 16 of the stream were not captured")
