"""Every cipher suite that OpenSSL 3 and OpenSSL 1.1.1 can agree on: its records open, whichever of them is the server."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from tests import libssl, openssl, wire
from tracer.protocol.ciphers import suite
from tracer.protocol.numbers import CIPHER_SUITES

pytestmark = pytest.mark.skipif(not libssl.present(), reason="OpenSSL 1.1.1 comes with PostgreSQL 18 from npm")

AGREED = {  # cipher and MAC: the key exchanges with which both versions have it
    "AES_128_CBC_SHA": "DHE_DSS DHE_PSK DHE_RSA DH_anon ECDHE_ECDSA ECDHE_PSK ECDHE_RSA ECDH_anon PSK RSA RSA_PSK "
    "SRP_SHA SRP_SHA_DSS SRP_SHA_RSA",
    "AES_128_CBC_SHA256": "DHE_DSS DHE_PSK DHE_RSA DH_anon ECDHE_ECDSA ECDHE_PSK ECDHE_RSA PSK RSA RSA_PSK",
    "AES_128_CCM": "DHE_PSK DHE_RSA ECDHE_ECDSA PSK RSA",
    "AES_128_CCM_8": "DHE_RSA ECDHE_ECDSA PSK PSK_DHE RSA",
    "AES_128_GCM_SHA256": "DHE_DSS DHE_PSK DHE_RSA DH_anon ECDHE_ECDSA ECDHE_RSA PSK RSA RSA_PSK",
    "AES_256_CBC_SHA": "DHE_DSS DHE_PSK DHE_RSA DH_anon ECDHE_ECDSA ECDHE_PSK ECDHE_RSA ECDH_anon PSK RSA RSA_PSK "
    "SRP_SHA SRP_SHA_DSS SRP_SHA_RSA",
    "AES_256_CBC_SHA256": "DHE_DSS DHE_RSA DH_anon RSA",
    "AES_256_CBC_SHA384": "DHE_PSK ECDHE_ECDSA ECDHE_PSK ECDHE_RSA PSK RSA_PSK",
    "AES_256_CCM": "DHE_PSK DHE_RSA ECDHE_ECDSA PSK RSA",
    "AES_256_CCM_8": "DHE_RSA ECDHE_ECDSA PSK PSK_DHE RSA",
    "AES_256_GCM_SHA384": "DHE_DSS DHE_PSK DHE_RSA DH_anon ECDHE_ECDSA ECDHE_RSA PSK RSA RSA_PSK",
    "ARIA_128_GCM_SHA256": "DHE_DSS DHE_PSK DHE_RSA ECDHE_ECDSA ECDHE_RSA PSK RSA RSA_PSK",
    "ARIA_256_GCM_SHA384": "DHE_DSS DHE_PSK DHE_RSA ECDHE_ECDSA ECDHE_RSA PSK RSA RSA_PSK",
    "CAMELLIA_128_CBC_SHA": "DHE_DSS DHE_RSA DH_anon RSA",
    "CAMELLIA_128_CBC_SHA256": "DHE_DSS DHE_PSK DHE_RSA DH_anon ECDHE_ECDSA ECDHE_PSK ECDHE_RSA PSK RSA RSA_PSK",
    "CAMELLIA_256_CBC_SHA": "DHE_DSS DHE_RSA DH_anon RSA",
    "CAMELLIA_256_CBC_SHA256": "DHE_DSS DHE_RSA DH_anon RSA",
    "CAMELLIA_256_CBC_SHA384": "DHE_PSK ECDHE_ECDSA ECDHE_PSK ECDHE_RSA PSK RSA_PSK",
    "CHACHA20_POLY1305_SHA256": "DHE_PSK DHE_RSA ECDHE_ECDSA ECDHE_PSK ECDHE_RSA PSK RSA_PSK",
    "NULL_MD5": "RSA",
    "NULL_SHA": "DHE_PSK ECDHE_ECDSA ECDHE_PSK ECDHE_RSA ECDH_anon PSK RSA RSA_PSK",
    "NULL_SHA256": "DHE_PSK ECDHE_PSK PSK RSA RSA_PSK",
    "NULL_SHA384": "DHE_PSK ECDHE_PSK PSK RSA_PSK",
}
SEED = ["DHE-RSA-SEED-SHA", "DHE-DSS-SEED-SHA", "ADH-SEED-SHA", "SEED-SHA"]  # which only OpenSSL 1.1.1 speaks
TLS_13 = [name for name in CIPHER_SUITES.values() if name.startswith(("TLS_AES_", "TLS_CHACHA20_"))]
# Registered suites that stay sealed, by a part of their name.
SEALED = {
    "NULL_WITH_NULL_NULL": "what a connection has before anything is agreed on",
    "EXPORT": "keys of 40 or 56 bits, which no library at hand speaks any more",
    "_DES_": "single DES, removed by RFC 5469",
    "IDEA": "removed by RFC 5469: OpenSSL 1.1.1 from npm was built without it, GnuTLS never had it",
    "ARIA_128_CBC": "registered by RFC 6209, but OpenSSL has ARIA in GCM only",
    "ARIA_256_CBC": "registered by RFC 6209, but OpenSSL has ARIA in GCM only",
    "GOST": "spoken by a GOST engine only",
    "28147": "spoken by a GOST engine only",
    "SM4": "spoken by Tongsuo and GmSSL only (RFC 8998)",
    "AEGIS": "in no library at hand",
    "SHA256_SHA256": "TLS 1.3 without encryption (RFC 9150), which OpenSSL has from 3.4 on",
    "SHA384_SHA384": "TLS 1.3 without encryption (RFC 9150), which OpenSSL has from 3.4 on",
    "SCSV": "a signal, never a suite that is agreed on",
    "FORTEZZA": "of SSL 3.0, never registered for TLS",
    "FIPS": "of Netscape, never registered",
}


def agreed() -> dict[str, str]:
    """What both versions have: OpenSSL's name to the registered one."""
    if not libssl.present():
        return {}
    here, there = libssl.library("3").suites(), libssl.library("1.1.1").suites()
    return {name: registered for name, registered in here.items() if name in there}


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    folder = tmp_path_factory.mktemp("suites")
    openssl.identity(folder, "rsa", rsa.generate_private_key(65537, 2048))
    openssl.identity(folder, "ec", ec.generate_private_key(ec.SECP256R1()))
    openssl.identity(folder, "dsa", dsa.generate_private_key(2048))
    return tuple(folder / name for name in ("rsa", "ec", "dsa"))


