"""PostgreSQL's own messages: the preamble in front of TLS, and the startup behind it.

Every reader takes a `Reader` over the whole message. Sources: PostgreSQL 18, src/include/libpq/pqcomm.h and
src/include/libpq/protocol.h; the layouts are those of the documentation's "Message Formats".
Passwords, hashes and proofs are read with `Reader.secret`: their place is known, their value is not kept.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Literal, NamedTuple

from tracer.protocol.fields import Malformed, Reader
from tracer.protocol.handshake import HEADER, alpn_names
from tracer.protocol.numbers import AUTHENTICATION_KINDS, ERROR_FIELDS
from tracer.protocol.records import HANDSHAKE, is_header, records

SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
GSSENC_REQUEST = bytes.fromhex("00000008 04d21630")
CANCEL_CODE = bytes.fromhex("04d2162e")
PROTOCOL_3 = bytes.fromhex("0003")
LONGEST_STARTUP = 10_000  # MAX_STARTUP_PACKET_LENGTH, pqcomm.h
LONGEST_HELLO = 1 << 17  # CLIENT_HELLO_MAX_LENGTH, OpenSSL's statem_local.h: 131396
LONGEST_ERROR = 30_000  # MAX_ERRLEN, fe-protocol3.c: longer means that the length is really text
LONGEST_MESSAGE = 1 << 30

Speech = Literal["SSLRequest", "GSSENCRequest", "CancelRequest", "StartupMessage", "TLS"]


def recognise(client: bytes) -> Speech | Literal["more"] | None:
    """What a client says first, or next in the preamble; "more" when there are too few bytes to tell."""
    if len(client) < 8 and (SSL_REQUEST.startswith(client[:8]) or GSSENC_REQUEST.startswith(client[:8])):
        return "more"
    if client[:8] == SSL_REQUEST:
        return "SSLRequest"
    if client[:8] == GSSENC_REQUEST:
        return "GSSENCRequest"
    if client[:1] == bytes([HANDSHAKE]):
        if len(client) < 6:
            return "more"
        return "TLS" if is_header(client, 0) and client[5] == 1 else None
    length = int.from_bytes(client[:4], "big")
    if not 8 < length <= LONGEST_STARTUP:
        return None
    if len(client) < 8:
        return "more"
    if client[4:8] == CANCEL_CODE and length >= 16:
        return "CancelRequest"
    return "StartupMessage" if client[4:6] == PROTOCOL_3 and client[6] == 0 else None


def recognise_server(server: bytes) -> bool:
    """Whether a server's first bytes, with nothing seen of its client, are the answer `S` and TLS behind it."""
    return server[:1] == b"S" and is_header(server, 1) and server[1] == HANDSHAKE


def offers_postgresql(client: bytes) -> bool | None:
    """Whether a client that starts with TLS offers ALPN `postgresql`: direct TLS. None until its ClientHello is whole."""
    found = list(records(client, 0))
    said = list(takewhile(lambda record: record.type == HANDSHAKE, found))
    hello = b"".join(client[record.body : record.stop] for record in said)  # one message may be spread over several
    stop = HEADER + int.from_bytes(hello[1:HEADER], "big")
    if len(hello) >= HEADER and stop <= len(hello):
        return "postgresql" in alpn_names(hello[:stop])
    return None if said == found and stop <= LONGEST_HELLO else False


class Frame(NamedTuple):
    """Where one message stands in a side's PostgreSQL bytes, what it is called and how it is read."""

    kind: str
    start: int
    stop: int
    read: Callable[[Reader], None]


# PREAMBLE


def ssl_request(r: Reader) -> None:
    r.uint("length", 4)
    r.uint("request_code", 4)


def cancel_request(r: Reader) -> None:
    r.uint("length", 4)
    r.uint("request_code", 4)
    r.uint("process_id", 4)
    r.secret("secret_key", r.left())


def startup_message(r: Reader) -> None:
    r.uint("length", 4)
    with r.struct("protocol_version"):
        major, minor = r.uint("major", 2), r.uint("minor", 2)
    r.describe(f"{major}.{minor}")
    while r.left() > 1:
        with r.struct("parameter"):
            name, value = r.string("name"), r.string("value")
        r.describe(f"{name}={value}")
    r.bytes("terminator", 1)


def answer(r: Reader) -> None:
    byte = r.bytes("answer", 1)
    r.describe(ANSWERS.get(byte, "not an answer that PostgreSQL knows"))


def error_v2(r: Reader) -> None:
    """An error as servers before PostgreSQL 14 sent it before the startup packet: `E`, text, NUL."""
    r.bytes("type", 1, "ErrorResponse")
    r.string("message")


def unread_bytes(r: Reader) -> None:
    r.rest("data")


