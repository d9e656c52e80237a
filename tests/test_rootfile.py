"""The root file as libpq finds it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.authority import PEM, issue
from tests.wire import certificate
from tracer import pipes, rootfile
from tracer.verify import Unusable
from tracer.verify.model import BROKEN_ENTRY, UNKNOWN


def test_what_a_path_gives(tmp_path: Path) -> None:
    """Nothing, an unusable file, certificates, or the system's."""
    assert rootfile.load(tmp_path / "absent") is None
    (tmp_path / "empty").touch()
    (tmp_path / "garbage").write_bytes(b"\xff\0 hello")
    for name in ("empty", "garbage"):
        assert rootfile.load(tmp_path / name) == Unusable("no certificate or crl found")
    assert isinstance(rootfile.load(tmp_path), Unusable)
    found = rootfile.load(certificate()[0])
    assert isinstance(found, list)
    assert len(found) == 1
    assert rootfile.load("system") == "system"


GOOD = Path(certificate()[0]).read_text()
CRL = "-----BEGIN X509 CRL-----\nMAgwADAAAwIAAA==\n-----END X509 CRL-----\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (GOOD, 1),
        ("hello\n" + GOOD + "bye", 1),
        (GOOD + GOOD, 2),
        (GOOD.replace("\n", "\r\n"), 1),
        (GOOD.rstrip(), 1),
        ("\ufeff" + GOOD, 1),
        (GOOD.replace("CERTIFICATE", "TRUSTED CERTIFICATE"), 1),
        (GOOD + "-----BEGIN FOO-----\nAAAA\n-----END FOO-----\n", 1),
        (GOOD + "-----BEGIN FOO-----\n!\n-----END FOO-----\n", "bad base64 decode"),
        ("-----BEGIN FOO-----\nAAAA\n" + GOOD, "bad end line"),
        ("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n" + GOOD, BROKEN_ENTRY),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n" + GOOD, BROKEN_ENTRY),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n" + GOOD, 1),
        (GOOD + "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", BROKEN_ENTRY),
        (GOOD.replace("-----\nM", "-----\nComment: x\n\nM", 1), "not proc type"),
        (GOOD.replace("-----\nM", "-----\nProc-Type: 4,CLEAR\n\nM", 1), "not encrypted"),
        (CRL, 0),
        (CRL + GOOD, 1),
        (GOOD + GOOD.replace("MII", "M!!", 1), "bad base64 decode"),
        (GOOD + GOOD[:100], "bad end line"),
        (GOOD.replace("END CERT", "END FOO"), "bad end line"),
        (GOOD[:100] + "\n" + GOOD, "bad base64 decode"),
        (GOOD.replace("\n", "\n  "), "bad end line"),
        (GOOD.replace("\n", "\r"), "no certificate or crl found"),
        (" " + GOOD, "no certificate or crl found"),
        (GOOD + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", BROKEN_ENTRY),
    ],
)
def test_all_of_it_or_nothing(text: str, found: int | str) -> None:
    """One entry that cannot be read spoils the file; what is no entry is passed over."""
    read = rootfile.entries(text.encode())
    assert (read.reason if isinstance(read, Unusable) else len(read)) == found  # type: ignore[arg-type]


KEY = "-----BEGIN {0}PRIVATE KEY-----\nAAAA\n-----END {0}PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("text", "found", "before_3"),
    [
        ("\ufeff" + GOOD, 1, "no certificate or crl found"),
        (GOOD + "\ufeff" + GOOD, 2, 1),
        (KEY.format("") + GOOD, BROKEN_ENTRY, 1),
        (KEY.format("OPENSSH ") + GOOD, BROKEN_ENTRY, 1),
        (KEY.format("EC ") + GOOD, BROKEN_ENTRY, BROKEN_ENTRY),
        (GOOD, 1, 1),
    ],
)
def test_what_openssl_1_1_1_reads_otherwise(text: str, found: int | str, before_3: int | str) -> None:
    """No byte order mark, and of keys those of RSA, DSA and EC alone; as libpq 12 and 13 mostly have it."""
    for old, wanted in ((False, found), (True, before_3)):
        read = rootfile.entries(text.encode(), before_3=old)
        assert (read.reason if isinstance(read, Unusable) else len(read)) == wanted  # type: ignore[arg-type]


def test_what_cannot_be_reached_is_not_there(tmp_path: Path) -> None:
    """For libpq every error of stat means that there is none: a loop, a file in the way, a NUL."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text(GOOD)
    for path in (tmp_path / "loop", tmp_path / "file" / "below", "a\0b"):
        assert rootfile.load(path) is None
    assert rootfile.load(tmp_path) == Unusable("no certificate or crl found")


def test_a_pipe_is_not_waited_for(tmp_path: Path, monkeypatch) -> None:
    """What libpq would read there nobody knows, unless somebody writes it, as a shell does for `<(command)`."""
    monkeypatch.setattr(pipes, "PATIENCE", 0.2)
    os.mkfifo(tmp_path / "pipe")
    assert rootfile.load(tmp_path / "pipe") is UNKNOWN
    both = os.open(tmp_path / "pipe", os.O_RDWR)
    monkeypatch.setattr(rootfile, "LARGEST", len(GOOD))
    os.write(both, GOOD.encode())
    found = rootfile.load(tmp_path / "pipe")
    os.close(both)
    assert isinstance(found, list)
    assert len(found) == 1


def test_the_system_s_store(tmp_path: Path) -> None:
    """SSL_CERT_FILE and SSL_CERT_DIR name it; what cannot be read, or has no hash for a name, counts for nothing."""
    made = [issue(f"Root {n}", ca=True) for n in range(4)]
    for name, one in zip(("all.pem", "0123abcd.0", "0123abcd.1", "root.crt"), made, strict=True):
        (tmp_path / name).write_bytes(one.certificate.public_bytes(PEM))
    (tmp_path / "bad.pem").write_text("hello")
    folders = {"SSL_CERT_DIR": f"/nonexistent:{tmp_path}"}
    found = rootfile.system(folders | {"SSL_CERT_FILE": str(tmp_path / "all.pem")})
    assert [root.der for root in found] == [one.der for one in made[:3]]
    assert len(rootfile.system(folders | {"SSL_CERT_FILE": str(tmp_path / "bad.pem")})) == 2
    assert rootfile.system({"SSL_CERT_DIR": "", "SSL_CERT_FILE": "/nonexistent"}) == ()
