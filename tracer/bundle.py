"""A CA bundle: what it holds, what of it still serves, and which of its entries anchors a server's chain.

A rotation is a question about two bundles and one chain: who passes with the old, who with the new, and until when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tracer.certificates import Certificate
from tracer.verify.chain import Fault, is_self_signed, judge
from tracer.verify.validity import time_fault

State = Literal["valid", "expired", "not yet valid", "unreadable dates"]
MOMENTS = 200  # of the future at which a chain is judged: each begin and end of a certificate that takes part


@dataclass(frozen=True)
class Entry:
    """One certificate of a bundle, by its place in the file; `same_as` is the place of an earlier copy."""

    position: int
    certificate: Certificate
    state: State
    root: bool
    same_as: int | None


@dataclass(frozen=True)
class Anchored:
    """A chain judged with a bundle: the entry that ends it, or the first fault; and when that changes.

    `until` is the first moment at which a chain that is good now is refused; None where that is not so, or not known.
    """

    anchor: Entry | None
    fault: Fault | None
    until: datetime | None
    then: Fault | None

    @property
    def good(self) -> bool:
        return self.fault is None


def entries(certificates: Sequence[Certificate], time: datetime) -> tuple[Entry, ...]:
    """Every certificate of a bundle at a time (aware, UTC)."""
    places: dict[bytes, int] = {}
    found = []
    for position, certificate in enumerate(certificates):
        same = places.setdefault(certificate.der, position)
        state = STATES.get(time_fault(certificate, time) or 0, "unreadable dates")
        root = is_self_signed(certificate)
        found.append(Entry(position, certificate, state, root, same if same != position else None))
    return tuple(found)


def anchored(sent: Sequence[Certificate], bundle: Sequence[Entry], time: datetime, level: int = 2) -> Anchored:
    """Judge a chain (leaf first) with a bundle as root file, at a time and after it."""
    roots = [entry.certificate for entry in bundle]
    path = judge(sent, roots, time, level)
    fault = path.faults[0] if path.faults else None
    if fault is not None:
        return Anchored(None, fault, None, None)
    anchor = next((entry for entry in bundle if entry.certificate == path.anchor), None)
    for moment in _moments([*sent, *path.certificates], time):
        later = judge(sent, roots, moment, level)
        if later.faults:
            return Anchored(anchor, None, moment, later.faults[0])
    return Anchored(anchor, None, None, None)


def _moments(certificates: Sequence[Certificate], time: datetime) -> list[datetime]:
    """When something may change: OpenSSL takes the very moment of notAfter for too late."""
    ends = {c.not_after for c in certificates if c.not_after is not None}
    return sorted(end for end in ends if end > time)[:MOMENTS]


STATES: dict[int, State] = {0: "valid", 9: "not yet valid", 10: "expired"}
