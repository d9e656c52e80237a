"""What comes behind the first handshake, or instead of it: resumption, renegotiation, KeyUpdate, late authentication."""

from __future__ import annotations

import ctypes
import datetime as dt
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import libssl, openssl, wire
from tracer.protocol.fields import content, every, first, leaves
from tracer.protocol.keys import Keys
from tracer.trace import Trace

STAPLE = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER)
LINE = openssl.LINE
TLS_1_0, TLS_1_1 = 0x0301, 0x0302


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("later")


@pytest.fixture(scope="module")
def identities(folder: Path) -> tuple[Path, ...]:
    if not libssl.present():
        pytest.skip("OpenSSL 1.1.1 comes with PostgreSQL 18 from npm")
    openssl.identity(folder, "rsa", rsa.generate_private_key(65537, 2048))
    openssl.identity(folder, "ec", ec.generate_private_key(ec.SECP256R1()))
    return folder / "rsa", folder / "ec"


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    (folder / "staple").write_bytes(STAPLE)
    with openssl.server(folder, "-status_file", "staple") as listening:
        yield listening


def followed(said: list[wire.Say], log: bytes) -> Trace:
    keys = Keys()
    keys.add(log)
    return wire.follow(wire.packets(said), keys)


def said_by(trace: Trace, sender: str) -> bytes:
    """What one side said inside TLS, as far as it was opened."""
    return b"".join(m.data for m in trace.every("Unread", sender) if m.opened)


def kinds(trace: Trace, sender: str) -> str:
    return " ".join(m.kind for m in trace.messages if m.sender == sender and m.layer == "tls")


# RENEGOTIATION

RENEGOTIATED = [
    ("ECDHE-RSA-AES128-GCM-SHA256", libssl.TLS_1_2),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", libssl.TLS_1_2),
    ("DHE-RSA-AES256-SHA", libssl.TLS_1_2),
    ("NULL-SHA256", libssl.TLS_1_2),
    ("PSK-AES128-CCM8", libssl.TLS_1_2),
    ("AES128-SHA", TLS_1_1),
    ("ECDHE-RSA-AES256-SHA", TLS_1_0),
]


def renegotiated(pair: libssl.Pair, times: int = 2) -> Trace:
    """A trace in which the client says a line, shakes hands once more, says a line, as often as that."""
    client, server = pair.connect()
    pair.say(client, server, LINE)
    for _ in range(times):
        assert client.ask("SSL_renegotiate") == 1
        pair.shake(client, server)
        server.read()
        pair.move(server, client)
        client.read()
        for _ in range(3):
            pair.shake(client, server)
            server.read()
            client.read()
        assert pair.say(client, server, LINE) == LINE
    return wire.follow(wire.packets(pair.said), pair.keys())


@pytest.mark.parametrize(("name", "version"), RENEGOTIATED)
def test_a_handshake_inside_tls(identities: tuple[Path, ...], name: str, version: int) -> None:
    """The second handshake is opened by the first one's keys, and what comes behind it by its own."""
    trace = renegotiated(libssl.Pair("1.1.1", "1.1.1", version, name, identities))
    assert trace.tls.keys == "all"
    assert said_by(trace, "client") == LINE * 3
    assert [m.kind for m in trace.messages if m.problem and m.kind != "Unread"] == []
    hellos = list(trace.every("ClientHello"))
    assert [m.opened for m in hellos] == [False, True, True]
    assert len({m.data[6:38] for m in hellos}) == 3
    for sender in ("client", "server"):
        assert [m.opened for m in trace.every("ChangeCipherSpec", sender)] == [False, True, True]


def test_each_handshake_has_its_line(identities: tuple[Path, ...]) -> None:
    """With the first line the second handshake is read up to its ChangeCipherSpec; with the second nothing is."""
    pair = libssl.Pair("3", "3", ciphers="ECDHE-RSA-AES128-GCM-SHA256", identities=identities, prepare=allow)
    assert renegotiated(pair, 1).tls.keys == "all"
    lines = list(dict.fromkeys(pair.lines))
    assert [line[:13] for line in lines] == [b"CLIENT_RANDOM"] * 2
    first_only, second_only = followed(pair.said, lines[0]), followed(pair.said, lines[1])
    assert (first_only.tls.keys, second_only.tls.keys) == ("some", "none")
    assert said_by(first_only, "client") == LINE
    assert kinds(first_only, "client").split()[-4:] == ["ClientKeyExchange", "ChangeCipherSpec", "Sealed", "Sealed"]
    assert len(list(second_only.every("ClientHello"))) == 1
    assert "ChangeCipherSpec" not in kinds(second_only, "client").split()[3:]


