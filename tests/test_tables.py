"""Where an audit's rows go: whole captures only, and every format holds the same."""

from __future__ import annotations

import csv
import json
import signal
import threading
from pathlib import Path

import duckdb
import pytest

from tests.test_audit import CAPTURES, judged
from tracer import read
from tracer.audit import COLUMNS, Capture, audit
from tracer.errors import TracerError
from tracer.places import Place
from tracer.tables import Tables, harmless, open_tables

LONG = "range(4000000000) AS a(x) WHERE hash(x) = hash(x + 1)"  # a minute
NAMES = [column.name for column in COLUMNS]


def capture(name: str) -> Capture:
    return audit(read(CAPTURES / name / "capture.pcapng"), judged)


def place(name: str, changed: str = "1") -> Place:
    return Place(str(CAPTURES / name / "capture.pcapng"), 1, changed)


def filled(tables: Tables) -> None:
    for name in ("verify-full", "prefer-wrong-root"):
        tables.add([(place(name), capture(name))])


def long_query(tables: Tables) -> None:
    """Somebody presses Ctrl-C soon, while DuckDB works on it."""
    waiting = threading.Timer(0.2, signal.pthread_kill, (threading.get_ident(), signal.SIGINT))
    waiting.start()
    tables.rows(f"SELECT count(*) FROM {LONG}", {})


def all_rows(tables: Tables) -> list[tuple[object, ...]]:
    return tables.rows("SELECT * FROM connections ORDER BY capture, connection", {})[1]


def test_what_is_done_is_known_the_next_time(tmp_path: Path) -> None:
    """By name, size and time of change."""
    path = str(tmp_path / "audit.duckdb")
    with open_tables(path, "") as tables:
        assert tables.done() == set()
        filled(tables)
    with open_tables(path, "") as tables:
        assert tables.done() == {place("verify-full"), place("prefer-wrong-root")}
        assert tables.counts() == (2, 3, 0)


def one_thread() -> Tables:
    """The main one, which is the one that hears of Ctrl-C: with more of them it waits for a part of the work to end."""
    tables = Tables(None)
    tables.db.execute("SET threads = 1")
    return tables


def test_ctrl_c_while_the_database_works() -> None:
    """DuckDB makes a RuntimeError of it; whoever asked is to hear of Ctrl-C."""
    tables = one_thread()
    with pytest.raises(KeyboardInterrupt):
        long_query(tables)


def test_a_capture_read_again_is_there_once() -> None:
    """New rows, marks and problems in place of the old."""
    tables = Tables(None)
    filled(tables)
    before = all_rows(tables)
    tables.add([(place("verify-full", "2"), capture("verify-full")._replace(problems=["cut short"]))])
    tables.add([(place("verify-full", "2"), capture("verify-full")._replace(problems=["cut short"]))])
    assert all_rows(tables) == before
    assert tables.done() == {place("verify-full", "2"), place("prefer-wrong-root")}
    assert tables.problems() == [(place("verify-full").name, "cut short")]


def test_rows_and_mark_together_or_neither() -> None:
    """A row that does not fit leaves nothing behind, and what was there stays."""
    tables = Tables(None)
    filled(tables)
    before = all_rows(tables)
    found = capture("prefer-wrong-root")
    broken = found._replace(rows=[found.rows[0], ["no number" if name == "client_port" else None for name in NAMES]])
    with pytest.raises(TracerError, match="cannot be written"):
        tables.add([(place("prefer-wrong-root", "2"), broken)])
    assert all_rows(tables) == before
    assert tables.done() == {place("verify-full"), place("prefer-wrong-root")}


def test_what_may_be_read_the_next_time() -> None:
    """Its problem is told, and it is not done."""
    tables = Tables(None)
    tables.add([(place("verify-full"), Capture([], ["could not be read: timed out"], again=True))])
    assert tables.done() == {Place(place("verify-full").name, 1, None)}  # type: ignore[arg-type]
    assert place("verify-full") not in tables.done()
    assert tables.counts() == (1, 0, 1)


def test_other_options_are_another_audit(tmp_path: Path) -> None:
    """Rows that were judged otherwise are not mixed."""
    path = str(tmp_path / "audit.duckdb")
    with open_tables(path, "--sslmode require"):
        pass
    with pytest.raises(TracerError, match="other options"), open_tables(path, ""):
        pass


