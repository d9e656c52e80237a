"""Who is this client: the captures of drivers, each by its own ClientHello; and JA4 as its specification has it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import tracer
from tracer.verify.who import Hello, ja4, who

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
CASES = tomllib.loads((CAPTURES / "drivers" / "cases.toml").read_text())
WITH_TLS = [name for name in CASES if "no-tls" not in name]
STORIES = sorted(path.parent.name for path in CAPTURES.glob("*/case.toml"))


def first(path: Path) -> tracer.Trace:
    source = tracer.read(path)
    return next(tracer.follow(connection, source.keys) for connection in tracer.reassemble(source))


@pytest.mark.parametrize("name", WITH_TLS)
def test_a_driver_is_among_the_candidates(name: str) -> None:
    """And it is the first but for Go's, which show only sometimes which of them it is."""
    found = who(first(CAPTURES / "drivers" / f"{name}.pcapng"))
    client = CASES[name]["client"]
    assert client in found.candidates
    if client not in ("pgx-4", "lib-pq"):
        assert found.client == client
    if found.confidence == "high":
        assert found.candidates == (client,)


@pytest.mark.parametrize("name", STORIES)
def test_a_libpq_is_taken_for_one(name: str) -> None:
    """The version as near as ALPN and SNI tell; pg8000 where the story has it; no driver instead of it."""
    case = tomllib.loads((CAPTURES / name / "case.toml").read_text())
    found = who(first(CAPTURES / name / "capture.pcapng"))
    wanted = "pg8000" if case["client"] == "pg8000" else "libpq"
    assert found.client.startswith(wanted) or found.confidence == "low"


def test_what_it_refuses_with_tells_go_s_drivers_apart() -> None:
    """lib/pq refuses behind the handshake under verify-ca alone; with ALPN it is pgx 5."""
    assert set(who(first(CAPTURES / "drivers" / "lib-pq-accepted.pcapng")).candidates) == {"pgx-5", "pgx-4", "lib-pq"}


def test_ja4_of_the_example_in_its_specification() -> None:
    """https://github.com/FoxIO-LLC/ja4, technical_details/JA4.md: the example there, step by step."""
    suites = "002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9"
    extensions = "0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01"
    schemes = "0403,0804,0401,0503,0805,0501,0806,0601"

    def numbers(text: str) -> tuple[int, ...]:
        return tuple(int(one, 16) for one in text.split(","))

    shown = Hello(
        (0x0304, 0x0303), numbers(suites), (0, 16, *numbers(extensions)), numbers(schemes), ("h2", "http/1.1"), True
    )
    assert ja4(shown) == "t13d1516h2_8daaf6152771_e5627efa2ab1"
