"""PostgreSQL's messages, from bytes written by hand."""

from __future__ import annotations

import struct

import pytest

from tracer.protocol import postgres
from tracer.protocol.fields import Malformed, every, first, number, parse


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", 4 + len(body)) + body


def test_startup() -> None:
    """Version and parameters."""
    body = bytes.fromhex("00030002") + b"user\0me\0database\0db\0\0"
    fields, problem = parse(postgres.startup_message, struct.pack(">I", 4 + len(body)) + body)
    assert problem is None
    version = first(fields, "protocol_version")
    assert version is not None
    assert version.text == "3.2"
    assert [f.text for f in every(fields, "parameter")] == ["user=me", "database=db"]


@pytest.mark.parametrize(
    ("data", "speech"),
    [
        (postgres.SSL_REQUEST, "SSLRequest"),
        (postgres.GSSENC_REQUEST, "GSSENCRequest"),
        (bytes.fromhex("0000001004d2162e0000000100000002"), "CancelRequest"),
        (bytes.fromhex("0000000900030000 00"), "StartupMessage"),
        (bytes.fromhex("0000000900030002 00"), "StartupMessage"),
        (bytes.fromhex("1603010005 01"), "TLS"),
        (bytes.fromhex("1603010005 02"), None),
        (bytes.fromhex("0000"), "more"),
        (bytes.fromhex("00000009000200"), "more"),
        (bytes.fromhex("0000000900020000 00"), None),
        (b"\xff\xff\xff\xff\0\3\0\0", None),
    ],
)
def test_what_a_client_says(data: bytes, speech: str | None) -> None:
    """Told by its first eight bytes."""
    assert postgres.recognise(data) == speech


def test_sasl_mechanisms() -> None:
    """Each by name."""
    data = message(b"R", struct.pack(">I", 10) + b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")
    frame = postgres.server_frame(data, 0, ready=False)
    assert frame is not None
    assert (frame.kind, frame.stop) == ("AuthenticationSASL", len(data))
    fields, problem = parse(frame.read, data)
    assert problem is None
    assert [f.value for f in every(fields, "mechanism")] == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]


SECRETS = [
    (message(b"p", b"hunter2\0"), 3, "PasswordMessage", b"hunter2"),
    (message(b"p", b"md5abcdef\0"), 5, "PasswordMessage", b"md5abcdef"),
    (message(b"p", b"c=biws,r=abc,p=c2VjcmV0"), 11, "SASLResponse", b"c2VjcmV0"),
    (message(b"p", b"whatever"), None, "AuthenticationResponse", b"whatever"),
]


@pytest.mark.parametrize(("data", "asked", "kind", "secret"), SECRETS)
def test_secrets_are_not_kept(data: bytes, asked: int | None, kind: str, secret: bytes) -> None:
    """Neither as value nor as text, and the message is whole."""
    frame = postgres.client_frame(data, 0, asked, ready=False)
    assert frame is not None
    assert frame.kind == kind
    fields, problem = parse(frame.read, data)
    assert problem is None
    assert secret.decode() not in repr(fields)
    assert repr(secret) not in repr(fields)


def test_the_servers_signature_and_the_cancel_key_are_not_kept() -> None:
    """Passwords could be tried on the one, queries cancelled with the other."""
    final = message(b"R", struct.pack(">I", 12) + b"v=c2lnbmF0dXJl")
    key = message(b"K", struct.pack(">II", 77, 0x5EC2E755))
    for data in (final, key):
        frame = postgres.server_frame(data, 0, ready=False)
        assert frame is not None
        fields, _ = parse(frame.read, data)
        assert "c2lnbmF0dXJl" not in repr(fields)
        assert str(0x5EC2E755) not in repr(fields)
    assert number(first(fields, "process_id")) == 77


def test_channel_binding_is_decoded() -> None:
    """The header, and how many bytes are bound."""
    data = message(b"p", b"c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsq80=,r=x,p=y")
    fields, _ = parse(postgres.sasl_response, data)
    binding = first(fields, "channel_binding_data")
    assert binding is not None
    assert binding.text == "p=tls-server-end-point,, and 2 bytes bound: abcd"


