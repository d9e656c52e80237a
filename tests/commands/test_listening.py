"""`pgtls live`: real PostgreSQL on the loopback of a network namespace of its own."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.packets.listening import in_namespace
from tracer import read, reassemble
from tracer.cli import main
from tracer.commands import listening
from tracer.commands.listening import Waiting

CAPTURES = Path(__file__).resolve().parents[2] / "captures"

real = pytest.mark.needs("unshare", "ip", "initdb-15")


ANY = """
with postgres() as server, listening("--write", sys.argv[1], "--host", "nobody", "--sslmode", "verify-full", "--sslrootcert", "/nonexistent") as pgtls:
    who = " as nobody" if os.geteuid() == 0 else ""
    assert pgtls.said[-1] == f"pgtls: listening on all interfaces through a packet ring{who}; Ctrl-C ends it\\n"
    for mode in ("require", "disable"):
        assert stage.psql(server, f"host=127.0.0.1 sslmode={mode}").returncode == 0
    print("".join(pgtls.stdout.readline() for _ in range(2)), end="")
    pgtls.send_signal(getattr(signal, sys.argv[2]))
    print(pgtls.stdout.read(), end="")
    print(json.dumps([pgtls.wait(20), pgtls.stderr.read()]))
"""


@real
@pytest.mark.needs("tshark")
@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_it_with_a_summary_and_a_whole_file(signal: str, tmp_path: Path) -> None:
    """All interfaces, the loopback too; nothing but the summary behind it; the exit status is the verdict's."""
    file = tmp_path / "out.pcapng"
    *lines, summary, (status, said) = map(json.loads, in_namespace(ANY, str(file), signal).splitlines())
    kinds = {line["id"]: line["outcome"]["kind"] for line in lines}
    assert kinds == {1: "established", 2: "plaintext"}
    assert summary["kind"] == "summary"
    packets = summary["captures"][0]["packets"]
    assert status == 1
    assert said.endswith(
        f"pgtls: 2 PostgreSQL connections (1 plaintext, 1 refuse) in {packets} packets (0 dropped); {file}: {packets} packets\n"
    )
    shown = subprocess.run(["tshark", "-r", file], capture_output=True, text=True, check=True, timeout=60)
    assert len(shown.stdout.splitlines()) == packets


ALL = """
with postgres(settings={"log_connections": "on"}) as server, listening("-i", "lo", "-o", sys.argv[2]) as pgtls:
    bench = [str(stage.binaries(15) / "pgbench"), "-n", "-C", "-c", "4", "-j", "2", "-t", "25", "-f", sys.argv[1]]
    conninfo = server.conninfo("host=127.0.0.1 sslmode=require")
    variables = {**os.environ, "PGPASSWORD": stage.PASSWORD}
    subprocess.run([*bench, conninfo], check=True, env=variables, capture_output=True)
    pgtls.send_signal(signal.SIGINT)
    assert pgtls.wait(60) == 0
    print(Path(sys.argv[2]).read_text("utf-8"), end="")
    print(server.log.read_text("utf-8").count("connection authorized"))
"""


@real
def test_every_handshake_is_seen(tmp_path: Path) -> None:
    """As many as the server has authorized, by its own log."""
    query = tmp_path / "query.sql"
    query.write_text("select 1;\n")
    *lines, summary, authorized = map(json.loads, in_namespace(ALL, str(query), str(tmp_path / "out")).splitlines())
    assert summary["captures"][0]["dropped"] == 0
    tls = [line for line in lines if line["tls"]]
    assert len(tls) == authorized >= 100


LATE = """
folder = Path(sys.argv[1])
with postgres() as server, listening("-i", "lo", "--keylog", str(folder / "late"), "--count", "1", *stays) as pgtls:
    assert "is not there yet" in pgtls.said[0]
    assert stage.psql(server, "host=127.0.0.1 sslmode=require", keylog=folder / "keys").returncode == 0
    keys = (folder / "keys").read_bytes()
    if sys.argv[2] == "none":
        print(pgtls.stdout.readline(), end="")
    with (folder / "late").open("wb", 0) as late:
        for at in range(0, len(keys), 100):
            late.write(keys[at : at + 100])
            time.sleep(0.01)
    print(pgtls.stdout.read(), end="")
    assert pgtls.wait(20) == 0
"""


@real
@pytest.mark.needs("gcc")
@pytest.mark.parametrize("keys", ["all", "none"])
def test_keys_may_come_after_the_packets(keys: str, tmp_path: Path) -> None:
    """A sealed connection waits for them a little, in whatever pieces they come; then it is shown as it is."""
    line, _ = map(json.loads, in_namespace(LATE, str(tmp_path), keys).splitlines())
    assert line["tls"]["keys"] == keys


