"""Connections made in memory: real TLS through `ssl.MemoryBIO`, PostgreSQL around it, packets without a socket."""

from __future__ import annotations

import contextlib
import datetime as dt
import ssl
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

import tracer
from tracer.packets.source import ACK, FIN, RST, SYN, Packet, Source, reverse
from tracer.protocol.ciphers import nonce
from tracer.protocol.keys import Keys, expand_label
from tracer.protocol.records import ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE, is_header, records
from tracer.trace import Trace

CLIENT = bytes([10, 0, 0, 1, 10, 0, 0, 2]) + struct.pack(">HH", 40000, 5432)
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
STARTUP = struct.pack(">I", 4 + 4 + 9) + bytes.fromhex("00030000") + b"user\0me\0\0"
CANCEL = bytes.fromhex("00000010 04d2162e 00000001 00000002")
WELCOME = b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\x05I"
Say = tuple[str, bytes]


@cache
def certificate() -> tuple[str, str]:
    """Files of a throwaway certificate for db.example, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "db.example")])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("db.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = Path(tempfile.mkdtemp())
    pem = serialization.Encoding.PEM
    (folder / "crt").write_bytes(made.public_bytes(pem))
    (folder / "key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "crt"), str(folder / "key")


@dataclass
class Tls:
    """A handshake between two real peers: what each said, in order, and the key log."""

    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: str | None = None
    identity: tuple[str, str] | None = None  # files of the server's chain and key
    name: str | None = "db.example"  # that the client asks for
    alpn: str | None = None  # that the client offers
    ask: bool = False  # the server asks for a client certificate, and takes none for an answer
    curve: str | None = None  # the server's only group: another than the client's first makes a HelloRetryRequest
    late: bool = False  # it asks behind the handshake, once both have spoken
    talk: tuple[Say, ...] = (("client", STARTUP), ("server", WELCOME))  # inside TLS
    said: list[Say] = field(default_factory=list)
    log: bytes = b""

    def run(self) -> Tls:
        """Shake hands, and say inside what there is to say."""
        crt, key = self.identity or certificate()
        with tempfile.NamedTemporaryFile() as keylog:
            ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ours.check_hostname, ours.verify_mode = False, ssl.CERT_NONE
            ours.keylog_filename = keylog.name
            ours.post_handshake_auth = self.late
            if self.alpn:
                ours.set_alpn_protocols([self.alpn])
            if self.late:
                ours.load_cert_chain(crt, key)
            if self.ask or self.late:
                theirs.verify_mode = ssl.CERT_OPTIONAL
                theirs.load_verify_locations(crt)
            for context in (ours, theirs):
                context.minimum_version = context.maximum_version = self.version
                if self.ciphers:
                    context.set_ciphers(self.ciphers)
            if self.curve:
                theirs.set_ecdh_curve(self.curve)
            theirs.load_cert_chain(crt, key)  # behind the ciphers, which may lower the security level
            theirs.post_handshake_auth = self.late
            bios = [ssl.MemoryBIO() for _ in range(4)]
            client = ours.wrap_bio(bios[0], bios[1], server_hostname=self.name)
            server = theirs.wrap_bio(bios[2], bios[3], server_side=True)
            self._shake(client, server, bios)
            peers = {"client": (client, bios[1], bios[2], server), "server": (server, bios[3], bios[0], client)}
            for sender, words in self.talk:
                speaker, out, into, listener = peers[sender]
                speaker.write(words)
                self._move(sender, out, into)
                listener.read()
            if self.late:
                self._ask_late(client, server, bios)
            self.log = Path(keylog.name).read_bytes()
        return self

    def _shake(self, client: ssl.SSLObject, server: ssl.SSLObject, bios: list[ssl.MemoryBIO]) -> None:
        for _ in range(6):
            for peer, name, out, into in ((client, "client", bios[1], bios[2]), (server, "server", bios[3], bios[0])):
                with contextlib.suppress(ssl.SSLWantReadError):
                    peer.do_handshake()
                self._move(name, out, into)

    def _ask_late(self, client: ssl.SSLObject, server: ssl.SSLObject, bios: list[ssl.MemoryBIO]) -> None:
        server.verify_client_post_handshake()
        server.do_handshake()
        self._move("server", bios[3], bios[0])
        for peer, name, out, into in ((client, "client", bios[1], bios[2]), (server, "server", bios[3], bios[0])):
            with contextlib.suppress(ssl.SSLWantReadError):
                peer.read()
            self._move(name, out, into)

    def _move(self, sender: str, out: ssl.MemoryBIO, into: ssl.MemoryBIO) -> None:
        data = out.read()
        if data:
            self.said.append((sender, data))
            into.write(data)

    def preambled(self) -> list[Say]:
        """With the request in front."""
        return [("client", SSL_REQUEST), ("server", b"S"), *self.said]

    def keys(self) -> Keys:
        keys = Keys()
        keys.add(self.log)
        return keys


def in_small_records(said: list[Say], size: int) -> list[Say]:
    """The same with no handshake or alert record in clear longer than `size`; what is not TLS stays as it is."""
    changed = {"client": False, "server": False}

    def cut(sender: str, data: bytes) -> Iterator[bytes]:
        for record in records(data, 0):
            body = data[record.body : record.stop]
            changed[sender] |= record.type == CHANGE_CIPHER_SPEC
            clear = record.type in (HANDSHAKE, ALERT) and not changed[sender]
            for at in range(0, len(body), size if clear else len(body)):
                part = body[at : at + (size if clear else len(body))]
                yield data[record.start : record.start + 3] + len(part).to_bytes(2, "big") + part

    return [(sender, b"".join(cut(sender, data)) if is_header(data, 0) else data) for sender, data in said]


def sealed(secret: bytes, plaintext: bytes, sequence: int) -> bytes:
    """A record of TLS_AES_128_GCM_SHA256; the content type and its padding stand at the plaintext's end."""
    key, iv = expand_label("sha256", secret, b"key", 16), expand_label("sha256", secret, b"iv", 12)
    header = b"\x17\3\3" + (len(plaintext) + 16).to_bytes(2, "big")
    return header + AESGCM(key).encrypt(nonce(iv, sequence), plaintext, header)


