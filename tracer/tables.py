"""Where an audit's rows go: a DuckDB file, from which Parquet, CSV and NDJSON are written.

A capture's rows, its problems and the mark that it is done are written in one transaction: whatever is interrupted, a
capture is in there whole or not at all. A capture of which size or time of change is another one is read anew.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.audit import COLUMNS, Capture, Value
from tracer.errors import TracerError
from tracer.places import Place
from tracer.render.escape import escape

if TYPE_CHECKING:
    import duckdb

WORKING = ".part"  # behind the name of what is no DuckDB file: where its rows are gathered until it is written whole
# what a spreadsheet takes for the beginning of a formula (OWASP), full-width too; in many countries ; ends a cell
FORMULA = re.compile("(^|;)(?=\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20])")
LONGEST_CELL = 32_000  # characters: a spreadsheet holds 32,767


@contextmanager
def ctrl_c() -> Iterator[None]:
    """Ctrl-C is Ctrl-C inside, and not the error that DuckDB makes of it (PrepareAndExecuteInternal, FetchNextRaw)."""
    try:
        yield
    except RuntimeError as error:
        if "interrupted" not in str(error):
            raise
        raise KeyboardInterrupt from None


class Tables:
    """An open audit. `asked` is what its rows were judged with: an audit goes on only with the same."""

    @ctrl_c()
    def __init__(self, path: str | None, asked: str = "", *, readonly: bool = False) -> None:
        """At `path`, or in memory. Raises `TracerError`."""
        self.path = path
        self.name = path or ":memory:"
        self.db = _connect(self.name, readonly)
        self._is_ours(empty=not readonly)
        if readonly:
            return
        with self._transaction():
            self.db.execute("CREATE TABLE IF NOT EXISTS about AS SELECT 'asked' AS key, ? AS value", [asked])
            for table, columns in TABLES.items():
                kinds = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
                self.db.execute(f"CREATE TABLE IF NOT EXISTS {table} ({kinds})")
        self.known: set[Value] = {place.name for place in self.done()}
        before = self.asked()
        if before != asked:
            self.close()
            raise TracerError(
                f"{path} was made with other options", f"they were {before or 'none'}; or name another file"
            )

    @ctrl_c()
    def asked(self) -> str:
        """The options that its rows were judged with, as somebody would write them."""
        return str(self.db.execute("SELECT value FROM about WHERE key = 'asked'").fetchall()[0][0])

    def close(self) -> None:
        self.db.close()

    @ctrl_c()
    def done(self) -> set[Place]:
        """The captures that need not be read again."""
        rows = self.db.execute("SELECT capture, size, changed FROM captures").fetchall()
        return {Place(*row) for row in rows}

    @ctrl_c()
    def add(self, found: Sequence[tuple[Place, Capture]]) -> None:
        """Captures, each in place of what was known of it: all of them, or none."""
        names = [_utf8(place.name) for place, _ in found]
        old = [[name] for name in names if name in self.known]
        rows = [list(map(_utf8, row)) for _, capture in found for row in capture.rows]
        problems = [[name, _utf8(each)] for name, (_, of) in zip(names, found, strict=True) for each in of.problems]
        marks = [[name, *_mark(place, of)] for name, (place, of) in zip(names, found, strict=True)]
        with self._transaction():
            for name in old:
                for table in TABLES:
                    self.db.execute(f"DELETE FROM {table} WHERE capture = ?", name)
            for table, values in zip(TABLES, (rows, problems, marks), strict=True):
                if values:
                    self.db.execute(INSERT[table], [list(column) for column in zip(*values, strict=True)])
        self.known.update(names)

    @ctrl_c()
    def rows(self, query: str, values: Mapping[str, object]) -> tuple[list[str], list[tuple[object, ...]]]:
        """What a query gives: the columns' names, and the rows."""
        found = self.db.execute(query, dict(values))
        return [column[0] for column in found.description], found.fetchall()

    @ctrl_c()
    def counts(self) -> tuple[int, int, int]:
        """How many captures, connections and problems there are."""
        query = "SELECT (SELECT count(*) FROM captures), (SELECT count(*) FROM connections), (SELECT count(*) FROM problems)"
        captures, connections, problems = self.db.execute(query).fetchall()[0]
        return captures, connections, problems

    @ctrl_c()
    def problems(self) -> list[tuple[str, str]]:
        """What could not be read: the captures, and what is wrong with each."""
        return self.db.execute("SELECT capture, problem FROM problems ORDER BY ALL").fetchall()

    @ctrl_c()
    def export(self, path: str) -> None:
        """Write the connections to a file in the format of its ending, whole or not at all."""
        part = f"{path}{WORKING}.new"
        if Path(path).suffix == ".csv":
            self._csv(part)
        elif Path(path).suffix == ".ndjson":
            self._ndjson(part)
        else:
            self.db.execute(f"COPY ({ORDERED}) TO '{_quoted(part)}' (FORMAT parquet)")
        Path(part).replace(path)

    def _csv(self, path: str) -> None:
        """Lists become words; no cell is run by a spreadsheet, or obeyed by a terminal."""
        found = self.db.execute(ORDERED)
        with Path(path).open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            out = csv.writer(file)
            out.writerow(column.name for column in COLUMNS)
            while some := found.fetchmany(1000):
                out.writerows([harmless(cell) for cell in row] for row in some)

    def _ndjson(self, path: str) -> None:
        """Everything but ASCII is an escape: DuckDB's own writer leaves controls as they are."""
        found = self.db.execute(ORDERED)
        names = [column.name for column in COLUMNS]
        with Path(path).open("w", encoding="ascii") as file:
            while some := found.fetchmany(1000):
                file.writelines(json.dumps(dict(zip(names, row, strict=True)), default=str) + "\n" for row in some)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing. Raises `TracerError` where it cannot be written."""
        import duckdb

        try:
            self.db.execute("BEGIN")
            yield
            self.db.execute("COMMIT")
        except BaseException as error:
            with suppress(duckdb.Error):
                self.db.execute("ROLLBACK")
            if isinstance(error, duckdb.Error):
                why = str(error).partition("\n")[0]
                raise TracerError(f"{self.name} cannot be written: {why}", "is there room for it?") from None
            raise

    def _is_ours(self, *, empty: bool) -> None:
        """Raises `TracerError` for a database of something else, or of another version; `empty` is one of nothing yet."""
        query = "SELECT table_name, column_name FROM information_schema.columns ORDER BY table_name, ordinal_position"
        found: dict[str, list[str]] = {}
        for table, column in self.db.execute(query).fetchall():
            found.setdefault(table, []).append(column)
        if empty and not found:
            return
        why = "" if set(TABLES) <= set(found) else "is no audit"
        if not why and any(found[table] != list(columns) for table, columns in TABLES.items()):
            why = "was made by another version of pgtls"
        if why:
            self.close()
            raise TracerError(f"{self.name} {why}", "make one: pgtls audit PATH… -o audit.duckdb")


@contextmanager
def open_tables(output: str | None, asked: str) -> Iterator[Tables]:
    """The tables of an audit that goes to `output`; what is no DuckDB file is written at the end. Raises `TracerError`."""
    ending = Path(output or "").suffix
    if output is None or ending in DATABASES:
        tables = Tables(output, asked)
        try:
            yield tables
        finally:
            tables.close()
        return
    if ending not in EXPORTED:
        endings = ", ".join((*DATABASES, *EXPORTED))
        raise TracerError(f"{output}: what to write is known by its ending", f"one of {endings}")
    tables = Tables(output + WORKING, asked)
    try:
        yield tables
        tables.export(output)
    finally:
        tables.close()
    with suppress(FileNotFoundError):
        Path(output + WORKING).unlink()


def harmless(cell: object) -> object:
    """A cell of a CSV file: controls are written out, and what would be a formula gets an apostrophe in front."""
    if isinstance(cell, list):
        cell = " ".join(str(each) for each in cell)
    if isinstance(cell, bool):
        return str(cell).lower()
    return FORMULA.sub(r"\1'", escape(cell, LONGEST_CELL)) if isinstance(cell, str) else cell


def _mark(place: Place, found: Capture) -> list[Value]:
    """That a capture is done; one that is to be read again has no time of change."""
    changed = None if found.again else place.changed
    about: list[Value] = [found.format, found.packets, found.bytes, found.dropped, found.first, found.last]
    return [place.size, changed, len(found.rows), *about]


def _connect(name: str, readonly: bool) -> duckdb.DuckDBPyConnection:
    try:
        import duckdb
    except ImportError:
        raise TracerError("an audit needs DuckDB", "pip install duckdb") from None
    if readonly and Path(name).suffix in EXPORTED:
        raise TracerError(f"{name} is no DuckDB file", "a summary wants one: pgtls audit PATH… -o audit.duckdb")
    if readonly and not Path(name).is_file():
        raise TracerError(f"{name}: no such file", "make one: pgtls audit PATH… -o audit.duckdb")
    try:
        return duckdb.connect(name, read_only=readonly)
    except duckdb.Error as error:
        why = str(error).partition("\n")[0]
        raise TracerError(
            f"{name} cannot be used: {why}", "another audit may be writing it, or it is no DuckDB file"
        ) from None


def _utf8(value: Value) -> Value:
    """Half a surrogate pair has no encoding: the name of a file may hold one, or a stranger's certificate."""
    if isinstance(value, list):
        return [each.encode("utf-8", "backslashreplace").decode() for each in value]
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _names(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


# TABLES

DATABASES = (".duckdb", ".db")
EXPORTED = (".parquet", ".csv", ".ndjson")
TABLES: dict[str, dict[str, str]] = {
    "connections": {column.name: column.type for column in COLUMNS},
    "problems": {"capture": "VARCHAR", "problem": "VARCHAR"},
    "captures": {
        "capture": "VARCHAR",
        "size": "BIGINT",
        "changed": "VARCHAR",
        "connections": "BIGINT",
        "format": "VARCHAR",
        "packets": "BIGINT",
        "bytes": "BIGINT",
        "dropped": "BIGINT",
        "first": "TIMESTAMP",
        "last": "TIMESTAMP",
    },
}
# a list for each column: many rows with one statement
INSERT = {
    table: f"INSERT INTO {table} SELECT {', '.join(f'unnest(?::{kind}[])' for kind in columns.values())}"
    for table, columns in TABLES.items()
}
ORDERED = f"SELECT {_names(TABLES['connections'])} FROM connections ORDER BY capture, connection"
