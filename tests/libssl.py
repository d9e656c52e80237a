"""OpenSSL's library itself, 1.1.1 or 3, by ctypes: peers in memory that do what Python's `ssl` has no function for."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.wire import Say
from tracer.protocol.keys import Keys

# PostgreSQL 18 from npm brings OpenSSL 1.1.1 with it
FOLDER = Path(sys.prefix) / "postgres/18/native/lib"
LIBRARIES = {
    "1.1.1": (str(FOLDER / "libcrypto.so.1.1"), str(FOLDER / "libssl.so.1.1")),
    "3": ("libcrypto.so.3", "libssl.so.3"),
}
TLS_1_2, TLS_1_3 = 0x0303, 0x0304
PEM, MIN, MAX, DH_AUTO = 1, 123, 124, 118  # SSL_FILETYPE_PEM, SSL_CTRL_SET_…
UPDATE_REQUESTED = 1
PSK = bytes(range(16))

KeyLog = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)
ClientPsk = ctypes.CFUNCTYPE(
    ctypes.c_uint,
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.POINTER(ctypes.c_char),
    ctypes.c_uint,
    ctypes.POINTER(ctypes.c_char),
    ctypes.c_uint,
)
ServerPsk = ctypes.CFUNCTYPE(
    ctypes.c_uint, ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char), ctypes.c_uint
)
ServerSrp = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


class Library:
    """Functions of one libssl by name; what they return is an address or an int, what they take are both."""

    def __init__(self, version: str) -> None:
        crypto, ssl = LIBRARIES[version]
        self.parts = (ctypes.CDLL(crypto), ctypes.CDLL(ssl))

    def __call__(self, name: str, *given: object) -> int:
        found = next(part for part in reversed(self.parts) if hasattr(part, name))
        function = getattr(found, name)
        function.restype = ctypes.c_void_p if name.endswith(ADDRESSES) else ctypes.c_int
        return function(*(ctypes.c_void_p(x) if isinstance(x, int) and x > 1 << 31 else x for x in given)) or 0

    def suites(self) -> dict[str, str]:
        """Its suites up to TLS 1.2, those without a certificate with them: OpenSSL's name to the registered one."""
        context = self("SSL_CTX_new", self("TLS_method"))
        self("SSL_CTX_set_cipher_list", context, b"ALL:COMPLEMENTOFALL:@SECLEVEL=0")
        stack = self("SSL_CTX_get_ciphers", context)
        each = [self("OPENSSL_sk_value", stack, i) for i in range(self("OPENSSL_sk_num", stack))]
        names = [
            tuple(ctypes.string_at(self(f"SSL_CIPHER_{what}", one)).decode() for what in ("get_name", "standard_name"))
            for one in each
        ]
        self("SSL_CTX_free", context)
        return {ours: registered for ours, registered in names if ours != registered}


def present() -> bool:
    """Whether both versions are installed."""
    return Path(LIBRARIES["1.1.1"][1]).exists()


@cache
def library(version: str) -> Library:
    return Library(version)


class Peer:
    """One end of a connection, with its two BIOs."""

    def __init__(self, lib: Library, context: int, *, server: bool, session: int = 0) -> None:
        self.lib, self.server = lib, server
        self.ssl = lib("SSL_new", context)
        self.into, self.out = lib("BIO_new", lib("BIO_s_mem")), lib("BIO_new", lib("BIO_s_mem"))
        lib("SSL_set_bio", self.ssl, self.into, self.out)
        lib("SSL_set_accept_state" if server else "SSL_set_connect_state", self.ssl)
        if session:
            lib("SSL_set_session", self.ssl, session)

    def take(self) -> bytes:
        """What it wants to send."""
        room = ctypes.create_string_buffer(1 << 17)
        size = self.lib("BIO_read", self.out, room, len(room))
        return room.raw[: max(size, 0)]

    def read(self) -> bytes:
        room = ctypes.create_string_buffer(1 << 17)
        size = self.lib("SSL_read", self.ssl, room, len(room))
        return room.raw[: max(size, 0)]

    def write(self, data: bytes) -> None:
        assert self.lib("SSL_write", self.ssl, data, len(data)) == len(data)

    def ask(self, name: str, *given: object) -> int:
        return self.lib(name, self.ssl, *given)