def packets(
    said: list[Say], *, size: int = 1400, start: int = 1000, close: str = "fin", syn: bool = True
) -> list[Packet]:
    """The packets of a connection in which that was said; `close` is fin, rst, client or server (its FIN only) or nothing."""
    at = {"client": start, "server": (start + 7777) & 0xFFFFFFFF}
    made: list[Packet] = []

    def send(sender: str, flags: int, payload: bytes = b"") -> None:
        flow = CLIENT if sender == "client" else reverse(CLIENT)
        other = "server" if sender == "client" else "client"
        number = len(made) + 1
        made.append(Packet(number, 1000.0 + number / 1000, flow, at[sender], at[other], flags, payload))
        at[sender] = (at[sender] + len(payload) + bool(flags & (SYN | FIN))) & 0xFFFFFFFF

    if syn:
        send("client", SYN)
        send("server", SYN | ACK)
    for sender, data in said:
        for offset in range(0, len(data), size):
            send(sender, ACK, data[offset : offset + size])
    if close in ("fin", "client"):
        send("client", FIN | ACK)
    if close in ("fin", "server"):
        send("server", FIN | ACK)
    if close == "rst":
        send("client", RST)
    return made


def source(given: list[Packet]) -> Source:
    """A source of these packets."""

    def walk(_: Source) -> Iterator[Packet]:
        yield from given

    return Source("wire", walk)


def follow(given: list[Packet], keys: Keys | None = None) -> Trace:
    """The trace of the only connection in these packets."""
    (connection,) = tracer.reassemble(source(given), all_tls=True)
    return tracer.follow(connection, keys)


def spoken(*said: Say, **how) -> Trace:
    """The trace of a connection in which that was said in clear."""
    return follow(packets(list(said), **how))
