"""What a finding is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Weight = Literal["danger", "warning", "note"]
WEIGHTS: Final = ("danger", "warning", "note")  # the heaviest first
LONGEST_NAME = 100  # characters of a stranger's name inside a sentence


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation: what was seen and why it matters (`text`), and what to do about it (`advice`, "" for nothing).

    `message` is the index of the message that shows it, `spec` where the rule stands, `connections` the ids of those it is
    about. `weight`: a danger is something that somebody can use; a warning wants to be looked at; a note is good to know.
    """

    kind: str
    text: str
    message: int | None = None
    spec: str | None = None
    connections: tuple[int, ...] = ()
    weight: Weight = "warning"
    advice: str = ""


def by_weight(finding: Finding) -> int:
    """The key that sorts the heaviest first."""
    return WEIGHTS.index(finding.weight)


def shorten(name: str) -> str:
    """A stranger's name, no longer than a sentence can bear."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
