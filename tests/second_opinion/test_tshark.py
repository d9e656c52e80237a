"""tshark, driven by pyshark, reads every capture as `tracer.follow` does: same messages, same order, same bytes.

The captures are the stories and those of the shared folder, where there is one.
"""

from __future__ import annotations

import asyncio
import re
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import tracer
from tests.conftest import CHECKOUT, SHARED
from tracer import crosscheck
from tracer.crosscheck import Said
from tracer.packets import wireshark

HERE = Path(__file__).resolve().parent
STORIES = sorted(CHECKOUT.glob("captures/*/capture.pcapng"))
OTHERS = sorted(path for path in SHARED.glob("captures/*") if path.suffix in (".pcap", ".pcapng"))
CAPTURES = {**{path.parent.name: path for path in STORIES}, **{path.name: path for path in OTHERS}}
LISTED = tomllib.loads((HERE / "differences.toml").read_text())["difference"]
TSHARK = [int(number) for number in re.findall(r"\d+", wireshark.version())[:2]] or [4, 0]
DIFFERENCES = [d for d in LISTED if d.get("since", TSHARK) <= TSHARK and not d.get("before", [99]) <= TSHARK]

Told = dict[int, list[Said]]  # by connection


@cache
def shown(name: str) -> list[wireshark.Shown]:
    """What tshark sees."""
    log = keylog(CAPTURES[name])
    return wireshark.shown(CAPTURES[name], crosscheck.ports(traces(name)), log if log.exists() else None)


def theirs(name: str) -> dict[tuple[int, str], list[Said]]:
    """Its messages, by the connection and the layer."""
    return crosscheck.by_connection(traces(name), shown(name))


def keylog(capture: Path) -> Path:
    """Where the keys of a capture are that has them not inside."""
    return capture.with_suffix(".keylog")


@cache
def traces(name: str) -> list[tracer.Trace]:
    source = tracer.read(CAPTURES[name])
    if keylog(CAPTURES[name]).exists():
        source.keys.add(keylog(CAPTURES[name]).read_bytes())
    return [tracer.follow(connection, source.keys) for connection in tracer.reassemble(source, all_tls=True)]


def ours(name: str, what: str, without: tuple[str, ...] = ()) -> Told:
    """The messages of a layer, without those that `without` names: kinds, or all that is "inside TLS", or "everything"."""
    found: Told = {}
    for trace in traces(name):
        kept = [m for m in trace.messages if not {m.kind, place(m), "everything"} & set(without)]
        said = crosscheck.ours(replace(trace, messages=tuple(kept)), what)
        if said:
            found[trace.connection.id] = said
    return found


def place(message: tracer.Message) -> str:
    return "inside TLS" if message.protected else "in clear"


# THE COMPARISON


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("what", crosscheck.LAYERS)
@pytest.mark.parametrize("name", CAPTURES)
def test_the_same_messages(name: str, what: str) -> None:
    """Handshake messages, alerts, ChangeCipherSpec and PostgreSQL's messages are tshark's, byte for byte and in order.

    Where differences.toml says that one of them has less, it is exactly that.
    """
    listed = next((d for d in DIFFERENCES if (d["capture"], d["layer"]) == (name, what)), {})
    mine = ours(name, what)
    other = {connection: said for (connection, layer), said in theirs(name).items() if layer == what}
    lacking = ours(name, what, tuple(listed.get("lacks", ())))
    assert lacking == {connection: without_end(said, listed.get("later", [])) for connection, said in other.items()}
    assert not listed or mine != other, "listed in differences.toml, and there is no difference"


def without_end(said: list[Said], kinds: list[str]) -> list[Said]:
    """What was said, without these kinds at the end of it."""
    end = len(said) - len(kinds)
    return said[:end] if [kind for _, kind, _ in said[end:]] == kinds else said


def test_something_is_compared() -> None:
    """In every capture there are messages of which both have an opinion."""
    assert all(ours(name, "tls") or ours(name, "postgres") for name in CAPTURES)


def test_the_captures_of_others(shared: Path) -> None:
    """Those of the shared folder are among the captures that are compared."""
    assert {path.name for path in (shared / "captures").glob("*.pcap*")} <= set(CAPTURES)


@pytest.mark.needs("tshark")
def test_inside_an_event_loop() -> None:
    """The second opinion works where a loop is running, as in a notebook."""

    async def inside() -> dict[tuple[int, str], list[Said]]:
        shown.cache_clear()
        return theirs("verify-full")

    assert len(asyncio.run(inside())[1, "tls"]) > 10


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("name", CAPTURES)
def test_differences_that_users_see(name: str) -> None:
    """`read --cross-check` names the same differences, and a reason for each."""
    different = [one for one in crosscheck.compare(traces(name), shown(name)) if one.differs]
    listed = {(d["capture"], d["layer"]) for d in DIFFERENCES}
    assert {(name, one.layer) for one in different} == {pair for pair in listed if pair[0] == name}
    assert all(one.reason for one in different)


def test_differences_are_of_captures_and_have_reasons() -> None:
    """Each difference names a story that is here, or a file of the shared folder, what one of them lacks, and why."""
    for difference in LISTED:
        assert difference["capture"] in CAPTURES or "." in difference["capture"]
        assert difference["layer"] in crosscheck.LAYERS
        assert difference.get("lacks") or difference.get("later")
        assert len(difference["reason"]) > 20