WITH_KEYS = """
folder = Path(sys.argv[1])
os.environ["SSLKEYLOGFILE"] = str(folder / "keys")
with postgres() as server, listening("-i", "lo", "--with-keys", "--write", str(folder / "out.pcapng"), *stays) as pgtls:
    for _ in range(3):
        assert stage.psql(server, "host=127.0.0.1 sslmode=require", keylog=folder / "keys").returncode == 0
        print(pgtls.stdout.readline(), end="")
    pgtls.send_signal(signal.SIGINT)
    pgtls.communicate()
    assert pgtls.wait(20) == 0
"""


@real
@pytest.mark.needs("gcc", "tshark")
def test_keys_in_the_file_are_asked_for(tmp_path: Path) -> None:
    """Wireshark opens it in one pass, nobody else may read it, and SSLKEYLOGFILE names the log as well as --keylog."""
    lines = list(map(json.loads, in_namespace(WITH_KEYS, str(tmp_path)).splitlines()))
    assert [line["tls"]["keys"] for line in lines] == ["all"] * 3
    file = tmp_path / "out.pcapng"
    assert file.stat().st_mode & 0o777 == 0o600
    command = ["tshark", "-r", str(file), "-Y", "tls.handshake.type == 20", "-T", "fields", "-e", "tls.handshake.type"]
    opened = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert opened.count("20") == 6


KILLED = """
import tracer
with postgres() as server, listening("-i", "lo", "--write", sys.argv[1], "-o", os.devnull) as pgtls:
    for _ in range(20):
        assert stage.psql(server, "host=127.0.0.1 sslmode=require").returncode == 0
    settled = 0
    while settled < 20:
        source = tracer.read(sys.argv[1])
        settled = sum(c.ending != "end" for c in tracer.reassemble(source))
        time.sleep(0.1)
    pgtls.kill()
    pgtls.communicate()
"""


@real
def test_killed(tmp_path: Path) -> None:
    """While it runs, the file fills: killed, it opens and holds what has come."""
    file = tmp_path / "out.pcapng"
    in_namespace(KILLED, str(file))
    source = read(file)
    found = list(reassemble(source))
    assert not source.problems
    assert len(found) == 20
    assert {connection.ending for connection in found} <= {"closed", "reset"}


FULL = """
folder = Path(sys.argv[1])
script = 'mount -t tmpfs -o size=64k none "$0" && shift && "$@"; status=$?; cp "$0"/* "$0".copy; exit $status'
disk = folder / "disk"
disk.mkdir()
with postgres() as server:
    command = [sys.executable, "-m", "tracer", "live", "-i", "lo", "--write", str(disk / "out.pcapng")]
    with subprocess.Popen(["unshare", "-m", "sh", "-c", script, disk, "-", *command], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as pgtls:
        said = pgtls.stderr.readline()
        while pgtls.poll() is None:
            stage.psql(server, "host=127.0.0.1 sslmode=require")
        print(json.dumps([pgtls.wait(), pgtls.stderr.read()]))
"""


@real
def test_a_full_disk(tmp_path: Path) -> None:
    """One line says so, and what was written is readable."""
    status, said = json.loads(in_namespace(FULL, str(tmp_path)))
    assert status == 2
    assert said.count("pgtls: error: ") == 1
    assert f"pgtls: error: cannot write {tmp_path / 'disk' / 'out.pcapng'}: no space left on device\n" in said
    source = read(tmp_path / "disk.copy")
    found = list(reassemble(source))
    assert not source.problems
    assert len(found) > 1


ROTATED = """
with postgres() as server, listening("-i", "lo", "--write", sys.argv[1], "--rotate", "20kB", "-o", os.devnull, *stays) as pgtls:
    for _ in range(20):
        assert stage.psql(server, "host=127.0.0.1 sslmode=require").returncode == 0
    pgtls.send_signal(signal.SIGINT)
    assert pgtls.wait(60) == 0
"""


@real
def test_files_of_a_size(tmp_path: Path) -> None:
    """Each is a capture."""
    in_namespace(ROTATED, str(tmp_path / "out.pcapng"))
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [f"out-{number:05d}.pcapng" for number in range(1, len(files) + 1)]
    assert len(files) > 3
    assert all(file.stat().st_size <= 20_000 for file in files)
    for file in files:
        source = read(file)
        list(source)
        assert not source.problems


