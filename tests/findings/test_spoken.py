"""Findings where a driver was named: nothing in them is libpq's alone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import tracer
from tests.findings.helpers import CAPTURES, story
from tracer.advice import advice
from tracer.findings import Finding
from tracer.findings.spoken import SAID
from tracer.report import Report, report
from tracer.verify import Trust, clients

DRIVERS = tuple(clients.drivers())
STORIES = sorted(folder.parent.name for folder in CAPTURES.glob("*/capture.pcapng"))
# what only libpq has, or only some drivers have; who else is compared with it by name may be
LIBPQ = re.compile(
    r"hostaddr|ssl_max_protocol_version=|gssencmode|sslnegotiation|sslsni|PQ\w+|libpq (?!takes|, Java|compares|sees)"
)
OWN = {
    "tokio-postgres-rustls": "hostaddr",
    "tokio-postgres-native-tls": "hostaddr",
    "asyncpg": "ssl_max_protocol_version=",
}


def found(name: str, client: str, **told: object) -> list[Report]:
    """The reports of a story for a client that was told so."""
    given = {"sslmode": "verify-full", "host": "wrong.example", "roots": None, "root_path": "/nowhere", **told}
    return [report(trace, Trust(**given, time=trace.time), client) for trace in story(name)]  # type: ignore[arg-type]


def finding(name: str, kind: str, client: str, **told: object) -> Finding:
    """The first of that kind."""
    return next(one for each in found(name, client, **told) for one in each.findings if one.kind == kind)


@pytest.mark.parametrize("client", DRIVERS)
@pytest.mark.parametrize("name", STORIES)
def test_no_driver_is_told_of_libpq_s_options(name: str, client: str) -> None:
    """Whatever the story, the findings and the advice name what this driver takes, or nothing."""
    for mode in ("prefer", "verify-full"):
        for one in found(name, client, sslmode=mode):
            assert not [each for each in one.findings if each.kind in SAID and "PostgreSQL: fe-" in (each.spec or "")]
            words = [f"{each.text} {each.advice}" for each in one.findings] + [advice(one) or ""]
            foreign = [hit for text in words for hit in LIBPQ.findall(text) if hit != OWN.get(client)]
            assert not foreign, words


def test_gssapi() -> None:
    """Of pgjdbc, which can ask for it, in its own words; of a driver without such an option without one."""
    of_pgjdbc = finding("gss-encrypted", "gssapi", "pgjdbc")
    assert of_pgjdbc.advice == "gssEncMode=disable, where it is TLS that shall vouch for the server."
    assert "fe-connect.c" not in (of_pgjdbc.spec or "")
    assert finding("gss-encrypted", "gssapi", "pgx-5").advice.startswith(
        "GSSAPI encryption turned off, where it is TLS"
    )
    assert "even with SSL Mode=VerifyFull" in finding("gss-encrypted", "gssapi", "npgsql").text
    asked = finding("gssencrequest", "gssapi", "pgjdbc")
    assert (asked.text, asked.advice) == (
        "Before TLS the client asked for GSSAPI encryption. It costs a round trip.",
        "gssEncMode=disable saves it.",
    )
    assert "libpq does so" in finding("gssencrequest", "gssapi", "libpq-16").text


@pytest.mark.parametrize(
    ("client", "words"),
    [
        ("libpq", "verify-full refuses that, verify-ca takes it if the chain is good."),
        ("pgjdbc", "pgjdbc with a root file refuses that under: verify-full."),
        ("lib-pq", "lib-pq with a root file refuses that under: require, verify-ca, verify-full."),
        (
            "node-postgres-8",
            "node-postgres-8 with a root file refuses that under: allow, prefer, require, verify-ca, verify-full.",
        ),
        ("tokio-postgres-rustls", "tokio-postgres-rustls with a root file refuses that under: prefer, require."),
    ],
)
def test_who_refuses_another_name(client: str, words: str) -> None:
    """By the replay of each mode."""
    one = finding("cname", "name_differs", client)
    assert words in one.text
    ways = {"libpq": "hostaddr.", "tokio-postgres-rustls": "hostaddr=ADDRESS."}
    assert one.advice.endswith(f"say where it is with {ways.get(client, 'an entry in its hosts file.')}")


def test_every_row_replaces_something() -> None:
    """What a row looks for is what a finding says."""
    folder = Path(tracer.__file__).parent / "findings"
    said = [node.value for file in folder.glob("*.py") if file.name != "spoken.py" for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)]  # fmt: skip
    lost = [old for rows in SAID.values() for old, _ in rows if not any(old in one for one in said)]
    assert not lost
