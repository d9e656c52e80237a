"""`pgtls cost` against real servers."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from captures import pki, stage
from tests.conftest import need
from tests.render.test_json import valid
from tracer.cli import main

HOST = "db.example.test"
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module", params=[15, 18])
def target(request, tmp_path_factory):
    """A server, and the connection string that leads to it."""
    need(f"initdb-{request.param}")
    ours = pki.region("eu-test-1")
    good = pki.server(ours.subordinate, HOST, NOW - dt.timedelta(days=1))
    root: Path = tmp_path_factory.mktemp("roots") / "root.pem"
    root.write_text(pki.certificates_pem([ours.root]))
    chain, key = pki.certificates_pem([good, ours.subordinate]), pki.key_pem(good)
    with stage.server(stage.binaries(request.param), certificate=chain, key=key) as server:
        yield request.param, f"host={HOST} hostaddr=127.0.0.1 port={server.port} user=app sslrootcert={root}"


def rows(conninfo: str, capfd) -> dict[tuple[str, str | None, str], dict[str, Any]]:
    assert main(["cost", conninfo, "--repeat", "3", "--format", "json"]) == 0
    shown = capfd.readouterr().out
    assert len(shown.splitlines()) > 100  # for people, too
    document = json.loads(shown)
    valid(document, "measured")
    return {(row["sslmode"], row["tls"], row["sslnegotiation"]): row for row in document["rows"]}


def test_turns_are_counted(target, capfd) -> None:
    """TLS 1.3 takes a turn less than 1.2, but for the second hello that PostgreSQL 15 asks for; verifying takes none."""
    version, conninfo = target
    found = rows(conninfo, capfd)
    assert all(row["samples"] == 3 and row["total"] > 0 for row in found.values())
    again = 1 if version == 15 else 0
    turns = {way: row["round_trips"] for way, row in found.items()}
    assert turns["disable", None, "postgres"] == turns["allow", None, "postgres"] == 2
    for mode in ("prefer", "require", "verify-ca", "verify-full"):
        assert turns[mode, "TLS 1.3", "postgres"] == 4 + again
        assert turns[mode, "TLS 1.2", "postgres"] == 5
    if version == 18:
        assert turns["require", "TLS 1.3", "direct"] == 3
    else:
        assert not any(way[2] == "direct" for way in found)
    same = {found[mode, "TLS 1.3", "postgres"]["bytes_client"] for mode in ("prefer", "require", "verify-full")}
    assert len(same) == 1  # a root file puts nothing on the wire


def test_without_a_root_file(target, capfd, monkeypatch, tmp_path: Path) -> None:
    """What needs one is not measured, and the page says so; the rest is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    conninfo = target[1].rpartition(" sslrootcert=")[0]
    found = rows(conninfo, capfd)
    assert found["require", "TLS 1.3", "postgres"]["total"] > 0
    assert "needs a root file" in found["verify-full", "TLS 1.3", "postgres"]["problem"]


def test_a_server_without_tls(capfd) -> None:
    """What is a session in plaintext is no figure of TLS, and no version is guessed from a direct hello without an answer."""
    need("initdb-15")
    with stage.server(stage.binaries(15)) as server:
        conninfo = f"host=127.0.0.1 port={server.port} user=app"
        assert main(["cost", conninfo, "--repeat", "2", "--format", "json"]) == 0
    out, err = capfd.readouterr()
    found = {(row["sslmode"], row["tls"]): row for row in json.loads(out)["rows"]}
    assert found["disable", None]["total"] > 0
    for version in ("TLS 1.2", "TLS 1.3"):
        assert found["prefer", version]["total"] is None
        assert "the server has no TLS" in found["prefer", version]["problem"]
        assert found["require", version]["total"] is None
    assert "this server did not answer it; PostgreSQL 17 and newer with ssl=on do" in err


def test_a_server_that_closes(capfd) -> None:
    """It says N, or nothing, and hangs up: that is what every row says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_hangs_up, args=(listener,), daemon=True).start()
        conninfo = f"host=127.0.0.1 port={listener.getsockname()[1]} user=app"
        assert main(["cost", conninfo, "--repeat", "1", "--format", "json"]) == 2
        listener.shutdown(socket.SHUT_RDWR)
    found = {(row["sslmode"], row["tls"]): row["problem"] for row in json.loads(capfd.readouterr().out)["rows"]}
    assert found["disable", None] == "not measured: the server closed and asked for no authentication"
    assert "the server has no TLS" in found["prefer", "TLS 1.3"]


def _hangs_up(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connected, _ = listener.accept()
            with connected:
                if connected.recv(1 << 14)[4:8] == bytes.fromhex("04d2162f"):
                    connected.sendall(b"N")
                    connected.recv(1 << 14)


def test_nobody_is_there(capfd) -> None:
    """One line, a hint, exit status 2."""
    assert main(["cost", f"host=127.0.0.1 port={stage.free_port()}"]) == 2
    assert capfd.readouterr().err.startswith("pgtls: error: cannot connect to 127.0.0.1\n")


@pytest.mark.parametrize("number", ["0", "1001", "x", "-1"])
def test_a_number_that_is_none(number: str, capfd) -> None:
    """Bounded, since a server has to bear it."""
    assert main(["cost", "db.example", f"--repeat={number}"]) == 2
    assert "a number from 1 to 1000" in capfd.readouterr().err
