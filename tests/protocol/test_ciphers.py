"""Every cipher suite that the local OpenSSL can agree on with itself: its records open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import openssl, wire
from tracer import serverkey
from tracer.protocol.ciphers import suite
from tracer.protocol.keys import Keys
from tracer.protocol.numbers import CIPHER_SUITES
from tracer.trace import Trace

TLS_13 = [name for name in CIPHER_SUITES.values() if name.startswith(("TLS_AES_", "TLS_CHACHA20_"))]
# Their server would need a DSA certificate, or a file of SRP verifiers.
NOT_SPOKEN = ("-DSS-", "SRP-")
# The library at hand has no ARIA: these stay sealed.
SEALED = "ARIA"
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
    """With the key log every record opens; those of a cipher that nobody has here stay sealed."""
    said, log = openssl.connect(port, "-tls1_2", "-cipher", f"{name}:@SECLEVEL=0")
    if SEALED in name:
        trace = wire.follow(wire.packets(said), logged(log))
        assert trace.tls is not None
        assert trace.tls.keys == "none"
        assert suite(trace.tls.cipher_suite or "") is None
    else:
        assert opened(said, logged(log)).of("ClientKeyExchange") is not None


@pytest.mark.parametrize("name", TLS_13)
def test_a_suite_of_tls_13(port: int, name: str) -> None:
    """The same with TLS 1.3."""
    said, log = openssl.connect(port, "-tls1_3", "-ciphersuites", name)
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
    assert suite("TLS_RSA_WITH_RC4_128_SHA") is None
