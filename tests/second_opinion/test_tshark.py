"""tshark, driven by pyshark, reads every story as `tracer.follow` does: same messages, same order, same bytes."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import tracer

HERE = Path(__file__).resolve().parent
CAPTURES = HERE.parent.parent / "captures"
STORIES = sorted(path.parent.name for path in CAPTURES.glob("*/capture.pcapng"))
DIFFERENCES = tomllib.loads((HERE / "differences.toml").read_text())["difference"]
TLS = {"tls.handshake": "handshake", "tls.change_cipher_spec": "ccs", "tls.alert_message": "alert"}
KINDS = {"ChangeCipherSpec": "ccs", "Alert": "alert"}

Seen = tuple[str, str, str]  # the client's port with the sender, the kind, the bytes (or type and length)


# WHAT TSHARK SEES


@cache
def packets(story: str) -> list[Any]:
    """The packets of a story as pyshark gives them; in a thread of its own, so that a running loop does not matter."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(read, CAPTURES / story / "capture.pcapng", decoded_as(story)).result()


def decoded_as(story: str) -> str:
    """Direct TLS begins without an SSLRequest, which tshark's dissector of PostgreSQL does not expect."""
    return "tls" if traces(story)[0].preamble == "direct" else "pgsql"


def read(path: Path, protocol: str) -> list[Any]:
    import pyshark
    from pyshark.capture.capture import TSharkCrashException

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    parameters = ["-d", f"tcp.port==5432,{protocol}", "-o", "tcp.reassemble_out_of_order:TRUE"]
    capture = pyshark.FileCapture(
        str(path), use_json=True, include_raw=True, custom_parameters=parameters, eventloop=loop
    )
    found = list(capture)
    try:
        capture.close()
    except TSharkCrashException as crash:
        if "retcode: 255" not in str(crash):  # what asyncio reports when pyshark's close was first to reap tshark
            raise
        capture._running_processes.clear()
    del capture
    loop.close()
    return found


def sender(packet: Any) -> str:
    source, target = packet.tcp.srcport, packet.tcp.dstport
    return f"server to {target}" if str(source) == "5432" else f"client {source}"


def layers(packet: Any, name: str) -> Iterator[dict[str, Any]]:
    """Every layer of that name: pyshark hangs those behind the first one to the first."""
    for layer in packet.layers:
        if layer.layer_name == name:
            yield layer._all_fields
            yield from (other._all_fields for other in layer.duplicate_layers)


def raw(value: Any) -> Iterator[tuple[str, str]]:
    """Each field of `TLS` below a value, with its bytes in hexadecimal, in order."""
    if isinstance(value, list):
        for member in value:
            yield from raw(member)
    elif isinstance(value, dict):
        for key, member in value.items():
            if key.removesuffix("_raw") in TLS and key.endswith("_raw"):
                pieces = member if isinstance(member[0], list) else [member]
                yield from ((TLS[key.removesuffix("_raw")], piece[0]) for piece in pieces)
            else:
                yield from raw(member)


def theirs_tls(story: str) -> list[Seen]:
    return [
        (sender(packet), kind, data)
        for packet in packets(story)
        for layer in layers(packet, "tls")
        for kind, data in raw(layer)
    ]


def theirs_postgres(story: str) -> list[Seen]:
    """Type and length of each PostgreSQL message that tshark decodes; the answer to SSLRequest has no length there."""
    return [
        (sender(packet), first(layer.get("pgsql.type_raw")), str(layer["pgsql.length"]))
        for packet in packets(story)
        for layer in layers(packet, "pgsql")
        if "pgsql.length" in layer
    ]


def first(value: Any) -> str:
    return str(value[0]) if value else ""


# WHAT WE SEE


@cache
def traces(story: str) -> list[tracer.Trace]:
    source = tracer.read(CAPTURES / story / "capture.pcapng")
    return [tracer.follow(connection, source.keys) for connection in tracer.reassemble(source)]


def ours(story: str, layer: str) -> Iterator[tuple[str, tracer.Message]]:
    """The messages of a layer that are read, of all connections, with who sent them."""
    for trace in traces(story):
        port = trace.connection.client.port
        for message in trace.messages:
            if message.layer == layer and not message.sealed:
                yield (f"client {port}" if message.sender == "client" else f"server to {port}"), message


def ours_tls(story: str) -> list[Seen]:
    return [(who, KINDS.get(m.kind, "handshake"), m.data.hex()) for who, m in ours(story, "tls")]


def ours_postgres(story: str) -> list[Seen]:
    found = []
    for who, message in ours(story, "postgres"):
        if message.kind == "SSLResponse":
            continue  # one byte, without a length
        typed = message.kind not in ("SSLRequest", "StartupMessage")
        head = message.data[:1].hex() if typed else ""
        found.append((who, head, str(int.from_bytes(message.data[typed : typed + 4], "big"))))
    return found


# THE COMPARISON


def compare(story: str, what: str, mine: list[Seen], other: list[Seen]) -> None:
    """Equal, or different and listed."""
    listed = any(d["story"] == story and d["what"] == what for d in DIFFERENCES)
    if listed:
        assert mine != other, "listed in differences.toml, and there is no difference any more"
    else:
        assert mine == other


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("story", STORIES)
def test_the_same_tls_messages(story: str) -> None:
    """Handshake messages, alerts and ChangeCipherSpec are tshark's, byte for byte and in order."""
    compare(story, "tls", ours_tls(story), theirs_tls(story))


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("story", STORIES)
def test_the_same_postgresql_messages(story: str) -> None:
    """PostgreSQL messages, in clear or opened, have tshark's types and lengths, in order."""
    compare(story, "postgres", ours_postgres(story), theirs_postgres(story))


@pytest.mark.needs("tshark")
def test_inside_an_event_loop() -> None:
    """The second opinion works where a loop is running, as in a notebook."""

    async def inside() -> list[Any]:
        packets.cache_clear()
        return packets("verify-full")

    assert len(asyncio.run(inside())) > 10


def test_differences_are_of_stories_and_have_reasons() -> None:
    """Each difference names a story that is here, what differs, and why."""
    for difference in DIFFERENCES:
        assert difference["story"] in STORIES
        assert difference["what"] in ("tls", "postgres")
        assert len(difference["reason"]) > 20