def test_an_error_in_front_of_tls() -> None:
    """Version 3 by its length, version 2 by its NUL."""
    three = message(b"E", b"SFATAL\0Mno\0\0")
    assert postgres.preamble_error(three, 0).stop == len(three)
    two = b"Eunsupported frontend protocol\0rest"
    assert postgres.preamble_error(two, 0).stop == len(two) - 4


def test_behind_ready_for_query_nothing_is_read() -> None:
    """Rows and queries are the user's."""
    data = message(b"D", b"secret row")
    frame = postgres.server_frame(data, 0, ready=True)
    assert frame is not None
    assert frame.kind == "DataRow"
    assert "secret row" not in repr(parse(frame.read, data))


@pytest.mark.parametrize("ready", [False, True])
def test_a_type_of_the_other_side(ready: bool) -> None:
    """A server sends no Query, a client no DataRow: neither is a message, and nothing else is raised."""
    for kind in sorted(set(postgres.CLIENT_SESSION) - set(postgres.SERVER_SESSION)):
        with pytest.raises(Malformed, match="no PostgreSQL message has type"):
            postgres.server_frame(message(kind, b""), 0, ready=ready)
    for kind in sorted(set(postgres.SERVER_SESSION) - set(postgres.CLIENT_SESSION)):
        with pytest.raises(Malformed, match="no PostgreSQL message has type"):
            postgres.client_frame(message(kind, b""), 0, None, ready=ready)


def test_no_message_can_stand_here() -> None:
    """An unknown type or a length that cannot be."""
    for data in (b"\x07\0\0\0\4", b"R\0\0\0\3", b"R\x7f\xff\xff\xff"):
        with pytest.raises(Malformed):
            postgres.server_frame(data, 0, ready=False)
    assert postgres.server_frame(b"R\0\0\0\x08\0", 0, ready=False) is None


READ = [  # what a server says: the bytes, the fields by name, their values or what these are called
    (b"R", struct.pack(">I", 5) + b"salt", "AuthenticationMD5Password", {"salt": b"salt"}),
    (b"R", struct.pack(">I", 8) + b"token", "AuthenticationGSSContinue", {"data": b"token"}),
    (b"R", struct.pack(">I", 0), "AuthenticationOk", {"authentication": 0}),
    (b"R", struct.pack(">I", 77) + b"?", "Authentication", {"data": b"?"}),
    (
        b"R",
        struct.pack(">I", 11) + b"r=abc,s=QSXCR+Q6sek8bf92,i=4096,x",
        "AuthenticationSASLContinue",
        {"nonce": b"r=abc,", "salt": b"s=QSXCR+Q6sek8bf92,", "iterations": b"i=4096,", "attribute": b"x"},
    ),
    (b"E", b"SFATAL\0C28P01\0Mno\0?!\0\0", "ErrorResponse", {"terminator": b"\0"}),
    (b"S", b"TimeZone\0UTC\0", "ParameterStatus", {"name": "TimeZone", "value": "UTC"}),
    (b"Z", b"T", "ReadyForQuery", {"status": b"T"}),
    (b"v", struct.pack(">II", 2, 1) + b"_pq_.x\0", "NegotiateProtocolVersion", {"minor": 2, "option": "_pq_.x"}),
    (b"v", struct.pack(">II", 0, 0), "NegotiateProtocolVersion", {"option_count": 0}),
]


@pytest.mark.parametrize(("kind", "body", "called", "values"), READ)
def test_what_a_server_says(kind: bytes, body: bytes, called: str, values: dict[str, object]) -> None:
    """To the last field."""
    frame = postgres.server_frame(message(kind, body), 0, ready=False)
    fields, problem = parse(frame.read, message(kind, body))
    assert (frame.kind, problem) == (called, None)
    assert {name: first(fields, name).value for name in values} == values


