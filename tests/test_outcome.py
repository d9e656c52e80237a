"""How connections end, from what was said."""

from __future__ import annotations

import ssl

import pytest

from tests import wire
from tests.wire import CANCEL, SSL_REQUEST, STARTUP, WELCOME, Tls, follow, packets, spoken

ERROR = b"E\0\0\0\x13SFATAL\0C28000\0\0"
GSSENC_REQUEST = bytes.fromhex("0000000804d21630")
ALERT = bytes.fromhex("15030300020230")


@pytest.mark.parametrize(
    ("said", "close", "kind", "where"),
    [
        ([("client", STARTUP), ("server", WELCOME)], "fin", "plaintext", "before_tls"),
        (
            [("client", SSL_REQUEST), ("server", b"N"), ("client", STARTUP), ("server", WELCOME)],
            "fin",
            "plaintext",
            "before_tls",
        ),
        ([("client", SSL_REQUEST), ("server", b"N")], "fin", "refused_by_client", "before_tls"),
        ([("client", SSL_REQUEST), ("server", ERROR)], "fin", "refused_by_server", "before_tls"),
        ([("client", SSL_REQUEST), ("server", b"X")], "fin", "closed", "before_tls"),
        ([("client", SSL_REQUEST)], "", "incomplete", "before_tls"),
        ([("client", SSL_REQUEST), ("server", b"S")], "fin", "refused_by_client", "before_tls"),
        ([("client", SSL_REQUEST), ("server", b"S")], "", "incomplete", "before_tls"),
        ([("client", SSL_REQUEST), ("server", b"S")], "server", "closed", "in_handshake"),
        ([("client", STARTUP), ("server", ERROR)], "fin", "refused_by_server", "before_tls"),
        ([("client", CANCEL)], "fin", "closed", None),
        ([("client", GSSENC_REQUEST), ("server", b"G")], "fin", "refused_by_client", "before_tls"),
        ([("client", GSSENC_REQUEST), ("server", b"G")], "", "incomplete", "before_tls"),
        ([("client", GSSENC_REQUEST), ("server", b"G"), ("client", b"token")], "fin", "established", "before_tls"),
    ],
)
def test_in_front_of_tls(said, close: str, kind: str, where: str | None) -> None:
    """Each ending in front of TLS is called what it is."""
    outcome = spoken(*said, close=close).outcome
    assert (outcome.kind, outcome.where, outcome.inferred) == (kind, where, False)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session(version: ssl.TLSVersion) -> None:
    """Opened it is established; sealed it is read off the sizes, and says so."""
    made = Tls(version).run()
    opened = follow(packets(made.preambled()), made.keys()).outcome
    sealed = follow(packets(made.preambled())).outcome
    assert (opened.kind, opened.inferred) == ("established", False)
    assert (sealed.kind, sealed.inferred) == ("established", True)


def test_cancelling_inside_tls() -> None:
    """A request to cancel has come as far as a session would: the client has not refused the server."""
    made = Tls(talk=(("client", CANCEL), ("server", WELCOME))).run()
    outcome = follow(packets(made.preambled()), made.keys()).outcome
    assert (outcome.kind, outcome.where) == ("established", "after_handshake")
    assert "cancel" in outcome.because


def test_something_else_inside_tls() -> None:
    """Who speaks of something else inside TLS has not refused the server either."""
    made = Tls(talk=(("client", b"ping"), ("server", WELCOME))).run()
    outcome = follow(packets(made.said), made.keys()).outcome
    assert (outcome.kind, outcome.where, outcome.inferred) == ("established", "after_handshake", False)


@pytest.mark.parametrize("sender", ["client", "server"])
def test_a_fatal_alert_in_clear(sender: str) -> None:
    """Whoever sends it refused."""
    made = Tls().run()
    said = [*made.preambled()[:4], (sender, ALERT)]
    outcome = follow(packets(said)).outcome
    assert (outcome.kind, outcome.where) == (f"refused_by_{sender}", "in_handshake")
    assert outcome.alert is not None
    assert (outcome.alert.description, outcome.alert.code, outcome.alert.sender) == ("unknown_ca", 48, sender)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_closing_behind_the_handshake(version: ssl.TLSVersion) -> None:
    """A client that completes the handshake and leaves refused behind it."""
    made = Tls(version).run()
    said = made.preambled()[:-2]  # without startup and welcome
    outcome = follow(packets(said, close="client"), made.keys()).outcome
    assert (outcome.kind, outcome.where) == ("refused_by_client", "after_handshake")


