"""The stories of captures/: what happened, what pgtls says of it, word for word."""

from __future__ import annotations

import importlib.util
import json
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import tracer
from tracer import rootfile

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
STORIES = sorted(path.parent.name for path in CAPTURES.glob("*/case.toml"))


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


@pytest.mark.parametrize("name", STORIES)
def test_the_verdict_is_what_the_real_client_did(name: str) -> None:
    """Outcome, failing check, OpenSSL's code and the printed text are those of the client that made the capture."""
    story = CAPTURES / name
    case = tomllib.loads((story / "case.toml").read_text())
    source = tracer.read(story / "capture.pcapng")
    trace = next(tracer.follow(c, source.keys) for c in tracer.reassemble(source))
    roots = None if case["root"] == "absent" else rootfile.load(story / case["root"])
    binding = "require" if "channel_binding=require" in case["conninfo"] else "prefer"
    trust = tracer.Trust(
        host=case["host"], sslmode=case["sslmode"], roots=roots, time=trace.time, channel_binding=binding
    )
    if trace.presented.certificates is None and trace.tls is not None and roots is not None:
        pytest.skip("the certificates of this story are sealed")
    verdict = tracer.replay(trace, trust)
    wanted = case["expect"]
    refused_by = verdict.refused_by
    assert verdict.outcome == wanted["outcome"]
    assert (refused_by.step if refused_by else "") == wanted["refused_by"]
    assert (refused_by.code if refused_by and refused_by.code else 0) == wanted["code"]
    assert (verdict.prints or "") == wanted["prints"]
    assert tracer.agrees(verdict, trace) is True
