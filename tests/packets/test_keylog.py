"""A key log that is followed as it grows."""

from __future__ import annotations

from pathlib import Path

from tracer.packets import keylog
from tracer.packets.keylog import KeyLog
from tracer.protocol.keys import Keys


def line(number: int) -> bytes:
    return b"CLIENT_RANDOM %064x %096x\n" % (number, number)


def random(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_it_grows(tmp_path: Path) -> None:
    """Each look gives what is new; before the file is there, nothing."""
    path, keys = tmp_path / "keys", Keys()
    log = KeyLog(path)
    assert log.look(keys) == b""
    path.write_bytes(line(1))
    assert log.look(keys) == line(1)
    assert log.look(keys) == b""
    with path.open("ab") as file:
        file.write(line(2))
    assert log.look(keys) == line(2)
    assert set(keys.secrets) == {random(1), random(2)}


def test_a_line_cut_anywhere_is_completed(tmp_path: Path) -> None:
    """Half a line is no key, and no other key either."""
    path = tmp_path / "keys"
    for cut in range(1, len(line(2))):
        path.unlink(missing_ok=True)
        keys, log = Keys(), KeyLog(path)
        path.write_bytes(line(1) + line(2)[:cut])
        log.look(keys)
        assert set(keys.secrets) == {random(1)}
        with path.open("ab") as file:
            file.write(line(2)[cut:])
        log.look(keys)
        assert keys.of(random(2)) == {"CLIENT_RANDOM": (2).to_bytes(48, "big")}


def test_the_last_look_takes_a_line_without_its_end(tmp_path: Path) -> None:
    """Nothing more will come."""
    path, keys = tmp_path / "keys", Keys()
    path.write_bytes(line(1).rstrip())
    log = KeyLog(path)
    assert log.look(keys) == b""
    assert log.look(keys, last=True) == line(1).rstrip()
    assert set(keys.secrets) == {random(1)}


def test_a_new_file_of_the_name_is_read_from_its_beginning(tmp_path: Path) -> None:
    """Whether it was cut or replaced."""
    path, keys = tmp_path / "keys", Keys()
    log = KeyLog(path)
    path.write_bytes(line(1) + line(2))
    log.look(keys)
    path.write_bytes(line(3))
    log.look(keys)
    (tmp_path / "other").write_bytes(line(4) + line(5) + line(6))
    (tmp_path / "other").replace(path)
    log.look(keys)
    assert set(keys.secrets) == {random(n) for n in range(1, 7)}


def test_days_of_keys_are_bounded(tmp_path: Path, monkeypatch) -> None:
    """The oldest connections' go first."""
    monkeypatch.setattr(keylog, "KEPT", 3)
    path, keys = tmp_path / "keys", Keys()
    path.write_bytes(b"".join(map(line, range(10))))
    KeyLog(path).look(keys)
    assert set(keys.secrets) == {random(n) for n in (7, 8, 9)}
