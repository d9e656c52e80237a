"""verify and bundle, as somebody runs them."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from captures import pki
from tracer import pipes
from tracer.cli import main

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
STORY = CAPTURES / "verify-full"
ROOTS, OTHER = str(STORY / "roots.pem"), str(CAPTURES / "wrong-root" / "roots.pem")


@pytest.fixture
def chain(tmp_path: Path, capfd) -> str:
    """The chain of the story, in a file of its own."""
    main(["read", str(STORY / "capture.pcapng"), "--format", "json"])
    (connection,) = json.loads(capfd.readouterr().out)["connections"]
    file = tmp_path / "chain.pem"
    file.write_text("".join(c["pem"] for c in connection["certificates"]))
    return str(file)


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--sslrootcert", ROOTS, "--host", "my-rds.example.test", "--sslmode", "verify-full"], 0, "connects"),
        (["--sslrootcert", ROOTS, "--host", "other", "--sslmode", "verify-full"], 1, "does not match host name"),
        (["--sslrootcert", OTHER, "--sslmode", "verify-ca"], 1, "certificate verify failed"),
        (["--sslrootcert", ROOTS, "--at", "2050-01-01", "--sslmode", "verify-ca"], 1, "ended on 2027"),
        (["--sslmode", "verify-ca"], 2, "cannot tell"),
        (["--sslrootcert", ROOTS, "--host", "my-rds.example.test"], 0, "connects"),
        (["--sslrootcert", ROOTS, "--host", "other"], 1, "does not match host name"),
        (["--sslrootcert", ROOTS, "--host", "other", "--sslmode", "prefer"], 0, "connects"),
        ([], 0, "What each sslmode would do"),
    ],
)
def test_verify(chain: str, options: list[str], status: int, words: str, capfd) -> None:
    """The exit status is the asked verdict's, that of verify-full where no mode is named, and the screen says why."""
    if "--at" not in options:
        options = [*options, "--at", "2026-11-24"]
    assert main(["verify", chain, *options]) == status
    assert words in " ".join(capfd.readouterr().out.split())


@pytest.mark.parametrize("client", ["libpq-12", "libpq-15", "libpq-16"])
def test_a_file_called_system(chain: str, client: str, capfd, monkeypatch, tmp_path: Path) -> None:
    """Up to libpq 15 `system` is a file; prefer, which --env gives, does not mind that it is missing, and verify-full does."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", ROOTS)
    monkeypatch.chdir(tmp_path)
    old = client != "libpq-16"
    given = ["--client", client, "--sslrootcert", "system", "--host", "db.example"]
    for also in ([], ["--env"]):
        assert main(["verify", chain, *given, "--at", "2026-12-01", *also]) == (0 if old and also else 1)
        shown = capfd.readouterr().out
        assert ("on this machine" in shown) is not old
        assert ("no root file (system)" in shown) is old
    assert main(["explain-mode", "host=db.example sslrootcert=system", "--client", client, "--format", "json"]) == 0
    (found,) = json.loads(capfd.readouterr().out)["modes"]
    assert (found["sslmode"], found["told"]) == (("prefer", False) if old else ("verify-full", True))
    assert found["missing"]["outcome"] == ("accept" if old else "refuse")


@pytest.mark.parametrize("client", ["pgjdbc", "pgx-5", "lib-pq", "all"])
def test_the_rule_for_the_system_s_store_is_libpq_s(
    chain: str, client: str, capfd, monkeypatch, tmp_path: Path
) -> None:
    """Without an sslmode sslrootcert=system is verify-full to libpq from 16 on, and to none of the drivers."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for also in ([], ["--env"]):
        asked = "verify-full" if client == "all" or not also else "prefer"
        main(["verify", chain, "--sslrootcert", "system", "--client", client, "--format", "json", *also])
        assert json.loads(capfd.readouterr().out)["verdicts"][0]["sslmode"] == asked
    assert main(["explain-mode", "host=db.example sslrootcert=system", "--client", client, "--format", "json"]) == 0
    for found in json.loads(capfd.readouterr().out)["modes"]:
        libpq = found["client"] == "libpq"
        assert (found["sslmode"] == "verify-full", found["told"]) == (libpq, libpq)
        if found["client"] == "pgx-5":  # which makes it verify-full without a word
            assert found["no_tls"]["outcome"] == "refuse"


def test_a_pasted_string(capfd, monkeypatch, tmp_path: Path) -> None:
    """How it was read is said, and a JDBC URL is pgjdbc's, unless somebody names another client."""
    monkeypatch.setenv("HOME", str(tmp_path))
    string = "jdbc:postgresql://db.example/app?user=u&password=geheim&sslmode=require"
    for given, client in ([], "pgjdbc"), (["--client", "libpq"], "libpq"):
        assert main(["explain-mode", string, *given]) == 0
        said, shown = reversed(capfd.readouterr())
        assert said == "pgtls: hint: read as a JDBC URL, so the client is pgjdbc\n"
        assert [line.split()[0] for line in shown.splitlines() if line[:1].isalpha()] == ["Told:", client]
        assert "geheim" not in shown


