"""The first of the five verbs: where packets come from."""

from __future__ import annotations

import os
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
