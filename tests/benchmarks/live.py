"""What live capture loses: `python -m tests.benchmarks.live [SECONDS]`. It needs what its tests need, and gcc and pgbench.

In a network namespace of its own `pgbench -C` opens connections over TLS as fast as the machine makes them, beside other
packets on the same loopback. The server's own log says how many handshakes there were; each tool, how many it has seen.
scapy and tshark count flows with a ServerHello, which is less than pgtls does. Whoever else uses the machine shows in the figures.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from captures import stage
from tests.packets.listening import postgres

HERE = Path(__file__).resolve().parent
SECONDS = 10
NOISE = 100_000  # other packets a second
PORT = 5432  # that tshark knows PostgreSQL by
CLIENTS = 4
SETTLING = 3.0  # seconds from the last connection to the end of the listening
PATIENCE = 180.0  # seconds for a tool to end

SCAPY = """
import signal, sys, threading
from scapy.all import TCP, AsyncSniffer, conf

over, seen = threading.Event(), set()

def look(packet):
    if TCP in packet:
        payload = bytes(packet[TCP].payload)
        if payload[:1] == b"\\x16" and payload[5:6] == b"\\2":
            seen.add((packet[TCP].sport, packet[TCP].dport))

conf.bufsize = 32 << 20
signal.signal(signal.SIGINT, lambda *_: over.set())
ready = lambda: print("listening", file=sys.stderr, flush=True)
sniffer = AsyncSniffer(iface="lo", filter="tcp", prn=look, store=False, started_callback=ready)
sniffer.start()
over.wait()
sniffer.stop()
print(*seen, sep="\\n")
"""


class Tool(NamedTuple):
    """A command, what it says on stderr when it listens, and how many handshakes its output names."""

    command: Sequence[str]
    ready: str
    handshakes: Callable[[Path], int]
    dropped: Callable[[Path, str], int | None]


class Load(NamedTuple):
    """What there was to see."""

    handshakes: int
    seconds: float
    noise: float  # packets a second, as they were sent


class Result(NamedTuple):
    """What one tool saw of it.

    `dropped` is what it says itself; `waited` the seconds that it could have run while others had the cores (its first
    process alone), and `late` those that it still worked at the end.
    """

    load: Load
    seen: int
    dropped: int | None
    cpu: float
    memory: int
    waited: float
    late: float


def pgtls(*options: str) -> Tool:
    command = [sys.executable, "-m", "tracer", "live", "-i", "lo", "--format", "ndjson", *options]
    return Tool(command, "pgtls: listening on", _established, lambda output, _: _summary(output))


def tshark() -> Tool:
    shown = ("-Y", "tls.handshake.type == 2", "-T", "fields", "-e", "tcp.srcport", "-e", "tcp.dstport")
    return Tool(
        ["tshark", "-i", "lo", "-f", "tcp", "-l", *shown], "Capturing on", _flows, lambda _, said: _tshark(said)
    )


def scapy() -> Tool:
    return Tool([sys.executable, "-c", SCAPY], "listening", _flows, lambda *_: None)


def _established(output: Path) -> int:
    with output.open() as lines:
        documents = [json.loads(line) for line in lines]
    return sum(d.get("tls") is not None and d["outcome"]["kind"] == "established" for d in documents)


def _summary(output: Path) -> int | None:
    last = json.loads(output.read_bytes().splitlines()[-1])
    dropped: int | None = last["captures"][0]["dropped"]
    return dropped


def _flows(output: Path) -> int:
    """Ports, one flow a line: where there was a HelloRetryRequest, there are two ServerHellos."""
    return len({line for line in output.read_text().splitlines() if line})


def _tshark(said: str) -> int | None:
    counts = [line.split()[0] for line in said.splitlines() if " dropped from " in line]
    return int(counts[-1]) if counts else 0


def measure(tool: Tool, server: stage.Server, noise: int, seconds: int, folder: Path) -> Result:
    """Listen with the tool while there is something to see, and compare."""
    output, said = folder / "output", folder / "said"
    with output.open("wb") as out, said.open("wb") as err:
        # a session of its own, as a terminal is: Linux shares the cores out by session (sched(7), autogroup)
        process = subprocess.Popen(tool.command, stdout=out, stderr=err, start_new_session=True)
    stage.wait_until(lambda: tool.ready in said.read_text(), process, said.read_text)
    time.sleep(1)  # tshark says that it listens a little before it does
    load = connections(server, noise, seconds, folder)
    time.sleep(SETTLING)
    waited = _waited(process.pid)
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    _, _, usage = os.wait4(process.pid, 0)
    late = time.monotonic() - asked
    process.returncode = 0
    text = said.read_text()
    cpu = usage.ru_utime + usage.ru_stime
    return Result(load, tool.handshakes(output), tool.dropped(output, text), cpu, usage.ru_maxrss // 1024, waited, late)


def _waited(pid: int) -> float:
    """Documentation/scheduler/sched-stats.rst: nanoseconds on a core, nanoseconds in the queue for one."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[1]) for thread in threads) / 1e9


