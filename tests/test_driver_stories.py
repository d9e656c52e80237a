"""The captures of captures/drivers: what each driver did, and that its own profile says so, opened and sealed."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import tracer
from tests.differential.test_drivers import expected, plain
from tracer import rootfile
from tracer.verify import observed
from tracer.verify.clients import drivers

FOLDER = Path(__file__).resolve().parent.parent / "captures" / "drivers"
CASES: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "cases.toml").read_text())


@cache
def traces(name: str, *, keys: bool = True) -> list[tracer.Trace]:
    """Every connection of a capture."""
    source = tracer.read(FOLDER / f"{name}.pcapng")
    connections = list(tracer.reassemble(source))
    return [tracer.follow(one, source.keys) if keys else tracer.follow(one) for one in connections]


def trust(name: str) -> tracer.Trust:
    case = CASES[name]
    time = traces(name)[0].time
    roots = rootfile.load(FOLDER / case["root"])
    return tracer.Trust(host=case["host"], sslmode=case["sslmode"], roots=roots, root_path=case["root"], time=time)


def test_every_driver_that_runs_has_its_captures() -> None:
    """Accepted, wrong root, wrong name, expired, N; the two refusals in TLS 1.2 as well."""
    stories = ("accepted", "wrong-root", "wrong-name", "expired", "no-tls", "wrong-root-tls12", "wrong-name-tls12")
    run = [name for name, profile in drivers().items() if profile.run]
    assert {f"{driver}-{story}" for driver in run for story in stories} == set(CASES)
    assert {path.stem for path in FOLDER.glob("*.pcapng")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_the_profile_says_what_the_driver_did(name: str) -> None:
    """Outcome, text and every connection; and agrees_with_capture is true."""
    case, first = CASES[name], traces(name)[0]
    verdict = tracer.replay(first, trust(name), case["client"])
    assert verdict.outcome == case["outcome"]
    if verdict.outcome == "refuse":
        assert expected(verdict.prints, case["prints"]) == plain(case["prints"])
    assert ",".join(observed(trace) or "?" for trace in traces(name)) in (verdict.wire or "").split("|")
    assert tracer.agrees(verdict, first) is True


@pytest.mark.parametrize("name", CASES)
def test_a_sealed_capture_does_not_contradict(name: str) -> None:
    """Without keys less is seen, and nothing of it speaks against the profile."""
    first = traces(name, keys=False)[0]
    assert tracer.agrees(tracer.replay(first, trust(name), CASES[name]["client"]), first) is not False


@pytest.mark.parametrize("name", [name for name in CASES if "wrong-root" in name])
def test_another_driver_contradicts(name: str) -> None:
    """What libpq sends is another alert, or an alert at all: it is not taken for this driver where the capture shows that."""
    first = traces(name)[0]
    libpq = tracer.replay(first, trust(name), "libpq")
    assert tracer.agrees(libpq, first) is (
        True if CASES[name]["client"] == "pg8000" else None if observed(first) == "left" else False
    )
