"""What is worth saying: the order in which it is said, and that little is said where all is well."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracer
from tests.authority import root, server, subordinate
from tests.findings.helpers import healthy, kinds, shake, story
from tests.wire import SSL_REQUEST, STARTUP, follow, packets, spoken
from tracer.findings import EACH, TOGETHER, together
from tracer.findings.model import WEIGHTS
from tracer.findings.sketch import sketch

PASSWORD = b"R\0\0\0\x08\0\0\0\3"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_nothing_is_said_of_a_good_connection(version: ssl.TLSVersion) -> None:
    """A chain that is whole, a name that is right, TLS of today."""
    assert kinds(healthy(version=version)) == []


@pytest.mark.parametrize("name", ["verify-full", "direct-tls", "scram-channel-binding", "no-root-file"])
def test_little_is_said_of_an_ordinary_one(name: str) -> None:
    """A server shaped like those of RDS: one quiet line."""
    found = tracer.explain(*story(name))
    assert [finding.kind for finding in found] == ["root_sent"]
    assert {finding.weight for finding in found} == {"note"}


def test_little_is_said_of_real_rds(shared) -> None:
    """Two quiet lines."""
    source = tracer.read(shared / "captures" / "rds-2022.pcap")
    (trace,) = [tracer.follow(c, source.keys) for c in tracer.reassemble(source)]
    found = tracer.explain(trace)
    assert [(finding.kind, finding.weight) for finding in found] == [
        ("root_sent", "note"),
        ("client_certificate", "note"),
    ]


def test_the_heaviest_comes_first() -> None:
    """Dangers, warnings, notes."""
    said = [("client", SSL_REQUEST), ("server", b"N"), ("client", STARTUP), ("server", PASSWORD)]
    found = tracer.explain(*story("prefer-wrong-root"), *story("cname"), spoken(*said))
    weights = [WEIGHTS.index(finding.weight) for finding in found]
    assert weights == sorted(weights)
    assert set(weights) == {0, 1, 2}


def test_each_finding_names_its_connections() -> None:
    """One of its own, or those that it compares; and it is made of sentences."""
    refused, back = story("prefer-wrong-root")
    for finding in tracer.explain(refused, back):
        assert finding.connections in {(1,), (2,), (1, 2)}
        assert finding.text.endswith(".")
        assert finding.advice == "" or finding.advice.endswith(".")


def test_sketches_are_as_good_as_traces() -> None:
    """What is said of several together needs no more than what is remembered of them, in any order."""
    traces = story("prefer-wrong-root")
    several = [finding for finding in tracer.explain(*traces) if len(finding.connections) > 1]
    assert several
    assert together([sketch(trace) for trace in reversed(traces)]) == several


@given(st.integers(0, 5000), st.binary(min_size=1, max_size=40))
def test_no_bytes_make_it_raise(at: int, junk: bytes) -> None:
    """Junk anywhere in what a server says, certificates and dates included: what is said are sentences, and not many."""
    said = shake(server(), subordinate(), root()).preambled()
    sender, words = said[3]
    at %= len(words)
    said[3] = (sender, words[:at] + junk + words[at + len(junk) :])
    trace = follow(packets(said))
    found = [*tracer.explain(trace), *together([sketch(trace)] * 3)]
    assert len(found) < 30
    assert all(finding.text.endswith(".") and len(finding.text) < 1000 for finding in found)


def test_the_tables_hold_functions_of_one_name_each() -> None:
    """Nothing stands in them twice."""
    names = [look.__name__ for look in (*EACH, *TOGETHER)]
    assert len(names) == len(set(names))
