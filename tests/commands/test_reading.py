"""read, live and demo are told as transcripts in tests/test_cli.py; here is what several sources together do."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

import tracer
from tracer.cli import main

CAPTURES = Path(__file__).resolve().parents[2] / "captures"


def test_two_captures(capfd) -> None:
    """Each is named, and the worst exit status of all counts."""
    names = [str(CAPTURES / story / "capture.pcapng") for story in ("verify-full", "wrong-root")]
    roots = str(CAPTURES / "verify-full" / "roots.pem")
    status = main(["read", *names, "--format", "json", "--sslmode", "verify-ca", "--sslrootcert", roots])
    document = json.loads(capfd.readouterr().out)
    assert [c["capture"] for c in document["connections"]] == names
    assert [c["name"] for c in document["captures"]] == names
    assert status == 0


def test_the_status_is_that_of_the_connection_shown(capfd) -> None:
    """Of several connections the highest counts; with --connection N that of N alone."""
    names = [str(CAPTURES / story / "capture.pcapng") for story in ("verify-full", "expired-server")]
    command = [
        "read",
        *names,
        "--sslmode",
        "verify-ca",
        "--sslrootcert",
        str(CAPTURES / "expired-server" / "roots.pem"),
    ]
    assert main(command) == 1
    assert main([*command, "--connection", "1"]) == 0
    assert main([*command, "--connection", "2"]) == 1
    assert main([*command, "--connection", "1", "--jobs", "2"]) == 0
    capfd.readouterr()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_key_log_of_another_session(jobs: str, tmp_path: Path, capfd) -> None:
    """It opens nothing here, which is said; the capture's own key log gets no such hint."""
    capture = CAPTURES / "verify-full" / "capture.pcapng"
    hello = next(m for c in tracer.reassemble(tracer.read(capture)) for m in tracer.follow(c).every("ClientHello"))
    log = tmp_path / "keys"
    for random, said in ((b"\1" * 32, True), (hello.data[6:38], False)):
        log.write_text(f"CLIENT_HANDSHAKE_TRAFFIC_SECRET {random.hex()} {'00' * 48}\n")
        assert main(["read", str(capture), "--keylog", str(log), "--jobs", jobs]) == 0
        hint = "pgtls: hint: the key log has 1 session, none of them is in this capture\n"
        assert (hint in capfd.readouterr().err) is said


def test_one_of_two_is_damaged(tmp_path: Path, capfd) -> None:
    """What could be read is shown, and the exit status is 2."""
    whole = CAPTURES / "verify-full" / "capture.pcapng"
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(whole.read_bytes()[:-100])
    assert main(["read", str(whole), str(cut)]) == 2
    shown = capfd.readouterr()
    assert shown.out.count("127.0.0.1:5432") >= 2
    assert "cut.pcapng: cut short" in shown.err


def test_a_slip_in_the_name_of_the_root_file(monkeypatch, capfd) -> None:
    """It is libpq's verdict on an absent file, with a hint, however the file was named and wherever the screen goes."""
    capture = str(CAPTURES / "verify-full" / "capture.pcapng")
    hint = "pgtls: hint: typo.pem does not exist: judged as a client without a root file\n"
    for more in ([], ["--format", "json"], ["--env"]):
        assert main(["read", capture, "--sslmode", "require", "--sslrootcert", "typo.pem", *more]) == 0
        assert capfd.readouterr().err == hint
    assert main(["read", capture, "--sslmode", "verify-full", "--sslrootcert", "typo.pem"]) == 1
    capfd.readouterr()
    monkeypatch.setenv("PGSSLROOTCERT", "typo.pem")
    main(["read", capture, "--env"])
    assert capfd.readouterr().err == hint


def test_nobody_named_a_root_file(monkeypatch, tmp_path: Path, capfd) -> None:
    """Libpq's own may be missing: most people have none."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    assert main(["read", str(CAPTURES / "verify-full" / "capture.pcapng"), "--env"]) == 0
    assert capfd.readouterr().err == ""


def test_a_folder_is_for_an_audit(tmp_path: Path, capfd) -> None:
    """The hint names the command that takes one."""
    assert main(["read", str(tmp_path)]) == 2
    assert capfd.readouterr().err.splitlines()[::2] == [
        f"pgtls: error: {tmp_path} is a folder",
        f"pgtls: hint: or all in one table: pgtls audit {tmp_path}",
    ]


@pytest.mark.parametrize(("asked", "status"), [([], 0), (["--sslmode", "verify-full"], 2)])
def test_nothing_to_judge(asked: list[str], status: int, tmp_path: Path, capfd) -> None:
    """Who asked about a client has no answer where no connection begins."""
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))  # the header of a pcap
    assert main(["read", str(empty), *asked]) == status
    assert "connect anew while recording" in capfd.readouterr().err
