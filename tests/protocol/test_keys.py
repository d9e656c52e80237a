"""Opening records: real handshakes of the local OpenSSL, and the vectors of RFC 8448."""

from __future__ import annotations

import ssl

import pytest

from tests import wire
from tracer.protocol.keys import Keys, expand_label, opener

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
SUITES = [
    (V12, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    (V12, "ECDHE-ECDSA-AES256-GCM-SHA384"),
    (V12, "ECDHE-ECDSA-CHACHA20-POLY1305"),
    (V13, None),
]

# RFC 8448 §3: the server's handshake traffic secret, key and iv, and its flight as one record
SERVER_SECRET = bytes.fromhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
SERVER_KEY = bytes.fromhex("3fce516009c21727d0f2e4e86ee403bc")
SERVER_IV = bytes.fromhex("5d313eb2671276ee13000b30")
CLIENT_SECRET = bytes.fromhex("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21")
CLIENT_KEY = bytes.fromhex("dbfaa693d1762c5b666af5d950258d01")
CLIENT_IV = bytes.fromhex("5bd3c71b836e0b76bb73265f")
CLIENT_FINISHED = bytes.fromhex(
    "17030300 3575ec4dc238cce60b298044a71e219c56cc77b0517fe9b93c7a4bfc44d87f38f80338ac98fc46deb384bd1caeacab6867d726c40546"
)


@pytest.mark.parametrize(("version", "ciphers"), SUITES, ids=str)
def test_every_record_of_a_real_handshake_opens(version: ssl.TLSVersion, ciphers: str | None) -> None:
    """With its key log nothing stays sealed, and PostgreSQL's messages come out."""
    made = wire.Tls(version, ciphers).run()
    trace = wire.follow(wire.packets(made.preambled()), made.keys())
    assert trace.tls is not None
    assert trace.tls.keys == "all"
    assert trace.of("Sealed") is None
    assert [m.kind for m in trace.messages if m.layer == "postgres" and m.protected] == [
        "StartupMessage",
        "AuthenticationOk",
        "ReadyForQuery",
    ]


@pytest.mark.parametrize("side", ["CLIENT", "SERVER"])
def test_one_side_opens_without_the_other(side: str) -> None:
    """Partial keys open what they open."""
    made = wire.Tls().run()
    keys = Keys()
    keys.add(b"\n".join(line for line in made.log.splitlines() if line.startswith(side.encode())))
    trace = wire.follow(wire.packets(made.preambled()), keys)
    assert trace.tls is not None
    assert trace.tls.keys == "some"
    assert {m.sender for m in trace.every("Sealed")} == {"server" if side == "CLIENT" else "client"}
    assert any(m.opened for m in trace.messages if m.sender == side.lower())


def test_without_the_handshake_secret_the_rest_opens() -> None:
    """The first record that the application's key opens is where that key begins."""
    made = wire.Tls().run()
    keys = Keys()
    keys.add(b"\n".join(line for line in made.log.splitlines() if b"TRAFFIC_SECRET_0" in line))
    trace = wire.follow(wire.packets(made.preambled()), keys)
    assert trace.of("StartupMessage", "client") is not None
    assert trace.of("Certificate", "server") is None
    assert trace.of("Sealed", "server") is not None


@pytest.mark.parametrize("version", [V12, V13])
def test_a_wrong_key_opens_nothing(version: ssl.TLSVersion) -> None:
    """Records stay sealed, and nothing is raised."""
    made = wire.Tls(version).run()
    keys = made.keys()
    for secrets in keys.secrets.values():
        for label in secrets:
            secrets[label] = bytes(len(secrets[label]))
    trace = wire.follow(wire.packets(made.preambled()), keys)
    assert trace.tls is not None
    assert trace.tls.keys == "none"


def test_junk_in_a_key_log_is_passed_over() -> None:
    """Comments, other formats and broken lines are no keys."""
    keys = Keys()
    random = "ab" * 32
    log = f"# comment\nRSA 00 11\nCLIENT_RANDOM {random} zz\n\xff\xfe\nCLIENT_RANDOM {random} {'cd' * 48}\n"
    assert keys.add(log.encode("latin-1")) == 1
    assert keys.of(bytes.fromhex(random)) == {"CLIENT_RANDOM": bytes.fromhex("cd" * 48)}
    assert keys.of(bytes(32)) == {}


@pytest.mark.parametrize(
    ("secret", "key", "iv"), [(SERVER_SECRET, SERVER_KEY, SERVER_IV), (CLIENT_SECRET, CLIENT_KEY, CLIENT_IV)]
)
def test_rfc_8448_keys(secret: bytes, key: bytes, iv: bytes) -> None:
    """Key and iv of both sides of the simple handshake."""
    assert expand_label("sha256", secret, b"key", 16) == key
    assert expand_label("sha256", secret, b"iv", 12) == iv


def test_rfc_8448_record_opens() -> None:
    """The client's Finished of the simple handshake."""
    secrets = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET": CLIENT_SECRET}
    found = opener(True, "TLS_AES_128_GCM_SHA256", secrets, "client", bytes(32), bytes(32))
    assert found is not None
    opened = found.open(CLIENT_FINISHED[:5], CLIENT_FINISHED[5:])
    assert opened is not None
    assert opened[0] == 22
    assert opened[1].hex() == "14000020a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce61"


def test_an_unknown_suite_is_not_opened() -> None:
    """CBC suites stay sealed."""
    assert opener(False, "TLS_RSA_WITH_AES_128_CBC_SHA", {"CLIENT_RANDOM": bytes(48)}, "client", b"", b"") is None
