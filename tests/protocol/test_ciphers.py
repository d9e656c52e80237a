"""Every cipher suite that the local OpenSSL can agree on with itself: its records open."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests import openssl, wire
from tracer import serverkey
from tracer.protocol import ciphers
from tracer.protocol.ciphers import suite
from tracer.protocol.keys import Keys
from tracer.protocol.numbers import CIPHER_SUITES
from tracer.trace import Trace

TLS_13 = [name for name in CIPHER_SUITES.values() if name.startswith(("TLS_AES_", "TLS_CHACHA20_"))]
# Their server would need a DSA certificate, or a file of SRP verifiers.
NOT_SPOKEN = ("-DSS-", "SRP-")
SPOKEN = [name for name in openssl.suites() if not any(part in f"-{name}" for part in NOT_SPOKEN)]
CBC = ["AES128-SHA", "ECDHE-RSA-AES256-SHA384", "DHE-RSA-CAMELLIA128-SHA256", "PSK-AES128-CBC-SHA"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("openssl")


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    with openssl.server(folder, "-ciphersuites", ":".join(TLS_13)) as listening:
        yield listening


def opened(said: list[wire.Say], keys: Keys) -> Trace:
    """The trace of a connection in which nothing stays sealed and the client's line is read."""
    trace = wire.follow(wire.packets(said), keys)
    assert trace.tls is not None
    assert trace.of("Sealed") is None
    assert trace.tls.keys == "all"
    (line,) = trace.every("Unread", "client")
    assert line.data == openssl.LINE
    assert [m.problem for m in trace.messages if m.kind != "Unread"] == [None] * (
        len(trace.messages) - len(list(trace.every("Unread")))
    )
    return trace


def logged(log: bytes) -> Keys:
    keys = Keys()
    assert keys.add(log) > 0
    return keys


@pytest.mark.parametrize("name", SPOKEN)
def test_a_suite_of_tls_12(port: int, name: str) -> None:
    """With the key log every record opens."""
    said, log = openssl.connect(port, "-tls1_2", "-cipher", f"{name}:@SECLEVEL=0")
    assert opened(said, logged(log)).of("ClientKeyExchange") is not None


@pytest.mark.parametrize("name", TLS_13)
def test_a_suite_of_tls_13(port: int, name: str) -> None:
    """The same with TLS 1.3."""
    said, log = openssl.connect(port, "-tls1_3", "-ciphersuites", name, "-cipher", "ALL:@SECLEVEL=0")
    trace = opened(said, logged(log))
    assert trace.tls is not None
    assert trace.tls.cipher_suite == name


@pytest.mark.parametrize("name", CBC)
def test_a_mac_inside(port: int, name: str) -> None:
    """Without encrypt_then_mac the MAC stands inside the encryption."""
    said, log = openssl.connect(port, "-tls1_2", "-no_etm", "-cipher", f"{name}:@SECLEVEL=0")
    opened(said, logged(log))


