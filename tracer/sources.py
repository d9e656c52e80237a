"""The first of the five verbs: where packets come from."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from tracer.errors import TracerError
from tracer.packets.pcap import open_capture, read_stream
from tracer.packets.source import Source


def read(capture: str | os.PathLike[str] | BinaryIO, *, via: str | None = None) -> Source:
    """The packets of a capture: a path, `-` for standard input, or an open binary file. Raises `TracerError`.

    With `via="wireshark"` it is a path, and any format that the installed tshark opens.
    """
    if via is not None:
        if via != "wireshark" or not isinstance(capture, (str, os.PathLike)):
            raise TracerError(f"cannot read via {via}", 'via="wireshark" reads a path')
        from tracer.packets import wireshark

        return wireshark.read(capture)
    if isinstance(capture, (str, os.PathLike)):
        return open_capture(capture)
    return read_stream(capture, str(getattr(capture, "name", "capture")))


def live(interface: str | None = None, *, ports: Sequence[int] = (), via: str | None = None) -> Source:
    """The packets of an interface from now on; without one of all of them, where the machine can.

    `ports` are those to look at, all when there are none. `via` is "ring", "scapy" or "wireshark": the way in, else the
    best that the machine allows. `Source.way` says which it was. Raises `TracerError`.
    """
    from tracer.packets import dumpcap, ring
    from tracer.packets import live as scapy

    captures = {"ring": ring.capture, "scapy": scapy.capture, "wireshark": dumpcap.capture}
    failed: OSError = PermissionError()
    for way in (via,) if via else _ways(dumpcap.available()):
        try:
            source = captures[way](interface, ports)
        except OSError as error:
            if isinstance(failed, PermissionError):
                failed = error
        else:
            source.way = WAYS[way]
            return source
    if isinstance(failed, PermissionError):
        raise TracerError(
            "no right to capture", *(hint.format(python=Path(sys.executable).resolve()) for hint in RIGHTS)
        )
    raise TracerError(f"cannot capture on {interface or 'all interfaces'}: {failed}")


def _ways(dumpcap: bool) -> tuple[str, ...]:
    """The ways in, the best first: a kernel may have no ring, and a user no right to it."""
    ours = ("ring", "scapy") if sys.platform == "linux" else ("scapy",)
    return (*ours, "wireshark") if dumpcap else ours


def probe(
    conninfo: str, *, startup: bool = False, environment: Mapping[str, str] | None = None, home: Path | None = None
) -> Source:
    """The packets of a connection that is made now, as libpq would make it of a connection string, URI or HOST[:PORT].

    `environment` and `home` default to this process's. With `startup` it goes as far as the server's authentication
    request; it never sends a password. Raises `TracerError`.
    """
    from tracer import client
    from tracer.packets.probe import probe as connect
    from tracer.settings import home_folder, resolve

    variables = os.environ if environment is None else environment
    home = home or home_folder(variables)
    settings = resolve(client.told(conninfo), variables, home)
    return connect(client.endpoints(settings), client.conduct(settings, home, startup=startup))


WAYS = {"ring": "a packet ring", "scapy": "scapy", "wireshark": "Wireshark's dumpcap"}
RIGHTS = (
    "run it as root, or give this Python the right: sudo setcap cap_net_raw+ep {python}",
    "or let Wireshark's dumpcap capture, whose group may: sudo usermod -aG wireshark $USER, log in anew, and --via wireshark",
    "or read what another program captures: sudo tcpdump -U -w - tcp | pgtls read -",
)