def test_the_first_handshake_counts(identities: tuple[Path, ...]) -> None:
    """A resumed session, then a full handshake inside it with another suite and a name: the trace keeps to the first."""
    suites = "ECDHE-RSA-AES128-GCM-SHA256:AES256-SHA"
    pair = libssl.Pair("1.1.1", "1.1.1", libssl.TLS_1_2, suites, identities)
    client, _ = pair.connect()
    pair.said = []
    client, server = pair.connect(client.ask("SSL_get1_session"))
    assert pair.say(client, server, LINE) == LINE
    client.ask("SSL_set_cipher_list", b"AES256-SHA:@SECLEVEL=0")
    client.ask("SSL_ctrl", 55, 0, b"late.example")  # SSL_CTRL_SET_TLSEXT_HOSTNAME
    again(pair, client, server, client)
    trace = wire.follow(wire.packets(pair.said), pair.keys())
    assert trace.tls.keys == "all"
    assert trace.tls.resumed
    assert (trace.tls.cipher_suite, trace.tls.server_name) == ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", None)
    first_hello, second_hello = trace.every("ServerHello")
    assert second_hello.summary == "once more, inside TLS: TLS 1.2, TLS_RSA_WITH_AES_256_CBC_SHA"
    assert not first_hello.summary.startswith("once more")
    assert [m.summary[:22] for m in trace.every("ClientHello")] == ["TLS 1.2, names no serv", "once more, inside TLS:"]
    assert said_by(trace, "client") == LINE * 2


def test_a_server_asks_for_another_handshake(identities: tuple[Path, ...]) -> None:
    """By a HelloRequest, and for a certificate that the client did not give the first time."""

    def trust(lib: libssl.Library, context: int, server: bool) -> None:
        assert lib("SSL_CTX_load_verify_locations", context, f"{identities[1]}.crt".encode(), None) == 1

    pair = libssl.Pair("1.1.1", "1.1.1", libssl.TLS_1_2, "ECDHE-RSA-AES128-GCM-SHA256", identities, trust)
    client, server = pair.connect()
    assert pair.say(client, server, LINE) == LINE
    server.ask("SSL_set_verify", 1, None)  # SSL_VERIFY_PEER
    server.ask("SSL_set_session_id_context", b"here", 4)
    assert client.ask("SSL_use_certificate_file", f"{identities[1]}.crt".encode(), libssl.PEM) == 1
    assert client.ask("SSL_use_PrivateKey_file", f"{identities[1]}.key".encode(), libssl.PEM) == 1
    again(pair, server, client, server)
    trace = wire.follow(wire.packets(pair.said), pair.keys())
    assert trace.tls.keys == "all"
    assert [(m.sender, m.opened) for m in trace.every("HelloRequest")] == [("server", True)]
    assert [m.opened for m in trace.every("Certificate", "client")] == [True]
    assert trace.tls.client_certificate == "sent"
    assert [m.kind for m in trace.messages if m.problem and m.kind != "Unread"] == []


def again(pair: libssl.Pair, asks: libssl.Peer, other: libssl.Peer, says: libssl.Peer) -> None:
    """One side asks for a handshake inside TLS, and a line follows it."""
    assert asks.ask("SSL_renegotiate") == 1
    pair.shake(asks, other)
    for _ in range(4):
        for near, far in ((other, asks), (asks, other)):
            near.read()
            pair.move(near, far)
    assert pair.say(says, asks if says is other else other, LINE) == LINE


def allow(lib: libssl.Library, context: int, server: bool) -> None:
    """OpenSSL 3 wants to be asked for it: SSL_OP_ALLOW_CLIENT_RENEGOTIATION."""
    lib("SSL_CTX_set_options", context, 1 << 8)


# RESUMPTION


