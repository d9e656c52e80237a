"""`pgtls probe` against real servers: its options and files; test_beside_psql.py holds its verdicts against psql's."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from captures import pki, stage
from tests import authority
from tests.conftest import need
from tracer.cli import main

HOST = "db.example.test"
NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
HBA = "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n"


@cache
def region(name: str) -> pki.Region:
    return pki.region(name)


@cache
def clients() -> authority.Identity:
    """The CA of client certificates."""
    return authority.issue("clients", ca=True)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, stage.Server]]:
    """PostgreSQL 15 and 18, one without TLS, one that wants a client certificate."""
    from contextlib import ExitStack

    need("initdb-15", "initdb-18")
    ours = region("eu-test-1")
    good = pki.server(ours.subordinate, HOST, NOW - DAY)

    def identity(leaf: pki.Issued) -> dict[str, str]:
        return {"certificate": pki.certificates_pem([leaf, ours.subordinate]), "key": pki.key_pem(leaf)}

    with ExitStack() as stack:
        start = stack.enter_context
        fifteen, eighteen = stage.binaries(15), stage.binaries(18)
        client_ca = clients().certificate.public_bytes(authority.PEM).decode()
        yield {
            "15": start(stage.server(fifteen, **identity(good))),
            "18": start(stage.server(eighteen, **identity(good))),
            "off": start(stage.server(fifteen)),
            "asks": start(
                stage.server(
                    eighteen,
                    **identity(good),
                    settings={"ssl_ca_file": "ca.crt"},
                    files={"ca.crt": client_ca, "pg_hba.conf": HBA},
                )
            ),
        }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The client's folder: a right and a wrong root file, and an empty home."""
    (tmp_path / "root.pem").write_text(pki.certificates_pem([region("eu-test-1").root]))
    (tmp_path / "wrong.pem").write_text(pki.certificates_pem([region("us-test-1").root]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PGSSLROOTCERT", "PGSSLMODE", "PGHOST", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def probed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    """The exit status, and the connection of the JSON document."""
    capsys.readouterr()
    status = main(["probe", *words, "--format", "json"])
    out, err = capsys.readouterr()
    assert out, err
    return status, json.loads(out)


@pytest.mark.parametrize(("client", "status"), [("libpq-15", 0), ("libpq-16", 1)])
def test_a_file_called_system(client: str, status: int, servers: dict[str, stage.Server], folder: Path, capfd) -> None:
    """Up to libpq 15 it is missing, and nothing is checked; then it is the system's store, which has no such root."""
    words = f"host={HOST} hostaddr=127.0.0.1 port={servers['18'].port} sslrootcert=system"
    assert probed(capfd, words, "--client", client)[0] == status


def test_lists_that_are_not_there(servers: dict[str, stage.Server], folder: Path, capfd) -> None:
    """The good server is refused as libpq would, and why is a hint."""
    words = f"host={HOST} hostaddr=127.0.0.1 port={servers['18'].port} sslrootcert=root.pem sslmode=verify-full"
    assert main(["probe", f"{words} sslcrldir=missing"]) == 1
    assert "pgtls: hint: missing holds no revocation list: libpq lets nobody pass with it" in capfd.readouterr().err
    assert main(["probe", f"{words} sslcrl=missing"]) == 0
    assert "pgtls: hint: missing holds no revocation list: as libpq does" in capfd.readouterr().err


def test_what_is_insisted_on_behind_tls(servers: dict[str, stage.Server], folder: Path, capfd) -> None:
    """It stands with what was told; what the server asks for is known only with --startup."""
    words = f"host={HOST} hostaddr=127.0.0.1 port={servers['18'].port} require_auth=password"
    assert main(["probe", words]) == 2
    assert "require_auth=password" in capfd.readouterr().out
    assert main(["probe", words, "--startup"]) == 1
    assert 'authentication method requirement "password" failed:' in capfd.readouterr().out


def test_without_tls(servers: dict[str, stage.Server], folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Prefer goes on in plaintext, and that is no success."""
    status, document = probed(capfd, servers["off"].conninfo("sslmode=prefer"))
    assert status == 1
    assert document["connections"][0]["verdicts"][0]["outcome"] == "plaintext"  # type: ignore[index]


def test_the_startup(servers: dict[str, stage.Server], folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """--startup shows what the server asks for, and answers nothing."""
    status, document = probed(capfd, servers["18"].conninfo("sslmode=require channel_binding=require"), "--startup")
    kinds = [m["kind"] for m in document["connections"][0]["messages"]]  # type: ignore[index]
    assert "AuthenticationSASL" in kinds
    assert "SASLInitialResponse" not in kinds
    assert status == 0


@pytest.mark.parametrize(
    ("mode", "words"), [("disable", "never asks for TLS"), ("allow", "only where"), ("prefer", "")]
)
def test_a_mode_that_does_not_ask(
    mode: str, words: str, servers: dict[str, stage.Server], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The probe shows the server's TLS all the same, and says so; with --startup disable goes on in plaintext."""
    told = servers["18"].conninfo(f"sslmode={mode}")
    assert main(["probe", told, "--format", "json"]) in (0, 1)
    said = capfd.readouterr()
    assert json.loads(said.out)["connections"][0]["tls"] is not None
    assert ("asks all the same" in said.err) is bool(words)
    assert words in said.err
    assert main(["probe", told, "--startup", "--format", "json"]) in (0, 1)
    (connection,) = json.loads(capfd.readouterr().out)["connections"]
    assert (connection["tls"] is None) is (mode == "disable")
    if mode == "disable":
        assert connection["outcome"]["kind"] == "plaintext"
        assert [m["kind"] for m in connection["messages"]][:2] == ["StartupMessage", "AuthenticationSASL"]
        assert "SASLInitialResponse" not in [m["kind"] for m in connection["messages"]]


def test_a_client_certificate_is_wanted(
    servers: dict[str, stage.Server], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """pg_hba's clientcert shows with --startup; a certificate of the right CA passes."""
    status, document = probed(capfd, servers["asks"].conninfo("sslmode=require"), "--startup")
    assert status == 1
    assert "valid client certificate" in document["connections"][0]["outcome"]["because"]  # type: ignore[index]
    for mine, expected in ((authority.issue("app", clients()), 0), (authority.issue("app", authority.root()), 1)):
        certificate, key = authority.files(mine)
        options = f"sslmode=require sslcert={certificate} sslkey={key}"
        Path(key).chmod(0o600)
        status, document = probed(capfd, servers["asks"].conninfo(options), "--startup")
        real = stage.psycopg(servers["asks"], options, folder=folder, home=folder)
        assert (status, bool(real.returncode)) == (expected, bool(expected)), real.stderr
        assert document["connections"][0]["tls"]["client_certificate"] == "sent"  # type: ignore[index]
    assert document["connections"][0]["outcome"]["alert"]["description"] == "unknown_ca"  # type: ignore[index]


def test_files_and_settings(
    servers: dict[str, stage.Server],
    folder: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """--write and --chain-out make files that we read back; the screen says where the root file came from."""
    monkeypatch.setenv("PGSSLROOTCERT", "root.pem")
    text = servers["15"].conninfo(f"host={HOST} sslmode=verify-full")
    assert main(["probe", servers["15"].conninfo("sslmode=require sslrootcert=none")]) == 0
    assert "--chain-out FILE writes" in capfd.readouterr().err
    assert main(["probe", text, "--write", "out.pcapng", "--chain-out", "server.pem"]) == 0
    assert "sslrootcert=root.pem from PGSSLROOTCERT" in capfd.readouterr().out
    assert (folder / "server.pem").read_text().count("BEGIN CERTIFICATE") == 2
    asked = ["--host", HOST, "--sslmode", "verify-full", "--env"]
    assert main(["read", "out.pcapng", *asked]) == 0
    assert "the server is known" not in capfd.readouterr().err
    assert main(["verify", "server.pem", *asked]) == 0
    assert "sslrootcert=root.pem from PGSSLROOTCERT" in capfd.readouterr().out
    assert main(["verify", "server.pem", *asked, "--sslrootcert", "wrong.pem", "--format", "json"]) == 1
    settings = json.loads(capfd.readouterr().out)["settings"]
    assert settings["sslrootcert"] == {"value": "wrong.pem", "origin": "--sslrootcert"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["host=/tmp"], "a Unix socket has no TLS"),
        (["sslmod=x"], "did you mean sslmode?"),
        (["host=127.0.0.1 port=1"], "cannot connect to 127.0.0.1"),
        (["host=a sslmode=require sslnegotiation=direct sslrootcert=system"], 'weak sslmode "require"'),
    ],
)
def test_mistakes(words: list[str], said: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One line, a hint, status 2."""
    assert main(["probe", *words]) == 2
    err = capfd.readouterr().err
    assert err.startswith("pgtls: error: ")
    assert said in err
    assert "Traceback" not in err


def test_a_probe_recognises_nobody(capfd) -> None:
    """The connection is our own."""
    assert main(["probe", "host=127.0.0.1", "--client", "auto"]) == 2
    assert "there is no client to recognise" in capfd.readouterr().err
