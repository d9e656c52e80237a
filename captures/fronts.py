"""What may stand on a port in front of a PostgreSQL server: a pooler, or somebody in the middle.

Each is a context manager like `stage.server`, and gives a `Server` that a client can be sent to.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import stage

INJECTED = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"  # AuthenticationOk, ReadyForQuery: "you are in, no password needed"

PGBOUNCER = """\
[databases]
postgres = host=127.0.0.1 port={behind}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
client_tls_sslmode = require
client_tls_cert_file = {folder}/pooler.crt
client_tls_key_file = {folder}/pooler.key
server_tls_sslmode = require
"""


@contextmanager
def pgbouncer(
    behind: stage.Server,
    *,
    port: int,
    certificate: str,
    key: str,
    asks: str = "",
    settings: Mapping[str, str] | None = None,
) -> Iterator[stage.Server]:
    """PgBouncer with a certificate of its own. It takes no client without TLS, and speaks TLS to the server as well.

    It `asks` for a client certificate of these CAs (PEM), inside the handshake; `settings` are for its pgbouncer.ini.
    """
    with stage.owned_folder() as folder:
        of_clients = {"client_tls_sslmode": "verify-ca", "client_tls_ca_file": f"{folder}/clients.crt"} if asks else {}
        lines = [f"{name} = {value}\n" for name, value in {**of_clients, **(settings or {})}.items()]
        users = f'"{stage.USER}" "{stage.PASSWORD}"\n'
        ini = PGBOUNCER.format(behind=behind.port, port=port, folder=folder) + "".join(lines)
        files = {
            "pooler.crt": certificate,
            "pooler.key": key,
            "clients.crt": asks,
            "users": users,
            "pgbouncer.ini": ini,
        }
        for name, text in files.items():
            stage.write_owned(folder / name, text)
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen([*stage.as_nobody(), pooler(), str(folder / "pgbouncer.ini")], stderr=output)
        try:
            stage.wait_until(
                lambda: "process up" in log.read_text(), process, lambda: f"pgbouncer did not start:\n{log.read_text()}"
            )
            yield stage.Server(port, process.pid, log, behind.version)
        finally:
            stage.stop(process, signal.SIGINT)


def pooler() -> str:
    """The path of pgbouncer."""
    found = shutil.which("pgbouncer", path=f"{os.defpath}:/usr/sbin:/sbin")
    if found is None:
        raise stage.StageError("pgbouncer is not here: apt-get install pgbouncer")
    return found


def pooler_version() -> str:
    found = re.search(r"PgBouncer (\S+)", stage.run([pooler(), "--version"]))
    return found[1] if found else "of unknown version"


@contextmanager
def injector(behind: stage.Server, *, port: int) -> Iterator[stage.Server]:
    """Somebody in the middle, for one connection: passes everything on, and puts bytes of his own behind the server's S."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        worker = threading.Thread(target=lambda: between(listening.accept()[0], behind.port))
        worker.start()
        yield stage.Server(port, behind.pid, behind.log, behind.version)
        worker.join(stage.PATIENCE)


def between(client: socket.socket, target: int) -> None:
    """Carry one connection to that port, with bytes put behind the server's S."""
    with client, socket.create_connection(("127.0.0.1", target)) as server:
        upwards = threading.Thread(target=_pump, args=(client, server))
        upwards.start()
        first = server.recv(1)
        client.sendall(first + INJECTED if first == b"S" else first)
        _pump(server, client)
        upwards.join(stage.PATIENCE)


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Carry bytes one way until the source has no more, and say so to the target."""
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one of them has gone


@contextmanager
def out_of_processes(server: stage.Server) -> Iterator[stage.Server]:
    """A server that cannot fork: it answers every connection with an error, before anybody has said a word of TLS."""
    _limit_processes(server, 1)
    try:
        yield server
    finally:
        _limit_processes(server, 4096)


def _limit_processes(server: stage.Server, number: int) -> None:
    stage.run([*stage.as_nobody(), "prlimit", f"--pid={server.pid}", f"--nproc={number}:"])
