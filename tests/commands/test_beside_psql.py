"""`pgtls probe` beside psql: everything that may stand on a port, and both say the same of it.

psql is Debian's, on its own libpq 15 and on libpq 18; the probe has the profile of that libpq, and the same connection string.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import socket
import socketserver
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest

from captures import pki, stage
from tests.conftest import CHECKOUT, need
from tests.packets.test_probe import saying, tls
from tracer.cli import main

sys.path.append(str(CHECKOUT / "captures"))
import fronts

HOST, POOLER = "db.example.test", "pooler.example.test"
DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC)
Started = AbstractContextManager[stage.Server]


class Case(NamedTuple):
    """Who stands there, what the client is told, what stops it, and what else the probe's document says."""

    peer: str
    options: str
    stopped_by: str | None  # a step of the client's own, "server", or nothing
    seen: Mapping[str, object] = {}
    clients: tuple[int, ...] = (15, 18)
    words: tuple[str, ...] = ()


FULL = f"host={HOST} sslmode=verify-full sslrootcert=root.pem"
POOLED = f"host={POOLER} sslmode=verify-full sslrootcert=pooler.pem"
ENCRYPTED = "sslmode=require"
DIRECT = "sslnegotiation=direct"
MINE = "sslcert=mine.crt sslkey=mine.key"
STARTUP = ("--startup",)

CASES = {
    "15, HelloRetryRequest": Case("15", FULL, None, {"tls.hello_retry_request": True, "tls.version": "TLS 1.3"}),
    "18": Case("18", FULL, None),
    "18, direct TLS": Case("18", f"{FULL} {DIRECT}", None, {"preamble": "direct"}, (18,)),
    "15, direct TLS": Case("15", f"{FULL} {DIRECT}", "server", {"preamble": "direct"}, (18,)),
    "TLS 1.2": Case("TLS 1.2", FULL, None, {"tls.version": "TLS 1.2"}),
    "IPv6": Case("15", f"{FULL} hostaddr=::1", None, {"server.address": "::1"}),
    "IPv6, an address for a name": Case("15", "host=::1 hostaddr=::1 sslmode=verify-full sslrootcert=root.pem", "name"),
    "pgbouncer": Case("pgbouncer", POOLED, None),
    "pgbouncer, direct TLS": Case("pgbouncer", f"{POOLED} {DIRECT}", "server", {}, (18,)),
    "pgbouncer, the root of the database": Case("pgbouncer", f"host={POOLER} sslmode=verify-ca sslrootcert=root.pem", "chain"),
    "pgbouncer, the name of the database": Case("pgbouncer", f"{POOLED} host={HOST}", "name"),
    "pgbouncer without TLS": Case("pgbouncer without TLS", ENCRYPTED, "negotiation"),
    "ssl=off": Case("ssl=off", ENCRYPTED, "negotiation", {"answer": "N"}),
    "not PostgreSQL: HTTP": Case("HTTP", ENCRYPTED, "negotiation"),
    "not PostgreSQL: SSH": Case("SSH", ENCRYPTED, "server"),
    "not PostgreSQL: HTTPS": Case("HTTPS", ENCRYPTED, "negotiation"),
    "not PostgreSQL: HTTPS, direct TLS": Case("HTTPS", f"{ENCRYPTED} {DIRECT}", "alpn", {}, (18,)),
    "closes": Case("closes", ENCRYPTED, "negotiation"),
    "closes behind S": Case("closes behind S", ENCRYPTED, "server"),
    "E": Case("E", ENCRYPTED, "negotiation", {"answer": "E"}),
    "E of a server that cannot fork": Case("cannot fork", ENCRYPTED, "negotiation", {"answer": "E"}),
    "bytes behind S": Case("bytes behind S", ENCRYPTED, "injected"),
    "wrong root": Case("15", f"host={HOST} sslmode=verify-full sslrootcert=wrong.pem", "chain"),
    "wrong root, TLS 1.2": Case("TLS 1.2", f"host={HOST} sslmode=require sslrootcert=wrong.pem", "chain"),
    "no name was told": Case("15", "sslmode=verify-full sslrootcert=root.pem", "name"),
    "nothing was told": Case("15", "", None),
    "TLS 1.3 or nothing": Case("TLS 1.2", f"{FULL} ssl_min_protocol_version=TLSv1.3", "server"),
    "no root file": Case("15", "sslmode=verify-ca sslrootcert=missing.pem", "root_file"),
    "no root file, nor a name": Case("15", "host=other.test sslmode=verify-full sslrootcert=missing.pem", "root_file"),
    "a list of revocations that is not there": Case("15", f"{FULL} sslcrl=missing.crl", None),
    "a folder of lists that is not there": Case("15", f"{FULL} sslcrldir=missing", "revocation"),
    "a folder of lists that is not there, and nobody looks": Case("15", f"host={HOST} {ENCRYPTED} sslcrldir=missing", None),
    "expired": Case("expired", FULL, "validity"),
    "expired, and nobody looks": Case("expired", ENCRYPTED, None),
    "wrong name": Case("15", f"{FULL} host=other.test", "name"),
    "wrong name, TLS 1.2": Case("TLS 1.2", f"{FULL} host=other.test", "name"),
    "wrong name, and nobody looks": Case("15", "host=other.test sslmode=verify-ca sslrootcert=root.pem", None),
    "client certificate required, TLS 1.2": Case("pgbouncer insists, TLS 1.2", POOLED, "server", {"tls.client_certificate": "requested"}),
    "client certificate required, TLS 1.3": Case("pgbouncer insists, TLS 1.3", POOLED, "server", {"tls.client_certificate": "requested"}),
    "client certificate given, TLS 1.2": Case("pgbouncer insists, TLS 1.2", f"{POOLED} {MINE}", None, {"tls.client_certificate": "sent"}),
    "client certificate given, TLS 1.3": Case("pgbouncer insists, TLS 1.3", f"{POOLED} {MINE}", None, {"tls.client_certificate": "sent"}),
    "client certificate required by pg_hba, TLS 1.2": Case("pg_hba insists", f"{FULL} ssl_max_protocol_version=TLSv1.2", "server", {}, words=STARTUP),
    "client certificate required by pg_hba, TLS 1.3": Case("pg_hba insists", FULL, "server", {}, words=STARTUP),
    "client certificate given to pg_hba": Case("pg_hba insists", f"{FULL} {MINE}", None, {}, words=STARTUP),
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "version"),
    [pytest.param(case, v, id=f"{name}, libpq {v}") for name, case in CASES.items() for v in case.clients],
)
@pytest.mark.needs("psql", "initdb-15", "initdb-18")
def test_both_say_the_same(case: Case, version: int, peer, libraries: str, folder: Path, capfd) -> None:
    """Session or none, what stops it, and what is printed."""
    need(*["pgbouncer"] * ("pgbouncer" in case.peer), *["prlimit"] * (case.peer == "cannot fork"))
    there = peer(case.peer)
    variables = {"LD_LIBRARY_PATH": libraries} if version == 18 else {}
    real = stage.psql(there, case.options, folder=folder, home=folder, variables=variables)
    status, connection = probed(capfd, there.conninfo(case.options), "--client", f"libpq-{version}", *case.words)
    assert (bool(real.returncode), bool(status)) == (case.stopped_by is not None,) * 2, real.stderr
    verdict = connection["verdicts"][0]
    failed = next((check["step"] for check in verdict["checks"] if check["outcome"] == "failed"), None)
    assert failed == case.stopped_by
    assert verdict["agrees_with_capture"] is not False
    assert (verdict["prints"] or "") == without_prefix(real.stderr)
    for path, value in case.seen.items():
        assert at(connection, path) == value


