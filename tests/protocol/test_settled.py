"""What reassembly asks."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire import SSL_REQUEST, STARTUP, WELCOME, Say, Tls
from tracer.protocol.settled import began, ends_in_alert, is_postgres, lost_request

HELLO = Tls().run().said[0][1]


@pytest.mark.parametrize(
    ("said", "other", "found"),
    [
        (SSL_REQUEST, b"", "client"),
        (SSL_REQUEST[:5], b"", "more"),
        (STARTUP, b"", "client"),
        (bytes.fromhex("0000000804d21630"), b"", "client"),
        (bytes.fromhex("0000001004d2162e0000000100000002"), b"", "client"),
        (b"GET / HTTP/1.1", b"", None),
        (b"SSH-2.0-x", b"", None),
        (b"", b"", None),
        (b"S", b"", "more"),
        (b"S\x16\x03\x03\0\x05", b"", "server"),
        (HELLO, b"", None),
        (HELLO, b"S", "client"),
        (HELLO[:50], b"", "more"),
    ],
    ids=lambda value: value.hex()[:8] if isinstance(value, bytes) else None,  # the hello is another one each time
)
def test_recognised_by_what_is_said(said: bytes, other: bytes, found: str | None) -> None:
    """On any port."""
    assert is_postgres(said, other, all_tls=False) == found


def test_all_tls_takes_every_hello() -> None:
    """When asked for."""
    assert is_postgres(HELLO, b"", all_tls=True) == "client"


def test_a_fatal_alert_at_the_end() -> None:
    """In clear and fatal; a warning is none."""
    assert ends_in_alert(b"xx" + bytes.fromhex("15030300020230"))
    assert ends_in_alert(b"xx" + bytes.fromhex("150303000102150303000130"))
    assert not ends_in_alert(b"xx" + bytes.fromhex("150303000101150303000130"))
    assert not ends_in_alert(bytes.fromhex("15030300020100"))
    assert not ends_in_alert(b"")


def said(*words: Say) -> tuple[bytes, bytes, list[tuple[int, int]], list[tuple[int, int]]]:
    """Both sides' bytes, and where the packets ended that brought them: one packet for each word."""
    sides: dict[str, bytes] = {"client": b"", "server": b""}
    marks: dict[str, list[tuple[int, int]]] = {"client": [], "server": []}
    for number, (sender, data) in enumerate(words, 1):
        sides[sender] += data
        marks[sender].append((len(sides[sender]), number))
    return sides["client"], sides["server"], marks["client"], marks["server"]


def app(sender: str, *sizes: int) -> Say:
    """Sealed records of these sizes."""
    return sender, b"".join(b"\x17\3\3" + size.to_bytes(2, "big") + bytes(size) for size in sizes)


def test_in_plaintext() -> None:
    """ReadyForQuery says that the session has begun."""
    assert began(*said(("client", STARTUP), ("server", WELCOME)))
    assert not began(*said(("client", STARTUP), ("server", WELCOME[:9])))


GSSENC = [("client", bytes.fromhex("0000000804d21630")), ("server", b"N")]


@pytest.mark.parametrize("front", [[], GSSENC])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_inside_tls(version: ssl.TLSVersion, front: list[Say]) -> None:
    """The client has spoken behind its Finished and the server has answered; a request may stand in front of the request."""
    made = Tls(version).run().preambled()
    assert began(*said(*front, *made)) is True
    for some in range(len(made)):
        assert not began(*said(*front, *made[:some]))


def test_direct_tls() -> None:
    """With nothing in front."""
    assert began(*said(*Tls().run().said)) is True


FLIGHTS = Tls().run().preambled()[:3]
FLIGHT = Tls().run().said[1][1]
SERVER_HELLO = ("server", FLIGHT[: 5 + int.from_bytes(FLIGHT[3:5], "big")])  # its record is the first of the flight


@pytest.mark.parametrize(
    ("words", "sure"),
    [
        ([app("server", 40, 900, 280, 53)], False),
        ([app("server", 1200), app("client", 53)], False),
        ([app("server", 1200), app("client", 53, 60)], False),
        ([app("server", 1200), app("client", 53, 60), app("server", 250, 250)], None),  # tickets, or an answer
        ([app("server", 1200), app("client", 53), app("server", 250, 250), app("client", 60)], False),
        ([app("server", 1200), app("client", 53, 60), app("server", 41), app("client", 90)], False),
        ([app("server", 1200), app("client", 53, 60), app("server", 41), app("client", 90), app("server", 400)], True),
        ([app("server", 1200), app("client", 53), app("server", 250, 250)], False),
        ([app("client", 60), app("server", 1200), app("client", 53), app("server", 250)], False),  # early data in front
    ],
)
def test_what_seals_the_handshake_is_no_session(words: list[Say], sure: bool | None) -> None:
    """In TLS 1.3 the sealed records of the handshake have the type of application data: turns are counted."""
    assert began(*said(*FLIGHTS, SERVER_HELLO, *words)) is sure


def test_what_is_no_tls() -> None:
    """Junk where TLS should begin."""
    server = b"S" + Tls().run().said[1][1]
    assert not began(*said(("client", SSL_REQUEST + b"junk" * 9), ("server", server)))


def test_a_request_that_was_not_captured() -> None:
    """`S`, and a ClientHello 8 bytes behind the SYN: nothing else that long is answered like that."""
    assert lost_request(8, HELLO, b"S")
    assert lost_request(8, HELLO, b"S\x16\x03\x03\0\x05")
    assert not lost_request(0, HELLO, b"S")
    assert not lost_request(16, HELLO, b"S")
    assert not lost_request(8, HELLO, b"N")
    assert not lost_request(8, STARTUP, b"S")


@given(st.binary(max_size=40), st.lists(st.tuples(st.sampled_from(["client", "server"]), st.binary(max_size=9))))
def test_whatever_was_said(junk: bytes, words: list[Say]) -> None:
    """Nothing is raised, however the bytes go on."""
    for front in ([], FLIGHTS, [*FLIGHTS, SERVER_HELLO]):
        assert began(*said(*front, ("client", junk), *words)) in (True, False, None)