@pytest.mark.parametrize("opened", [True, False])
@pytest.mark.parametrize("said", [ALERT, b""])
def test_tls_1_2_is_over_with_both_finished(opened: bool, said: bytes) -> None:
    """A server that refuses the client's certificate does so in front of its own Finished: inside the handshake."""
    made = Tls(ssl.TLSVersion.TLSv1_2).run()
    trace = follow(packets([*made.preambled()[:5], ("server", said)], close="server"), made.keys() if opened else None)
    assert (trace.of("Finished", "client") is not None) is opened
    assert trace.of("Finished", "server") is None
    assert trace.outcome.kind == ("refused_by_server" if said else "closed")
    assert (trace.outcome.where, trace.outcome.inferred) == ("in_handshake", False)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("said", [1, 3, 99])
def test_only_one_side(version: ssl.TLSVersion, said: int) -> None:
    """With the packets to the server alone nobody can say who ended what."""
    made = Tls(version).run()
    given = [one for one in packets(made.preambled()[:said], close="client") if one.flow == wire.CLIENT]
    trace = follow(given)
    assert trace.outcome.kind == "incomplete"
    assert "only one side was captured" in trace.outcome.because
    assert trace.presented.absent is None


def test_a_server_that_leaves_in_the_handshake() -> None:
    """It closed without a word."""
    made = Tls().run()
    given = wire.packets(made.preambled()[:3], close="")
    last = given[-1]
    fin = last._replace(number=99, flow=wire.reverse(last.flow), seq=last.ack, payload=b"", flags=wire.FIN | wire.ACK)
    outcome = follow([*given, fin]).outcome
    assert (outcome.kind, outcome.where) == ("closed", "in_handshake")
    assert "server" in outcome.because


@pytest.mark.parametrize("sender", ["client", "server"])
def test_an_alert_behind_the_other_side_s_close(sender: str) -> None:
    """It is an echo: who closed first ended it. OpenSSL 3 says decode_error to a peer that has gone."""
    made = Tls().run()
    said = made.preambled()[: 3 if sender == "client" else 2]
    given = wire.packets(said, close="")
    last, closer = given[-1], wire.CLIENT if sender == "server" else wire.reverse(wire.CLIENT)
    ours = last if last.flow == closer else last._replace(seq=last.ack, ack=last.seq + len(last.payload))
    fin = ours._replace(number=98, flow=closer, payload=b"", flags=wire.FIN | wire.ACK)
    fin = fin._replace(seq=ours.seq + (len(last.payload) if last.flow == closer else 0))
    echo = fin._replace(
        number=99, flow=wire.reverse(closer), seq=fin.ack, ack=fin.seq + 1, payload=ALERT, flags=wire.ACK
    )
    outcome = follow([*given, fin, echo]).outcome
    assert outcome.alert is None
    assert outcome.kind == ("closed" if sender == "client" else "refused_by_client")
    assert outcome.because.startswith("the server" if sender == "client" else "the client")


@pytest.mark.parametrize(
    ("lengths", "kind", "where"),
    [
        ([19], "refused_by_client", "in_handshake"),  # Go: an alert where a Finished should be
        ([35], "refused_by_client", "in_handshake"),  # Java: the same, padded
        ([53], "refused_by_client", "after_handshake"),
        ([69, 19], "refused_by_client", "after_handshake"),
        ([25, 53], "refused_by_client", "after_handshake"),  # an empty Certificate, which was asked for
        ([61, 19], "refused_by_client", "after_handshake"),  # the same in one record
        ([900, 97, 53, 19], "refused_by_client", "after_handshake"),
        ([1100, 19], "refused_by_client", "after_handshake"),  # Certificate and all in one record
        ([53, 90], "established", "after_handshake"),
        ([25, 69, 90, 19], "established", "after_handshake"),
    ],
)
def test_sealed_records_of_1_3(lengths: list[int], kind: str, where: str) -> None:
    """A Finished is 53 or 69 bytes, an alert 19: the client's records say how far it came."""
    made = Tls().run()
    hello = [say for say in made.preambled() if say[0] == "server" or say[1][:1] != b"\x17"][:4]
    sealed = b"".join(b"\x17\3\3" + length.to_bytes(2, "big") + bytes(length) for length in lengths)
    outcome = follow(packets([*hello, ("client", sealed)], close="client")).outcome
    assert (outcome.kind, outcome.where) == (kind, where)


