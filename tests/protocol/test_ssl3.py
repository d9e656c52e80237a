"""SSL 3.0, as tlslite-ng speaks it: the builds of OpenSSL and GnuTLS at hand have it no more."""

from __future__ import annotations

import hashlib
import socket
import threading
from pathlib import Path

import hypothesis
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey

from tests import openssl, wire
from tracer import serverkey
from tracer.protocol import keys
from tracer.protocol.ciphers import mac_of
from tracer.protocol.fields import content, first, leaves
from tracer.protocol.keys import Keys
from tracer.trace import Trace

SUITES = [  # as tlslite-ng names the key exchange, the cipher and the MAC, and as it is registered
    ("rsa", "rc4", "md5", "TLS_RSA_WITH_RC4_128_MD5"),
    ("rsa", "rc4", "sha", "TLS_RSA_WITH_RC4_128_SHA"),
    ("rsa", "3des", "sha", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    ("rsa", "aes128", "sha", "TLS_RSA_WITH_AES_128_CBC_SHA"),
    ("rsa", "aes256", "sha", "TLS_RSA_WITH_AES_256_CBC_SHA"),
    ("rsa", "null", "md5", "TLS_RSA_WITH_NULL_MD5"),
    ("rsa", "null", "sha", "TLS_RSA_WITH_NULL_SHA"),
    ("dhe_rsa", "3des", "sha", "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    ("dhe_rsa", "aes256", "sha", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
]
SSL_3_0, TLS_1_0, TLS_1_1 = (3, 0), (3, 1), (3, 2)
LINES = [b"one line\n", b"", b"another\n" * 100, b"a last one\n"]


class Said(socket.socket):
    """A socket that notes what is sent."""

    sender = ""
    said: list[wire.Say]

    def send(self, data: bytes, *flags: int) -> int:
        self.sendall(data, *flags)
        return len(data)

    def sendall(self, data: bytes, *flags: int) -> None:
        self.said.append((self.sender, bytes(data)))
        super().sendall(data, *flags)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ssl3")
    openssl.identity(folder, "rsa", rsa.generate_private_key(65537, 2048))
    return folder / "rsa"


def settings(version: tuple[int, int], exchange: str, cipher: str, mac: str) -> HandshakeSettings:
    made = HandshakeSettings()
    made.minVersion = made.maxVersion = version
    made.keyExchangeNames, made.cipherNames, made.macNames = [exchange], [cipher], [mac]
    return made


def spoken(identity: Path, chosen: HandshakeSettings) -> tuple[list[wire.Say], Keys]:
    """A connection in which both sides say some lines, and its master secret as a line of a key log."""
    said: list[wire.Say] = []
    ends = {}
    for sender, end in zip(("client", "server"), socket.socketpair(), strict=True):
        ends[sender] = Said(end.family, end.type, end.proto, end.detach())
        ends[sender].sender, ends[sender].said = sender, said
        ends[sender].settimeout(openssl.PATIENCE)
    chain = X509CertChain()
    chain.parsePemList(identity.with_suffix(".crt").read_text())
    key = parsePEMKey(identity.with_suffix(".key").read_text(), private=True)
    client, server = TLSConnection(ends["client"]), TLSConnection(ends["server"])
    waiting = threading.Thread(
        target=server.handshakeServer, kwargs={"certChain": chain, "privateKey": key, "settings": chosen}
    )
    waiting.start()
    client.handshakeClientCert(settings=chosen)
    waiting.join()
    for line in LINES:
        for near, far in ((client, server), (server, client)):
            near.write(line)
            assert not line or far.read(min=len(line), max=len(line)) == line
    for end in ends.values():
        end.close()
    log = Keys()
    random = first_message(said).hex()
    assert log.add(f"CLIENT_RANDOM {random} {client.session.masterSecret.hex()}".encode()) == 1
    return said, log


def first_message(said: list[wire.Say]) -> bytes:
    """The ClientHello's random."""
    return b"".join(data for sender, data in said if sender == "client")[11:43]


def opened(said: list[wire.Say], log: Keys) -> Trace:
    """The trace of a connection of which all was opened, and all lines were read."""
    trace = wire.follow(wire.packets(said), log)
    assert trace.tls.keys == "all"
    for sender in ("client", "server"):
        assert b"".join(m.data for m in trace.every("Unread", sender)) == b"".join(LINES)
    assert [m.kind for m in trace.messages if m.problem and m.kind != "Unread"] == []
    return trace


@pytest.mark.parametrize(("exchange", "cipher", "mac", "name"), SUITES)
def test_a_suite_of_ssl_3(identity: Path, exchange: str, cipher: str, mac: str, name: str) -> None:
    """Messages, names and records, all of it opened."""
    trace = opened(*spoken(identity, settings(SSL_3_0, exchange, cipher, mac)))
    assert (trace.tls.version, trace.tls.cipher_suite) == ("SSL 3.0", name)
    for finished in trace.every("Finished"):
        assert [(f.name, f.stop - f.start) for f in finished.fields[2:]] == [("md5_hash", 16), ("sha_hash", 20)]


@pytest.mark.parametrize("version", [TLS_1_0, TLS_1_1])
@pytest.mark.parametrize("cipher", ["rc4", "3des"])
def test_the_same_ciphers_in_tls(identity: Path, version: tuple[int, int], cipher: str) -> None:
    """RC4 and 3DES with the MAC and the padding of TLS."""
    trace = opened(*spoken(identity, settings(version, "rsa", cipher, "sha")))
    assert trace.tls.version == {TLS_1_0: "TLS 1.0", TLS_1_1: "TLS 1.1"}[version]


@pytest.mark.parametrize("cipher", ["rc4", "aes128"])
def test_the_servers_own_key(identity: Path, cipher: str) -> None:
    """The pre-master secret stands without a length in front (RFC 6101 §5.6.7.1), and opens the connection."""
    said, _ = spoken(identity, settings(SSL_3_0, "rsa", cipher, "sha"))
    trace = opened(said, Keys(decrypt=serverkey.load(f"{identity}.key")))
    sealed = first(trace.of("ClientKeyExchange").fields, "encrypted_pre_master_secret")
    assert (len(sealed.value), content(sealed)) == (256, b"")


@pytest.mark.parametrize(("cipher", "split"), [("rc4", b""), ("aes128", b"a")])
def test_a_record_that_was_not_captured_whole(identity: Path, cipher: str, split: bytes) -> None:
    """It stays sealed; RC4's key stream, and the chain of CBC, go on behind it.

    With CBC the first byte of a line goes in a record of its own, which makes the next IV hard to guess.
    """
    said, log = spoken(identity, settings(SSL_3_0, "rsa", cipher, "sha"))
    third = max(at for at, (sender, data) in enumerate(said) if sender == "client" and len(data) > 800)
    packets = wire.packets(said, size=100)
    payload = said[third][1][200:300]
    lost = next(p for p in packets if p.payload == payload)
    trace = wire.follow([p for p in packets if p is not lost], log)
    assert trace.tls.keys == "some"
    assert len(list(trace.every("Sealed"))) == 1
    assert b"".join(m.data for m in trace.every("Unread", "client") if m.opened) == LINES[0] + split + LINES[3]


@pytest.fixture(scope="module")
def several(identity: Path) -> list[tuple[list[wire.Say], Keys]]:
    """A stream cipher, a chain of blocks, and no cipher at all."""
    return [spoken(identity, settings(SSL_3_0, "rsa", cipher, "sha")) for cipher in ("rc4", "aes128", "null")]


@hypothesis.settings(max_examples=60, deadline=None)
@given(which=st.integers(0, 2), data=st.data(), junk=st.binary(max_size=60))
def test_the_laws_hold(several, which: int, data: st.DataObject, junk: bytes) -> None:
    """A packet cut, with junk in its place: nothing is raised, messages tile, and nothing is opened that was not said."""
    said, log = several[which]
    packets = wire.packets([("client", wire.SSL_REQUEST), ("server", b"S"), *said])
    at = data.draw(st.integers(4, len(packets) - 1))  # behind SYN, SYN, the request and its answer
    keep = data.draw(st.integers(0, len(packets[at].payload)))
    broken = packets[at]._replace(payload=packets[at].payload[:keep] + junk)
    trace = wire.follow([*packets[:at], broken, *packets[at + 1 :]], log)
    for message in trace.messages:
        assert sum(leaf.stop - leaf.start for leaf in leaves(message.fields)) == message.length
    whole = {(m.sender, m.data) for m in wire.follow(packets, log).messages if m.kind != "Unread"}
    assert {(m.sender, m.data) for m in trace.messages if m.opened and m.kind != "Unread"} <= whole


def test_without_keys(identity: Path) -> None:
    """Hellos, certificate and key exchange are read; the Finished are sealed."""
    trace = wire.follow(wire.packets(spoken(identity, settings(SSL_3_0, "dhe_rsa", "aes128", "sha"))[0]))
    assert (trace.tls.version, trace.tls.keys) == ("SSL 3.0", "none")
    kinds = [m.kind for m in trace.messages if m.layer == "tls"]
    assert kinds[:6] == (
        ["ClientHello", "ServerHello", "Certificate", "ServerKeyExchange", "ServerHelloDone", "ClientKeyExchange"]
    )
    assert set(kinds[6:]) == {"ChangeCipherSpec", "Sealed"}
    assert len(trace.certificates) == 1
    exchange = trace.of("ServerKeyExchange")
    assert [f.name for f in exchange.fields[2:]] == ["dh_p", "dh_g", "dh_Ys", "signature"]


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def test_the_key_block() -> None:
    """MD5 of the secret and of a SHA-1 with A, BB, CCC … in front (RFC 6101 §6.2.2), as long as it has to be."""
    secret, seed = b"m" * 48, b"s" * 64
    parts = [md5(secret + sha1(salt + secret + seed)) for salt in (b"A", b"BB", b"CCC")]
    assert keys.expand_ssl_3(secret, seed, 48) == b"".join(parts)
    assert keys.expand_ssl_3(secret, seed, 33) == b"".join(parts)[:33]


def test_a_mac_of_ssl_3() -> None:
    """Two pads, and no version (RFC 6101 §5.2.3.1)."""
    inner = md5(b"k" * 16 + b"6" * 48 + bytes(7) + b"\5" + b"\x17" + b"\0\2" + b"hi")
    wanted = md5(b"k" * 16 + b"\\" * 48 + inner)
    assert mac_of("md5", b"k" * 16, bytes.fromhex("1703000012"), 5, b"hi") == wanted
    assert len(mac_of("sha1", b"k" * 20, bytes.fromhex("1703000016"), 5, b"hi")) == 20