@dataclass
class Pair:
    """A client and a server of these versions of OpenSSL, what they said, and the key log of both."""

    client: str = "3"
    server: str = "1.1.1"
    version: int = TLS_1_2
    ciphers: str = "ALL"
    identities: tuple[Path, ...] = ()  # without the suffixes .crt and .key
    prepare: Callable[[Library, int, bool], None] = lambda *_: None  # more to do to each context
    said: list[Say] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    kept: list[object] = field(default_factory=list)  # callbacks that C holds
    contexts: dict[bool, int] = field(default_factory=dict)

    def context(self, lib: Library, *, server: bool) -> int:
        made = lib("SSL_CTX_new", lib("TLS_method"))
        for what in (MIN, MAX):
            lib("SSL_CTX_ctrl", made, what, self.version, None)
        listed = self.ciphers
        if self.version == TLS_1_3:
            assert lib("SSL_CTX_set_ciphersuites", made, self.ciphers.encode()) == 1
            listed = "ALL"
        assert lib("SSL_CTX_set_cipher_list", made, f"{listed}:@SECLEVEL=0".encode()) == 1
        keylog = KeyLog(lambda _, line: self.lines.append(line))
        callbacks = [keylog, ClientPsk(_client_psk), ServerPsk(_server_psk)]
        self.kept += callbacks
        lib("SSL_CTX_set_keylog_callback", made, keylog)
        if server:
            lib("SSL_CTX_ctrl", made, DH_AUTO, 1, None)
            for path in self.identities:
                assert lib("SSL_CTX_use_certificate_file", made, f"{path}.crt".encode(), PEM) == 1
                assert lib("SSL_CTX_use_PrivateKey_file", made, f"{path}.key".encode(), PEM) == 1
        if "PSK" in self.ciphers:
            lib(f"SSL_CTX_set_psk_{'server' if server else 'client'}_callback", made, callbacks[2 if server else 1])
        if "SRP" in self.ciphers:
            self.share_password(lib, made, server=server)
        self.prepare(lib, made, server)
        return made

    def share_password(self, lib: Library, context: int, *, server: bool) -> None:
        """Secure Remote Password: a name and a password that both sides know."""
        if not server:
            assert lib("SSL_CTX_set_srp_username", context, b"me") == 1
            assert lib("SSL_CTX_set_srp_password", context, b"secret") == 1
            return
        set_verifier = ServerSrp(lambda ssl, *_: lib("SSL_set_srp_server_param_pw", ssl, b"me", b"secret", b"2048") - 1)
        self.kept.append(set_verifier)
        lib("SSL_CTX_set_srp_username_callback", context, set_verifier)

    def connect(self, session: int = 0) -> tuple[Peer, Peer]:
        """Two ends that have shaken hands; a session of this client's library may be resumed."""
        client, server = self.peers(session)
        self.shake(client, server)
        return client, server

    def peers(self, session: int = 0) -> tuple[Peer, Peer]:
        """Two ends that have said nothing."""
        ends = []
        for server, version in ((False, self.client), (True, self.server)):
            lib = library(version)
            if server not in self.contexts:
                self.contexts[server] = self.context(lib, server=server)
            ends.append(Peer(lib, self.contexts[server], server=server, session=0 if server else session))
        return ends[0], ends[1]

    def shake(self, client: Peer, server: Peer) -> None:
        for _ in range(4):
            for near, far in ((client, server), (server, client)):
                near.ask("SSL_do_handshake")
                self.move(near, far)

    def move(self, near: Peer, far: Peer) -> None:
        """Carry what one end wants to send to the other."""
        data = near.take()
        if data:
            self.said.append(("server" if near.server else "client", data))
            far.lib("BIO_write", far.into, data, len(data))

    def say(self, near: Peer, far: Peer, data: bytes) -> bytes:
        """Write at one end, read at the other, and carry back what that made it answer."""
        near.write(data)
        self.move(near, far)
        heard = far.read()
        self.move(far, near)
        return heard

    def keys(self) -> Keys:
        keys = Keys()
        keys.add(b"\n".join(self.lines))
        return keys


def _client_psk(_ssl: int, _hint: bytes, identity, _room: int, psk, _most: int) -> int:
    ctypes.memmove(identity, b"me\0", 3)
    ctypes.memmove(psk, PSK, len(PSK))
    return len(PSK)


def _server_psk(_ssl: int, _identity: bytes, psk, _most: int) -> int:
    ctypes.memmove(psk, PSK, len(PSK))
    return len(PSK)


ADDRESSES = (
    "_new",
    "_method",
    "BIO_s_mem",
    "SSL_CTX_get_ciphers",
    "OPENSSL_sk_value",
    "SSL_CIPHER_get_name",
    "SSL_CIPHER_standard_name",
    "SSL_get1_session",
)
