"""The nasty table through SNI, server errors, user names, file names and packet comments: escaped once, in every output."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

import tracer
from tests import wire
from tests.nasty import DANGEROUS, NASTY
from tests.render.test_hostile import MOST, Tags
from tests.test_cli import run
from tracer.audit import COLUMNS, audit
from tracer.output import Output
from tracer.packets.commented import copy
from tracer.packets.frames import write
from tracer.places import Place
from tracer.protocol.keys import Keys
from tracer.render.comments import comments
from tracer.render.page import Page
from tracer.render.summary import document
from tracer.render.summary import summary as screen
from tracer.report import report
from tracer.summary import summary
from tracer.tables import Tables
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


TEXTS = [column.name for column in COLUMNS if column.type == "VARCHAR"]
LISTS = [column.name for column in COLUMNS if column.type == "VARCHAR[]"]


def audited(path: str | None, text: bytes) -> Tables:
    """An audit of which every word is a stranger's."""
    words = text.decode("utf-8", "surrogateescape")
    found = audit(
        tracer.read("captures/verify-full/capture.pcapng"), lambda trace: report(trace, Trust(time=trace.time))
    )
    names = [column.name for column in COLUMNS]
    row = dict(zip(names, found.rows[0], strict=True)) | dict.fromkeys(TEXTS, words) | {name: [words] for name in LISTS}
    tables = Tables(path)
    tables.add([(Place(words, 1, "1"), found._replace(rows=[[row[name] for name in names]], problems=[words]))])
    return tables


@EVERY
def test_a_spreadsheet_runs_no_cell(what: str, tmp_path: Path) -> None:
    """Whether a comma, a semicolon or a tab ends a cell there, and whatever quotes are to it; a terminal obeys none of them."""
    out = tmp_path / "out.csv"
    tables = audited(None, NASTY[what])
    tables.export(str(out))
    tables.close()
    text = out.read_text("utf-8")
    assert not DANGEROUS.search(text.replace("\n", "").replace("\r", ""))
    with out.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    broken = [cell for line in text.splitlines() for cell in re.split("[;\t]", line)]
    assert not [cell for cell in cells + broken if FORMULAS.match(cell.strip(' "'))]
    assert len(cells) == 2 * len(COLUMNS)


FORMULAS = re.compile("[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")


@EVERY
def test_databases_keep_what_they_are_given(what: str, tmp_path: Path) -> None:
    """DuckDB, Parquet and NDJSON are for programs: a text is whole, but for what has no encoding, and nothing but a text."""
    words = NASTY[what].decode("utf-8", "surrogateescape").encode("utf-8", "backslashreplace").decode()
    tables = audited(str(tmp_path / "out.duckdb"), NASTY[what])
    for ending in ("parquet", "ndjson"):
        tables.export(str(tmp_path / f"out.{ending}"))
    tables.close()
    kept = (
        duckdb.connect(str(tmp_path / "out.duckdb"), read_only=True)
        .execute('SELECT "user" FROM connections')
        .fetchall()
    )
    packed = duckdb.execute('SELECT "user" FROM read_parquet(?)', [str(tmp_path / "out.parquet")]).fetchall()
    (line,) = (tmp_path / "out.ndjson").read_text("ascii").splitlines()
    assert kept == packed == [(words,)]
    assert json.loads(line)["user"] == words


@EVERY
def test_what_an_audit_tells(what: str) -> None:
    """The summary on the screen and in JSON."""
    tables = audited(None, NASTY[what])
    found = summary(tables, datetime(2026, 6, 1, tzinfo=UTC), 10_000)
    page = Page(100, False)
    screen(page, found)
    shown = page.text()
    assert not DANGEROUS.search(shown.replace("\n", ""))
    assert len(shown) < MOST
    told = json.dumps(document(found))
    assert not DANGEROUS.search(told)
    assert json.loads(told)


def outputs(trace: Trace) -> Iterator[tuple[str, str]]:
    judged = report(trace, Trust(sslmode="verify-full", roots=[], time=trace.time))
    for form in ("text", "text -v", "text -vv", "json", "ndjson", "html", "markdown"):
        file = io.StringIO()
        only, verbose = form.partition(" ")[0], form.count("v")
        out = Output(only, file, width=100, color=False, verbose=verbose, only=None, several=True)
        for _ in range(1 if verbose else 2):  # of several each is a line
            out.connection(judged)
        out.end([])
        yield form, file.getvalue()
    yield "comments", "\n".join(line for lines in comments(judged, quote=True).values() for line in lines)
    yield "a notebook's trace", trace._repr_html_()
    yield "a notebook's chain", trace.presented._repr_html_()
    yield "a notebook's verdict", judged.verdict._repr_html_()


@EVERY
@pytest.mark.parametrize("place", PLACES)
def test_nothing_dangerous_comes_out(what: str, place: str) -> None:
    """No control, nothing invisible, no direction, no element, no surrogate, and a bounded length; JSON is for programs and holds values whole."""
    for form, text in outputs(PLACES[place](NASTY[what])):
        text.encode()
        assert not DANGEROUS.search(text.replace("\n", "").replace("\t", "")), form
        assert form in ("json", "ndjson") or len(text) < MOST, form
        if form == "html" or form.startswith("a notebook's"):
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
