"""The drivers that are not libpq, each in a process of its own: the programs of captures/drivers, built where they must be."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import util
from pathlib import Path

import pytest

from tests.conftest import CI
from tests.differential import lab
from tests.differential.relay import Relay

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAMS = CHECKOUT / "captures" / "drivers"
BUILD = CHECKOUT / "build" / "drivers"  # git-ignored
JDBC = Path("/usr/share/java/postgresql.jar")
GO = Path("/usr/share/gocode/src/github.com")
NODE_MODULES = Path(sys.prefix) / "drivers" / "node_modules"
HOSTS = (
    "db.allowed.test",
    "db.example.test",
    "other.test",
)


@dataclass
class Driver:
    """A driver's program, waiting for lines: host, port, sslmode and root file."""

    process: subprocess.Popen[str]

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


def start(name: str, home: Path) -> Driver:
    """The driver of that profile. It writes nothing but its answers, one a line."""
    command, variables = DRIVERS[name].command(home)
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=home,
        text=True,
        bufsize=1,
        env={**env(variables), "HOME": str(home)},
    )
    return Driver(process)


def env(variables: dict[str, str]) -> dict[str, str]:
    """The environment of a driver: no variable of the caller's but where its programs are."""
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **variables}


def need(name: str) -> None:
    """Skip this test, or fail it when CI=true, where what it wants is not on this machine."""
    if not (NAMES | DRIVERS)[name].installed():
        (pytest.fail if CI else pytest.skip)(f"missing on this machine: {name} (see tests/install.sh)")


def try_it(driver: Driver, relay: Relay, keylog: lab.Keylog | None, host: str, mode: str, roots: str) -> lab.Answer:
    """Connect once through the relay."""
    process = driver.process
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{host}\t{relay.port}\t{mode}\t{roots}\n")
    said, found = relay.while_running(process.stdout.fileno(), process.stdout.readline)
    outcome, _, text = said.rstrip("\n").partition("\t")
    return lab.Answer(
        connected=outcome != "refuse",
        tls=outcome == "accept",
        printed=text.replace("\\n", "\n"),
        connections=found,
        keys=keylog.news() if keylog else b"",
    )


# EACH OF THEM

Command = tuple[list[str], dict[str, str]]


@dataclass(frozen=True)
class Kind:
    command: Callable[[Path], Command]
    installed: Callable[[], bool]


def python(program: str) -> Callable[[Path], Command]:
    return lambda _: ([sys.executable, "-I", str(PROGRAMS / program)], {})


def node(program: str, *arguments: str) -> Callable[[Path], Command]:
    variables = {"NODE_PATH": str(NODE_MODULES), "NODE_NO_WARNINGS": "1"}
    return lambda _: (["node", str(PROGRAMS / program), *arguments], variables)


def go(program: str) -> Callable[[Path], Command]:
    def command(_: Path) -> Command:
        source, binary = PROGRAMS / f"{program}.go", BUILD / program
        build = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(BUILD / "cache")}
        compiled(binary, source, ["go", "build", "-o", str(binary), str(source)], build)
        return [str(binary)], {}

    return command


def java(program: str) -> Callable[[Path], Command]:
    def command(home: Path) -> Command:
        source = PROGRAMS / f"{program}.java"
        compiled(BUILD / f"{program}.class", source, ["javac", "-cp", str(JDBC), "-d", str(BUILD), str(source)])
        hosts = home / "hosts"
        hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in HOSTS))
        options = [f"-Djdk.net.hosts.file={hosts}", "-Xshare:auto", "-XX:TieredStopAtLevel=1"]
        return ["java", *options, "-cp", f"{JDBC}:{BUILD}", program], {}

    return command


def compiled(made: Path, source: Path, command: list[str], variables: dict[str, str] | None = None) -> None:
    """Compile what is missing or old; who else runs tests here waits for that."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(command, check=True, env={**os.environ, **(variables or {})})


def has(*programs: str) -> bool:
    return all(shutil.which(program) for program in programs)


def has_pg() -> bool:
    return has("node") and (NODE_MODULES / "pg").is_dir()


def has_java() -> bool:
    return has("java", "javac") and JDBC.exists()


DRIVERS = {
    "pgjdbc": Kind(java("Pgjdbc"), has_java),
    "pgx-4": Kind(go("pgx"), lambda: has("go") and (GO / "jackc/pgx/v4").is_dir()),
    "lib-pq": Kind(go("pq"), lambda: has("go") and (GO / "lib/pq").is_dir()),
    "node-postgres-8": Kind(node("node-postgres.cjs"), has_pg),
    "node-postgres-9": Kind(node("node-postgres.cjs", "uselibpqcompat=true"), has_pg),  # what 9 is to be
    "asyncpg": Kind(python("asyncpg_client.py"), lambda: util.find_spec("asyncpg") is not None),
    "pg8000": Kind(python("pg8000_client.py"), lambda: util.find_spec("pg8000") is not None),
}
# what says of a certificate and a host whether they match, without a connection
NAMES = {
    "go": Kind(go("names"), lambda: has("go")),
    "node": Kind(node("names.cjs"), lambda: has("node")),
    "pgjdbc": Kind(java("Names"), has_java),
}