@pytest.mark.parametrize(
    ("how", "version", "ciphers"),
    [
        ("ticket", libssl.TLS_1_2, "ECDHE-RSA-AES128-GCM-SHA256"),
        ("id", libssl.TLS_1_2, "AES128-SHA"),
        ("psk", libssl.TLS_1_3, "TLS_AES_256_GCM_SHA384"),
    ],
)
def test_a_session_is_resumed(identities: tuple[Path, ...], how: str, version: int, ciphers: str) -> None:
    """By ticket, by id, by pre-shared key: no certificate, and every record opens."""
    pair = libssl.Pair("3", "1.1.1", version, ciphers, identities, no_tickets if how == "id" else lambda *_: None)
    traces, session = [], 0
    for _ in range(2):
        pair.said = []
        client, server = pair.connect(session)
        pair.say(server, client, LINE)  # behind the tickets
        assert pair.say(client, server, LINE) == LINE
        session = client.ask("SSL_get1_session")
        traces.append(wire.follow(wire.packets(pair.said), pair.keys()))
    before, after = traces
    assert (before.tls.keys, after.tls.keys) == ("all", "all")
    assert (before.tls.resumed, after.tls.resumed) == (False, True)
    assert (len(before.certificates), len(after.certificates)) == (1, 0)
    assert after.tls.client_certificate == "none"
    hello = after.of("ClientHello")
    if how == "id":
        session_id = content(first(before.of("ServerHello").fields, "legacy_session_id_echo"))
        assert content(first(hello.fields, "legacy_session_id")) == session_id != b""
    else:
        tickets = [content(first(m.fields, "ticket")) for m in before.every("NewSessionTicket")]
        assert any(ticket and ticket in hello.data for ticket in tickets)


def no_tickets(lib: libssl.Library, context: int, server: bool) -> None:
    lib("SSL_CTX_set_options", context, 1 << 14)  # SSL_OP_NO_TICKET
    lib("SSL_CTX_set_session_id_context", context, b"here", 4)


def test_a_key_from_elsewhere_resumes_nothing(port: int) -> None:
    """TLS 1.3 writes a key that both sides were given as it writes a ticket, but with no age; no certificate is shown."""
    trace = followed(*openssl.connect(port, "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"))
    hello = trace.of("ClientHello")
    assert content(first(hello.fields, "identity")) == b"Client_identity"
    assert first(hello.fields, "obfuscated_ticket_age").value == 0
    assert first(trace.of("ServerHello").fields, "selected_identity").value == 0
    assert (trace.tls.keys, trace.tls.resumed, trace.certificates) == ("all", False, ())


# EARLY DATA


def early(identities: tuple[Path, ...]) -> libssl.Pair:
    """A second connection in which the client speaks in front of the server."""
    pair = libssl.Pair("3", "1.1.1", libssl.TLS_1_3, "TLS_AES_128_GCM_SHA256", identities, allow_early)
    client, server = pair.connect()
    pair.say(server, client, LINE)
    pair.said = []
    client, server = pair.peers(client.ask("SSL_get1_session"))
    room, size = ctypes.create_string_buffer(100), ctypes.c_size_t()
    for line in (b"early\n", b"bird\n"):
        assert client.ask("SSL_write_early_data", line, len(line), ctypes.byref(size)) == 1
    pair.move(client, server)
    for line in (b"early\n", b"bird\n"):
        assert server.ask("SSL_read_early_data", room, len(room), ctypes.byref(size)) == 1
        assert room.raw[: size.value] == line
    pair.move(server, client)
    client.ask("SSL_do_handshake")
    pair.move(client, server)
    assert server.ask("SSL_read_early_data", room, len(room), ctypes.byref(size)) == 2  # SSL_READ_EARLY_DATA_FINISH
    pair.shake(client, server)
    assert pair.say(client, server, LINE) == LINE
    return pair


def allow_early(lib: libssl.Library, context: int, server: bool) -> None:
    lib("SSL_CTX_set_max_early_data", context, 1000)
    lib("SSL_CTX_set_options", context, 1 << 24)  # SSL_OP_NO_ANTI_REPLAY


def test_early_data(identities: tuple[Path, ...]) -> None:
    """It is opened with its own secret and kept apart; its end is said, then the handshake goes on."""
    pair = early(identities)
    trace = wire.follow(wire.packets(pair.said), pair.keys())
    assert trace.tls.keys == "all"
    assert trace.tls.resumed
    assert [m.data for m in trace.every("EarlyData")] == [b"early\n", b"bird\n"]
    assert kinds(trace, "client").split() == (
        ["ClientHello", "ChangeCipherSpec", "EarlyData", "EarlyData", "EndOfEarlyData", "Finished"]
    )
    assert said_by(trace, "client") == LINE