@pytest.mark.parametrize(
    ("string", "told", "said"),
    [
        ("host=a,b port=,", "Told: host=a,b from", ""),
        ("host=a port=", "Told: host=a from", ""),
        ("host=a,b port=,5433", "Told: host=a,b port=5432,5433 from", ""),
        ("host=db.example..", "Told: host=db.example.. from", "pgtls: hint: the host ends in two dots"),
        (
            "host=$PGHOST",
            "Told: host=$PGHOST from",
            "pgtls: hint: the host holds a $: no shell has filled a variable in",
        ),
        (
            "postgres://db/app,",
            "Told: host=db from",
            "pgtls: hint: the string ends in a comma, which libpq takes as a part of it",
        ),
        ("host=db;port=1", "Told: host=db;port=1 from", "pgtls: hint: the host holds a ;"),
        ("host=a port=postgres", "", 'pgtls: error: invalid integer value "postgres" for connection option "port"'),
        ("postgres://u:Secr3tA/b@h/db", "", "pgtls: error: a port that is no number, and an @ behind it"),
        ("host=a,b port=5432,0", "", 'pgtls: error: invalid port number: "0"'),
        (
            "host=a channel_binding=require",
            "Told: host=a channel_binding=require",
            "pgtls: hint: channel_binding=require: libpq logs in inside TLS alone",
        ),
    ],
)
def test_odd_hosts_and_ports(string: str, told: str, said: str, capfd) -> None:
    """Empty ports are none, and what no server can be found by is said."""
    assert main(["explain-mode", string]) == (0 if told else 2)
    shown, error = capfd.readouterr()
    assert shown.startswith(told)
    assert error.startswith(said)
    assert "Secr3t" not in shown + error


def test_a_parameter_that_came_later(capfd) -> None:
    """Libpq refuses what it does not know, before it connects."""
    assert main(["explain-mode", "host=a sslnegotiation=direct sslmode=require", "--client", "libpq-16"]) == 2
    assert capfd.readouterr().err.startswith(
        'pgtls: error: invalid connection option "sslnegotiation"\npgtls: hint: libpq knows it from 17 on'
    )
    assert main(["explain-mode", "host=a sslnegotiation=direct sslmode=require", "--client", "libpq-17"]) == 0


def test_a_mode_of_one_driver(capfd, monkeypatch, tmp_path: Path) -> None:
    """no-verify is node-postgres's: it is shown for that, and to everybody else it is explained."""
    monkeypatch.setenv("HOME", str(tmp_path))
    said = "pgtls: hint: sslmode=no-verify is a word of node-postgres alone, so the client is node-postgres-8\n"
    for named, hint in ([], said), (["--client", "node-postgres-8"], ""):
        assert main(["explain-mode", "postgres://u:Secr3t@db/app?sslmode=no-verify", *named]) == 0
        shown = capfd.readouterr()
        assert shown.err == hint
        assert "node-postgres-8  sslmode=no-verify  run: pg 8" in shown.out
        assert "No. Nothing is checked: any server passes for db" in shown.out
    for command in (["explain-mode", "--client", "libpq"], ["explain-mode", "--client", "pgx-5"], ["probe"], ["cost"]):
        assert main([*command, "host=127.0.0.1 port=1 sslmode=no-verify"]) == 2
        error, hint = capfd.readouterr().err.splitlines()
        assert error == 'pgtls: error: invalid sslmode value: "no-verify"'
        assert "only node-postgres knows it: encrypted, and nothing checked" in hint


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("sslcrl=/nowhere", "/nowhere holds no revocation list: as libpq does, it is passed over"),
        (
            "sslcrldir=/nowhere",
            "/nowhere holds no revocation list: libpq lets nobody pass with it; openssl rehash names",
        ),
        (f"sslcrl={ROOTS}", f"{ROOTS} holds certificates and no revocation list: with it nobody passes"),
        ("sslcrl=list.pem", "whether each CA of the server's chain has a good revocation list there, pgtls probe says"),
    ],
)
def test_lists_of_revocations(given: str, said: str, capfd, monkeypatch, tmp_path: Path) -> None:
    """What is named and not there is said; of those that are there the string does not say enough."""
    monkeypatch.chdir(tmp_path)
    issuer = pki.region("database").root
    (tmp_path / "list.pem").write_text(pki.revocations_pem(issuer, [], datetime(2026, 1, 1, tzinfo=UTC)))
    assert main(["explain-mode", f"host=db sslmode=verify-full sslrootcert={ROOTS} {given}"]) == 0
    assert capfd.readouterr().err.startswith(f"pgtls: hint: {said}")
    if "/nowhere" in given:
        name, _, path = given.partition("=")
        monkeypatch.setenv(f"PG{name.upper()}", path)
        assert main(["read", str(STORY / "capture.pcapng"), "--env", "--sslrootcert", ROOTS]) in (0, 1)
        assert f"pgtls: hint: {said}" in capfd.readouterr().err


