"""A server that answers as no real one would: what it says is a function of its socket. TLS is Python's OpenSSL."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.differential.certificates import Server

SSL_REQUEST, GSSENC_REQUEST = bytes.fromhex("0000000804d2162f"), bytes.fromhex("0000000804d21630")
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
PATIENCE = 10.0

Say = Callable[[socket.socket], None]


def error(code: str, message: str, severity: str = "FATAL") -> bytes:
    """An ErrorResponse of protocol 3."""
    fields = "".join(
        f"{key}{value}\0" for key, value in (("S", severity), ("V", severity), ("C", code), ("M", message))
    )
    return typed(b"E", fields.encode() + b"\0")


def typed(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack(">I", len(content) + 4) + content


AUTHENTICATION_OK = typed(b"R", struct.pack(">I", 0))
WELCOME = (
    AUTHENTICATION_OK
    + typed(b"S", b"server_version\x0015\0")
    + typed(b"K", struct.pack(">II", 1, 2))
    + typed(b"Z", b"I")
)


def send(data: bytes) -> Say:
    return lambda peer: peer.sendall(data)


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)


def hear(peer: socket.socket, size: int) -> bytes:
    """So many bytes, or fewer when the client ends before."""
    data = b""
    while len(data) < size and (more := peer.recv(size - len(data))):
        data += more
    return data


def startup(peer: socket.socket) -> bytes:
    """A request or startup message."""
    head = hear(peer, 4)
    return head + hear(peer, struct.unpack(">I", head)[0] - 4) if len(head) == 4 else b""


def session(answer: bytes = WELCOME, *, then: bytes = b"") -> Say:
    """Wait for the startup message, answer it, and stay until the client goes."""

    def say(peer: socket.socket) -> None:
        if startup(peer):
            peer.sendall(answer)
            if then:
                hear(peer, 1)
                peer.sendall(then)
            while peer.recv(1 << 16):
                pass

    return say


def refusal(error: bytes) -> Say:
    """Wait for the startup message, answer with a fatal error and close, as PostgreSQL does."""

    def say(peer: socket.socket) -> None:
        if startup(peer):
            peer.sendall(error)

    return say


def tls(server: Server, inside: Say | None = None, *, version: ssl.TLSVersion | None = None, alpn: bool = False,
        client_ca: str | None = None, ciphers: str = "DEFAULT@SECLEVEL=0", behind_answer: bytes = b"", answer: bytes = b"S", keylog: Path | None = None) -> Say:  # fmt: skip
    """Say S, shake hands with this certificate, and go on inside."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers)
    if version:
        context.minimum_version = context.maximum_version = version
    if keylog:
        context.keylog_filename = str(keylog)
    if alpn:
        context.set_alpn_protocols(["postgresql"])
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_ca)
    with tempfile.TemporaryDirectory() as name:
        certificate, key = Path(name) / "crt", Path(name) / "key"
        certificate.write_text(server.certificate)
        key.write_text(server.key)
        context.load_cert_chain(certificate, key)

    def say(peer: socket.socket) -> None:
        peer.sendall(answer + behind_answer)
        with context.wrap_socket(peer.dup(), server_side=True) as wrapped:
            (inside or session())(wrapped)

    return say


def then(*acts: Say) -> Say:
    def say(peer: socket.socket) -> None:
        for act in acts:
            act(peer)

    return say


class Mock:
    """Answers SSLRequest with `answer`, a startup message in plaintext with `plain`, and GSSENCRequest with `gss`."""

    def __init__(self, answer: Say, plain: bytes = WELCOME, gss: Say | None = None, direct: Say | None = None) -> None:
        self.answer, self.plain, self.gss, self.direct = answer, plain, gss, direct
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                peer, _ = self.listener.accept()
                threading.Thread(target=self._speak, args=(peer,), daemon=True).start()

    def _speak(self, peer: socket.socket) -> None:
        peer.settimeout(PATIENCE)
        with peer, contextlib.suppress(OSError):
            if self.direct and peer.recv(1, socket.MSG_PEEK) == b"\x16":
                self.direct(peer)
                return
            request = startup(peer)
            if request == GSSENC_REQUEST:
                if self.gss:
                    self.gss(peer)
                    return
                peer.sendall(b"N")
                request = startup(peer)
            if request == SSL_REQUEST:
                self.answer(peer)
            elif request:
                peer.sendall(self.plain)
                while not self.plain.startswith(b"E") and peer.recv(1 << 16):  # an error ends it, as in PostgreSQL
                    pass


@contextmanager
def mock(answer: Say, **how) -> Iterator[Mock]:
    made = Mock(answer, **how)
    try:
        yield made
    finally:
        made.listener.close()