@pytest.mark.parametrize("who", ["silent", "silent behind S"])
@pytest.mark.needs("psql", "initdb-15")
def test_silence(who: str, peer, folder: Path, capfd) -> None:
    """Psql gives it up without a session; so does the probe, and it cannot tell what would have been said."""
    options = "sslmode=require connect_timeout=2"
    assert "timeout expired" in stage.psql(peer(who), options, folder=folder, home=folder).stderr
    status, connection = probed(capfd, peer(who).conninfo(options))
    assert status == 2
    verdict = connection["verdicts"][0]
    assert (connection["outcome"]["kind"], verdict["outcome"], verdict["prints"]) == ("incomplete", "cannot_tell", None)
    assert verdict["authenticated"] is not True


def probed(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    """The probe's exit status, and the connection of its document."""
    capfd.readouterr()
    status = main(["probe", *words, "--format", "json"])
    out, err = capfd.readouterr()
    assert out, err
    (connection,) = json.loads(out)["connections"]
    return status, connection


def without_prefix(printed: str) -> str:
    """What psql prints, without where it was connecting to."""
    return re.sub(r'^psql: error: (connection to server at "\S+", port \d+ failed: )?', "", printed).rstrip("\n")


def at(document: Any, path: str) -> object:
    for name in path.split("."):
        document = document[name]
    return document


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where psql finds libpq 18 and its OpenSSL 3: those that psycopg brings along."""
    import psycopg

    brought = Path(psycopg.__file__).parent.parent / "psycopg_binary.libs"
    (newest,) = brought.glob("libpq-*.so.5.18")
    folder = tmp_path_factory.mktemp("libpq")
    (folder / "libpq.so.5").symlink_to(newest)
    return f"{folder}:{brought}"


@cache
def region(name: str) -> pki.Region:
    return pki.region(name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The client's folder: roots, a certificate of its own, and an empty home."""
    for name, issuer in {"root": "database", "pooler": "pooler", "wrong": "other"}.items():
        (tmp_path / f"{name}.pem").write_text(pki.certificates_pem([region(issuer).root]))
    pki.write(tmp_path, mine(), region("clients").subordinate, name="mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PGSSLROOTCERT", "PGSSLMODE", "PGHOST", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@cache
def mine() -> pki.Issued:
    return pki.client(region("clients").subordinate, stage.USER, NOW - DAY)


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    """`peer("15")` is that peer, started when it is first asked for."""
    with ExitStack() as stack:

        @cache
        def started(name: str) -> stage.Server:
            return stack.enter_context(PEERS[name](started))

        yield started


# WHO MAY STAND THERE


def identity(issuer: str, host: str, *life: dt.datetime) -> dict[str, str]:
    """A server's certificate with the one above it, and its key."""
    above = region(issuer).subordinate
    leaf = pki.server(above, host, *(life or (NOW - DAY,)))
    return {"certificate": pki.certificates_pem([leaf, above]), "key": pki.key_pem(leaf)}


def clients_ca() -> str:
    return pki.certificates_pem([region("clients").subordinate, region("clients").root])


def postgres(version: int, *life: dt.datetime, files: Mapping[str, str] | None = None, **settings: str) -> Started:
    settings = {"listen_addresses": "127.0.0.1,::1", **settings}
    return stage.server(stage.binaries(version), **identity("database", HOST, *life), settings=settings, files=files)


def asking() -> Started:
    """PostgreSQL asks everybody for a certificate, and pg_hba.conf insists, once the client has said who it is."""
    return postgres(18, files={"clients.crt": clients_ca(), "pg_hba.conf": INSISTS}, ssl_ca_file="clients.crt")


@contextmanager
def out_of_processes() -> Iterator[stage.Server]:
    with postgres(15) as server, fronts.out_of_processes(server):
        yield server


def pooler(behind: stage.Server, asks: str = "", **settings: str) -> Started:
    return fronts.pgbouncer(behind, port=stage.free_port(), asks=asks, settings=settings, **identity("pooler", POOLER))


@contextmanager
def scripted(talk: Callable[[socket.socket], None]) -> Iterator[stage.Server]:
    """Somebody who is no PostgreSQL, to as many as come."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(10)
            with suppress(OSError):  # they may go when they like
                talk(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as serving:
        Thread(target=serving.serve_forever, args=(0.05,)).start()
        yield stage.Server(serving.server_address[1], 0, Path(), "")
        serving.shutdown()


def silence(*words: bytes) -> Callable[[socket.socket], None]:
    """Somebody who says these words, then nothing, and stays."""

    def talk(connected: socket.socket) -> None:
        saying(*words)(connected)
        while connected.recv(1000):
            pass

    return talk


INSISTS = "hostssl all all all scram-sha-256 clientcert=verify-ca\n"
Peer = Callable[[str], stage.Server]
PEERS: dict[str, Callable[[Peer], Started]] = {
    "15": lambda _: postgres(15),
    "18": lambda _: postgres(18),
    "TLS 1.2": lambda _: postgres(15, ssl_max_protocol_version="TLSv1.2"),
    "expired": lambda _: postgres(15, NOW - 30 * DAY, NOW - DAY),
    "ssl=off": lambda _: postgres(15, ssl="off"),
    "pg_hba insists": lambda _: asking(),
    "cannot fork": lambda _: out_of_processes(),
    "bytes behind S": lambda peer: scripted(lambda client: fronts.between(client, peer("15").port)),
    "pgbouncer": lambda peer: pooler(peer("18")),
    "pgbouncer without TLS": lambda peer: pooler(peer("18"), client_tls_sslmode="disable"),
    "pgbouncer insists, TLS 1.2": lambda peer: pooler(peer("18"), clients_ca(), client_tls_protocols="tlsv1.2"),
    "pgbouncer insists, TLS 1.3": lambda peer: pooler(peer("18"), clients_ca(), client_tls_protocols="tlsv1.3"),
    "HTTP": lambda _: scripted(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
    "SSH": lambda _: scripted(saying(b"SSH-2.0-OpenSSH_9.2\r\n")),
    "HTTPS": lambda _: scripted(tls(ssl.TLSVersion.TLSv1_3, answer=b"")),
    "silent": lambda _: scripted(silence()),
    "silent behind S": lambda _: scripted(silence(b"S")),
    "closes": lambda _: scripted(saying()),
    "closes behind S": lambda _: scripted(saying(b"S")),
    "E": lambda _: scripted(saying(b"E\0\0\0\x2dSFATAL\0VFATAL\0C53300\0Mtoo many clients\0\0")),
}