@pytest.mark.parametrize("label", ["CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET"])
def test_early_data_without_a_secret(identities: tuple[Path, ...], label: str) -> None:
    """What lacks its secret stays sealed and costs the rest nothing."""
    pair = early(identities)
    trace = followed(pair.said, b"\n".join(line for line in pair.lines if not line.startswith(label.encode())))
    assert trace.tls.keys == "some"
    assert said_by(trace, "client") == LINE
    sealed = kinds(trace, "client").split().count("Sealed")
    early_ones = [m.data for m in trace.every("EarlyData")]
    expected = ([], 3) if "EARLY" in label else ([b"early\n", b"bird\n"], 1)
    assert (early_ones, sealed) == expected


# KEYUPDATE


def updated(identities: tuple[Path, ...], *, lines: int = 1) -> libssl.Pair:
    pair = libssl.Pair("3", "1.1.1", libssl.TLS_1_3, "TLS_CHACHA20_POLY1305_SHA256", identities)
    client, server = pair.connect()
    for near, far in ((client, server), (server, client), (client, server)):
        assert near.ask("SSL_key_update", libssl.UPDATE_REQUESTED) == 1
        for _ in range(lines):
            assert pair.say(near, far, LINE) == LINE
    return pair


def test_both_sides_change_their_keys(identities: tuple[Path, ...]) -> None:
    """Each asks, each answers when it next speaks, and all that comes behind opens."""
    pair = updated(identities)
    trace = wire.follow(wire.packets(pair.said), pair.keys())
    assert trace.tls.keys == "all"
    asked = {
        sender: [first(m.fields, "request_update").text for m in trace.every("KeyUpdate", sender)]
        for sender in ("client", "server")
    }
    assert asked["client"].count("update_requested") == 2
    assert asked["server"].count("update_requested") == 1
    assert "update_not_requested" in asked["client"] + asked["server"]
    assert (said_by(trace, "client"), said_by(trace, "server")) == (LINE * 2, LINE)


def test_a_lost_record_behind_a_key_update(identities: tuple[Path, ...]) -> None:
    """The new key counts from zero, lost records with it."""
    pair = updated(identities, lines=3)
    whole = wire.follow(wire.packets(pair.said), pair.keys())
    start = whole.of("KeyUpdate", "client").spans[0][1]
    packets = wire.packets(pair.said)
    sent = [p for p in packets if p.payload and p.flow == wire.CLIENT]
    zero = packets[0].seq + 1
    lost = next(p for p in sent if p.seq - zero >= start)  # the second line: the first came with the update
    cut = lost._replace(payload=lost.payload[:10])  # without its header nobody knows where the next record begins
    trace = wire.follow([cut if p is lost else p for p in packets], pair.keys())
    assert said_by(whole, "client") == LINE * 6
    assert said_by(trace, "client") == LINE * 5
    assert len(list(trace.every("Sealed", "client"))) == 1


# CERTIFICATES


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_stapled_status(port: int, version: str) -> None:
    """A message of its own up to TLS 1.2, an extension of the certificate in TLS 1.3 (RFC 8446 §4.4.2.1)."""
    trace = followed(*openssl.connect(port, version, "-status"))
    assert trace.tls.keys == "all"
    holder = trace.of("CertificateStatus") or trace.of("Certificate", "server")
    assert holder.kind == ("CertificateStatus" if version == "-tls1_2" else "Certificate")
    assert first(holder.fields, "status_type").text == "ocsp"
    assert content(first(holder.fields, "response")) == STAPLE


@pytest.mark.parametrize("version", ["-tls1_1", "-tls1_2", "-tls1_3"])
def test_the_authorities_that_a_server_names(tmp_path: Path, version: str) -> None:
    """A field of its own up to TLS 1.2, an extension in TLS 1.3: the names can be read."""
    authority(tmp_path / "ca.pem", "Ümlaut Corp", "Client CA")
    with openssl.server(tmp_path, "-verify", "1", "-CAfile", "ca.pem") as listening:
        trace = followed(*openssl.connect(listening, version, "-cipher", "ALL:@SECLEVEL=0"))
    request = trace.of("CertificateRequest", "server")
    assert [f.text for f in every(request.fields, "distinguished_name")] == ["O=Ümlaut Corp, CN=Client CA"]
    assert request.summary == "a client certificate of O=Ümlaut Corp, CN=Client CA"
    assert request.problem is None
    assert trace.tls.client_certificate == "requested"