@pytest.mark.parametrize("etm", [(), ("-no_etm",)], ids=["etm", "no_etm"])
@pytest.mark.parametrize("name", ["ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "AES128-SHA", "NULL-SHA"])
@pytest.mark.parametrize(("version", "called"), [("-tls1", "TLS 1.0"), ("-tls1_1", "TLS 1.1")])
def test_before_tls_12(port: int, version: str, called: str, name: str, etm: tuple[str, ...]) -> None:
    """TLS 1.0 chains its IVs, TLS 1.1 sends them; both have the older PRF and unnamed signatures."""
    said, log = openssl.connect(port, version, *etm, "-cipher", f"{name}:@SECLEVEL=0")
    trace = opened(said, logged(log))
    assert trace.tls is not None
    assert trace.tls.version == called


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1", "-tls1_2"])
def test_the_servers_own_key(port: int, folder: Path, version: str) -> None:
    """Where the pre-master secret was encrypted to the server's RSA key, that key opens the connection."""
    said, _ = openssl.connect(port, version, "-cipher", "AES128-SHA:@SECLEVEL=0")
    opened(said, Keys(decrypt=serverkey.load(str(folder / "rsa.key"))))


def test_a_premaster_secret(port: int, folder: Path) -> None:
    """Both kinds of line: by the ClientHello's random, and by the first bytes of the encrypted secret."""
    said, _ = openssl.connect(port, "-tls1_2", "-cipher", "AES128-GCM-SHA256")
    decrypt = serverkey.load(str(folder / "rsa.key"))
    trace = opened(said, Keys(decrypt=decrypt))
    sealed = trace.of("ClientKeyExchange").data[6:]  # behind the header and the length
    premaster, random = decrypt(sealed).hex(), trace.of("ClientHello").data[6:38].hex()
    for line in (f"PMS_CLIENT_RANDOM {random} {premaster}", f"RSA {sealed[:8].hex()} {premaster}"):
        opened(said, logged(line.encode()))


def test_names() -> None:
    """A suite is known by the parts of its name."""
    assert suite("TLS_PSK_DHE_WITH_AES_128_CCM_8").tag == 8
    assert suite("TLS_RSA_WITH_AES_256_CBC_SHA256").mac_key == 32
    assert suite("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384").hash == "sha384"
    assert suite("TLS_RSA_WITH_NULL_MD5").key == 0
    assert suite("TLS_RSA_WITH_3DES_EDE_CBC_SHA").block == 8
    assert suite("TLS_RSA_WITH_RC4_128_SHA").mac_key == 20
    assert suite("TLS_ECDHE_PSK_WITH_ARIA_256_GCM_SHA384").key == 32
    assert suite("TLS_RSA_WITH_ARIA_128_CBC_SHA256") is None


HEADER = bytes.fromhex("1703030000")


@pytest.mark.parametrize("size", [0, 1, 7, 8, 15, 16, 23])
def test_shorter_than_a_tag(size: int) -> None:
    """A record that has no room for nonce and tag, or for a MAC, opens nothing and is named for it."""
    gcm = suite("TLS_RSA_WITH_AES_128_GCM_SHA256")
    with pytest.raises(ValueError, match="shorter than a tag"):
        ciphers.Sealed12(ciphers.aead(gcm, bytes(16)), bytes(4), gcm.tag).open(HEADER, bytes(size), 0)
    with pytest.raises(ValueError, match="another MAC"):
        ciphers.Maced("sha1", bytes(20)).open(HEADER, bytes(size), 0)


def cbc(content: bytes, padding: bytes, *, sequence: int = 0, etm: bool = False) -> tuple[ciphers.Blocks, bytes]:
    """A record of AES_128_CBC_SHA, sealed here, and the box that opens it."""
    made = suite("TLS_RSA_WITH_AES_128_CBC_SHA")
    mac_key, key, iv = b"m" * 20, b"k" * 16, b"i" * 16

    def mac(data: bytes) -> bytes:
        return hmac.digest(mac_key, ciphers.covered(HEADER, sequence, len(data)) + data, "sha1")

    plain = content + (b"" if etm else mac(content)) + padding
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    sealed = iv + encryptor.update(plain) + encryptor.finalize()
    return ciphers.Blocks(made, key, mac_key, None, etm), sealed + (mac(sealed) if etm else b"")


@pytest.mark.parametrize(
    ("content", "padding"),
    [(b"", b"\x0b" * 12), (b"", b"\x1b" * 28), (b"hello", b"\x06" * 7), (b"hello", b"\xf6" * 247)],
)
def test_any_padding(content: bytes, padding: bytes) -> None:
    """From one byte to 256, around empty records too (RFC 5246 §6.2.3.2)."""
    box, body = cbc(content, padding)
    assert box.open(HEADER, body, 0) == content


def test_what_is_no_padding() -> None:
    """Bytes that are not all the same, a MAC that is another's, no whole block, none at all."""
    box, body = cbc(b"hello", b"\5" + b"\6" * 6)
    with pytest.raises(ValueError, match="no padding"):
        box.open(HEADER, body, 0)
    box, body = cbc(b"hello", b"\6" * 7, sequence=1)
    with pytest.raises(ValueError, match="another MAC"):
        box.open(HEADER, body, 0)
    with pytest.raises(ValueError, match="block"):
        box.open(HEADER, body[:20], 0)
    with pytest.raises(ValueError, match="no block"):
        box.open(HEADER, body[:16], 0)
    box, body = cbc(b"hello", b"\x0a" * 11, etm=True)
    assert box.open(HEADER, body, 0) == b"hello"
    with pytest.raises(ValueError, match="another MAC"):
        box.open(HEADER, body[:-1] + bytes([body[-1] ^ 1]), 0)


@pytest.mark.parametrize("etm", [True, False])
def test_a_chain_goes_on_behind_a_lost_record(etm: bool) -> None:
    """TLS 1.0: the last block that went by is the next IV, without the MAC behind it."""
    made = suite("TLS_RSA_WITH_AES_128_CBC_SHA")
    box = ciphers.Blocks(made, bytes(16), bytes(20), bytes(16), etm)
    box.skip(b"a" * 16 + b"b" * 16 + (b"m" * 20 if etm else b""))
    assert box.chained == b"b" * 16
    box.skip(b"short")
    assert box.chained == b"b" * 16


def test_others_have_no_chain() -> None:
    """A lost record changes nothing for an AEAD, a bare MAC, or CBC with IVs of its own."""
    gcm = suite("TLS_RSA_WITH_AES_128_GCM_SHA256")
    sealed = ciphers.aead(gcm, bytes(16))
    boxes = [ciphers.Sealed13(sealed, bytes(12)), ciphers.Sealed12(sealed, bytes(4), 16), ciphers.Maced("md5", b"k")]
    for box in [*boxes, ciphers.Blocks(gcm, bytes(16), b"", None, False)]:
        before = repr(box)
        box.skip(b"a" * 32)
        assert repr(box) == before
