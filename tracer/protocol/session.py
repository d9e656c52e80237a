"""What the messages in clear settle for all that comes behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tracer.protocol.fields import Field, Reader, content, first, number, parse
from tracer.protocol.numbers import CIPHER_SUITES

Sender = Literal["client", "server"]


@dataclass
class Session:
    """What both sides of a TLS connection have agreed on, as far as it was seen.

    `said` holds each side's handshake messages up to the last one of its key exchange.
    """

    version: int | None = None
    suite: str = ""
    client_random: bytes = b""
    server_random: bytes = b""
    encrypt_then_mac: bool = False
    extended_master_secret: bool = False
    encrypted_premaster: bytes = b""
    early_data: bool = False  # offered: the client may send it in front of its handshake's end
    said: dict[Sender, list[bytes]] = field(default_factory=lambda: {"client": [], "server": []})
    exchanged: set[Sender] = field(default_factory=set)


def learn(session: Session, sender: Sender, kind: str, data: bytes, read: Callable[[Reader], None]) -> None:
    """Take in a handshake message that was read: in clear, or of a second handshake inside the first one's keys."""
    if sender not in session.exchanged and kind not in NOT_HASHED:
        session.said[sender].append(data)
    if kind in ("ClientKeyExchange", "ServerHelloDone"):
        session.exchanged.add(sender)
    if kind in LEARN:
        LEARN[kind](session, parse(read, data)[0])


def _client_hello(session: Session, fields: tuple[Field, ...]) -> None:
    session.client_random = session.client_random or _random(fields)
    session.early_data |= EARLY_DATA in _extensions(fields)


def _sslv2_client_hello(session: Session, fields: tuple[Field, ...]) -> None:
    challenge = first(fields, "challenge")
    if challenge is not None and isinstance(challenge.value, bytes):
        session.client_random = challenge.value[-32:].rjust(32, b"\0")  # RFC 2246 §E.2


def _server_hello(session: Session, fields: tuple[Field, ...]) -> None:
    selected = number(first(fields, "selected_version"))
    whole = first(fields, "unread") is None  # else the extension may stand where nothing could be read
    session.version = selected or (number(first(fields, "legacy_version")) if whole else None)
    session.suite = CIPHER_SUITES.get(number(first(fields, "cipher_suite")) or 0, "")
    session.server_random = _random(fields)
    chosen = _extensions(fields)
    session.encrypt_then_mac = ENCRYPT_THEN_MAC in chosen
    session.extended_master_secret = EXTENDED_MASTER_SECRET in chosen


def _client_key_exchange(session: Session, fields: tuple[Field, ...]) -> None:
    sealed = first(fields, "encrypted_pre_master_secret")
    bare = sealed.value if sealed is not None else None  # SSL 3.0 puts no length in front
    session.encrypted_premaster = bare if isinstance(bare, bytes) else content(sealed)


def _extensions(fields: tuple[Field, ...]) -> set[int | None]:
    """The numbers of a hello's extensions."""
    lists = (field.parts for field in fields if field.name == "extensions")
    return {number(part.parts[0]) for parts in lists for part in parts if part.parts}


def _random(fields: tuple[Field, ...]) -> bytes:
    found = first(fields, "random")
    return found.value if found is not None and isinstance(found.value, bytes) else b""


# TABLES

ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, EARLY_DATA = 22, 23, 42
NOT_HASHED = ("HelloRequest", "Finished")  # in front of a ClientHello, and behind the key exchange
LEARN: dict[str, Callable[[Session, tuple[Field, ...]], None]] = {
    "ClientHello": _client_hello,
    "SSLv2ClientHello": _sslv2_client_hello,
    "ServerHello": _server_hello,
    "HelloRetryRequest": _server_hello,
    "ClientKeyExchange": _client_key_exchange,
}