def spoken(pair: libssl.Pair) -> tuple[str, str]:
    """What the trace says of the keys and of the suite, once each side has said one line and the other has read it."""
    client, server = pair.connect()
    assert pair.say(client, server, b"from the client") == b"from the client"
    assert pair.say(server, client, b"from the server") == b"from the server"
    trace = wire.follow(wire.packets(pair.said), pair.keys())
    assert trace.tls is not None
    if trace.tls.keys == "all":
        assert [m.data for m in trace.every("Unread")] == [b"from the client", b"from the server"]
        assert [m.kind for m in trace.messages if m.problem and m.kind != "Unread"] == []
    return trace.tls.keys, trace.tls.cipher_suite or ""


@pytest.mark.parametrize(("client", "server"), [("3", "1.1.1"), ("1.1.1", "3")])
@pytest.mark.parametrize(("name", "registered"), agreed().items())
def test_a_suite_of_tls_12(identities: tuple[Path, ...], name: str, registered: str, client: str, server: str) -> None:
    """All of it opens."""
    assert spoken(libssl.Pair(client, server, ciphers=name, identities=identities)) == ("all", registered)


@pytest.mark.parametrize(("client", "server"), [("3", "1.1.1"), ("1.1.1", "3")])
@pytest.mark.parametrize("name", TLS_13)
def test_a_suite_of_tls_13(identities: tuple[Path, ...], name: str, client: str, server: str) -> None:
    """The same with TLS 1.3."""
    pair = libssl.Pair(client, server, libssl.TLS_1_3, name, identities)
    assert spoken(pair) == ("all", name)


@pytest.mark.parametrize("name", SEED)
def test_a_suite_that_openssl_3_has_no_more(identities: tuple[Path, ...], name: str) -> None:
    """SEED, between two of OpenSSL 1.1.1."""
    assert spoken(libssl.Pair("1.1.1", "1.1.1", ciphers=name, identities=identities))[0] == "all"


def test_what_they_agree_on() -> None:
    """The table above, and nothing else."""
    table = [f"TLS_{exchange}_WITH_{cipher}" for cipher, exchanges in AGREED.items() for exchange in exchanges.split()]
    assert sorted(agreed().values()) == sorted(table)
    assert set(libssl.library("1.1.1").suites()) - set(libssl.library("3").suites()) == set(SEED)


def test_what_stays_sealed() -> None:
    """Of all registered suites those of the table, each for its reason, and no others."""
    sealed = [name for name in CIPHER_SUITES.values() if suite(name) is None]
    assert [name for name in sealed if not any(part in name for part in SEALED)] == []
    opened = [name for name in CIPHER_SUITES.values() if suite(name) is not None]
    assert [name for name in opened if any(part in name for part in SEALED)] == []
