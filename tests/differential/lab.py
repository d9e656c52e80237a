"""The laboratory: a real PostgreSQL server that changes its certificate, real libpqs, and a relay that sees every byte."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

import tracer
from tests.differential.certificates import Server
from tests.differential.relay import Relay, traces
from tracer.streams import Connection

HERE = Path(__file__).resolve().parent
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
PATIENCE = 20.0
# no security level of its own, so that it shows every certificate; TLS 1.2 and 1.3
OPENSSL_CONF = """
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = weak
[weak]
CipherString = DEFAULT@SECLEVEL=0
"""
# app may come as it likes; guarded only inside TLS; outside only without
HBA = """
hostssl   all app,guarded all trust
hostnossl all app,outside all trust
hostssl   all secret all scram-sha-256
hostnossl all secret all scram-sha-256
"""


@dataclass(frozen=True)
class Answer:
    """What a libpq did: whether it is connected, whether inside TLS, and what it printed; every connection it made."""

    connected: bool
    tls: bool
    printed: str
    connections: list[Connection]
    keys: bytes

    @property
    def outcome(self) -> str:
        return "refuse" if not self.connected else "accept" if self.tls else "plaintext"

    @cached_property
    def traces(self) -> list[tracer.Trace]:
        """Opened with the server's key log."""
        return traces(self.connections, self.keys)

    @cached_property
    def sealed(self) -> list[tracer.Trace]:
        """As a stranger sees them."""
        return traces(self.connections, b"")


def load(path: Path) -> ModuleType:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


stage = load(HERE.parents[1] / "captures" / "stage.py")


class Libpq:
    """One libpq in a process of its own."""

    def __init__(
        self, library: Path, home: Path, before: tuple[str, ...] = (), variables: dict[str, str] | None = None
    ) -> None:
        """`before` stands in front of the command, to run it as another user; `variables` are for its environment."""
        self.process = subprocess.Popen(
            [*before, sys.executable, "-I", str(HERE / "worker.py"), str(library)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=home,
            text=True,
            bufsize=1,
            env={
                "PATH": os.defpath,
                "LC_ALL": "C.UTF-8",
                "HOME": str(home),
                "LD_LIBRARY_PATH": str(library.parent),
                "KRB5CCNAME": f"FILE:{home / 'none'}",
                **(variables or {}),
            },
        )

    def ask(self, conninfo: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(conninfo) + "\n")

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def libpq(library: Path, home: Path, before: tuple[str, ...] = ()) -> Iterator[Libpq]:
    made = Libpq(library, home, before)
    try:
        yield made
    finally:
        made.close()


class Keylog:
    """What a server has written down since it was asked last."""

    def __init__(self, path: Path) -> None:
        self.path, self.at = path, 0

    def news(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.at)
            found = file.read()
        self.at += len(found)
        return found


@dataclass
class Postgres:
    """A running server, its data folder, and its key log."""

    port: int
    pid: int
    data: Path
    keylog: Keylog

    def show(self, server: Server) -> None:
        """Change the certificate, and wait until a new connection gets it."""
        for name, text in (("server.crt", server.certificate), ("server.key", server.key)):
            stage.write_owned(self.data / name, text)
        os.kill(self.pid, signal.SIGHUP)
        until = time.monotonic() + PATIENCE
        while shown(self.port) != server.sends[0].der:
            assert time.monotonic() < until, f"the server does not take the certificate {server.name!r}"
            time.sleep(0.01)


def shown(port: int) -> bytes | None:
    """The certificate that a server shows now."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
        plain.sendall(SSL_REQUEST)
        if plain.recv(1) != b"S":
            return None
        with context.wrap_socket(plain) as tls:
            return tls.getpeercert(binary_form=True)


@contextmanager
def postgres(programs: Path, server: Server, folder: Path, **settings: str) -> Iterator[Postgres]:
    """A server with this certificate and the users of `HBA`. `folder` is where its key log and configuration go."""
    keylog, conf = folder / "keylog", folder / "openssl.cnf"
    stage.write_owned(keylog, "")
    stage.write_owned(conf, OPENSSL_CONF)
    variables = {"SSLKEYLOGFILE": str(keylog), "LD_PRELOAD": str(stage.keylog_preload()), "OPENSSL_CONF": str(conf)}
    started = stage.server(
        programs,
        certificate=server.certificate,
        key=server.key,
        settings={"ssl_ciphers": "DEFAULT@SECLEVEL=0", **settings},
        files={"pg_hba.conf": HBA},
        variables=variables,
    )
    with started as running:
        users = "create role guarded login; create role outside login; create role secret login password 'not-a-secret'"
        done = stage.psql(running, "sslmode=disable", query=users)
        assert done.returncode == 0, done.stderr
        yield Postgres(running.port, running.pid, running.log.parent / "data", Keylog(keylog))


def try_it(client: Libpq, relay: Relay, keylog: Keylog | None, conninfo: str) -> Answer:
    """Connect once through the relay."""
    client.ask(f"hostaddr=127.0.0.1 port={relay.port} dbname=postgres connect_timeout=10 {conninfo}")
    assert client.process.stdout is not None
    said, found = relay.while_running(client.process.stdout.fileno(), client.answer)
    return Answer(**json.loads(said), connections=found, keys=keylog.news() if keylog else b"")


def libraries() -> dict[str, Path]:
    """Where each libpq is: Debian's, those inside the Python packages, and those of the npm packages."""
    site = Path(importlib.util.find_spec("psycopg").origin).parents[1]  # type: ignore[union-attr,arg-type]
    places = {
        "deb15": Path("/usr/lib").glob("*/libpq.so.5"),
        "psy17": site.glob("psycopg2_binary.libs/libpq-*.so.5*"),
        "psy18": site.glob("psycopg_binary.libs/libpq-*.so.5*"),
        **{f"npm{v}": Path(sys.prefix).glob(f"postgres/{v}/native/lib/libpq.so.5") for v in range(12, 19)},
    }
    return {name: file for name, files in places.items() for file in files}


class Libpqs:
    """The libpqs of `libraries`, each started when it is first asked for."""

    def __init__(self, home: Path, variables: dict[str, str] | None = None) -> None:
        self.home, self.variables, self.running = home, variables, dict[str, Libpq]()

    def __getitem__(self, name: str) -> Libpq:
        if name not in self.running:
            self.running[name] = Libpq(libraries()[name], self.home, variables=self.variables)
        return self.running[name]

    def close(self) -> None:
        for one in self.running.values():
            one.close()
