"""Every target of `make fuzz`, for a moment: its seeds, what was found before, and a few hundred mutations of them."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import CORPUS, MADE, seeds
from tests.fuzz.targets import TARGETS

EVERY = pytest.mark.parametrize("name", TARGETS)
MOST = 500_000  # bytes of the corpus


def test_each_target_has_seeds() -> None:
    """A target without any begins from nothing, and gets nowhere."""
    assert MADE.keys() == TARGETS.keys()
    assert not [name for name in TARGETS if not seeds(name)]


def test_the_corpus_is_small() -> None:
    """What lies in the repository is what found a way that no seed does."""
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < MOST
    assert {path.parent.name for path in CORPUS.glob("*/*")} <= TARGETS.keys()


@EVERY
def test_the_corpus_passes(name: str) -> None:
    """Inputs that once raised or hung are among them."""
    for path in sorted((CORPUS / name).glob("*")):
        TARGETS[name](path.read_bytes())


@EVERY
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 1 << 64))
def test_mutations_pass(name: str, number: int) -> None:
    """Seeds with a few changes each."""
    TARGETS[name](mutated(random.Random(number), seeds(name)))  # noqa: S311 (a game)


@EVERY
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=300))
def test_junk_passes(name: str, data: bytes) -> None:
    """Bytes of no kind."""
    TARGETS[name](data)
