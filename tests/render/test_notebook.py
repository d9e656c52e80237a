"""What a notebook shows of a value by itself."""

from __future__ import annotations

from tests.wire import Tls, follow, packets
from tracer.certificates import Presented
from tracer.verify import Trust, replay

MADE = Tls().run()
TRACE = follow(packets(MADE.preambled()), MADE.keys())


def test_a_trace_is_its_ladder_and_its_messages() -> None:
    """Without a script: a notebook would not run it."""
    shown = TRACE._repr_html_()
    assert '<svg class="ladder' in shown
    assert shown.count('<details class="msg"') == len(TRACE.messages)
    assert "<script" not in shown


def test_a_verdict_is_its_steps() -> None:
    """Each with its sign, and what the client prints."""
    verdict = replay(TRACE, Trust(host="other.example", sslmode="verify-full", roots=[], time=TRACE.time))
    shown = verdict._repr_html_()
    assert shown.count("<li") == len(verdict.checks)
    assert "prints" in shown
    assert "③ name" in shown


def test_what_was_presented_is_its_chain() -> None:
    """And nothing is said of today."""
    shown = TRACE.presented._repr_html_()
    assert "db.example" in shown
    assert "in its time" not in shown
    assert "No certificate was seen" in Presented(None)._repr_html_()
