"""The first of the five verbs: where packets come from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from tracer.packets.pcap import open_capture, read_stream
from tracer.packets.source import Source


def read(capture: str | os.PathLike[str] | BinaryIO) -> Source:
    """The packets of a capture: a path, `-` for standard input, or an open binary file. Raises `TracerError`."""
    if isinstance(capture, (str, os.PathLike)):
        return open_capture(capture)
    return read_stream(capture, str(getattr(capture, "name", "capture")))


def live(interface: str | None = None) -> Source:
    """The packets of an interface from now on. Raises `TracerError`."""
    from tracer.packets.live import live as listen

    return listen(interface)


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
