"""How fast `pgtls read` is, beside tshark with the same question and beside `cat`: `make bench`.

`python -m tests.benchmarks [ROUNDS] [--json FILE] [--seeds FOLDER] [--growth TIMES]`. Traffic is recorded from a real
PostgreSQL: dense with handshakes, dense with bulk. Each is read as it was recorded, mixed, and repeated TIMES times
(`traffic.py`). tshark is asked twice: for the types of the handshake messages, the certificates and the alerts, and for every field
of TLS and of the certificates. Every program reads each file ROUNDS times, one behind the other, and the medians are shown: whoever else uses the machine
shows in all of them, so only what is beside each other may be compared.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import tracer

ROUNDS, GROWTH = 3, 10
# what tshark calls them, and pgtls; in the other direction a HelloRetryRequest is a ServerHello
HANDSHAKES = {
    1: "ClientHello",
    2: "ServerHello",
    4: "NewSessionTicket",
    8: "EncryptedExtensions",
    11: "Certificate",
    12: "ServerKeyExchange",
    13: "CertificateRequest",
    14: "ServerHelloDone",
    15: "CertificateVerify",
    16: "ClientKeyExchange",
    20: "Finished",
}


# a name, the seed, how many times GROWTH it is repeated, or 0 for once, and the form
CASES = [
    ("handshake-dense", "handshakes", 0),
    ("handshake-dense ×{}", "handshakes", 1),
    ("handshake-dense, pcapng", "handshakes", 0, "pcapng"),
    ("handshake-dense, IPv6", "handshakes", 0, "ipv6"),
    ("bulk-dense", "bulk", 0),
    ("bulk-dense ×{}", "bulk", 1),
    ("bulk-dense ×{}, pcapng", "bulk", 1, "pcapng"),
    ("bulk-dense ×{}, IPv6", "bulk", 1, "ipv6"),
    ("bulk-dense ×{}", "bulk", 3),
]
MIXED = "mixed"


class Case(NamedTuple):
    """A file to be read: what it is called, the file, how many packets it has."""

    name: str
    path: Path
    packets: int


class Run(NamedTuple):
    """One reading: seconds by the clock and of the processor, and the most memory, in MB."""

    wall: float
    cpu: float
    memory: float


def commands(case: Case, keys: Path) -> dict[str, list[str]]:
    """The programs: all are asked for every handshake message and every certificate, tshark for a little and for all of them."""
    fields = ("frame.number", "tcp.stream", "tls.handshake.type", "tls.handshake.certificate", "tls.alert_message.desc")
    shown = [word for field in fields for word in ("-e", field)]
    asked = ["-o", f"tls.keylog_file:{keys}", "-Y", "tls.handshake or tls.alert_message"]
    tshark = ["tshark", "-r", str(case.path), *asked]
    return {
        "cat": ["cat", str(case.path)],
        "pgtls": [sys.executable, "-m", "tracer", "read", str(case.path), "--keylog", str(keys), "--format", "ndjson"],
        "tshark": [*tshark, "-T", "fields", *shown],
        "tshark, all": [*tshark, "-T", "json", "--no-duplicate-keys", "-J", "tls"],  # with the certificates inside
    }


def run(command: Sequence[str], output: Path) -> Run:
    """Run to the end, with what it prints in a file."""
    with output.open("wb") as out:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return Run(time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def ours(output: Path) -> tuple[int, Counter[str]]:
    """How many TLS handshakes there were in a listing of ours, and how many messages of each kind."""
    found: Counter[str] = Counter()
    handshakes = 0
    with output.open() as lines:
        for line in lines:
            document = json.loads(line)
            handshakes += document.get("tls") is not None
            kinds = (m["kind"] for m in document.get("messages", ()) if m["layer"] == "tls")
            found.update("ServerHello" if kind == "HelloRetryRequest" else kind for kind in kinds)
    return handshakes, Counter({kind: found[kind] for kind in HANDSHAKES.values() if found[kind]})


def theirs(output: Path) -> Counter[str]:
    """The same of tshark's, by the numbers of `tls.handshake.type`."""
    found: Counter[str] = Counter()
    with output.open() as lines:
        for line in lines:
            numbers = re.findall(r"\d+", line.split("\t")[2])
            found.update(HANDSHAKES[int(number)] for number in numbers if int(number) in HANDSHAKES)
    return found


def measure(case: Case, keys: Path, rounds: int, folder: Path) -> dict[str, object]:
    """All programs on one file, interleaved; that ours and tshark saw the same messages is held, too."""
    runs: dict[str, list[Run]] = {}
    outputs = {name: folder / name for name in commands(case, keys)}
    for _ in range(rounds):
        for name, command in commands(case, keys).items():
            runs.setdefault(name, []).append(run(command, outputs[name]))
    handshakes, seen = ours(outputs["pgtls"])
    told = theirs(outputs["tshark"])
    for output in outputs.values():
        output.unlink()
    medians = {name: Run(*map(statistics.median, zip(*of, strict=True))) for name, of in runs.items()}
    return {
        "case": case.name,
        "packets": case.packets,
        "bytes": case.path.stat().st_size,
        "handshakes": handshakes,
        "messages": dict(seen),
        "same_messages": seen == told,
        "differences": {kind: [seen[kind], told[kind]] for kind in seen | told if seen[kind] != told[kind]},
        "runs": {name: median._asdict() for name, median in medians.items()},
        "ratio": medians["tshark"].cpu / medians["pgtls"].cpu,
        "ratio_all": medians["tshark, all"].cpu / medians["pgtls"].cpu,
    }


