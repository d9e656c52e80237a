"""Where captures lie: each file once, in order, and known by its size and its time of change."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest

from tracer.errors import TracerError
from tracer.places import CAPTURE, find, located, opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.pcap", "a.pcapng", "deep/c.pcap.gz", "deep/notes.txt", "odd"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


def names(folder: Path, *paths: str) -> list[str]:
    return [str(Path(place.name).relative_to(folder)) for place in find(str(folder / path) for path in paths)]


def test_a_folder_with_what_is_in_it(folder: Path) -> None:
    """At any depth, and only what is named like a capture."""
    assert names(folder, "") == ["a.pcapng", "b.pcap", "deep/c.pcap.gz"]


def test_what_is_passed_over_is_told(folder: Path) -> None:
    """Of a folder; what was named is read."""
    others: list[str] = []
    find([str(folder), str(folder / "odd"), str(folder / "*")], others.append)
    assert sorted(set(others)) == [str(folder / "deep/notes.txt"), str(folder / "odd")]


def test_a_folder_that_may_not_be_read(folder: Path, monkeypatch) -> None:
    """Is not passed over: opening it says what is wrong."""
    real = os.scandir

    def scandir(path):
        if Path(path).name == "deep":
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)  # of root nothing is kept
    assert names(folder, "") == ["a.pcapng", "b.pcap", "deep"]


def test_a_name_for_another_folder(folder: Path, monkeypatch) -> None:
    """A URL is the same everywhere."""
    monkeypatch.chdir(folder)
    assert located("b.pcap") == str(folder / "b.pcap")
    assert located("memory://x/b.pcap") == "memory://x/b.pcap"


def test_a_file_whatever_it_is_called(folder: Path) -> None:
    """It was asked for."""
    assert names(folder, "odd") == ["odd"]


def test_a_pattern(folder: Path) -> None:
    """As a shell's; `**` is any depth."""
    assert names(folder, "*.pcap*") == ["a.pcapng", "b.pcap"]
    assert names(folder, "**/*.gz") == ["deep/c.pcap.gz"]


def test_each_file_once(folder: Path) -> None:
    """However often it is named."""
    assert names(folder, "b.pcap", "", "*.pcap") == ["a.pcapng", "b.pcap", "deep/c.pcap.gz"]


@pytest.mark.parametrize(
    ("name", "error", "hint"),
    [
        ("-", "- is standard input, and an audit goes by the names of its captures", "pgtls read - reads one as it arrives"),
        ("/nowhere.pcap", "/nowhere.pcap: no such file", "a capture, a folder of them, a glob in quotes, or a URL with fsspec"),
    ],
)  # fmt: skip
def test_what_is_no_place(name: str, error: str, hint: str) -> None:
    """One error, and what can be named."""
    with pytest.raises(TracerError) as caught:
        find([name])
    assert str(caught.value) == error
    assert hint in caught.value.hints[0]


@pytest.mark.parametrize(
    "name", ["x.pcap", "x.PCAPNG", "x.cap", "x.pcap7", "x.pcap_007", "x.dmp", "x-00001.pcapng.zst"]
)
def test_names_of_captures(name: str) -> None:
    """Rotated by tcpdump, dumpcap or pgtls, and compressed."""
    assert CAPTURE.search(name)


@pytest.mark.parametrize("name", ["x.pcap.txt", "pcap", "x.pcapx", "x.capture.toml", "x.gz"])
def test_names_of_others(name: str) -> None:
    """They are passed over in a folder."""
    assert not CAPTURE.search(name)


def test_a_file_that_has_changed_is_another(folder: Path) -> None:
    """By its size, or by its time of change to the nanosecond."""
    path = folder / "b.pcap"
    (before,) = find([str(path)])
    os.utime(path, ns=(0, 1))
    (after,) = find([str(path)])
    assert before.size == after.size == 6
    assert before != after


@pytest.mark.parametrize("path", ["missing.pcap", "deep/*.pcapng", "empty"])
def test_nothing_there(folder: Path, path: str) -> None:
    """A mistake, and nothing is read."""
    (folder / "empty").mkdir()
    with pytest.raises(TracerError):
        find([str(folder), str(folder / path)])


def test_urls() -> None:
    """What fsspec knows: a folder, a pattern, a file; read from its beginning."""
    files = fsspec.filesystem("memory")
    for name in ("/audit/x.pcap", "/audit/deep/y.pcap.gz", "/audit/z.txt"):
        files.pipe(name, name.encode())
    others: list[str] = []
    assert [place.name for place in find(["memory://audit"], others.append)] == [
        "memory:///audit/deep/y.pcap.gz",
        "memory:///audit/x.pcap",
    ]
    assert others == ["memory:///audit/z.txt"]
    assert [place.name for place in find(["memory://audit/*.pcap"])] == ["memory:///audit/x.pcap"]
    (place,) = find(["memory:///audit/z.txt"])
    assert place.size == len("/audit/z.txt")
    assert place.changed  # the time at which it was created
    with opened(place.name) as file:
        assert file.read() == b"/audit/z.txt"


@pytest.mark.parametrize("url", ["memory://nowhere/x.pcap", "memory://nowhere", "nosuch://x", "memory://nowhere/*"])
def test_urls_that_lead_nowhere(url: str) -> None:
    """The same mistake."""
    with pytest.raises(TracerError):
        find([url])