KEYLESS = 'certificate present, but not private key file "none.key"'


@pytest.mark.parametrize(
    ("given", "client", "said"),
    [
        ("sslmode=require", "libpq", f"It does not connect at all. libpq says: {KEYLESS}. Set sslkey=FILE."),
        ("sslmode=require", "libpq-12", f"It does not connect at all. libpq-12 says: {KEYLESS}. Set sslkey=FILE."),
        (
            "",
            "libpq",
            f"No. libpq goes on in plaintext, as it is, for TLS fails on its side: {KEYLESS}. Set sslkey=FILE.",
        ),
        ("sslmode=require", "pgx-5", "No. Nothing is checked"),
        ("sslmode=disable", "libpq", "No. libpq asks for no TLS"),
        ("sslmode=require sslcertmode=disable", "libpq", "No. Nothing is checked"),
        ("sslmode=require sslcert=nothing", "libpq", "No. Nothing is checked"),
    ],
)
def test_a_certificate_without_its_key(given: str, client: str, said: str, capfd, monkeypatch, tmp_path) -> None:
    """Whoever is checked, libpq does not get so far; a certificate that is not there is none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("own.crt").write_text(Path(ROOTS).read_text())
    assert main(["explain-mode", f"host=db sslcert=own.crt sslkey=none.key {given}", "--client", client]) == 0
    assert said in " ".join(capfd.readouterr().out.split())


def test_no_host(capfd, monkeypatch) -> None:
    """It is said that libpq would not go to any; PGHOST is one."""
    assert main(["explain-mode", "sslmode=require"]) == 0
    assert capfd.readouterr().err.startswith("pgtls: hint: no host is told: libpq takes its Unix socket then")
    monkeypatch.setenv("PGHOST", "db.example")
    assert main(["explain-mode", "sslmode=require"]) == 0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["sslrootcert", "sslcrl", "sslcrldir"])
def test_a_pipe_is_not_waited_for(name: str, chain: str, capfd, monkeypatch, tmp_path: Path) -> None:
    """Libpq would wait at it; what it would read there is not known, and a probe does not begin."""
    monkeypatch.setattr(pipes, "PATIENCE", 0.2)
    pipe = tmp_path / "0a1b2c3d.r0"
    os.mkfifo(pipe)
    where = tmp_path if name == "sslcrldir" else pipe
    main(["verify", chain, f"--{name}", str(where), "--host", "db.example"])
    said = capfd.readouterr().err
    assert main(["explain-mode", f"host=db {name}={where}", "--client", "libpq"]) == 0
    if name == "sslrootcert":
        assert "is a pipe into which nobody writes: libpq waits there" in said
        assert "is a pipe into which nobody writes" in capfd.readouterr().err
    if name == "sslcrl":
        assert "is a pipe into which nobody writes: libpq waits there" in capfd.readouterr().err
    if name != "sslcrldir":
        assert main(["probe", f"host=127.0.0.1 port=1 {name}={where}"]) == 2
        assert f"pgtls: error: {name}={where} is a pipe, which can be read once" in capfd.readouterr().err


@pytest.mark.parametrize(("client", "status"), [("libpq", 0), ("libpq-14", 0), ("libpq-13", 1), ("libpq-12", 1)])
@pytest.mark.parametrize("env", [[], ["--env"]])
def test_the_openssl_of_the_client_reads_its_file(
    client: str, status: int, env: list[str], chain: str, tmp_path: Path, monkeypatch, capfd
) -> None:
    """A byte order mark in front: OpenSSL 1.1.1, as below libpq 12 and 13, finds no certificate then."""
    monkeypatch.setenv("HOME", str(tmp_path))
    marked = tmp_path / "marked.pem"
    marked.write_bytes(b"\xef\xbb\xbf" + Path(ROOTS).read_bytes())
    given = ["--client", client, "--sslrootcert", str(marked), "--sslmode", "verify-ca", "--at", "2026-12-01"]
    assert main(["verify", chain, *given, *env]) == status
    assert ("no certificate or crl found" in capfd.readouterr().err) is (status == 1)


def test_verify_as_json(chain: str, capfd) -> None:
    """With the words of the document."""
    main(["verify", chain, "--sslrootcert", ROOTS, "--sslmode", "verify-ca", "--format", "json"])
    document = json.loads(capfd.readouterr().out)
    assert document["verdicts"][0]["sslmode"] == "verify-ca"
    assert [c["position"] for c in document["certificates"]] == [0, 1, 2]


def test_verify_what_is_no_chain(tmp_path: Path, capfd) -> None:
    """One line and hints."""
    (tmp_path / "x").write_text("hello")
    assert main(["verify", str(tmp_path / "x")]) == 2
    assert capfd.readouterr().err.startswith(f"pgtls: error: {tmp_path}/x holds no certificate\npgtls: hint: ")


@pytest.mark.parametrize(
    ("command", "error", "hint"),
    [
        ("bundle", "is a capture and no CA bundle", "which entry of a bundle anchors its servers: pgtls bundle FILE --against"),
        ("verify", "is a capture and no chain", "--sslmode verify-full --sslrootcert FILE judges the chains in it"),
    ],
)  # fmt: skip
def test_a_capture_in_the_place_of_certificates(command: str, error: str, hint: str, capfd) -> None:
    """It is recognised, and what can be done with it is said."""
    capture = str(STORY / "capture.pcapng")
    assert main([command, capture]) == 2
    said = capfd.readouterr().err
    assert said.startswith(f"pgtls: error: {capture} {error}\n")
    assert hint in said


def test_a_rotation(chain: str, capfd) -> None:
    """The old bundle and the new one, against a chain and against a capture; 1 when the last one fails."""
    for against in (chain, str(STORY / "capture.pcapng")):
        command = ["bundle", ROOTS, "--and", OTHER, "--against", against, "--at", "2026-11-24"]
        assert main(command) == 1
        shown = " ".join(capfd.readouterr().out.split())
        assert "anchored by entry 0, Example RDS eu-test-1 Root CA RSA2048 G1; good until 2027-10-25" in shown
        assert "refused: self-signed certificate in certificate chain (19)" in shown


@pytest.mark.parametrize(
    ("behind", "words"),
    [
        ("-----BEGIN CERTIFICATE-----\nM!!I\n-----END CERTIFICATE-----\n", "bad base64 decode"),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n", "bad end line"),
    ],
)
def test_a_bundle_that_libpq_refuses(behind: str, words: str, tmp_path: Path, capfd) -> None:
    """One broken block behind good ones spoils the file, as for every client's root file."""
    half = tmp_path / "half.pem"
    half.write_text(Path(ROOTS).read_text() + behind)
    assert main(["bundle", str(half)]) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    assert f"{half}: libpq refuses the whole file: {words}\n" in shown.err