def test_an_alert_of_the_server_that_is_sealed() -> None:
    """The server's last record before it closes inside the handshake has the size of an alert."""
    made = Tls().run()
    given = wire.packets([*made.preambled()[:4], ("server", b"\x17\3\3\0\x13" + bytes(19))], close="")
    last = given[-1]
    fin = last._replace(number=99, seq=last.seq + len(last.payload), payload=b"", flags=wire.FIN | wire.ACK)
    outcome = follow([*given, fin]).outcome
    assert (outcome.kind, outcome.where, outcome.inferred) == ("refused_by_server", "in_handshake", True)


def test_in_1_3_the_description_counts() -> None:
    """RFC 8446 §6: an alert of level warning ends the connection as well, but for the two that close it."""
    made = Tls().run()
    for code, kind in ((42, "refused_by_client"), (0, "closed")):
        said = [*made.preambled()[:4], ("client", ALERT[:5] + bytes([1, code]))]
        assert follow(packets(said)).outcome.kind == kind


def test_what_is_no_tls() -> None:
    """Bytes that answer a ClientHello and are no record are not those that somebody put behind S."""
    made = Tls().run()
    answered = follow(packets([*made.preambled()[:3], ("server", b"HTTP/1.1 400 Bad Request")]))
    assert answered.presented.injected is False
    assert answered.presented.ended is not None
    assert answered.presented.ended.how == "not_tls"
    behind = follow(packets([("client", SSL_REQUEST), ("server", b"SHTTP/1.1"), *made.preambled()[2:]]), made.keys())
    assert behind.presented.injected is True


def test_errors_in_plaintext() -> None:
    """An error refuses the session as long as there is none: one behind ReadyForQuery is about a query."""
    query = ("client", b"Q\0\0\0\x05\0")
    session = [("client", STARTUP), ("server", WELCOME), query]
    assert spoken(*session, ("server", ERROR)).outcome.kind == "plaintext"
    assert spoken(("client", STARTUP), ("server", ERROR)).outcome.kind == "refused_by_server"


@pytest.mark.parametrize(("close", "kind", "who"), [("client", "closed", "client"), ("", "incomplete", "capture")])
def test_no_answer(close: str, kind: str, who: str) -> None:
    """Who closes before an answer is named, and one who waits is not."""
    outcome = spoken(("client", SSL_REQUEST), close=close).outcome
    assert (outcome.kind, outcome.where) == (kind, "before_tls")
    assert who in outcome.because


def test_a_request_in_front_of_the_request() -> None:
    """GSSENCRequest before SSLRequest does not hide that no ClientHello came."""
    gssenc = bytes.fromhex("0000000804d21630")
    outcome = spoken(
        ("client", gssenc), ("server", b"N"), ("client", SSL_REQUEST), ("server", b"S"), close="client"
    ).outcome
    assert (outcome.kind, outcome.where) == ("refused_by_client", "before_tls")


# ALERTS BEHIND THE HANDSHAKE

BAD_RECORD_MAC = b"\2\x14"


