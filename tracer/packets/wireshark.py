"""Wireshark beside us: captures that only it can read (snoop, nettl, ERF, …), and what it makes of a handshake.

`read`: tshark dissects the file, pyshark hands its frames on. `shown`: the messages that tshark sees, to hold against ours.

tshark's own conversion to pcapng would be shorter, and does not do: it refuses formats whose link layer has no number there,
as nettl's. So of each frame we take the IP packet where tshark found one; what is in it we read ourselves. pyshark needs an
event loop, which a thread of its own has: in a notebook one is running already.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import subprocess
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tracer.errors import TracerError
from tracer.packets.link import RAW
from tracer.packets.source import Address, Packet, Source, Tick
from tracer.packets.walk import Frames

ONLY_IP = [
    "--disable-protocol",
    "tcp",
    "--disable-protocol",
    "udp",
    "-o",
    "ip.defragment:FALSE",
    "-o",
    "ipv6.defragment:FALSE",
]
LONGEST = 200  # characters of what tshark says
TLS = {"tls.handshake_raw": "handshake", "tls.change_cipher_spec_raw": "ccs", "tls.alert_message_raw": "alert"}


class Shown(NamedTuple):
    """A message that tshark shows, in its last packet; `kind` is that of TLS, and "" for PostgreSQL's. `data` is hexadecimal."""

    packet: int
    source: Address
    destination: Address
    layer: str
    kind: str
    data: str


def read(path: str | os.PathLike[str]) -> Source:
    """The packets of any file that the installed tshark opens. Raises `TracerError`.

    Keys inside the file are not handed on. Damage behind the first packet is a line in `Source.problems`.
    """
    return Source(_readable(path), _walk, "wireshark")


def shown(
    path: str | os.PathLike[str], ports: Mapping[int, str], key_log: str | os.PathLike[str] | None = None
) -> list[Shown]:
    """The messages of TLS and PostgreSQL that tshark sees, in its order. Raises `TracerError`.

    `ports` says what is spoken at a server's port: `pgsql`, or `tls` where no SSLRequest comes first.
    """
    told = ["-o", "tcp.reassemble_out_of_order:TRUE"]
    for port, protocol in ports.items():
        told += ["-d", f"tcp.port=={port},{protocol}"]
    if key_log is not None:
        told += ["-o", f"tls.keylog_file:{os.fspath(key_log)}"]
    problems: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(
            lambda: [one for packet in _shown(_readable(path), problems, told) for one in _said(packet)]
        )
        said = found.result()
    if problems:
        raise TracerError(f"{path}: {problems[0]}")
    return said


