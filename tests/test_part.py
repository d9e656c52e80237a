"""What is made of one connection: what is wanted, and nothing else."""

from __future__ import annotations

import json
import pickle

import pytest

from tests.wire import SSL_REQUEST, Tls, follow, packets, spoken
from tracer.part import Form, Wanted, ended_badly, part
from tracer.report import Report, report
from tracer.verify import Trust

NOTHING = Wanted(full=False, bad=False, sections={True: (), False: ()})


def judged(trace) -> Report:
    return report(trace, Trust(time=trace.time), asked=False)


GOOD = judged(follow(packets(Tls().run().preambled())))
BAD = judged(spoken(("client", SSL_REQUEST), ("server", b"N")))


def form(name: str, only: int | None = None) -> Form:
    return Form(name, 110, color=False, verbose=0, only=only)


def test_a_line_and_a_screen() -> None:
    """The line is always there; the screen where it is wanted of all, or of those that ended badly."""
    assert part(GOOD, form("text"), NOTHING).line.count("\n") == 1
    assert [part(one, form("text"), NOTHING).full for one in (GOOD, BAD)] == [None, None]
    bad = [part(one, form("text"), Wanted(full=False, bad=True)).full for one in (GOOD, BAD)]
    assert bad[0] is None
    assert "would not go on without" in str(bad[1])
    assert "What each sslmode" in str(part(GOOD, form("text"), Wanted(full=True, bad=False)).full)


def test_an_object() -> None:
    """In JSON, on one line."""
    line = part(GOOD, form("ndjson"), NOTHING).line
    assert json.loads(line)["id"] == 1
    assert "\n" not in line


@pytest.mark.parametrize("name", ["html", "markdown"])
def test_sections(name: str) -> None:
    """As one that ended badly or did not is wanted: with details, without, or both."""
    wanted = Wanted(full=False, bad=False, sections={True: (True, False), False: ()})
    assert set(part(BAD, form(name), wanted).sections) == {True, False}
    assert not part(GOOD, form(name), wanted).sections


def test_one_that_is_not_shown() -> None:
    """It is compared with the others all the same."""
    one = part(GOOD, form("text", only=2), Wanted(full=True, bad=True))
    assert (one.line, one.full) == ("", None)
    assert one.sketch is not None


def test_who_ended_badly() -> None:
    """A session inside TLS did not; one without TLS did."""
    assert [ended_badly(one) for one in (GOOD, BAD)] == [False, True]


@pytest.mark.parametrize("name", ["text", "ndjson", "html"])
def test_it_goes_from_one_process_to_another(name: str) -> None:
    """As it is."""
    made = part(BAD, form(name), Wanted(full=True, bad=True, sections={True: (True,), False: (False,)}))
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 (our own)
