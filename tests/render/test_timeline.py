"""Where on the timeline something stands: what several lines of messages become, and the places of the checks."""

from __future__ import annotations

import tracer
from tests.wire import Tls, follow, packets
from tracer.render.timeline import group_summary, groups, marks, told_check
from tracer.report import report

MADE = Tls().run()
TRACE = follow(packets(MADE.preambled()), MADE.keys())
SEALED = follow(packets(MADE.preambled()))


def test_neighbours_are_one_line() -> None:
    """Of the same kind and side; with -v each is a line."""
    sealed = [group for group in groups(SEALED.messages, 0) if group[0].sealed]
    assert any(len(group) > 1 for group in sealed)
    assert all(len({(m.sender, m.kind) for m in group}) == 1 for group in sealed)
    assert [m for group in groups(SEALED.messages, 0) for m in group] == list(SEALED.messages)
    assert all(len(group) == 1 for group in groups(SEALED.messages, 1))
    longest = max(sealed, key=len)
    assert group_summary(longest, "none").startswith(f"{sum(m.length for m in longest):,} bytes")


def test_the_places_of_the_checks() -> None:
    """Chain and dates behind the server's Certificate, the name behind the last Finished; nowhere without TLS."""
    found = report(TRACE, tracer.Trust(host="db.example", sslmode="verify-full", roots=None, time=TRACE.time))
    placed = {check.step: TRACE.messages[at].kind for at, checks in marks(found).items() for check in checks if at >= 0}
    assert placed["name"] == "Finished"
    assert "Certificate" in placed.values()
    open_ = report(TRACE, tracer.Trust(host="db.example", sslmode="require", roots=None, time=TRACE.time))
    name = open_.verdict.check("name")
    assert name is not None
    assert told_check(open_, name)[0] == "③ name"
    assert told_check(open_, name)[3].startswith("nobody looked: ")