def version() -> str:
    """`tshark 4.0.17`: the installed one, by what it says of itself."""
    command = ["tshark", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (no shell)
    number = re.search(r"\d+(\.\d+)+", done.stdout)
    return f"tshark {number[0]}" if number else "tshark"


def _readable(path: str | os.PathLike[str]) -> str:
    name = os.fspath(path)
    if name == "-":
        raise TracerError("Wireshark's way in reads files, not standard input", "write it into a file first")
    if shutil.which("tshark") is None:
        raise TracerError("tshark is not installed", "it comes with Wireshark: apt install tshark")
    if not Path(name).is_file():
        raise TracerError(f"{name}: no such file", "name a file that Wireshark opens")
    return name


def _walk(source: Source) -> Iterator[Packet | Tick]:
    frames = Frames(source)
    with ThreadPoolExecutor(1) as pool:  # everything of pyshark happens in its one thread
        packets = _shown(source.name, source.problems, ONLY_IP)
        try:
            while (packet := pool.submit(next, packets, None).result()) is not None:
                frames.number = int(packet.number)
                when = _seconds(packet.sniff_timestamp)
                frames.saw(when)
                inner = _network(packet)
                found = frames.packet(RAW, inner, when) if inner else None
                if found is not None:
                    yield found
        finally:
            pool.submit(packets.close).result()
    if damage := _damage(source.name):
        source.problems[:] = [damage]
    source.counts.bytes = Path(source.name).stat().st_size


def _seconds(time: str) -> float:
    """Since 1970; Wireshark 4.6 writes a date with nine digits behind its seconds, older ones the number."""
    if "T" not in time:
        return float(time)
    date, _, fraction = time.removesuffix("Z").partition(".")
    return float(f"{datetime.fromisoformat(f'{date}+00:00').timestamp():.0f}.{fraction or 0}")


def _shown(name: str, problems: list[str], told: list[str]) -> Generator[Any, None, None]:
    """What pyshark makes of each frame. To be asked in one thread, in which no loop is running."""
    import pyshark
    from pyshark.capture.capture import TSharkCrashException

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    capture = pyshark.FileCapture(
        name, use_json=True, include_raw=True, keep_packets=False, custom_parameters=told, eventloop=loop
    )
    quiet = logging.getLogger("asyncio")
    quiet.addFilter(_told)
    try:
        yield from capture
    except Exception as error:  # noqa: BLE001 (pyshark fails in many ways over what is no capture)
        problems.append(f"pyshark cannot read what tshark says of it ({type(error).__name__})")
    finally:
        with suppress(TSharkCrashException):  # `_damage` knows better: asyncio often loses the status
            capture.close()
        capture._running_processes.clear()  # noqa: SLF001 (else its end asks the closed loop once more)
        loop.close()
        quiet.removeFilter(_told)


def _told(record: logging.LogRecord) -> bool:
    """What asyncio says about a tshark that pyshark's close was first to reap are no news for the user."""
    return not record.getMessage().startswith("Unknown child process")


def _damage(name: str) -> str | None:
    """What tshark has to say against the file, read to its end once more."""
    command = ["tshark", "-n", "-r", name, *ONLY_IP, "-Y", "frame.number == 0"]
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603 (no shell)
    lines = [line for line in done.stderr.decode(errors="replace").splitlines() if not line.startswith("Running as")]
    return " ".join(lines).removeprefix("tshark: ")[:LONGEST] or "tshark gave up" if done.returncode else None


def _network(packet: Any) -> bytes | None:  # noqa: ANN401
    """The frame from its first IP header on; None where tshark found none."""
    layer = next((of for of in packet.layers if of.layer_name in ("ip_raw", "ipv6_raw")), None)
    if layer is None:
        return None
    # bytes, position, length, …: pyshark takes each for a layer of its own, unless there are several of the protocol
    at = layer.value[1] if isinstance(layer.value, list) else layer.duplicate_layers[0].value
    frame = packet.frame_raw.value
    return bytes.fromhex(frame[0] if isinstance(frame, list) else frame)[int(at) :]


# THE MESSAGES THAT TSHARK SEES


def _said(packet: Any) -> Iterator[Shown]:  # noqa: ANN401
    layers = {layer.layer_name: layer for layer in packet.layers}
    ip, tcp = layers.get("ip", layers.get("ipv6")), layers.get("tcp")
    if ip is None or tcp is None:
        return
    source, destination = Address(str(ip.src), int(tcp.srcport)), Address(str(ip.dst), int(tcp.dstport))
    number = int(packet.number)
    for layer in packet.layers:
        if layer.layer_name == "tls":  # pyshark hangs those behind the first one to the first
            for one in (layer, *layer.duplicate_layers):
                for kind, data in _raw(one._all_fields):  # noqa: SLF001 (the only way to all of them)
                    yield Shown(number, source, destination, "tls", kind, data)
        elif layer.layer_name == "pgsql_raw":  # a description (bytes, position, length, …) counts as so many layers
            several = isinstance(layer.value, list)
            pieces = [layer.value[0], *(one.value for one in layer.duplicate_layers)] if several else [layer.value]
            # the byte that answers a request is one to Wireshark 4.6, and none to 4.0
            said = (str(piece) for piece in pieces if len(str(piece)) > len("53"))
            yield from (Shown(number, source, destination, "postgres", "", piece) for piece in said)


def _raw(value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Each field of `TLS` below a value, with its bytes in hexadecimal, in order."""
    if isinstance(value, list):
        for member in value:
            yield from _raw(member)
    elif isinstance(value, dict):
        for key, member in value.items():
            if key in TLS:
                pieces = member if isinstance(member[0], list) else [member]
                yield from ((TLS[key], str(piece[0])) for piece in pieces)
            else:
                yield from _raw(member)
