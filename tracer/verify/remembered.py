"""The verdict of every sslmode, remembered: most connections of a capture show the same chain to the same client.

What is remembered is valid for a stretch of time in which no date of a certificate falls: all that a replay asks of the
clock is on which side of these dates it stands.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from tracer.certificates import Certificate, Presented
from tracer.verify.model import SSLMODES, Trust, Unknown, Unusable, Verdict

Client = Callable[[Presented, Trust], Verdict]
REMEMBERED = 1024  # tables; each is a few kilobytes


class _Chain(NamedTuple):
    """What a server sent and what a client trusts. A bundle is long: its hash is that of its first certificate."""

    sent: tuple[Certificate, ...]
    roots: tuple[object, ...]

    def __hash__(self) -> int:
        return hash((self.sent[:1], len(self.roots), self.roots[:1]))


class _Question:
    """A question with the values that answer it; `key` is all that the answer depends on."""

    __slots__ = ("client", "key", "presented", "trust")

    def __init__(self, key: tuple[object, ...], presented: Presented, trust: Trust, client: Client) -> None:
        self.key, self.presented, self.trust, self.client = key, presented, trust, client

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Question) and self.key == other.key


def table(presented: Presented, trust: Trust, client: Client) -> dict[str, Verdict]:
    """The verdict of every sslmode, from disable to verify-full, with all else as in `trust`."""
    if trust.crls is not None:
        return _judge(presented, trust, client)  # their dates count, too
    kind, roots = _roots(trust)
    chain = _Chain(presented.certificates or (), roots)
    dates, time = _dates(chain), trust.time.replace(microsecond=0)  # OpenSSL counts whole seconds
    stretch = bisect_left(dates, time), bisect_right(dates, time)
    shown = presented.certificates is None, _PRESENTED(presented), tuple(presented.seen.items())
    key = (client, chain, kind, stretch, shown, _TRUST(trust))
    found = _remembered(_Question(key, presented, trust, client))
    if _tells_the_time(found["verify-ca"]):
        found = _remembered(_Question((*key, time), presented, trust, client))
    return {mode: _at(verdict, trust.time) for mode, verdict in found.items()}


@lru_cache(maxsize=REMEMBERED)
def _remembered(question: _Question) -> dict[str, Verdict]:
    return _judge(question.presented, question.trust, question.client)


def _roots(trust: Trust) -> tuple[object, tuple[object, ...]]:
    """What kind of root file it is, and the certificates in it."""
    roots = trust.roots
    if roots == "system" and trust.store is not None:
        return "the system's", tuple(trust.store)
    if roots is None or isinstance(roots, (Unknown, Unusable, str)):
        return roots, ()
    return "file", tuple(roots)


def _judge(presented: Presented, trust: Trust, client: Client) -> dict[str, Verdict]:
    return {mode: client(presented, replace(trust, sslmode=mode)) for mode in SSLMODES}


@lru_cache(maxsize=REMEMBERED)
def _dates(chain: _Chain) -> list[datetime]:
    """Every date of these certificates, in order."""
    anchors = Trust(roots=chain.roots).anchors() or ()  # type: ignore[arg-type]
    found = (date for one in (*chain.sent, *anchors) for date in (one.not_before, one.not_after) if date is not None)
    return sorted(found)


def _tells_the_time(verdict: Verdict) -> bool:
    """Whether a check says when it was made: one that found a certificate out of its time does."""
    return any(check.step == "validity" and check.outcome == "failed" for check in verdict.checks)


def _at(verdict: Verdict, time: datetime) -> Verdict:
    """The same at another time; `dataclasses.replace` would take longer than all the rest."""
    if verdict.time == time:
        return verdict
    same = object.__new__(Verdict)
    second = verdict.second and _at(verdict.second, time)
    same.__dict__.update(verdict.__dict__, time=time, second=second)
    return same


_PRESENTED = attrgetter(*(f.name for f in fields(Presented) if f.name not in ("certificates", "seen")))
_TRUST = attrgetter(*(f.name for f in fields(Trust) if f.name not in ("sslmode", "roots", "store", "crls", "time")))
