"""What the messages in clear settle."""

from __future__ import annotations

from tracer.protocol import handshake
from tracer.protocol.session import Session, learn


def told(*messages: tuple[str, bytes]) -> Session:
    session = Session()
    for sender, data in messages:
        kind, read = handshake.message(data, session.version, session.suite)
        learn(session, "client" if sender == "client" else "server", kind, data, read)
    return session


def message(number: int, body: bytes) -> bytes:
    return bytes([number]) + len(body).to_bytes(3, "big") + body


CLIENT_HELLO = message(1, b"\3\3" + b"c" * 32 + b"\0" + b"\0\2\0\x2f" + b"\1\0")
SERVER_HELLO = message(2, b"\3\2" + b"s" * 32 + b"\0" + b"\0\x2f" + b"\0" + b"\0\x08\0\x16\0\0\0\x17\0\0")
DONE = message(14, b"")
KEY_EXCHANGE = message(16, b"\0\4wxyz")


def test_the_hellos() -> None:
    """Version, suite, randoms and the extensions that change how records are opened."""
    session = told(("client", CLIENT_HELLO), ("server", SERVER_HELLO))
    assert (session.version, session.suite) == (0x0302, "TLS_RSA_WITH_AES_128_CBC_SHA")
    assert (session.client_random, session.server_random) == (b"c" * 32, b"s" * 32)
    assert session.encrypt_then_mac
    assert session.extended_master_secret


def test_what_was_said_up_to_the_key_exchange() -> None:
    """Behind ServerHelloDone and ClientKeyExchange nothing more goes into the session's hash."""
    session = told(
        ("server", message(0, b"")),
        ("client", CLIENT_HELLO),
        ("server", SERVER_HELLO),
        ("server", DONE),
        ("client", KEY_EXCHANGE),
        ("client", message(15, b"")),
        ("server", message(4, bytes(6))),
    )
    assert session.said == {"client": [CLIENT_HELLO, KEY_EXCHANGE], "server": [SERVER_HELLO, DONE]}
    assert session.encrypted_premaster == b"wxyz"


def test_a_hello_in_the_format_of_ssl_2() -> None:
    """Its challenge is the random, with zeros in front (RFC 2246 §E.2); without one there is none."""
    session = Session()
    hello = bytes.fromhex("8019 01 0301 0003 0000 0010 00002f") + b"c" * 16
    learn(session, "client", "SSLv2ClientHello", hello, handshake.sslv2_client_hello)
    assert session.client_random == bytes(16) + b"c" * 16
    cut = Session()
    learn(cut, "client", "SSLv2ClientHello", hello[:9], handshake.sslv2_client_hello)
    assert cut.client_random == b""


def test_a_finished_belongs_to_no_hash() -> None:
    """It ends the handshake in front of a renegotiation."""
    session = told(("client", message(20, bytes(12))), ("client", CLIENT_HELLO))
    assert session.said["client"] == [CLIENT_HELLO]


def test_early_data_is_offered() -> None:
    """In any ClientHello: the second one takes it back, and what was sent was sent."""
    hello = message(1, b"\3\3" + b"c" * 32 + b"\0" + b"\0\2\x13\1" + b"\1\0" + b"\0\4\0\x2a\0\0")
    assert told(("client", hello), ("client", CLIENT_HELLO)).early_data
    assert not told(("client", CLIENT_HELLO)).early_data