def authority(path: Path, organisation: str, name: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    parts = ((NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, name))
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=3650))
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))


def test_a_certificate_asked_for_late() -> None:
    """TLS 1.3 can ask behind the handshake (RFC 8446 §4.6.2); the client's answer is three messages."""
    made = wire.Tls(late=True).run()
    trace = wire.follow(wire.packets(made.preambled()), made.keys())
    assert trace.tls.keys == "all"
    behind = [m for m in trace.messages if m.index > trace.of("StartupMessage").index and m.layer == "tls"]
    kinds = [
        m.kind.removeprefix("Compressed") for m in behind if m.sender == "client"
    ]  # as OpenSSL 3.6 of Debian sends it
    assert kinds == ["Certificate", "CertificateVerify", "Finished"]
    assert "CertificateRequest" in [m.kind for m in behind if m.sender == "server"]
    assert trace.tls.client_certificate == "sent"
    assert [m.problem for m in trace.messages if m.problem] == []
    assert trace.certificates == (ssl.PEM_cert_to_DER_cert(Path(wire.certificate()[0]).read_text()),)


# A KEY LOG THAT GROWS

GROWING = {version: wire.Tls(version).run() for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(GROWING.values())), st.data())
def test_more_keys_open_more(made: wire.Tls, data: st.DataObject) -> None:
    """What some lines of a key log open, those and others open too; what was read stays what it was."""
    lines = made.log.splitlines()
    more = data.draw(st.sets(st.sampled_from(lines)))
    some = data.draw(st.sets(st.sampled_from(sorted(more)))) if more else set()
    keys, packets = Keys(), wire.packets(made.preambled())
    seen = []
    for log in (some, more, lines):
        keys.add(b"\n".join(log))
        trace = wire.follow(packets, keys)
        seen.append({(m.sender, m.kind, m.data) for m in trace.messages if not m.sealed})
    assert seen[0] <= seen[1] <= seen[2]
    assert trace.tls.keys == "all"


# THE LAWS, on connections whose keys change


@pytest.fixture(scope="module")
def changing(identities: tuple[Path, ...]) -> list[tuple[list[wire.Say], Keys]]:
    """A renegotiation, early data, KeyUpdates."""
    again = libssl.Pair("1.1.1", "1.1.1", ciphers="AES128-SHA", identities=identities)
    renegotiated(again)
    front = [("client", wire.SSL_REQUEST), ("server", b"S")]
    return [([*front, *pair.said], pair.keys()) for pair in (again, early(identities), updated(identities))]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(which=st.integers(0, 2), data=st.data(), junk=st.binary(max_size=60))
def test_the_laws_hold_where_keys_change(changing, which: int, data: st.DataObject, junk: bytes) -> None:
    """A packet cut, with junk in its place: nothing is raised, messages tile, both streams are covered."""
    said, keys = changing[which]
    packets = wire.packets(said)
    at = data.draw(st.integers(4, len(packets) - 1))  # behind SYN, SYN, the request and its answer
    keep = data.draw(st.integers(0, len(packets[at].payload)))
    broken = packets[at]._replace(payload=packets[at].payload[:keep] + junk)
    trace = wire.follow([*packets[:at], broken, *packets[at + 1 :]], keys)
    for message in trace.messages:
        assert sum(leaf.stop - leaf.start for leaf in leaves(message.fields)) == message.length
    for sender in ("client", "server"):
        covered = bytearray(len(trace.connection.stream(sender).data))
        spans = [span for m in trace.messages if m.sender == sender for span in m.spans]
        for start, stop in [*spans, *((r.start, r.stop) for r in trace.records[sender])]:
            covered[start:stop] = b"\1" * (stop - start)
        assert all(covered)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(which=st.integers(0, 2), data=st.data())
def test_a_prefix_says_a_prefix_where_keys_change(changing, which: int, data: st.DataObject) -> None:
    """What was opened from the first packets stays what it was."""
    said, keys = changing[which]
    packets = wire.packets(said)
    some = wire.follow(packets[: data.draw(st.integers(4, len(packets)))], keys)
    whole = wire.follow(packets, keys)
    for sender in ("client", "server"):
        seen = [(m.kind, m.data) for m in some.messages if m.sender == sender and m.layer == "tls" and not m.problem]
        assert set(seen) <= {(m.kind, m.data) for m in whole.messages if m.sender == sender} or some.tls.version is None
