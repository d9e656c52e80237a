"""What steps come to."""

from __future__ import annotations

from dataclasses import replace

from tracer.verify.clients.verdicts import Step, certain, knows_the_server, possible, verdict
from tracer.verify.model import Check, Trust

FAILED = Step(Check("chain", "failed", "", "in_handshake"), "text", "alert:48", "an alert")
UNSURE = Step(Check("chain", "cannot_tell", "", "in_handshake"), wire="alert")


def test_a_verdict_takes_its_words_from_the_step_that_failed() -> None:
    said = verdict("x", Trust(), "refuse", FAILED, steps=(FAILED,), basis="run: x 1")
    assert (said.prints, said.wire, said.on_the_wire, said.basis) == ("text", "alert:48", "an alert", "run: x 1")
    assert [check.step for check in said.checks] == ["chain", "validity", "name"]


def test_what_may_be_seen() -> None:
    assert possible(Trust(), [UNSURE], None) == "no_hello|alert|session"
    assert possible(Trust(), [UNSURE], None, "nothing") == "nothing|alert|session"
    assert possible(Trust(roots="system"), [UNSURE], FAILED) == "alert|alert:48"


def test_a_wrong_name_is_certain() -> None:
    assert certain(replace(FAILED, check=Check("name", "failed", "")))
    assert not certain(FAILED)


def test_who_knows_the_server() -> None:
    chain, name = (Step(Check(step, "passed", "")) for step in ("chain", "name"))
    assert knows_the_server((chain, name))
    assert not knows_the_server((chain,))
    assert knows_the_server((Step(Check("channel_binding", "passed", "")),))
