"""A capture as rows: each story's row says what its case says."""

from __future__ import annotations

import dataclasses
import pickle
import subprocess
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import tracer
from tracer.audit import COLUMNS, Capture, _in_order, audit
from tracer.findings import sketch
from tracer.report import report

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
STORIES = sorted(path.parent for path in CAPTURES.glob("*/case.toml"))


def judged(trace: tracer.Trace):
    return report(trace, tracer.Trust(time=trace.time), asked=False)


def rows(found: Capture) -> list[dict[str, Any]]:
    return [dict(zip((column.name for column in COLUMNS), row, strict=True)) for row in found.rows]


def story(name: str) -> list[dict[str, Any]]:
    return rows(audit(tracer.read(CAPTURES / name / "capture.pcapng"), judged))


@pytest.mark.parametrize("folder", STORIES, ids=lambda path: path.name)
def test_a_row_for_each_connection(folder: Path) -> None:
    """As many as `read` shows, in order, with their outcomes; and the sslmode that the client really had is never ruled out."""
    found = story(folder.name)
    source = tracer.read(folder / "capture.pcapng")
    traces = sorted((tracer.follow(c, source.keys) for c in tracer.reassemble(source)), key=lambda t: t.connection.id)
    assert [row["connection"] for row in found] == [trace.connection.id for trace in traces]
    assert [row["outcome"] for row in found] == [trace.outcome.kind for trace in traces]
    mode = tomllib.loads((folder / "case.toml").read_text())["sslmode"]
    if found[0]["consistent_with"]:
        assert mode in found[0]["consistent_with"]


def test_a_verified_session() -> None:
    """Everything that a row holds, of one connection."""
    (row,) = story("verify-full")
    assert row["server_name"] == row["certificate"] == "my-rds.example.test"
    assert (row["user"], row["database"]) == ("app", "postgres")
    assert (row["negotiation"], row["transport"], row["version"]) == ("SSLRequest S", "tls", "TLS 1.3")
    assert row["started"].startswith("2026-11-24T12:05:47.")
    assert row["authority"] == "Example RDS eu-test-1 Root CA RSA2048 G1"
    assert row["verifies"] is None  # a certificate in order does not show who looks at it
    assert row["downgraded"] is False
    assert row["alert"] is None


def test_the_fingerprint_is_openssls(program) -> None:
    """And the end of the certificate is what openssl reads."""
    source = tracer.read(CAPTURES / "verify-full" / "capture.pcapng")
    (trace,) = [tracer.follow(connection, source.keys) for connection in tracer.reassemble(source)]
    command = [program("openssl"), "x509", "-noout", "-fingerprint", "-sha256", "-enddate", "-dateopt", "iso_8601"]
    pem = trace.presented.certificates[0].pem
    said = subprocess.run(command, input=pem, capture_output=True, text=True, check=True).stdout
    fingerprint, ends = (line.partition("=")[2] for line in said.splitlines())
    (row,) = story("verify-full")
    assert row["fingerprint"] == fingerprint.replace(":", "").lower()
    assert row["expires"].replace("T", " ").partition(".")[0] == ends.removesuffix("Z")


@pytest.mark.parametrize(
    ("name", "verifies"),
    [
        ("wrong-root", [True]),  # an alert about the certificate
        ("sibling-verify-full", [True]),  # by its name
        ("no-tls-prefer", [False]),
        ("prefer-wrong-root", [True, False]),
        ("sibling-verify-ca", [None]),  # verify-ca is left
        ("no-root-file", [None]),
        ("missing-root-file", [None]),
        ("client-certificate-refused", [None]),  # it was the server that refused
        ("tls10", [None]),  # no libpq that we replay is like that
        ("cancel-request", [None, None]),
    ],
)
def test_who_verifies(name: str, verifies: list[bool | None]) -> None:
    """Only what a capture shows: most sessions do not show it."""
    assert [row["verifies"] for row in story(name)] == verifies


def test_prefers_second_attempt() -> None:
    """The session in plaintext is the one that is marked."""
    assert [(row["transport"], row["downgraded"]) for row in story("prefer-wrong-root")] == [
        ("tls", False),
        ("plaintext", True),
    ]
    assert [row["downgraded"] for row in story("no-tls-prefer")] == [False]


def test_in_the_order_in_which_they_began() -> None:
    """Connections settle in another one."""
    trace = next(
        iter(tracer.follow(c) for c in tracer.reassemble(tracer.read(CAPTURES / "verify-full" / "capture.pcapng")))
    )
    one = sketch(trace)
    seen = [
        dataclasses.replace(one, id=n, started=one.started + timedelta(seconds=s)) for n, s in ((3, 2), (1, 0), (2, 1))
    ]
    assert [each.id for each in _in_order(seen)] == [1, 2, 3]


def test_only_plain_values() -> None:
    """What comes back from a worker is pickled; nothing of ours or of others' is in a row."""
    found = audit(tracer.read(CAPTURES / "prefer-wrong-root" / "capture.pcapng"), judged)
    values = [value for row in found.rows for value in row]
    assert {type(value) for value in values} <= {str, int, bool, list, type(None)}
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 (our own)


def test_a_damaged_capture_keeps_what_it_holds(tmp_path: Path) -> None:
    """The rows in front of the damage, and the damage."""
    whole = (CAPTURES / "prefer-wrong-root" / "capture.pcapng").read_bytes()
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(whole[:-50])
    found = audit(tracer.read(cut), judged)
    assert len(found.rows) == 2
    assert "cut short" in found.problems[0]