def preamble_error(server: bytes, at: int) -> Frame:
    """The `E` with which a server answers a request: as long as its length says, or up to its NUL (protocol 2)."""
    length = int.from_bytes(server[at + 1 : at + 5], "big")
    if 4 <= length <= LONGEST_ERROR:
        return Frame("ErrorResponse", at, min(at + 1 + length, len(server)), error_response)
    end = server.find(b"\0", at)
    return Frame("ErrorResponse", at, len(server) if end < 0 else end + 1, error_v2)


def request_length(client: bytes, at: int) -> int:
    """How many bytes the request or startup message at `at` takes, as far as they are there."""
    return min(int.from_bytes(client[at : at + 4], "big"), len(client) - at)


# MESSAGES: one byte of type, four of length


def typed(r: Reader, name: str) -> None:
    r.bytes("type", 1, name)
    r.uint("length", 4)


def authentication(r: Reader) -> None:
    typed(r, "Authentication")
    kind = r.uint("authentication", 4, AUTHENTICATION_KINDS)
    if kind == 5:
        r.bytes("salt", 4)
    elif kind == 10:
        while r.left() > 1:
            r.string("mechanism")
        r.bytes("terminator", 1)
    elif kind in (11, 12):
        _scram_server(r)
    elif r:
        r.rest("data")


def _scram_server(r: Reader) -> None:
    """RFC 5802 §7, server-first-message and server-final-message."""
    for attribute in _attributes(r):
        if attribute.startswith(b"v="):
            # a server signature lets a listener try passwords, as a proof does
            r.secret("server_signature", len(attribute))
        else:
            r.bytes(SCRAM.get(attribute[:2], "attribute"), len(attribute), _printable(attribute))


def sasl_initial_response(r: Reader) -> None:
    typed(r, "SASLInitialResponse")
    r.string("mechanism")
    length = r.uint("response_length", 4)
    if length != 0xFFFFFFFF:
        # gs2-cbind-flag comes first (RFC 5802 §7), and `n` stands for a user behind it
        for position, attribute in enumerate(_attributes(r)):
            r.bytes(
                SCRAM.get(attribute[:2], "attribute") if position else "channel_binding",
                len(attribute),
                _printable(attribute),
            )


def sasl_response(r: Reader) -> None:
    """RFC 5802 §7, client-final-message."""
    typed(r, "SASLResponse")
    for attribute in _attributes(r):
        if attribute.startswith(b"p="):
            r.secret("proof", len(attribute))
        elif attribute.startswith(b"c="):
            r.bytes("channel_binding_data", len(attribute), _binding(attribute.rstrip(b",")[2:]))
        else:
            r.bytes(SCRAM.get(attribute[:2], "attribute"), len(attribute), _printable(attribute))


def _attributes(r: Reader) -> list[bytes]:
    """The comma-separated attributes left in the window, each with its comma, so that they tile it."""
    parts = r.data[r.at : r.stop].split(b",")
    return [part + b"," for part in parts[:-1]] + [part for part in parts[-1:] if part]


def _printable(attribute: bytes) -> str:
    return attribute.rstrip(b",").decode("utf-8", "backslashreplace")


def _binding(data: bytes) -> str:
    try:
        decoded = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return "not base64"
    header, _, value = decoded.partition(b",,")
    return (
        header.decode("utf-8", "backslashreplace")
        + ",,"
        + (f" and {len(value)} bytes bound: {value.hex()}" if value else "")
    )


def password_message(r: Reader) -> None:
    typed(r, "PasswordMessage")
    r.secret("password", r.left())


def authentication_response(r: Reader) -> None:
    """A `p` of which the question was not seen: nothing in it is shown."""
    typed(r, "AuthenticationResponse")
    r.secret("data", r.left())


def error_response(r: Reader) -> None:
    r.bytes("type", 1)
    r.uint("length", 4)
    while r.left() > 1:
        code = chr(r.data[r.at])
        with r.struct("field", ERROR_FIELDS.get(code, "unknown")):
            r.bytes("code", 1)
            r.string("value")
    r.bytes("terminator", 1)


def parameter_status(r: Reader) -> None:
    typed(r, "ParameterStatus")
    r.string("name")
    r.string("value")


def backend_key_data(r: Reader) -> None:
    typed(r, "BackendKeyData")
    r.uint("process_id", 4)
    r.secret("secret_key", r.left())


def ready_for_query(r: Reader) -> None:
    typed(r, "ReadyForQuery")
    status = r.bytes("status", 1)
    r.describe({b"I": "idle", b"T": "in a transaction", b"E": "in a failed transaction"}.get(status, "unknown"))


def negotiate_protocol_version(r: Reader) -> None:
    typed(r, "NegotiateProtocolVersion")
    r.uint("minor", 4)
    count = r.uint("option_count", 4)
    for _ in range(min(count, r.left())):
        r.string("option")


