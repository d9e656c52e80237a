"""Messages in groups, and the checks behind them."""

from __future__ import annotations

import ssl

from tests.wire import Tls, follow, packets
from tracer.render.timeline import group_summary, groups, mark, marks, protocol
from tracer.report import report
from tracer.verify import Trust

MADE = Tls().run()
TRACE = follow(packets(MADE.preambled()), MADE.keys())
SEALED = follow(packets(MADE.preambled()))


def judged(trace, sslmode: str = "verify-full", roots=None):
    return report(trace, Trust(host="db.example", sslmode=sslmode, roots=roots, time=trace.time))


def test_every_message_is_in_one_group() -> None:
    """In order; with the fields shown each is a group."""
    together = [m.index for group in groups(TRACE.messages, 0) for m in group]
    assert together == [m.index for m in TRACE.messages]
    assert all(len(group) == 1 for group in groups(TRACE.messages, 1))


def test_a_group_says_how_much_it_holds() -> None:
    """And that of each sealed record."""
    sealed = next(group for group in groups(SEALED.messages, 0) if len(group) > 1 and group[0].sealed)
    assert all(f"{m.length}" in group_summary(sealed, "none") for m in sealed[:6])


def test_chain_and_dates_stand_behind_the_certificates_and_the_name_behind_the_handshake() -> None:
    """The places of the checks are messages."""
    placed = {
        TRACE.messages[at].kind: [c.step for c in checks] for at, checks in marks(judged(TRACE, "require")).items()
    }
    assert placed == {"Certificate": ["chain_and_dates"], "Finished": ["name"]}


def test_a_mark_says_that_nobody_looked() -> None:
    """Where the client has no root file."""
    found = judged(TRACE, "require")
    name = found.verdict.check("name")
    assert name is not None
    assert mark(found, name)[:3] == ("③ name", "·", "yellow")
    assert mark(found, name).words.startswith("nobody looked: ")


def test_what_was_spoken() -> None:
    """Its version, and whether it could be opened."""
    assert protocol(TRACE) == "TLS 1.3, opened with keys"
    assert protocol(SEALED) == "TLS 1.3, sealed: no keys"
    old = Tls(ssl.TLSVersion.TLSv1_2).run()
    assert protocol(follow(packets(old.preambled())), short=True) == "TLS 1.2, sealed"