def test_the_fields_of_an_error() -> None:
    """Each by its code, an unknown one too."""
    fields, _ = parse(postgres.error_response, message(b"E", b"SFATAL\0Mno\0?!\0\0"))
    assert [(f.text, f.parts[1].value) for f in every(fields, "field")] == [
        ("Severity", "FATAL"),
        ("Message", "no"),
        ("unknown", "!"),
    ]


@pytest.mark.parametrize(("status", "text"), [(b"I", "idle"), (b"E", "in a failed transaction"), (b"?", "unknown")])
def test_ready_for_what(status: bytes, text: str) -> None:
    """The state of the transaction."""
    fields, _ = parse(postgres.ready_for_query, message(b"Z", status))
    assert first(fields, "status").text == text


@pytest.mark.parametrize(
    ("answer", "length", "names"),
    [
        (b"n,,n=me,r=abc", None, ["channel_binding", "attribute", "user", "nonce"]),
        (b"", 0xFFFFFFFF, []),
        (b"p=tls-server-end-point,,r=x,", None, ["channel_binding", "attribute", "nonce"]),
    ],
)
def test_the_first_answer_to_sasl(answer: bytes, length: int | None, names: list[str]) -> None:
    """RFC 5802 §7; a length of -1 says that there is none."""
    size = struct.pack(">I", len(answer) if length is None else length)
    data = message(b"p", b"SCRAM-SHA-256\0" + size + answer)
    frame = postgres.client_frame(data, 0, 10, ready=False)
    fields, problem = parse(frame.read, data)
    assert (frame.kind, problem) == ("SASLInitialResponse", None)
    assert first(fields, "mechanism").value == "SCRAM-SHA-256"
    assert [f.name for f in fields[4:]] == names


@pytest.mark.parametrize(
    ("data", "text"), [(b"c=!,r=x,p=y", "not base64"), (b"c=biws,r=x,p=y", "n,,"), (b"c=biws,q,p=y", "n,,")]
)
def test_what_is_bound(data: bytes, text: str) -> None:
    """Nothing but the header, or bytes that say nothing."""
    fields, problem = parse(postgres.sasl_response, message(b"p", data))
    assert (first(fields, "channel_binding_data").text, problem) == (text, None)
    assert first(fields, "proof").secret


def test_requests_in_front() -> None:
    """A cancel request without its key, and how long a request is as far as it is there."""
    cancel = bytes.fromhex("0000001004d2162e0000000700000002")
    fields, problem = parse(postgres.cancel_request, cancel)
    assert (number(first(fields, "process_id")), problem) == (7, None)
    assert first(fields, "secret_key").value is None
    assert [postgres.request_length(cancel[:size], 0) for size in (16, 9)] == [16, 9]
    assert postgres.recognise(bytes.fromhex("16030100")) == "more"


def test_an_old_error() -> None:
    """The text up to its NUL, or what there is of it."""
    fields, problem = parse(postgres.error_v2, b"Eno\0")
    assert ([f.value for f in fields], problem) == ([b"E", "no"], None)
    assert parse(postgres.error_v2, b"Eno")[1] == "message at byte 1: text without its closing NUL"
    assert postgres.preamble_error(b"Eunsupported", 0).stop == 12


@pytest.mark.parametrize(
    ("answer", "text"), [(b"S", "yes, TLS"), (b"N", "no"), (b"H", "not an answer that PostgreSQL knows")]
)
def test_the_one_byte(answer: bytes, text: str) -> None:
    """The answer to a request."""
    assert parse(postgres.answer, answer)[0][0].text == text


def test_the_clients_own() -> None:
    """Terminate, a query that is not shown, and what is not whole."""
    for data, kind in ((message(b"X", b""), "Terminate"), (message(b"Q", b"secret\0"), "Query")):
        frame = postgres.client_frame(data, 0, None, ready=True)
        fields, problem = parse(frame.read, data)
        assert (frame.kind, problem) == (kind, None)
        assert "secret\\0" not in repr(fields)
    assert postgres.client_frame(b"Q\0\0\0", 0, None, ready=True) is None
    assert postgres.server_frame(b"Z\0\0\0", 0, ready=True) is None