@pytest.mark.parametrize("ending", ["csv", "ndjson", "parquet"])
def test_every_format_holds_the_same(tmp_path: Path, ending: str) -> None:
    """Read back by somebody else; nothing else is left in the folder."""
    path = tmp_path / f"it's.{ending}"
    with open_tables(str(path), "") as tables:
        filled(tables)
        expected = [dict(zip(NAMES, row, strict=True)) for row in all_rows(tables)]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    if ending == "csv":
        with path.open(newline="") as file:
            found = list(csv.DictReader(file))
        assert found == [{k: "" if v is None else str(harmless(v)) for k, v in row.items()} for row in expected]
    elif ending == "ndjson":
        found = [json.loads(line) for line in path.read_text().splitlines()]
        assert found == [
            {k: str(v) if k in ("started", "expires") and v else v for k, v in row.items()} for row in expected
        ]
    else:
        rows = duckdb.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        assert [dict(zip(NAMES, row, strict=True)) for row in rows] == expected


def test_an_interrupted_export_goes_on(tmp_path: Path) -> None:
    """What was read is kept beside until the file is written whole."""
    path = tmp_path / "audit.csv"

    def begin() -> None:
        with open_tables(str(path), "") as tables:
            tables.add([(place("verify-full"), capture("verify-full"))])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin()
    assert not path.exists()
    with open_tables(str(path), "") as tables:
        assert tables.done() == {place("verify-full")}
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=1;b", "a;'=1;b"),
        ("a; +1", "a;' +1"),
        ("\t=1", r"\x09=1"),
        ("\r=1", r"\x0d=1"),
        ("x\n=1", r"x\x0a=1"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\0", r"\x00"),
        ("x" * 40_000, "x" * 31_999 + "…"),
    ],
)
def test_no_cell_is_a_formula(cell: str, written: str) -> None:
    """A stranger names his database `=cmd|…`: in a spreadsheet it is text, also in one that ends cells with semicolons."""
    assert harmless(cell) == written
    assert harmless([cell, "x"]) == f"{written} x" or len(cell) > 30_000


@pytest.mark.parametrize(("cell", "same"), [("app", "app"), ("", ""), (None, None), (-1, -1), (True, "true"), ([], "")])
def test_other_cells_stay(cell: object, same: object) -> None:
    """A number of ours is one."""
    assert harmless(cell) == same


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "'; DROP TABLE captures; --", "é\u202e", "x" * 70_000])
def test_a_strangers_text_is_only_text(text: str) -> None:
    """Whatever it holds; what no encoding has is written out."""
    tables = Tables(None)
    found = capture("verify-full")
    row = [text if name == "user" else value for name, value in zip(NAMES, found.rows[0], strict=True)]
    tables.add([(place("verify-full"), found._replace(rows=[row], problems=[text]))])
    tables.add([(Place(text, 1, "1"), found)])
    written = text.replace("\ud800", "\\ud800")
    assert all_rows(tables)[0][NAMES.index("user")] == tables.problems()[0][1] == written
    assert written in {done.name for done in tables.done()}


@pytest.mark.parametrize("name", ["x.txt", "x", "x.json"])
def test_an_ending_that_says_nothing(name: str) -> None:
    """A mistake, in front of any reading."""
    with pytest.raises(TracerError, match="ending"), open_tables(name, ""):
        pass


def test_what_is_no_audit(tmp_path: Path) -> None:
    """Another database, a file of another kind, and none at all."""
    other, text = str(tmp_path / "other.duckdb"), tmp_path / "text.duckdb"
    with duckdb.connect(other) as db:
        db.execute("CREATE TABLE connections (mine INTEGER)")
    text.write_text("nothing of that kind\n" * 1000)
    for path in (other, str(text), str(tmp_path / "missing.duckdb")):
        with pytest.raises(TracerError):
            Tables(path, readonly=True)
    with pytest.raises(TracerError, match="is no audit"):
        Tables(other)
    with duckdb.connect(other) as db:
        assert db.execute("SELECT table_name FROM information_schema.tables").fetchall() == [("connections",)]


def test_an_audit_of_another_version(tmp_path: Path) -> None:
    """Its columns are others: nothing is added to it."""
    path = str(tmp_path / "audit.duckdb")
    Tables(path).close()
    with duckdb.connect(path) as db:
        db.execute("ALTER TABLE connections DROP COLUMN findings")
    with pytest.raises(TracerError, match="another version"):
        Tables(path)


def test_ctrl_c_while_duckdb_writes() -> None:
    """Nothing of the transaction stays."""
    tables = one_thread()
    with pytest.raises(KeyboardInterrupt):
        _interrupted(tables)
    assert tables.problems() == []


def _interrupted(tables: Tables) -> None:
    with tables._transaction():
        tables.db.execute("INSERT INTO problems VALUES ('a.pcap', 'none')")
        long_query(tables)
