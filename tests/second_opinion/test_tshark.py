"""tshark, driven by pyshark, reads every capture as `tracer.follow` does: same messages, same order, same bytes.

The captures are the stories and those of the shared folder, where there is one.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import tracer
from tests.conftest import CHECKOUT, SHARED
from tracer.protocol.records import ALERT, HANDSHAKE

HERE = Path(__file__).resolve().parent
STORIES = sorted(CHECKOUT.glob("captures/*/capture.pcapng"))
OTHERS = sorted(path for path in SHARED.glob("captures/*") if path.suffix in (".pcap", ".pcapng"))
CAPTURES = {**{path.parent.name: path for path in STORIES}, **{path.name: path for path in OTHERS}}
DIFFERENCES = tomllib.loads((HERE / "differences.toml").read_text())["difference"]
LAYERS = ("tls", "postgres")
TLS = {"tls.handshake_raw": "handshake", "tls.change_cipher_spec_raw": "ccs", "tls.alert_message_raw": "alert"}
KINDS = {"ChangeCipherSpec": "ccs", "Alert": "alert"}

Seen = tuple[str, str, str]  # the sender, the kind, the bytes in hexadecimal
Told = dict[int, list[Seen]]  # by connection: the client's port


# WHAT TSHARK SEES


@cache
def packets(name: str) -> list[Any]:
    """The packets of a capture as pyshark gives them; in a thread of its own, so that a running loop does not matter."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(read, CAPTURES[name], parameters(name)).result()


def parameters(name: str) -> list[str]:
    """What tshark has to be told: to put segments in order, where TLS begins without an SSLRequest, and the keys."""
    found = ["-o", "tcp.reassemble_out_of_order:TRUE"]
    for trace in traces(name):
        protocol = "tls" if trace.preamble == "direct" else "pgsql"
        found += ["-d", f"tcp.port=={trace.connection.server.port},{protocol}"]
    if keylog(CAPTURES[name]).exists():
        found += ["-o", f"tls.keylog_file:{keylog(CAPTURES[name])}"]
    return found


def keylog(capture: Path) -> Path:
    """Where the keys of a capture are that has them not inside."""
    return capture.with_suffix(".keylog")


def read(path: Path, custom: list[str]) -> list[Any]:
    import pyshark
    from pyshark.capture.capture import TSharkCrashException

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    capture = pyshark.FileCapture(str(path), use_json=True, include_raw=True, custom_parameters=custom, eventloop=loop)
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


def theirs(name: str, what: str) -> Told:
    found: Told = defaultdict(list)
    servers = {trace.connection.server.port for trace in traces(name)}
    for packet in packets(name):
        ports = int(packet.tcp.srcport), int(packet.tcp.dstport)
        sender, client = ("server", ports[1]) if ports[0] in servers else ("client", ports[0])
        found[client] += [(sender, *seen) for seen in (their_tls(packet) if what == "tls" else their_postgres(packet))]
    return {client: said for client, said in found.items() if said}


def their_tls(packet: Any) -> Iterator[tuple[str, str]]:
    """Every layer of TLS: pyshark hangs those behind the first one to the first."""
    for layer in packet.layers:
        if layer.layer_name == "tls":
            for one in (layer, *layer.duplicate_layers):
                yield from raw(one._all_fields)


def raw(value: Any) -> Iterator[tuple[str, str]]:
    """Each field of `TLS` below a value, with its bytes in hexadecimal, in order."""
    if isinstance(value, list):
        for member in value:
            yield from raw(member)
    elif isinstance(value, dict):
        for key, member in value.items():
            if key in TLS:
                pieces = member if isinstance(member[0], list) else [member]
                yield from ((TLS[key], piece[0]) for piece in pieces)
            else:
                yield from raw(member)


def their_postgres(packet: Any) -> Iterator[tuple[str, str]]:
    """The bytes of each layer: pyshark takes a description (bytes, position, length, …) for as many layers."""
    for layer in packet.layers:
        if layer.layer_name == "pgsql_raw":
            several = isinstance(layer.value, list)
            pieces = [layer.value[0], *(one.value for one in layer.duplicate_layers)] if several else [layer.value]
            yield from (("", piece) for piece in pieces)


# WHAT WE SEE


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
        kept = [m for m in trace.messages if m.layer == what and not {m.kind, place(m), "everything"} & set(without)]
        said = [(m.sender, kind, m.data.hex()) for m in kept if (kind := kind_of(m, trace)) is not None]
        if said:
            found[trace.connection.client.port] = said
    return found


def place(message: tracer.Message) -> str:
    return "inside TLS" if message.protected else "in clear"


def kind_of(message: tracer.Message, trace: tracer.Trace) -> str | None:
    """The kind of a message, in words that both have; None for what is no message to tshark.

    That is the one byte that answers a request, what nobody can read, and sealed records that do not say what they hold:
    up to TLS 1.2 their type is in clear, and tshark shows the sealed bytes as a message of that type.
    """
    if message.sealed:
        types = [r.type for r in trace.records[message.sender] if r.body == message.range[0]]
        return {ALERT: "alert", HANDSHAKE: "handshake"}.get(types[0]) if types else None
    if message.kind in ("SSLResponse", "GSSENCResponse", "Unread"):
        return None
    return KINDS.get(message.kind, "handshake") if message.layer == "tls" else ""


# THE COMPARISON


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("what", LAYERS)
@pytest.mark.parametrize("name", CAPTURES)
def test_the_same_messages(name: str, what: str) -> None:
    """Handshake messages, alerts, ChangeCipherSpec and PostgreSQL's messages are tshark's, byte for byte and in order.

    Where differences.toml says that one of them has less, it is exactly that.
    """
    listed = next((d for d in DIFFERENCES if (d["capture"], d["layer"]) == (name, what)), {})
    mine, other = ours(name, what), theirs(name, what)
    lacking = ours(name, what, tuple(listed.get("lacks", ())))
    assert lacking == {client: without_end(said, listed.get("later", [])) for client, said in other.items()}
    assert not listed or mine != other, "listed in differences.toml, and there is no difference"


def without_end(said: list[Seen], kinds: list[str]) -> list[Seen]:
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

    async def inside() -> list[Any]:
        packets.cache_clear()
        return packets("verify-full")

    assert len(asyncio.run(inside())) > 10


def test_differences_are_of_captures_and_have_reasons() -> None:
    """Each difference names a story that is here, or a file of the shared folder, what one of them lacks, and why."""
    for difference in DIFFERENCES:
        assert difference["capture"] in CAPTURES or "." in difference["capture"]
        assert difference["layer"] in LAYERS
        assert difference.get("lacks") or difference.get("later")
        assert len(difference["reason"]) > 20