def made(folder: Path, seeds: Path, growth: int) -> Iterator[Case]:
    """The files, one behind the other. The simplest case is pcap, Ethernet, IPv4.

    A process of its own makes them: whatever this one holds in memory is counted for those that it starts.
    """
    path = folder / "capture"
    for name, seed, factor, *form in CASES:
        times = factor * growth or 1
        words = [str(seeds / f"{seed}.pcap"), str(times), str(path), *form]
        yield _made(name.format(times), words, path)
    yield _made(MIXED, [MIXED, str(seeds / "handshakes.pcap"), str(seeds / "bulk.pcap"), str(path)], path)


def _made(name: str, words: list[str], path: Path) -> Case:
    subprocess.run([sys.executable, "-m", "tests.benchmarks.traffic", *words], check=True)
    counted = ["capinfos", "-c", "-M", "-T", "-r", str(path)]
    said = subprocess.run(counted, capture_output=True, text=True, check=True).stdout
    return Case(name, path, int(said.split("\t")[-1]))


def table(results: Sequence[dict[str, object]]) -> str:
    """In Markdown; seconds are those of the processor."""
    head = (
        "| file | packets | MB | handshakes | cat s | pgtls s | tshark, types s | tshark, all s | types / pgtls | all / pgtls "
        "| pgtls packets/s | handshakes/s | pgtls peak MB | tshark peak MB | same messages |\n|---|"
        + "--:|" * 13
        + "---|\n"
    )
    return head + "".join(_row(result) for result in results)


def _row(result: dict[str, object]) -> str:
    runs = result["runs"]
    cat, pgtls, tshark, whole = (Run(**runs[name]) for name in ("cat", "pgtls", "tshark", "tshark, all"))  # type: ignore[index]
    packets, handshakes, size = result["packets"], result["handshakes"], result["bytes"]
    assert isinstance(packets, int)
    assert isinstance(handshakes, int)
    assert isinstance(size, int)
    cells = (
        result["case"],
        f"{packets:,}",
        f"{size / 1e6:,.0f}",
        f"{handshakes:,}",
        f"{cat.cpu:.2f}",
        f"{pgtls.cpu:.2f}",
        f"{tshark.cpu:.2f}",
        f"{whole.cpu:.2f}",
        f"{tshark.cpu / pgtls.cpu:.1f}",
        f"{whole.cpu / pgtls.cpu:.1f}",
        f"{packets / pgtls.cpu:,.0f}",
        f"{handshakes / pgtls.cpu:,.0f}",
        f"{pgtls.memory:.0f}",
        f"{whole.memory:.0f}",
        "yes" if result["same_messages"] else f"no: {result['differences']}",
    )
    return f"| {' | '.join(map(str, cells))} |\n"


def machine() -> str:
    """What this ran on."""
    version = subprocess.run(["tshark", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()}, load average {load:.1f}, "
        f"Python {platform.python_version()}, tshark {version.rstrip('.')}"
    )


def recorded(seeds: Path) -> Path:
    """The folder of recorded traffic, with it in it."""
    seeds.mkdir(exist_ok=True)
    if not (seeds / "bulk.pcap").exists():
        record(seeds)
    return seeds


def record(folder: Path) -> None:
    """The seeds, in a network namespace of their own and in a process of their own."""
    from captures import stage

    inside = [sys.executable, "-m", "tests.benchmarks.traffic", str(folder)]
    subprocess.run(stage.in_namespace(inside), check=True)


def main() -> None:
    """Make the files, read them, show the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", nargs="?", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seeds", type=Path, help="where recorded traffic is, or is to be kept")
    parser.add_argument("--growth", type=int, default=GROWTH, help="how often the long files repeat what was recorded")
    options = parser.parse_args()
    compileall.compile_dir(Path(tracer.__file__).parent, quiet=1)  # what is installed is, too
    print(f"{machine()}; {options.rounds} rounds, seconds of the processor", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        seeds = recorded(options.seeds or folder)
        results = []
        for case in made(folder, seeds, options.growth):
            results.append(measure(case, seeds / "keys.log", options.rounds, folder))
            print(
                f"  {case.name}: {results[-1]['ratio']:.1f}, {results[-1]['ratio_all']:.1f}",
                file=sys.stderr,
                flush=True,
            )
            case.path.unlink()
    print(table(results))
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine(), "rounds": options.rounds, "results": results}, indent=1)
        )


if __name__ == "__main__":
    main()
