"""GnuTLS' own server and client, which speak what no OpenSSL at hand does: RC4, and Camellia in GCM."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import openssl
from tests.wire import Say

CIPHERS = "+ARCFOUR-128:+CAMELLIA-128-GCM:+CAMELLIA-256-GCM"
EVERYTHING = f"NORMAL:+VERS-ALL:{CIPHERS}:+RSA:+DHE-RSA:+MD5:+SHA1"
NOTHING = "NONE:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:+CTYPE-X509"


@contextmanager
def server(folder: Path) -> Iterator[int]:
    """A server with the identities `rsa` and `ec` of the folder; yields its port. It sends back what it hears."""
    port = openssl.free_port()
    command = [
        "gnutls-serv",
        "--echo",
        "--quiet",
        f"--port={port}",
        f"--priority={EVERYTHING}",
        "--disable-client-cert",
    ]
    for name in ("rsa", "ec"):
        command += [f"--x509certfile={name}.crt", f"--x509keyfile={name}.key"]
    running = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        openssl.wait(port)
        yield port
    finally:
        running.kill()
        running.wait()


def connect(port: int, *wanted: str) -> tuple[list[Say], bytes]:
    """One connection of `gnutls-cli` that takes nothing else and says a line: what both said, and the key log."""
    with tempfile.NamedTemporaryFile() as log:
        env = {**os.environ, "SSLKEYLOGFILE": log.name}
        command = ["gnutls-cli", "--insecure", f"--priority={NOTHING}:+{':+'.join(wanted)}", "127.0.0.1"]
        said = openssl.relayed(port, lambda relay: [*command, f"--port={relay}"], env=env)
        return said, Path(log.name).read_bytes()
