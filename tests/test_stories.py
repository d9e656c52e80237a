"""The stories of captures/: what happened, what pgtls says of it, word for word."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tomllib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography import x509

import tracer
from captures import stories
from tracer import rootfile
from tracer.verify import consistent_with
from tracer.verify.words import alert

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
STORIES = sorted(path.parent.name for path in CAPTURES.glob("*/case.toml"))

# Where the replay does not say yet what the real client did, and why. One that is listed and agrees fails too.
NOT_YET: dict[str, str] = {}
AS_WRITTEN = (
    *("sslnegotiation", "channel_binding", "gssencmode"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version"),
)


def load(name: str) -> ModuleType:
    """A script of captures/ as a module."""
    spec = importlib.util.spec_from_file_location(name, CAPTURES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


expected = load("expected")


def test_there_are_stories() -> None:
    """The stories that the README names are here."""
    assert {"verify-full", "no-root-file", "sibling-verify-full", "prefer-wrong-root"} <= set(STORIES)


@pytest.mark.parametrize("name", STORIES)
def test_the_screen(name: str) -> None:
    """The screen of a story is the one in its folder."""
    story = CAPTURES / name
    assert expected.said(story, "text") == (story / "expected.txt").read_text()


@pytest.mark.parametrize("name", STORIES)
def test_the_document(name: str) -> None:
    """The JSON of a story is the one in its folder."""
    story = CAPTURES / name
    said, wanted = json.loads(expected.said(story, "json")), json.loads((story / "expected.json").read_text())
    assert said.pop("tool")["name"] == wanted.pop("tool")["name"]
    assert said == wanted


def judged() -> list[Any]:
    """The stories, those of `NOT_YET` expected to fail."""
    return [
        pytest.param(name, marks=pytest.mark.xfail(raises=AssertionError, strict=True, reason=NOT_YET[name]))
        if name in NOT_YET
        else name
        for name in STORIES
    ]


def played(name: str) -> tuple[dict[str, Any], tracer.Trace, tracer.Trust]:
    """A story's case, its first connection that speaks TLS (else its first), and what its client was told."""
    story = CAPTURES / name
    case = tomllib.loads((story / "case.toml").read_text())
    source = tracer.read(story / "capture.pcapng")
    traces = [tracer.follow(connection, source.keys) for connection in tracer.reassemble(source)]
    trace = next((trace for trace in sorted(traces, key=started) if trace.transport == "tls"), traces[0])
    words = dict(word.split("=", 1) for word in case["conninfo"].split())
    trust = tracer.Trust(
        host=case["host"],
        sslmode=case["sslmode"],
        roots=None if case["root"] == "absent" else rootfile.load(story / case["root"]),
        root_path=words.get("sslrootcert"),
        crls=revocation_lists(story / case["crl"]) if "crl" in case else None,
        time=trace.time,
        **{"gssencmode": "prefer"}
        | {key: words[key] for key in AS_WRITTEN if key in words},  # the default of one with GSSAPI
    )
    return case, trace, trust


def own(case: dict[str, Any]) -> str:
    """The client of the story, where its checks can be replayed."""
    return case["client"] if case["client"] in tracer.clients.names() else "libpq"


def started(trace: tracer.Trace) -> datetime:
    return trace.connection.started


def revocation_lists(path: Path) -> list[x509.CertificateRevocationList]:
    """The lists of a PEM file."""
    end = b"-----END X509 CRL-----\n"
    return [x509.load_pem_x509_crl(part + end) for part in path.read_bytes().split(end)[:-1]]


@pytest.mark.parametrize("name", judged())
def test_the_verdict_is_what_the_real_client_did(name: str) -> None:
    """Outcome, failing check, OpenSSL's code and the printed text are those of the client that made the capture."""
    case, trace, trust = played(name)
    if trace.presented.certificates is None and trace.presented.version is not None and trust.roots is not None:
        pytest.skip("the certificates of this story are sealed")
    verdict = tracer.replay(trace, trust, own(case))
    refused = verdict.refused_by
    assert {
        "outcome": verdict.outcome,
        "refused_by": refused.step if refused else "",
        "code": (refused.code if refused else 0) or 0,
        "prints": verdict.prints or "",
    } == case["expect"]
    assert tracer.agrees(verdict, trace) is True


@pytest.mark.parametrize("name", STORIES)
def test_the_capture_allows_the_mode_that_the_client_had(name: str) -> None:
    """It is among those that the capture does not contradict."""
    case, trace, trust = played(name)
    assert case["sslmode"] in consistent_with(tracer.table(trace, trust, own(case)), trace)


