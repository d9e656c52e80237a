"""Clients beside each other, on the screen and in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tracer.cli import main
from tracer.verify.clients import drivers

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
SCHEMA = json.loads((CAPTURES.parent / "tracer" / "render" / "schema.json").read_text())
STORY = CAPTURES / "wrong-root"
ASKED = ["--client", "all", "--sslmode", "verify-ca", "--sslrootcert", str(STORY / "roots.pem")]


def test_every_client_on_the_screen(capfd: pytest.CaptureFixture[str]) -> None:
    """A row a client, a cell an sslmode."""
    assert main(["read", str(STORY / "capture.pcapng"), *ASKED]) == 1
    screen = capfd.readouterr().out
    rows = {
        line.split()[0]: line.split()[1:]
        for line in screen.splitlines()
        if line.startswith("  ") and len(line.split()) > 6
    }
    assert rows["libpq"] == ["plaintext", "plaintext", "plaintext", "refuses", "refuses", "refuses"]
    assert rows["pgjdbc"] == ["plaintext", "plaintext", "connects", "connects", "refuses", "refuses"]
    assert rows["lib-pq"] == ["plaintext", "-", "-", "refuses", "refuses", "refuses"]
    assert set(drivers()) <= set(rows)
    assert "node-postgres-9: read from source, not run" in screen


def test_every_client_in_json(capfd: pytest.CaptureFixture[str]) -> None:
    """The document holds to its schema, and says which verdicts the capture shows."""
    main(["read", str(STORY / "capture.pcapng"), *ASKED, "--format", "json"])
    document = json.loads(capfd.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    clients = {one["client"]: one for one in document["connections"][0]["clients"]}
    assert list(clients) == ["libpq", *drivers()]
    agree = {
        name: {m["sslmode"]: m["agrees_with_capture"] for m in one["modes"]}["verify-ca"]
        for name, one in clients.items()
    }
    assert agree["libpq"] is True
    assert agree["pgjdbc"] is False


def test_a_connection_string_explained(capfd: pytest.CaptureFixture[str]) -> None:
    """A paragraph a client, and the words of each."""
    string = "postgresql://db.example/?sslmode=verify-full&sslrootcert=/nowhere/root.crt"
    assert main(["explain-mode", string, "--client", "all"]) == 0
    screen = capfd.readouterr().out
    assert "without the file      refuses: Could not open SSL root certificate file /nowhere/root.crt." in screen
    assert 'refuses: root certificate file "/nowhere/root.crt" does not exist' in screen
    assert main(["explain-mode", "host=db.example sslmode=prefer", "--client", "lib-pq"]) == 0
    assert 'refuses to connect: pq: unsupported sslmode "prefer"' in capfd.readouterr().out


def test_a_connection_string_explained_briefly(capfd: pytest.CaptureFixture[str], monkeypatch, tmp_path: Path) -> None:
    """Without --client: whether it is safe with libpq comes first, and of each other client there is one line."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["explain-mode", "host=db.example sslmode=require"]) == 0
    screen = capfd.readouterr().out
    assert "is it safe?           No. Nothing is checked: any server passes for db.example." in screen
    rows = {
        line.split()[0]: line.split()[1:]
        for line in screen.splitlines()
        if line.split()[:1] and line[2:].split()[0] in drivers()
    }
    assert rows["pgjdbc"] == ["require", "nothing"]
    assert rows["node-postgres-8"] == ["require", "chain,", "dates,", "name"]
    assert set(rows) == set(drivers())
    assert "* its default" not in screen
    assert main(["explain-mode", "host=db.example"]) == 0
    assert "* its default" in capfd.readouterr().out
    assert main(["explain-mode", "host=/tmp"]) == 0
    assert "other clients" not in capfd.readouterr().out


def test_a_refusal_is_not_unsafe(capfd: pytest.CaptureFixture[str]) -> None:
    """It connects to nobody: no word of safe or not, in JSON null, and what to set."""
    string = "host=db.prod sslmode=verify-full sslrootcert=/nowhere/root.crt"
    assert main(["explain-mode", string]) == 0
    screen = capfd.readouterr().out
    assert "is it safe?           It does not connect at all." in screen
    assert "Set sslrootcert=FILE, where FILE holds the CA of db.prod." in " ".join(screen.split())
    assert "pgx-4                      verify-full - (does not connect as it is)" in screen
    assert "tokio-postgres-rustls      verify-full - (refuses that sslmode)" in screen
    assert main(["explain-mode", string, "--format", "json", "--client", "libpq"]) == 0
    [mode] = json.loads(capfd.readouterr().out)["modes"]
    assert (mode["safe"], mode["mend"]) == (None, ["sslrootcert=FILE"])


def test_only_allow_comes_back_to_tls(capfd: pytest.CaptureFixture[str]) -> None:
    """With disable TLS is never asked for; with allow it is, when the server refuses plaintext."""
    assert main(["explain-mode", "host=db.example sslmode=disable", "--client", "libpq"]) == 0
    shown = capfd.readouterr().out
    assert "not asked for" in shown
    assert "unless" not in shown
    assert main(["explain-mode", "host=db.example sslmode=allow", "--client", "libpq"]) == 0
    assert "not asked for, unless the server refuses plaintext" in capfd.readouterr().out


def test_a_connection_string_explained_to_programs(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["explain-mode", "host=db.example sslmode=require", "--client", "pgjdbc", "--format", "json"]) == 0
    [mode] = json.loads(capfd.readouterr().out)["modes"]
    assert mode["checks"] == {"chain": None, "validity": None, "name": None}
    assert (mode["stranger"]["outcome"], mode["no_tls"]["outcome"]) == ("accept", "refuse")


def test_nobody_of_that_name(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["explain-mode", "host=db.example", "--client", "nobody"]) == 2
    assert "unknown client 'nobody'" in capfd.readouterr().err


def test_whoever_it_looks_like(capfd: pytest.CaptureFixture[str]) -> None:
    """The client that was taken, why, and its verdicts; in JSON the same."""
    folder = CAPTURES / "drivers"
    asked = [
        "--client",
        "auto",
        "--host",
        "db.example.test",
        "--sslmode",
        "verify-full",
        "--sslrootcert",
        str(folder / "other.pem"),
    ]
    assert main(["read", str(folder / "pgjdbc-wrong-root.pcapng"), *asked]) == 1
    screen = capfd.readouterr().out
    assert "Its library is Java's" in screen
    assert "The capture shows what this client would have done." in screen
    main(["read", str(folder / "pgjdbc-wrong-root.pcapng"), *asked, "--format", "json"])
    document = json.loads(capfd.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    [connection] = document["connections"]
    assert (connection["who"]["client"], connection["who"]["confidence"]) == ("pgjdbc", "high")
    assert {verdict["client"] for verdict in connection["verdicts"]} == {"pgjdbc"}


def test_a_chain_alone_is_nobody_s(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(STORY / "roots.pem"), "--client", "auto"]) == 2
    assert "a chain alone does not say who the client is" in capfd.readouterr().err
