"""What several processes gain: `python -m tests.benchmarks.jobs [JOBS] [ROUNDS] [--times N] [--files N] [--seeds FOLDER] [--json FILE]`.

`pgtls read` of many captures and of a long one, and `pgtls audit` of many small ones and of large ones, with one process and
with JOBS, one behind the other in each round. A ratio of times by the clock means something where nobody else uses the
cores: the load in front of each round is told, and that of the whole is a warning. What several processes cost more, the
seconds of the processor say, whoever else is there. Both must have written the same.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.__main__ import Run, machine, recorded, run

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
JOBS, ROUNDS = 2, 3
TIMES, FILES = (
    2,
    4,
)  # how often the long capture repeats the recorded handshakes; in each of so many captures they are once
BULK = 5  # how often each of as many captures repeats the recorded bulk
SMALL = 2_000  # captures of an audit
QUIET = 0.3  # a load that others make and that does not matter


class Case(NamedTuple):
    """A command but for `--jobs`; what it writes goes to `-o`, and is held against each other where that can be done."""

    name: str
    words: list[str]
    output: str


def cases(folder: Path, seeds: Path, times: int, files: int) -> Iterator[Case]:
    """The captures are made here."""
    long, many, bulk, small = folder / "long.pcap", folder / "many", folder / "bulk", folder / "small"
    for made in (many, bulk, small):
        made.mkdir()
    grow(seeds / "handshakes.pcap", times, long)
    for number in range(files):
        grow(seeds / "handshakes.pcap", 1, many / f"{number}.pcap")
        grow(seeds / "bulk.pcap", BULK, bulk / f"{number}.pcap")
    stories = sorted(CAPTURES.glob("*/capture.pcapng"))
    for number in range(SMALL):
        (small / f"{number:04}.pcapng").write_bytes(stories[number % len(stories)].read_bytes())
    keys = ["--keylog", str(seeds / "keys.log"), "--format", "ndjson"]
    yield Case("read, one long capture", ["read", str(long), *keys], "out.ndjson")
    yield Case(f"read, {files} captures of handshakes", ["read", *names(many), *keys], "out.ndjson")
    yield Case(f"read, {files} captures of bulk", ["read", *names(bulk), *keys], "out.ndjson")
    yield Case(f"audit, {SMALL:,} small captures", ["audit", str(small)], "out.csv")
    yield Case(f"audit, {files} captures of handshakes", ["audit", str(many)], "out.csv")
    yield Case(f"audit, {files} captures of bulk", ["audit", str(bulk)], "out.csv")


def grow(seed: Path, times: int, path: Path) -> None:
    """In a process of its own, as in `tests.benchmarks`."""
    words = [str(seed), str(times), str(path)]
    subprocess.run([sys.executable, "-m", "tests.benchmarks.traffic", *words], check=True)


def names(folder: Path) -> list[str]:
    return sorted(map(str, folder.iterdir()))


def measure(case: Case, jobs: int, rounds: int, folder: Path) -> dict[str, object]:
    """With one process and with several, in turn."""
    runs: dict[int, list[Run]] = {1: [], jobs: []}
    loads = []
    for _ in range(rounds):
        loads.append(os.getloadavg()[0])
        for number, taken in runs.items():
            output = folder / f"{number}-{case.output}"
            output.unlink(missing_ok=True)
            words = [sys.executable, "-m", "tracer", *case.words, "--jobs", str(number), "-o", str(output)]
            taken.append(run(words, folder / "said"))
    if not filecmp.cmp(folder / f"1-{case.output}", folder / f"{jobs}-{case.output}", shallow=False):
        raise SystemExit(f"{case.name}: what {jobs} processes wrote is not what one wrote")
    alone, together = (Run(*map(statistics.median, zip(*taken, strict=True))) for taken in runs.values())
    return {
        "case": case.name,
        "alone": alone._asdict(),
        "together": together._asdict(),
        "gain": alone.wall / together.wall,
        "loads": loads,
    }


def row(result: dict[str, object]) -> str:
    alone, together = Run(**result["alone"]), Run(**result["together"])  # type: ignore[arg-type]
    loads = "–".join(f"{load:.1f}" for load in (min(result["loads"]), max(result["loads"])))  # type: ignore[call-overload]
    return (
        f"| {result['case']} | {alone.wall:.1f} | {together.wall:.1f} | {result['gain']:.2f} | {alone.cpu:.1f} "
        f"| {together.cpu:.1f} | {loads} |\n"
    )


def main() -> None:
    """Make the captures, read them, show the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("jobs", nargs="?", type=int, default=JOBS)
    parser.add_argument("rounds", nargs="?", type=int, default=ROUNDS)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--seeds", type=Path, help="where recorded traffic is, or is to be kept")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"{machine()}; medians of {options.rounds} rounds, seconds", flush=True)
    if os.getloadavg()[0] > QUIET:
        print("others use this machine: what the clock says is their work, too")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        seeds = recorded(options.seeds or folder)
        results = []
        for case in cases(folder, seeds, options.times, options.files):
            results.append(measure(case, options.jobs, options.rounds, folder))
            print(f"  {case.name}: {results[-1]['gain']:.2f}", file=sys.stderr, flush=True)
    print(
        f"| what | one process | {options.jobs} processes | gain | processor, one | processor, {options.jobs} | load |\n"
        f"|---|{'--:|' * 6}\n{''.join(map(row, results))}"
    )
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=1))


if __name__ == "__main__":
    main()
