"""What is made of one connection by whoever looks at it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tracer.commands.looking import Job, looked_at, randoms
from tracer.commands.options import Question
from tracer.packets.pcap import open_capture
from tracer.part import Form, Wanted
from tracer.protocol.fields import first
from tracer.protocol.keys import Keys
from tracer.streams import Connection, reassemble
from tracer.trace import follow
from tracer.verify import Trust

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
FORM = Form("ndjson", 110, color=False, verbose=0, only=None)
WANTED = Wanted(full=False, bad=False)


def connection(story: str) -> tuple[Connection, Keys]:
    source = open_capture(CAPTURES / story / "capture.pcapng")
    return next(reassemble(source)), source.keys


@pytest.mark.parametrize(("sslmode", "status"), [("prefer", 0), ("verify-full", 1)])
def test_one_connection(sslmode: str, status: int) -> None:
    """How it ended, what is written, and the exit status of the sslmode that was asked about: 1 where that refuses."""
    question = Question(Trust(sslmode=sslmode, host="other.example", roots=None), "libpq", None, asked=True)
    told = looked_at(Job(question, FORM), *connection("verify-full"), WANTED)
    written = json.loads(told.part.line)
    assert (told.kind, told.status, written["outcome"]["kind"]) == ("established", status, "established")
    assert written["verdicts"][0]["sslmode"] == sslmode
    assert told.randoms == ()


def test_what_a_key_log_calls_it() -> None:
    """The random of its ClientHello; told where somebody gave a key log."""
    found, keys = connection("verify-full-tls12")
    trace = follow(found, keys)
    hello = trace.of("ClientHello")
    assert hello is not None
    random = first(hello.fields, "random")
    assert random is not None
    assert list(randoms(trace)) == [random.value]
    told = looked_at(Job(Question(Trust(), "libpq", None, asked=False), FORM, b"a log"), found, keys, WANTED)
    assert told.randoms == (random.value,)