@pytest.mark.parametrize(("name", "outcome"), [("tls10", "accept"), ("tls10-refused", "refuse")])
def test_versions_that_nobody_named(name: str, outcome: str) -> None:
    """The ClientHello says what the client offers; libpq's default range is not held against it, and not printed."""
    _, trace, trust = played(name)
    trust = replace(trust, ssl_min_protocol_version="TLSv1.2", ssl_max_protocol_version="TLSv1.3")
    verdict = tracer.replay(trace, trust, "libpq-18")
    assert (verdict.outcome, verdict.prints, tracer.agrees(verdict, trace)) == (outcome, None, True)
    named = replace(trust, ssl_min_protocol_version="TLSv1.3")
    assert tracer.replay(trace, named, "libpq-18").outcome == "refuse"


@pytest.mark.parametrize(
    ("name", "kind", "outcome"),
    [
        ("client-certificate-refused", "refused_by_server", "refuse"),  # an alert, and nothing in front of it
        ("client-certificate-required", "incomplete", "cannot_tell"),  # an error, which might be a welcome
    ],
)
def test_a_refusal_that_is_sealed(name: str, kind: str, outcome: str) -> None:
    """TLS 1.3 seals what the server says of the client's certificate: sizes and closes say how much of it is known."""
    source = tracer.read(CAPTURES / name / "capture.pcapng")
    trace = tracer.follow(next(iter(tracer.reassemble(source))))
    assert (trace.outcome.kind, trace.outcome.inferred) == (kind, True)
    verdict = tracer.replay(trace, tracer.Trust(sslmode="require", roots=None, time=trace.time))
    assert (verdict.outcome, verdict.prints) == (outcome, None)
    assert tracer.agrees(verdict, trace) is (True if outcome == "refuse" else None)


@pytest.mark.parametrize("name", STORIES)
def test_who_ended_it(name: str) -> None:
    """The trace tells by itself whether there was a session, and if not, which side did not want it."""
    case, trace, _ = played(name)
    wanted = {"accept": "established", "plaintext": "plaintext", "refuse": "refused_by_client"}[
        case["expect"]["outcome"]
    ]
    if case["expect"]["refused_by"] in ("chain", "root_file"):
        wanted = "refused_by_client"  # also where prefer comes back in plaintext
    if case["expect"]["refused_by"] == "server" or trace.answer == "E":
        wanted = "refused_by_server"
    assert trace.outcome.kind == wanted


@pytest.mark.parametrize("name", STORIES)
def test_the_alert_goes_with_the_code(name: str) -> None:
    """Where OpenSSL has refused the chain, the client's alert is the one of that code."""
    case, trace, _ = played(name)
    seen = trace.outcome.alert
    if case["expect"]["code"]:
        assert seen is not None
        assert (seen.sender, seen.code) == ("client", alert(case["expect"]["code"]))
    else:
        assert seen is None or seen.sender == "server"


@pytest.mark.parametrize("name", STORIES)
def test_a_folder_is_what_the_table_says(name: str) -> None:
    """The text and the expectation of a folder are those of stories.py, and the README knows the story."""
    case = tomllib.loads((CAPTURES / name / "case.toml").read_text())
    story = next(story for story in stories.STORIES if story.name == name)
    assert case["story"] == " ".join(story.story.split())
    assert (case["sslmode"], case["host"]) == (story.sslmode, story.host)
    expect = case["expect"]
    assert (expect["outcome"], expect["refused_by"], expect["code"]) == (story.outcome, story.refused_by, story.code)
    assert f"| [{name}]({name}/expected.txt) | " in (CAPTURES / "README.md").read_text()


def test_every_story_has_its_folder() -> None:
    """None was left out."""
    assert sorted(story.name for story in stories.STORIES) == STORIES


@pytest.mark.slow
@pytest.mark.needs("unshare", "ip", "initdb-15", "tcpdump", "editcap")
def test_stories_can_be_made_again(tmp_path: Path) -> None:
    """What the real client does is still what the story says: a file that is missing, a man in the middle, a server at its limit."""
    names = ["missing-root-file", "bytes-behind-s", "error-answer"]
    subprocess.run([sys.executable, CAPTURES / "make.py", *names, "--into", tmp_path], check=True, timeout=120)
    for name in names:
        made, kept = (tomllib.loads((folder / name / "case.toml").read_text()) for folder in (tmp_path, CAPTURES))
        assert made["expect"] == kept["expect"]


def test_what_is_not_yet_is_a_story() -> None:
    """Each of `NOT_YET` is here."""
    assert set(NOT_YET) <= set(STORIES)
