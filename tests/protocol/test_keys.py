"""Opening records: real handshakes of the local OpenSSL; the vectors of RFC 8448 have a file of their own."""

from __future__ import annotations

import ssl

import pytest

from tests import wire
from tracer.protocol.keys import Keys, opener
from tracer.protocol.session import Session

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
SUITES = [
    (V12, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    (V12, "ECDHE-ECDSA-AES256-GCM-SHA384"),
    (V12, "ECDHE-ECDSA-CHACHA20-POLY1305"),
    (V13, None),
]


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


def test_an_unknown_suite_is_not_opened() -> None:
    """RC4 has no place here: its records stay sealed."""
    session = Session(version=0x0303, suite="TLS_RSA_WITH_RC4_128_SHA", client_random=bytes(32))
    keys = Keys({bytes(32): {"CLIENT_RANDOM": bytes(48)}})
    assert opener(session, keys, "client") is None
    session.suite = "TLS_RSA_WITH_AES_128_CBC_SHA"
    assert opener(session, keys, "client") is not None
    session.version = 0x0300
    assert opener(session, keys, "client") is None