def terminate(r: Reader) -> None:
    typed(r, "Terminate")


def session(r: Reader) -> None:
    """A message of the session behind the startup: it is the user's data and none of our business."""
    r.bytes("type", 1)
    r.uint("length", 4)
    r.secret("data", r.left())


# FRAMES


def server_frame(data: bytes, at: int, ready: bool) -> Frame | None:
    """The server's message at `at`, or None while it is not whole. Raises `Malformed` when no message can stand here."""
    stop = _stop(data, at, SERVER_SESSION)
    if stop is None:
        return None
    kind = data[at : at + 1]
    if kind == b"R" and not ready:
        number = int.from_bytes(data[at + 5 : at + 9], "big")
        return Frame("Authentication" + AUTHENTICATION_KINDS.get(number, ""), at, stop, authentication)
    name, read = SERVER.get(kind, (None, session)) if not ready or kind in b"EZS" else (None, session)
    return Frame(name or SERVER_SESSION[kind], at, stop, read)


def client_frame(data: bytes, at: int, asked: int | None, ready: bool) -> Frame | None:
    """The client's message at `at`; `asked` is the kind of the authentication request that it answers, if it was seen."""
    stop = _stop(data, at, CLIENT_SESSION)
    if stop is None:
        return None
    kind = data[at : at + 1]
    if kind == b"p" and not ready:
        name, read = RESPONSES.get(asked, ("AuthenticationResponse", authentication_response))
        return Frame(name, at, stop, read)
    return Frame(CLIENT_SESSION[kind], at, stop, terminate if kind == b"X" else session)


def _stop(data: bytes, at: int, known: Mapping[bytes, str]) -> int | None:
    if len(data) < at + 5:
        return None
    if data[at : at + 1] not in known:
        raise Malformed("type", at, f"no PostgreSQL message has type 0x{data[at]:02x}")
    length = int.from_bytes(data[at + 1 : at + 5], "big")
    if not 4 <= length <= LONGEST_MESSAGE:
        raise Malformed("length", at + 1, f"{length} is no length of a PostgreSQL message")
    return at + 1 + length if at + 1 + length <= len(data) else None


# TABLES

REQUESTS: dict[str, Callable[[Reader], None]] = {
    "SSLRequest": ssl_request,
    "GSSENCRequest": ssl_request,
    "CancelRequest": cancel_request,
    "StartupMessage": startup_message,
}
ANSWERS = {b"S": "yes, TLS", b"G": "yes, GSSAPI encryption", b"N": "no", b"E": "an error"}
SCRAM = {
    b"r=": "nonce",
    b"s=": "salt",
    b"i=": "iterations",
    b"n=": "user",
    b"e=": "error",
    b"a=": "authorization_identity",
}
RESPONSES: dict[int | None, tuple[str, Callable[[Reader], None]]] = {
    3: ("PasswordMessage", password_message),
    5: ("PasswordMessage", password_message),
    10: ("SASLInitialResponse", sasl_initial_response),
    11: ("SASLResponse", sasl_response),
}
SERVER: dict[bytes, tuple[str | None, Callable[[Reader], None]]] = {
    b"E": ("ErrorResponse", error_response),
    b"N": ("NoticeResponse", error_response),
    b"S": ("ParameterStatus", parameter_status),
    b"K": ("BackendKeyData", backend_key_data),
    b"Z": ("ReadyForQuery", ready_for_query),
    b"v": ("NegotiateProtocolVersion", negotiate_protocol_version),
}
SERVER_SESSION = {
    b"R": "Authentication",
    b"E": "ErrorResponse",
    b"N": "NoticeResponse",
    b"S": "ParameterStatus",
    b"K": "BackendKeyData",
    b"Z": "ReadyForQuery",
    b"v": "NegotiateProtocolVersion",
    b"1": "ParseComplete",
    b"2": "BindComplete",
    b"3": "CloseComplete",
    b"A": "NotificationResponse",
    b"C": "CommandComplete",
    b"D": "DataRow",
    b"G": "CopyInResponse",
    b"H": "CopyOutResponse",
    b"I": "EmptyQueryResponse",
    b"T": "RowDescription",
    b"V": "FunctionCallResponse",
    b"W": "CopyBothResponse",
    b"c": "CopyDone",
    b"d": "CopyData",
    b"n": "NoData",
    b"s": "PortalSuspended",
    b"t": "ParameterDescription",
}
CLIENT_SESSION = {
    b"p": "AuthenticationResponse",
    b"B": "Bind",
    b"C": "Close",
    b"D": "Describe",
    b"E": "Execute",
    b"F": "FunctionCall",
    b"H": "Flush",
    b"P": "Parse",
    b"Q": "Query",
    b"S": "Sync",
    b"X": "Terminate",
    b"c": "CopyDone",
    b"d": "CopyData",
    b"f": "CopyFail",
}
