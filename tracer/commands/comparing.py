"""`read --cross-check`: our messages beside Wireshark's."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from tracer.commands import options as shared
from tracer.commands import terminal
from tracer.crosscheck import Compared, compare, ports
from tracer.errors import TracerError
from tracer.packets import wireshark
from tracer.packets.frames import key_log
from tracer.protocol.keys import Keys
from tracer.render import document
from tracer.render.compared import compared
from tracer.render.compared import document as as_json
from tracer.render.page import Page
from tracer.sources import read
from tracer.streams import reassemble
from tracer.trace import follow


def cross_check(options: argparse.Namespace) -> int:
    """Compare each file; the exit status is 1 where they differ and nobody knows why."""
    if options.format not in ("text", "json"):
        raise TracerError(f"--cross-check is not told as {options.format}", "it knows --format text and json")
    log = shared.keylog(options)
    found: dict[str, list[Compared]] = {name: _compared(name, log, options) for name in options.files}
    version = wireshark.version()
    with terminal.output(options, options.files) as file:
        if options.format == "json":
            head = {"schema": document.SCHEMA, "tool": document.tool()}
            said = [as_json(name, version, layers) for name, layers in found.items()]
            file.write(json.dumps({**head, "cross_check": said}, indent=1) + "\n")
        else:
            page = Page(terminal.width(file), terminal.color(options, file))
            for name, layers in found.items():
                compared(page, name, version, layers)
            file.write(page.text())
    return int(any(one.differs and one.reason is None for layers in found.values() for one in layers))


def _compared(name: str, log: bytes, options: argparse.Namespace) -> list[Compared]:
    """One file, with the same keys for both. Keys inside the file tshark finds by itself."""
    source = read(name, via=options.via)
    source.keys.add(log)
    traces = [follow(connection, source.keys) for connection in reassemble(source, all_tls=options.all_tls)]
    given = Keys()
    given.add(log)
    with tempfile.TemporaryDirectory() as folder:
        keys = None
        if given.secrets:
            keys = Path(folder) / "keys"
            keys.write_bytes(key_log(given))
        return compare(traces, wireshark.shown(name, ports(traces), keys and os.fspath(keys)))
