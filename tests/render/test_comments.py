"""Comments on the packets of a connection: what stands where, and that a stranger's text is tame."""

from __future__ import annotations

from dataclasses import replace

import tracer
from tests.wire import Tls, follow, packets
from tracer.render.comments import LONGEST, MOST, comments
from tracer.report import Report, report

MADE = Tls().run()
TRACE = follow(packets(MADE.preambled()), MADE.keys())


def judged(trace: tracer.Trace = TRACE, **trust: object) -> Report:
    return report(trace, tracer.Trust(time=trace.time, **trust))  # type: ignore[arg-type]


def place(kind: str, sender: str) -> int:
    return next(m.packet for m in TRACE.messages if (m.kind, m.sender) == (kind, sender))


def test_what_stands_where() -> None:
    """The verdict on the first packet, each message where it ends, the checks behind Certificate and Finished."""
    found = comments(judged(host="db.example", sslmode="verify-full", roots=None), quote=True)
    assert min(found) == TRACE.connection.first_packet
    assert found[min(found)][0].startswith("pgtls, connection 1, 10.0.0.1:40000 → ")
    assert "sslmode=verify-full" in found[min(found)][0]
    for message in TRACE.messages:
        assert any(message.kind in line or "session" in line for line in found[message.packet])
    assert found[max(found)][-1].startswith("how it ended: ")
    open_ = comments(judged(host="db.example", sslmode="require", roots=None), quote=True)
    certificate = open_[place("Certificate", "server")]
    assert [line.startswith("▶") and "nobody looked" in line for line in certificate if "①" in line] == [True]
    finished = open_[place("Finished", "client")]
    assert [line for line in finished if line.startswith("▶ ③")]


def test_what_only_a_key_opened() -> None:
    """PostgreSQL's messages inside TLS are quoted only where the keys go with them."""
    told = [str(comments(judged(), quote=quote)) for quote in (True, False)]
    assert ["user=" in text for text in told] == [True, False]
    assert all("StartupMessage" in text for text in told)


def test_a_strangers_text_is_bounded() -> None:
    """Controls are written out, a line has an end, and a packet a number of them."""
    nasty = replace(TRACE.messages[0], summary="\x1b[31m\n" + "x" * 5000)
    many = tuple(replace(nasty, index=n, kind=f"K{n}") for n in range(MOST + 20))
    lines = comments(judged(replace(TRACE, messages=many)), quote=True)[nasty.packet]
    assert len(lines) == MOST + 1
    assert "more lines are left out" in lines[-1]
    assert all(len(line) <= LONGEST and "\n" not in line and "\x1b" not in line for line in lines)
