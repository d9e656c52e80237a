"""What is written when."""

from __future__ import annotations

import io
import json
import ssl
from dataclasses import replace

from tests.wire import SSL_REQUEST, Tls, follow, packets, source, spoken
from tracer import output
from tracer.output import Output
from tracer.report import Report, report
from tracer.verify import Trust

TLS_1_2 = ssl.TLSVersion.TLSv1_2
GOOD = follow(packets(Tls().run().preambled()))
BAD = spoken(("client", SSL_REQUEST), ("server", b"N"))


def judged(trace) -> Report:
    return report(trace, Trust(time=trace.time), asked=False)


def written(
    *traces, form: str = "text", streaming: bool = False, only: int | None = None, several: bool = False
) -> list[str]:
    """What stands in the file after each connection, and at the end."""
    file = io.StringIO()
    made = Output(form, file, width=110, color=False, verbose=0, only=only, several=several)
    made.streaming = streaming
    after = []
    for trace in traces:
        made.connection(judged(trace))
        after.append(file.getvalue())
    made.end([source([])])
    return [*after, file.getvalue()]


def test_one_connection_is_a_screen() -> None:
    """And nothing else."""
    assert "What each sslmode would have done" in written(GOOD)[-1]


def test_many_are_lines_and_the_bad_ones_in_full() -> None:
    """A line each as they come; at the end those that ended badly."""
    first, second, third, end = written(GOOD, BAD, GOOD)
    assert first == ""
    assert second.count("\n") == 2
    assert third.count("\n") == 3
    assert end.count("What each sslmode") == 1
    assert "would not go on without" in end


def test_lines_are_in_the_order_of_their_numbers(monkeypatch) -> None:
    """A connection that began first and ended last is first; a stream, and one that too many wait for, go by their ends."""
    traces = [replace(GOOD, connection=replace(GOOD.connection, id=number)) for number in (2, 4, 3, 1)]

    def numbers(**how) -> list[str]:
        *before, end = written(*traces, **how)
        assert all(end.startswith(part) for part in before)
        return [line.split()[1] for line in end.splitlines() if line.startswith("?  ")]

    assert numbers() == ["1", "2", "3", "4"]
    assert numbers(streaming=True) == ["4", "3", "1"]  # the 2 is a screen
    monkeypatch.setattr(output, "AHEAD", 2)
    assert numbers() == ["2", "3", "4", "1"]


def test_a_stream_is_shown_as_it_comes() -> None:
    """The first in full, then lines, and the bad ones in full."""
    first, second, third, _ = written(GOOD, GOOD, BAD, streaming=True)
    assert "What each sslmode" in first
    assert second[len(first) :].count("\n") == 1
    assert "No session" in third[len(second) :]


def test_connections_are_compared_whatever_their_end() -> None:
    """A session and a refusal of the same server are told together, at the end, in every format."""
    made = Tls(TLS_1_2).run()
    refused = [*made.preambled()[:4], ("client", b"\x15\x03\x03\0\2\2\x30")]
    traces = follow(packets(made.preambled()), made.keys()), follow(packets(refused))
    assert "took the certificate of 10.0.0.2:5432" in written(*traces)[-1]
    (finding,) = json.loads(written(*traces, form="json")[-1])["findings"]
    assert (finding["kind"], finding["weight"]) == ("mixed_modes", "warning")


def test_json_is_one_document() -> None:
    """Whether there are connections or not."""
    for traces in ((), (GOOD,), (GOOD, BAD)):
        document = json.loads(written(*traces, form="json")[-1])
        assert len(document["connections"]) == len(traces)
        assert document["captures"][0]["name"] == "wire"


def test_only_one_is_shown() -> None:
    """The one that was asked for."""
    assert written(GOOD, only=2)[-1] == ""


def test_of_several_captures_each_is_named() -> None:
    """Once above its connections, and above each that is shown in full."""
    lines = written(GOOD, BAD, several=True)[-1].splitlines()
    assert lines[0] == "wire"
    assert lines.count("wire") == 2
    assert lines[[n for n, line in enumerate(lines) if line == "wire"][1] + 1].startswith("Connection ")
    assert "wire" not in written(GOOD, BAD)[-1].splitlines()