def test_a_bundle_as_json(chain: str, capfd) -> None:
    """Each entry is a certificate with its state."""
    assert main(["bundle", ROOTS, "--against", chain, "--at", "2026-11-24", "--format", "json"]) == 0
    document = json.loads(capfd.readouterr().out)
    (bundle,), (found,) = document["bundles"], document["chains"]
    assert [(e["position"], e["state"], e["root"]) for e in bundle["certificates"]] == [(0, "valid", True)]
    assert found["anchored"][0]["anchor"] == 0
    assert found["anchored"][0]["then"]["code"] == 10


def test_a_capture_without_certificates(capfd) -> None:
    """TLS 1.3 without keys shows none."""
    assert main(["bundle", ROOTS, "--against", str(CAPTURES / "no-root-file-sealed" / "capture.pcapng")]) == 2
    assert "no server's certificates can be seen" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("store", "status", "words"), [(ROOTS, 0, "roots on this machine"), (OTHER, 1, "verify failed")]
)
def test_verify_against_the_system_s_store(chain: str, store: str, status: int, words: str, capfd, monkeypatch) -> None:
    """A chain alone is judged by the store of this machine, which SSL_CERT_FILE names."""
    monkeypatch.setenv("SSL_CERT_FILE", store)
    monkeypatch.setenv("SSL_CERT_DIR", "/nonexistent")
    given = ["--sslrootcert", "system", "--host", "my-rds.example.test", "--at", "2026-12-01"]
    assert main(["verify", chain, *given]) == status
    assert words in capfd.readouterr().out
    assert main(["read", str(STORY / "capture.pcapng"), *given[:-2]]) == 2  # somebody else's machine
    assert main(["read", str(STORY / "capture.pcapng"), *given[:-2], "--env"]) == status


def test_a_folder_holds_files_to_name(tmp_path: Path, capfd) -> None:
    """A bundle is one file."""
    assert main(["bundle", str(tmp_path)]) == 2
    assert capfd.readouterr().err == (
        f"pgtls: error: {tmp_path} is a folder\npgtls: hint: name a file of certificates in it, for example *.pem\n"
    )