def connections(server: stage.Server, noise: int, seconds: int, folder: Path) -> Load:
    """`pgbench -C` beside the noise; the server's log counts."""
    query = folder / "query.sql"
    query.write_text("select 1;\n")
    pgbench = stage.binaries(15) / "pgbench"
    options = ["-n", "-C", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds), "-f", str(query)]
    variables = stage.environment(pgbench) | {"PGPASSWORD": stage.PASSWORD}
    before = _authorized(server)
    began = time.monotonic()
    with other_packets(noise, folder) as sent:
        stage.run([str(pgbench), *options, server.conninfo("sslmode=require")], variables)
    taken = time.monotonic() - began
    return Load(_authorized(server) - before, taken, sent[0])


@contextmanager
def other_packets(rate: int, folder: Path) -> Iterator[list[float]]:
    """The noise; behind the block the list holds how many there were in a second."""
    program = folder / "noise"
    if not program.exists():
        stage.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", str(program), str(HERE / "noise.c")])
    sent: list[float] = [0.0]
    if not rate:
        yield sent
        return
    with subprocess.Popen([str(program), "lo", str(rate)], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield sent
        finally:
            process.terminate()
            said, _ = process.communicate()
    count, taken = said.split()
    sent[0] = int(count) / float(taken)


def _authorized(server: stage.Server) -> int:
    return server.log.read_text().count("connection authorized: ")


def line(name: str, result: Result) -> str:
    """A row of the table."""
    load, dropped = result.load, "?" if result.dropped is None else f"{result.dropped:,}"
    lost = load.handshakes - result.seen
    return (
        f"{name:34} {load.noise:10,.0f} {load.handshakes:10,} {load.handshakes / load.seconds:6.0f} {result.seen:9,} {lost:7,} "
        f"{dropped:>11} {result.cpu:7.1f} {result.memory:7} {result.waited:8.1f} {result.late:6.1f}"
    )


HEAD = (
    f"{'':34} {'noise/s':>10} {'handshakes':>10} {'/s':>6} {'seen':>9} {'lost':>7} {'dropped':>11} {'cpu s':>7} "
    f"{'peak MB':>7} {'waited s':>8} {'late s':>6}"
)
RUNS = (
    ("pgtls, ring", pgtls("--via", "ring"), NOISE),
    ("pgtls, ring, --port 5432", pgtls("--via", "ring", "--port", str(PORT)), NOISE),
    ("pgtls, ring, --write", pgtls("--via", "ring", "--write", "/dev/null"), NOISE),
    ("pgtls, wireshark", pgtls("--via", "wireshark"), NOISE // 10),
    ("pgtls, wireshark, full noise", pgtls("--via", "wireshark"), NOISE),
    ("pgtls, scapy", pgtls("--via", "scapy"), NOISE // 10),
    ("tshark", tshark(), NOISE // 10),
    ("tshark, full noise", tshark(), NOISE),
    ("scapy's sniff", scapy(), NOISE // 10),
    ("scapy's sniff, full noise", scapy(), NOISE),
)


def main(seconds: int, wanted: str) -> None:
    """All of them, one behind the other: the table."""
    settings = {"log_connections": "on"}
    print(
        f"{os.cpu_count()} cores, {seconds} s each, {CLIENTS} clients of pgbench; load average {os.getloadavg()[0]:.1f}"
    )
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory(prefix="live-") as folder, postgres(port=PORT, settings=settings) as server:
        for name, tool, noise in RUNS:
            if wanted in name:
                print(line(name, measure(tool, server, noise, seconds, Path(folder))), flush=True)


if __name__ == "__main__":
    if "--inside" not in sys.argv:
        again = [sys.executable, "-m", "tests.benchmarks.live", "--inside", *sys.argv[1:]]
        command = stage.in_namespace(again)
        os.execvp(command[0], command)  # noqa: S606 (becoming the command is the purpose)
    words = [word for word in sys.argv[1:] if word != "--inside"]
    main(int(words[0]) if words else SECONDS, words[1] if len(words) > 1 else "")