TERMINAL = """
import pty
ours, theirs = pty.openpty()
command = [sys.executable, "-m", "tracer", "live", "-i", "lo", "--sslmode", "require", "--format", "ndjson"]
with postgres() as server, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs) as pgtls:
    os.close(theirs)
    said = b""
    while b"listening" not in said:
        said += os.read(ours, 1 << 16)
    assert stage.psql(server, "host=127.0.0.1 sslmode=require").returncode == 0
    with contextlib.suppress(OSError):
        while part := os.read(ours, 1 << 16):
            said += part
            if b"1 PostgreSQL connection (" in said:
                pgtls.send_signal(signal.SIGINT)
    pgtls.communicate()
print(json.dumps(said.decode()))
"""


@real
def test_a_terminal_has_a_line_of_how_it_goes(tmp_path: Path) -> None:
    """Connections, verdicts, packets, and what was dropped."""
    said = json.loads(in_namespace(TERMINAL))
    line = r"\r\x1b\[Klo: \d+ packets \(0 dropped\), 1 PostgreSQL connection \(1 cannot tell\)\r\x1b\[K"
    assert re.search(line, said), said


SILENCE = """
pgtls = listening("-i", "lo", "--duration", "0.3", *stays)
print(pgtls.communicate(timeout=30)[1], end="")
"""


@pytest.mark.needs("unshare", "ip")
def test_no_traffic() -> None:
    """That there was none is said once, with what to look at."""
    said = in_namespace(SILENCE).splitlines()
    assert [line.partition("(")[0] for line in said[:1]] == ["pgtls: 0 PostgreSQL connections in 0 packets "]
    assert [line[:12] for line in said[1:]] == ["pgtls: hint:"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rotate", "1h"], "--rotate is for --write"),
        (["--with-keys"], "--with-keys is for --write"),
        (["--write", "x", "--with-keys"], "--with-keys has no keys to write"),
        (["--write", "-"], "--write names a file"),
        (["--write", "x", "-o", "./x"], "x would be overwritten"),
        (["--write", "x", "--keylog", "x"], "x would be overwritten"),
        (["--keylog", "."], "key log .: is a directory"),
        (["--write", "x", "--rotate", "often"], "neither a size nor a time"),
        (["--count", "0"], "invalid positive number value: '0'"),
        (["--duration", "nan"], "invalid positive number value: 'nan'"),
        (["--port", "99999"], "99999 is no port"),
        (["--via", "smoke"], "invalid choice"),
        (["-i", "no-such-interface", "--via", "ring"], "no interface no-such-interface"),
    ],
)
def test_mistakes(options: list[str], message: str, tmp_path: Path, monkeypatch, capfd) -> None:
    """Each is one line, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)
    assert main(["live", *options]) == 2
    assert message in capfd.readouterr().err
    assert not list(tmp_path.iterdir())


# WAITING


def settled(story: str) -> tuple[Waiting, object]:
    """A sealed connection of a story that waits for its keys, and the source that has them."""
    source = read(CAPTURES / story / "capture.pcapng")
    (connection,) = reassemble(source)
    keys, source.keys.secrets = source.keys.secrets, {}
    waiting = Waiting(source.keys, 60.0)
    waiting.settled.append(connection)
    return waiting, keys


def test_it_waits_until_its_keys_come() -> None:
    """And no longer."""
    waiting, keys = settled("verify-full")
    assert not list(waiting.ready(behind=False))
    assert not list(waiting.ready(behind=False))
    waiting.keys.secrets.update(keys)
    (trace,) = waiting.ready(behind=False)
    assert trace.tls.keys == "all"
    assert not list(waiting.ready(behind=False))


def test_at_the_end_nobody_waits() -> None:
    """What was not opened is shown sealed."""
    waiting, _ = settled("verify-full")
    assert not list(waiting.ready(behind=False))
    (trace,) = waiting.ready(behind=False, last=True)
    assert trace.tls.keys == "none"


def test_without_a_key_log_nobody_waits() -> None:
    """There is nothing to wait for."""
    waiting, _ = settled("verify-full")
    waiting.patience = 0.0
    assert len(list(waiting.ready(behind=False))) == 1


def test_packets_come_first(monkeypatch) -> None:
    """While they are behind, connections wait, but not more of them than there is room for."""
    monkeypatch.setattr(listening, "MOST_SETTLED", 3)
    waiting, _ = settled("verify-full")
    waiting.patience = 0.0
    (connection,) = waiting.settled
    assert not list(waiting.ready(behind=True))
    waiting.settled.extend([connection] * 4)
    assert len(list(waiting.ready(behind=True))) == 3
    assert len(list(waiting.ready(behind=False))) == 2
