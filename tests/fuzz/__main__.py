"""`python -m tests.fuzz [TARGET…] [--seconds N]`: fuzz each target for so long, and say how many inputs it had.

With atheris where it is installed (libFuzzer, guided by the branches that an input takes), else with a small mutator of our own.
An input that raises, or that takes over a second of processor time, is written to `found/` and ends its target.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

SLOW = 1.0  # seconds of processor time for one input
MEMORY = 1500  # megabytes of one target
FOUND = Path("found")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="default: all")
    parser.add_argument("--seconds", type=int, default=600, help="of each target; default 600")
    parser.add_argument("--corpus", type=Path, default=Path(".fuzz"), help="where inputs that found a way are kept")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        (name,) = options.targets
        (_with_atheris if find_spec("atheris") else _alone)(name, options.seconds, options.corpus / name)
        return 0
    from tests.fuzz.targets import TARGETS  # behind what is fuzzed: atheris instruments what is imported later

    total, bad = 0, []
    for name in options.targets or TARGETS:
        count, whole = _child(name, options.seconds, options.corpus)
        total += count
        bad += [] if whole else [name]
        print(f"{name:<20} {count:>12,} executions{'' if whole else '   FOUND SOMETHING: see found/'}", flush=True)
    print(f"{'in all':<20} {total:>12,} executions, {len(bad)} of the targets found something")
    return 1 if bad else 0


def _child(name: str, seconds: int, corpus: Path) -> tuple[int, bool]:
    """A target in a process of its own: libFuzzer ends the process that it runs in."""
    command = [sys.executable, "-m", "tests.fuzz", name, "--inside", f"--seconds={seconds}", f"--corpus={corpus}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    counts = re.findall(r"^(?:Done |#|stat::number_of_executed_units: *)(\d+)", done.stderr, re.MULTILINE)
    if done.returncode:
        print(done.stderr[-4000:], file=sys.stderr)
    return max(map(int, counts), default=0), done.returncode == 0


def _timed(name: str):
    """The target, which fails where one input takes over a second of processor time."""
    from tests.fuzz.targets import TARGETS

    target = TARGETS[name]

    def once(data: bytes) -> None:
        began = time.process_time()
        target(data)
        took = time.process_time() - began
        assert took < SLOW, f"{took:.1f} s for {len(data)} bytes"

    return once


def _with_atheris(name: str, seconds: int, corpus: Path) -> None:
    import atheris

    with atheris.instrument_imports(include=["tracer"]):
        import tracer  # noqa: F401 (instrumented from here on)
        from tests.fuzz import targets  # noqa: F401
    corpus.mkdir(parents=True, exist_ok=True)
    FOUND.mkdir(exist_ok=True)
    _lay_out(name, corpus)
    limits = [
        f"-max_total_time={seconds}",
        f"-rss_limit_mb={MEMORY}",
        "-timeout=60",
        "-max_len=40000",
        "-len_control=0",
    ]
    out = [f"-artifact_prefix={FOUND}/{name}-", "-print_final_stats=1", "-close_fd_mask=1"]
    once = _timed(name)
    once(b"")  # what is imported late is imported now, and not in the time of an input
    for seed in sorted(corpus.glob("seed-*"))[:2]:
        _timed_less(name, seed.read_bytes())
    atheris.Setup([sys.argv[0], *limits, *out, str(corpus)], once)
    atheris.Fuzz()


def _timed_less(name: str, data: bytes) -> None:
    from tests.fuzz.targets import TARGETS

    TARGETS[name](data)


def _lay_out(name: str, corpus: Path) -> None:
    from tests.fuzz.seeds import seeds

    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number:04}").write_bytes(seed)


def _alone(name: str, seconds: int, corpus: Path) -> None:
    """The same without atheris: seeds, mutated, for so long."""
    from tests.fuzz.mutate import mutated
    from tests.fuzz.seeds import seeds

    FOUND.mkdir(exist_ok=True)
    pool, chance = seeds(name), random.SystemRandom()
    for seed in pool[:2]:
        _timed_less(name, seed)
    once, count, until = _timed(name), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        data = mutated(chance, pool)
        try:
            once(data)
        except BaseException:
            (FOUND / f"{name}-{abs(hash(data)):x}").write_bytes(data)
            print(f"#{count}", file=sys.stderr, flush=True)
            raise
        count += 1
    print(f"#{count}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
