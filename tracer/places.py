"""Where captures lie: files, folders, globs, and URLs that fsspec knows (`s3://…`, `gs://…`, `memory://…`)."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from tracer.errors import TracerError
from tracer.packets.chunks import open_file

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

# As tcpdump -C and -G, dumpcap and pgtls name the files of a rotation: db.pcap, db.pcap07, db-00001.pcapng.gz.
CAPTURE = re.compile(r"\.(pcap|pcapng|cap|dmp)[._-]?\d*(\.(gz|zst))?$", re.IGNORECASE)
URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
MAGIC = re.compile(r"[*?\[]")
CHANGES = ("mtime", "LastModified", "last_modified", "updated", "ETag", "etag", "created")  # by file system


class Place(NamedTuple):
    """A file: its name, and what tells whether it has changed since."""

    name: str
    size: int
    changed: str


def find(paths: Iterable[str], other: Callable[[str], None] = lambda _name: None) -> list[Place]:
    """The files that the paths name, each once, in order; of a folder those that are named like captures.

    `other` hears of the rest of a folder. Raises `TracerError` for what is not there, and where there is no capture at all.
    """
    found: dict[str, Place] = {}
    for path in paths:
        if path == "-":
            raise TracerError(
                "- is standard input, and an audit goes by the names of its captures",
                "pgtls read - reads one as it arrives; or write it into a file, and name that",
            )
        here = list(_remote(path, other) if URL.match(path) else _local(path, other))
        if not here:
            raise TracerError(
                f"{path}: no captures there", "of a folder those are read that are named like x.pcap or x.pcapng.gz"
            )
        found |= {place.name: place for place in here}
    return [found[name] for name in sorted(found)]


def located(name: str) -> str:
    """The name by which a process that runs in another folder finds it."""
    return name if URL.match(name) else str(Path(name).absolute())


def opened(name: str) -> BinaryIO:
    """The file, to be read from its beginning. Raises `TracerError` or `OSError`."""
    if not URL.match(name):
        return open_file(name)
    files, path = _file_system(name)
    file: BinaryIO = files.open(path, "rb", cache_type="readahead")
    return file


def _local(path: str, other: Callable[[str], None]) -> Iterator[Place]:
    there = Path(path)
    if there.is_dir():
        closed: list[OSError] = []
        for folder, _, names in os.walk(there, onerror=closed.append):
            inside = [each for each in (Path(folder, name) for name in names) if each.is_file()]
            yield from (_place(each) for each in inside if _named(str(each), other))
        yield from (Place(error.filename, 0, "") for error in closed)  # opening it will say what is wrong
    elif there.exists():
        yield _place(there)
    elif MAGIC.search(path):
        for each in glob.iglob(path, recursive=True):  # noqa: PTH207 (a pattern may be absolute)
            yield from _local(each, other) if Path(each).is_dir() else [_place(Path(each))]
    else:
        raise TracerError(
            f"{path}: no such file", "a capture, a folder of them, a glob in quotes, or a URL with fsspec"
        )


def _named(name: str, other: Callable[[str], None]) -> bool:
    """Whether it is named like a capture; `other` hears of one that is not."""
    if CAPTURE.search(name):
        return True
    other(name)
    return False


def _place(path: Path) -> Place:
    about = path.stat()
    return Place(str(path), about.st_size, str(about.st_mtime_ns))


def _remote(url: str, other: Callable[[str], None]) -> Iterator[Place]:
    files, path = _file_system(url)
    try:
        if MAGIC.search(path):
            found = files.glob(path, detail=True)
        elif files.isdir(path):
            names = files.find(path, detail=True)
            found = {name: about for name, about in names.items() if _named(str(files.unstrip_protocol(name)), other)}
        else:
            found = {path: files.info(path)}
    except FileNotFoundError:
        raise TracerError(f"{url}: no such file", "may you read it?") from None
    except Exception as error:  # noqa: BLE001 (each file system has errors of its own)
        raise TracerError(f"{url}: {error}", "its own tools, as aws s3 ls, say more") from None
    for name, about in found.items():
        if about.get("type") != "directory":
            changed = next((str(about[key]) for key in CHANGES if about.get(key)), "")
            yield Place(str(files.unstrip_protocol(name)), int(about.get("size") or 0), changed)


def _file_system(url: str) -> tuple[AbstractFileSystem, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise TracerError(f"{url}: reading URLs needs fsspec", "pip install fsspec, and s3fs for s3://") from None
    try:
        found: tuple[AbstractFileSystem, str] = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise TracerError(f"{url}: {str(error).lower()}", "fsspec names what it lacks") from None
    return found
