"""How long a verdict takes: `python -m tests.benchmarks.verdicts [ROUNDS]`. Medians.

A chain of three certificates that was never seen before, judged once; and the whole table of six sslmodes where chain and
trust were seen before, as it is for nearly every connection of a capture.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import rsa

import tracer
from tests import authority
from tracer.certificates import Certificate, Presented
from tracer.verify.chain import judge

ROUNDS = 200
NOW = authority.BEGIN + timedelta(days=30)
HOST = "db.example"
# what the issue allows, in seconds
NEW, KNOWN = 1e-3, 20e-6


def chains(count: int, keys: list[object | None]) -> list[tuple[list[bytes], bytes]]:
    """Leaf and intermediate as a server sends them, and the root; each chain is another."""
    root = authority.issue("Benchmark Root", ca=True, key=keys[0])
    below = [authority.issue(f"Intermediate {n}", root, ca=True, key=keys[1]) for n in range(count)]
    return [([authority.issue(HOST, one, key=keys[2]).der, one.der], root.der) for one in below]


def new(kind: str, keys: list[object | None], rounds: int) -> float:
    """From the bytes: read three certificates, build the chain, check the signatures, the dates, the names."""
    taken = []
    for sent, root in chains(rounds, keys):
        start = time.perf_counter()
        path = judge([Certificate.from_der(der) for der in sent], [Certificate.from_der(root)], NOW)
        taken.append(time.perf_counter() - start)
        assert not path.faults
    return report(f"a new chain of three, {kind}", taken, NEW)


def known(kind: str, roots: list[Certificate], presented: Presented, rounds: int) -> float:
    """Six verdicts on what was judged before, each at another moment."""
    trust = tracer.Trust(host=HOST, sslmode="verify-full", roots=roots, time=NOW)
    moments = [tracer.Trust(**{**vars(trust), "time": NOW + timedelta(seconds=n)}) for n in range(rounds)]
    tracer.table(presented, trust)
    return report(f"the table of six, {kind}", [timed(tracer.table, presented, moment) for moment in moments], KNOWN)


def timed(act: Callable[..., object], *given: object) -> float:
    start = time.perf_counter()
    act(*given)
    return time.perf_counter() - start


def report(what: str, taken: list[float], bound: float) -> float:
    median = statistics.median(taken)
    print(f"{what:42} {median * 1e6:8.1f} µs of {bound * 1e6:6.0f}   {len(taken)} rounds")
    return median


def main() -> None:
    """All of them; says so where one takes longer than it may."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    weak: list[object | None] = [rsa.generate_private_key(65537, 2048) for _ in range(3)]
    medians = [(new("P-256", [None] * 3, rounds), NEW), (new("RSA-2048", weak, rounds), NEW)]
    (sent, root), *others = chains(88, [None] * 3)
    presented, anchor = Presented.from_der(sent), Certificate.from_der(root)
    bundle = [anchor, *(Certificate.from_der(other[0][1]) for other in others)]
    for kind, roots in (("one root", [anchor]), (f"a bundle of {len(bundle)}", bundle)):
        medians.append((known(kind, roots, presented, 10 * rounds), KNOWN))
    if any(median > bound for median, bound in medians):
        print("too slow")


if __name__ == "__main__":
    main()
