"""The nasty table through SNI, server errors, user names, file names and packet comments: escaped once, in every output."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import tracer
from tests import wire
from tests.nasty import DANGEROUS, NASTY
from tests.render.test_hostile import MOST, Tags
from tests.test_cli import run
from tracer.output import Output
from tracer.packets.commented import copy
from tracer.packets.frames import write
from tracer.protocol.keys import Keys
from tracer.render.comments import comments
from tracer.report import report
from tracer.trace import Trace
from tracer.verify import Trust

EVERY = pytest.mark.parametrize("what", NASTY)


def with_sni(text: bytes) -> Trace:
    """A ClientHello that asks for a server of that name."""
    name = b"\0" + struct.pack(">H", len(text)) + text
    names = struct.pack(">H", len(name)) + name
    extensions = b"\0\0" + struct.pack(">H", len(names)) + names
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0" + struct.pack(">H", len(extensions)) + extensions
    hello = b"\1" + len(body).to_bytes(3, "big") + body
    records = b"".join(
        b"\x16\3\1" + len(part).to_bytes(2, "big") + part
        for part in (hello[at : at + 16000] for at in range(0, len(hello), 16000))
    )
    return wire.spoken(("client", wire.SSL_REQUEST), ("server", b"S"), ("client", records))


def with_error(text: bytes) -> Trace:
    """A server that refuses in clear, and says why."""
    fields = b"SFATAL\0C28000\0M" + text.replace(b"\0", b"")[:29_000] + b"\0\0"
    error = b"E" + struct.pack(">I", len(fields) + 4) + fields
    return wire.spoken(("client", wire.SSL_REQUEST), ("server", b"N"), ("client", wire.STARTUP), ("server", error))


def with_user(text: bytes) -> Trace:
    """A startup message of such a user."""
    words = bytes.fromhex("00030000") + b"user\0" + text.replace(b"\0", b"")[:9_000] + b"\0\0"
    start = struct.pack(">I", len(words) + 4) + words
    return wire.spoken(("client", start), ("server", wire.WELCOME))


def with_file_name(text: bytes) -> Trace:
    """A capture of that name."""
    found = wire.spoken(("client", wire.SSL_REQUEST), ("server", b"N"))
    name = text.decode("utf-8", "surrogateescape")
    return replace(found, connection=replace(found.connection, capture=name))


PLACES: dict[str, Callable[[bytes], Trace]] = {
    "SNI": with_sni,
    "server error": with_error,
    "user": with_user,
    "file name": with_file_name,
}


def outputs(trace: Trace) -> Iterator[tuple[str, str]]:
    judged = report(trace, Trust(sslmode="verify-full", roots=[], time=trace.time))
    for form in ("text", "json", "ndjson", "html", "markdown"):
        file = io.StringIO()
        out = Output(form, file, width=100, color=False, verbose=2, only=None, several=True)
        out.connection(judged)
        out.end([])
        yield form, file.getvalue()
    yield "comments", "\n".join(line for lines in comments(judged, quote=True).values() for line in lines)
    yield "notebook", trace._repr_html_()


@EVERY
@pytest.mark.parametrize("place", PLACES)
def test_nothing_dangerous_comes_out(what: str, place: str) -> None:
    """No control, nothing invisible, no direction, no element, no surrogate, and a bounded length; JSON is for programs and holds values whole."""
    for form, text in outputs(PLACES[place](NASTY[what])):
        text.encode()
        assert not DANGEROUS.search(text.replace("\n", "").replace("\t", "")), form
        assert form in ("json", "ndjson") or len(text) < MOST, form
        if form in ("html", "notebook"):
            tags = Tags(text).found
            assert not [name for _, had in tags for name in had if name.startswith(("on", "src"))]
            assert sum(tag in ("script", "img", "iframe") for tag, _ in tags) <= 1
        if form in ("json", "ndjson"):
            assert [json.loads(line) for line in ([text] if form == "json" else text.splitlines())]


@EVERY
def test_packet_comments(what: str, tmp_path: Path) -> None:
    """Comments that a capture brings along stay what they are, and ours hold nothing that a terminal would obey."""
    capture, out = tmp_path / "in.pcapng", io.BytesIO()
    write(str(capture), wire.packets([("client", wire.SSL_REQUEST), ("server", b"N")]), Keys())
    theirs = NASTY[what].decode("utf-8", "backslashreplace")[:20_000]
    with capture.open("rb") as file:
        copy(file, out, {1: [theirs]})
    again = tmp_path / "out.pcapng"
    again.write_bytes(out.getvalue())
    assert theirs.encode() in out.getvalue()
    done = run("read", str(again), "-vv")
    assert "Traceback" not in done.stderr
    assert not DANGEROUS.search((done.stdout + done.stderr).replace("\n", "").replace("\t", ""))
    assert len(list(tracer.reassemble(tracer.read(again)))) == 1


@pytest.mark.parametrize(
    "what", [what for what, text in NASTY.items() if len(text) < 250 and b"/" not in text and b"\0" not in text]
)
def test_file_names_in_messages(what: str, tmp_path: Path) -> None:
    """A file of that name, read and not found: what is said about it moves no cursor."""
    name = NASTY[what].decode("utf-8", "surrogateescape")
    done = run("read", str(tmp_path / name))
    assert done.returncode == 2
    (tmp_path / name).write_bytes(Path("captures/verify-full/capture.pcapng").read_bytes())
    read = run("read", str(tmp_path / name), "--format", "html")
    for said in (done.stderr, read.stdout, read.stderr):
        assert "Traceback" not in said
        assert not DANGEROUS.search(said.replace("\n", "").replace("\t", ""))
    assert read.returncode == 0
