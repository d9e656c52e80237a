"""OpenSSL's own server and client, and what they say to each other: recorded by a relay between them."""

from __future__ import annotations

import datetime as dt
import select
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import NameOID

from tests.wire import Say

EVERYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
PSK = "1a2b3c4d"
PATIENCE = 10.0  # seconds for one connection
LINE = b"a line of the application\n"


def suites() -> list[str]:
    """What this OpenSSL can speak up to TLS 1.2, by its own names."""
    listed = subprocess.run(["openssl", "ciphers", "-V", EVERYTHING], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return [row[2] for row in rows if row[3] != "TLSv1.3"]


@contextmanager
def server(folder: Path, *options: str) -> Iterator[int]:
    """A server with an RSA and an ECDSA certificate; yields its port. It answers each line with the line reversed."""
    identity(folder, "rsa", rsa.generate_private_key(65537, 2048))
    identity(folder, "ec", ec.generate_private_key(ec.SECP256R1()))
    port = free_port()
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-rev", "-cert", "rsa.crt", "-key", "rsa.key"]
    command += ["-dcert", "ec.crt", "-dkey", "ec.key", "-psk", PSK, "-cipher", EVERYTHING, *options]
    running = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait(port)
        yield port
    finally:
        running.kill()
        running.wait()


def identity(folder: Path, name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey) -> None:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "db.example")])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=3650))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / f"{name}.crt").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem))
    (folder / f"{name}.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


def connect(port: int, *options: str, lines: tuple[bytes, ...] = (LINE,)) -> tuple[list[Say], bytes]:
    """One connection of `openssl s_client` with these options: what both said, and the key log.

    Each line waits until there is silence. One that begins with R (renegotiate) or K (KeyUpdate) is a command.
    """
    with tempfile.NamedTemporaryFile() as log:

        def command(relay: int) -> list[str]:
            near = f"127.0.0.1:{relay}"
            return ["openssl", "s_client", "-connect", near, "-keylogfile", log.name, "-psk", PSK, *options]

        return relayed(port, command, lines), Path(log.name).read_bytes()


def relayed(
    port: int,
    command: Callable[[int], list[str]],
    lines: tuple[bytes, ...] = (LINE,),
    env: dict[str, str] | None = None,
) -> list[Say]:
    """What a program and the server at `port` say to each other; `command` gets the port of the relay between them."""
    with socket.create_server(("127.0.0.1", 0)) as relay:
        relay.settimeout(PATIENCE)
        client = subprocess.Popen(
            command(relay.getsockname()[1]),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=env,
        )
        try:
            near, _ = relay.accept()
            with near, socket.create_connection(("127.0.0.1", port), PATIENCE) as far:
                return _record(near, far, client, list(lines))
        finally:
            client.kill()
            client.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _record(near: socket.socket, far: socket.socket, client: subprocess.Popen[bytes], lines: list[bytes]) -> list[Say]:
    said: list[Say] = []
    until = time.monotonic() + PATIENCE
    assert client.stdin is not None
    patient = len(lines) > 1  # and waits for the answer to the last one, too
    _say(client.stdin, lines)
    if not patient:
        client.stdin.close()
    while time.monotonic() < until:
        spoke = select.select([near, far], [], [], 0.1)[0]
        if not spoke and patient:
            _say(client.stdin, lines)
        for ready in spoke:
            try:
                data = ready.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if not data:
                return said
            said.append(("client" if ready is near else "server", data))
            (far if ready is near else near).sendall(data)
    return said


def _say(stdin: IO[bytes], lines: list[bytes]) -> None:
    if lines:
        stdin.write(lines.pop(0))
        stdin.flush()
    else:
        stdin.close()


def wait(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("openssl s_server does not listen")
