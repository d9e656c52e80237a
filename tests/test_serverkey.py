"""The server's RSA key: what it opens, and what is told where it cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tracer import serverkey
from tracer.errors import TracerError

PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


def written(folder: Path, key, password: bytes | None = None) -> str:
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    (folder / "key").write_bytes(key.private_bytes(PEM, PKCS8, how))
    return str(folder / "key")


def test_it_decrypts(tmp_path: Path) -> None:
    """What was encrypted to the key comes out; what was not is no error."""
    key = rsa.generate_private_key(65537, 2048)
    decrypt = serverkey.load(written(tmp_path, key))
    assert decrypt(key.public_key().encrypt(b"secret", padding.PKCS1v15())) == b"secret"
    assert decrypt(b"short") is None


def test_what_cannot_serve(tmp_path: Path) -> None:
    """Each is one line that names the file, and a hint."""
    key = rsa.generate_private_key(65537, 2048)
    (tmp_path / "text").write_text("no key")
    cases = {
        str(tmp_path / "none"): "no such file",
        str(tmp_path / "text"): "is no private key in PEM",
    }
    for path, words in cases.items():
        with pytest.raises(TracerError, match=words):
            serverkey.load(path)
    with pytest.raises(TracerError, match="is encrypted"):
        serverkey.load(written(tmp_path, key, b"password"))
    with pytest.raises(TracerError, match="is no RSA key"):
        serverkey.load(written(tmp_path, ec.generate_private_key(ec.SECP256R1())))