@pytest.mark.parametrize("sender", ["client", "server"])
def test_an_alert_that_ends_a_session(sender: str) -> None:
    """The handshake is not undone: it was established, and the alert ended it."""
    made = Tls(ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-AES128-SHA256").run()
    outcome = follow(packets([*made.preambled(), (sender, ALERT[:5] + BAD_RECORD_MAC)]), made.keys()).outcome
    assert (outcome.kind, outcome.where, outcome.inferred) == ("established", "after_handshake", False)
    assert outcome.alert is not None
    assert (outcome.alert.description, outcome.alert.sender) == ("bad_record_mac", sender)
    assert f"the {sender} ended the session" in outcome.because
    # without keys the types of the sealed records say the same
    assert follow(packets([*made.preambled(), (sender, ALERT[:5] + BAD_RECORD_MAC)])).outcome == outcome


def test_an_alert_before_both_have_spoken() -> None:
    """Behind the handshake, and in front of the server's first word, it refuses."""
    made = Tls(ssl.TLSVersion.TLSv1_2).run()
    said = [*made.preambled()[:-1], ("server", ALERT[:5] + BAD_RECORD_MAC)]
    outcome = follow(packets(said), made.keys()).outcome
    assert (outcome.kind, outcome.where) == ("refused_by_server", "after_handshake")


def test_an_error_in_front_of_an_alert() -> None:
    """Who refuses with an error has refused with that."""
    made = Tls(ssl.TLSVersion.TLSv1_2, talk=(("client", STARTUP), ("server", ERROR))).run()
    outcome = follow(packets([*made.preambled(), ("client", ALERT[:5] + BAD_RECORD_MAC)]), made.keys()).outcome
    assert (outcome.kind, outcome.alert) == ("refused_by_server", None)


@pytest.mark.parametrize("spoken", [False, True])
def test_a_sealed_alert_of_the_server_behind_the_handshake(spoken: bool) -> None:
    """So looks a refused client certificate in TLS 1.3. Which alert it is, only the keys would say."""
    made = Tls(talk=(("client", STARTUP),) if spoken else ()).run()
    said = [*[s for n, s in enumerate(made.preambled()) if n != 5], ("server", b"\x17\3\3\0\x13" + bytes(19))]
    outcome = follow(packets(said, close="server")).outcome
    assert (outcome.kind, outcome.where, outcome.inferred, outcome.alert) == (
        "refused_by_server",
        "after_handshake",
        True,
        None,
    )
    assert "a sealed record of an alert's size" in outcome.because
    assert "client certificate" in outcome.because


SEALED_ALERT = b"\x17\3\3\0\x13" + bytes(19)


def sealed(length: int) -> bytes:
    return b"\x17\3\3" + length.to_bytes(2, "big") + bytes(length)


@pytest.mark.parametrize(
    ("behind", "close", "kind"),
    [
        # nothing but an alert came: whoever closes then, no session began
        ([("client", sealed(53)), ("server", SEALED_ALERT)], "client", "refused_by_server"),
        ([("server", SEALED_ALERT)], "client", "refused_by_server"),
        ([("server", SEALED_ALERT), ("client", SEALED_ALERT)], "client", "refused_by_server"),
        # an error or a welcome, and nobody can read which
        ([("client", sealed(53)), ("server", sealed(127)), ("server", SEALED_ALERT)], "client", "incomplete"),
        ([("client", sealed(53)), ("server", sealed(127)), ("server", SEALED_ALERT)], "server", "incomplete"),
        (
            [("client", sealed(53)), ("server", sealed(127)), ("server", SEALED_ALERT), ("client", SEALED_ALERT)],
            "client",
            "incomplete",
        ),
        ([("client", sealed(53)), ("server", sealed(127))], "server", "incomplete"),
        (
            [
                *(("client", sealed(53)), ("server", sealed(59)), ("client", sealed(90))),
                *(("server", sealed(120)), ("server", SEALED_ALERT)),
            ],
            "server",
            "incomplete",
        ),
        # the client ended it
        (
            [("client", sealed(53)), ("server", sealed(422)), ("client", SEALED_ALERT), ("server", SEALED_ALERT)],
            "client",
            "established",
        ),
        (
            [("client", sealed(53)), ("server", sealed(422)), ("client", sealed(22)), ("server", SEALED_ALERT)],
            "client",
            "established",
        ),
        ([("client", sealed(53)), ("server", sealed(422)), ("server", SEALED_ALERT)], "", "established"),
        # more words than a login takes
        (
            [*(("client", sealed(53)), ("server", sealed(99))) * 4, ("server", SEALED_ALERT)],
            "server",
            "established",
        ),
    ],
)
def test_who_ended_what_is_sealed(behind, close: str, kind: str) -> None:
    """A server that refuses inside TLS 1.3 leaves sizes and closes: what they do not settle is not known."""
    made = Tls(talk=()).run()
    before = [say for n, say in enumerate(made.preambled()) if n != 5]
    outcome = follow(packets([*before, *behind], close=close)).outcome
    assert (outcome.kind, outcome.where, outcome.inferred) == (kind, "after_handshake", True)
