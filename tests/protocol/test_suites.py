"""Every cipher suite that OpenSSL 3 and OpenSSL 1.1.1 can agree on: its records open, whichever of them is the server."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from tests import libssl, openssl, wire
from tracer.protocol.ciphers import suite
from tracer.protocol.numbers import CIPHER_SUITES

pytestmark = pytest.mark.skipif(not libssl.present(), reason="OpenSSL 1.1.1 comes with PostgreSQL 18 from npm")

# Suites that are agreed on, and what this tool does not open: `cryptography` has no ARIA.
SEALED = "ARIA"
# Suites that are not agreed on here: a server would need a file of SRP verifiers.
NOT_SPOKEN = "SRP-"
SEED = ["DHE-RSA-SEED-SHA", "DHE-DSS-SEED-SHA", "ADH-SEED-SHA", "SEED-SHA"]  # which only OpenSSL 1.1.1 speaks
TLS_13 = [name for name in CIPHER_SUITES.values() if name.startswith(("TLS_AES_", "TLS_CHACHA20_"))]


def agreed() -> list[str]:
    if not libssl.present():
        return []
    here, there = libssl.library("3").suites(), libssl.library("1.1.1").suites()
    return [name for name in here if name in there and NOT_SPOKEN not in name]


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
@pytest.mark.parametrize("name", agreed())
def test_a_suite_of_tls_12(identities: tuple[Path, ...], name: str, client: str, server: str) -> None:
    """All of it opens, or nothing does where the library at hand lacks the cipher."""
    keys, called = spoken(libssl.Pair(client, server, ciphers=name, identities=identities))
    assert keys == ("none" if SEALED in name else "all")
    assert (suite(called) is None) == (SEALED in name)


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


def test_how_many_they_agree_on() -> None:
    """The table is not empty, and what is left out of it is known."""
    assert len(agreed()) > 140
    assert set(libssl.library("1.1.1").suites()) - set(libssl.library("3").suites()) == set(SEED)
