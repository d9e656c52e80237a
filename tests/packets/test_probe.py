"""The probe, against servers that are not PostgreSQL, or hardly: what it records, and that it never hangs."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.authority import PEM, issue
from tests.wire import certificate
from tracer.errors import TracerError
from tracer.packets.probe import SSL_REQUEST, Conduct, Endpoint, probe
from tracer.packets.source import FIN, Packet
from tracer.streams import reassemble
from tracer.trace import Trace, follow

STARTUP = b"\0\0\0\x11\0\3\0\0user\0me\0\0"
Talk = Callable[[socket.socket], None]


@contextmanager
def serving(talk: Talk, address: str = "127.0.0.1") -> Iterator[Endpoint]:
    """A server for one connection."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listening:

        def serve() -> None:
            connected, _ = listening.accept()
            with connected:
                connected.settimeout(10)
                talk(connected)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Endpoint("db.example", address, listening.getsockname()[1])
        thread.join(10)


def saying(*words: bytes) -> Talk:
    """A server that answers the SSLRequest and closes."""

    def talk(connected: socket.socket) -> None:
        assert connected.recv(8) == SSL_REQUEST
        for word in words:
            connected.sendall(word)

    return talk


def tls(
    version: ssl.TLSVersion, *, required: bool = False, answer: bytes = b"S", inside: bytes = b"", alpn: bool = False
) -> Talk:
    """A server with TLS of that version; `required` wants a client certificate."""

    def talk(connected: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate())
        context.minimum_version = context.maximum_version = version
        if alpn:
            context.set_alpn_protocols(["postgresql"])
        if required:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(certificate()[0])
        if answer:
            connected.recv(8)
            connected.sendall(answer)
        try:
            with context.wrap_socket(connected, server_side=True) as wrapped:
                if inside:
                    wrapped.recv(100)
                    wrapped.sendall(inside)
                wrapped.recv(100)
        except OSError:
            pass

    return talk


def traced(talk: Talk, conduct: Conduct | None = None, address: str = "127.0.0.1") -> Trace:
    """What a probe of that server shows."""
    with serving(talk, address) as endpoint:
        source = probe([endpoint], conduct or Conduct(timeout=1))
    (connection,) = reassemble(source, all_tls=True)
    return follow(connection, source.keys)


BOTH = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@BOTH
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_handshake(version: ssl.TLSVersion, address: str) -> None:
    """Every message is recorded and opened with our own keys; we close nothing, and say nothing behind it."""
    trace = traced(tls(version), address=address)
    assert (trace.outcome.kind, trace.outcome.where) == ("incomplete", "after_handshake")
    assert trace.tls is not None
    assert trace.tls.keys == "all"
    assert trace.tls.server_name == "db.example"
    assert len(trace.certificates) == 1
    assert trace.of("StartupMessage") is None


@BOTH
def test_a_wrong_root(version: ssl.TLSVersion, tmp_path: Path) -> None:
    """The chain is refused with the alert that libpq sends, and the certificates are read all the same."""
    root = tmp_path / "root.crt"
    root.write_bytes(issue("another", ca=True).certificate.public_bytes(PEM))
    trace = traced(tls(version), Conduct(sslrootcert=str(root), timeout=1))
    assert trace.outcome.kind == "refused_by_client"
    assert trace.outcome.alert is not None
    assert trace.outcome.alert.code == 48
    assert len(trace.certificates) == 1


@BOTH
def test_a_name_that_is_refused(version: ssl.TLSVersion) -> None:
    """Behind a whole handshake we close as libpq does, without a StartupMessage, even where one was wanted."""
    trace = traced(tls(version), Conduct(accept=lambda _der, host: host != "db.example", startup=STARTUP, timeout=1))
    assert (trace.outcome.kind, trace.outcome.where) == ("refused_by_client", "after_handshake")
    assert trace.of("StartupMessage") is None


@BOTH
def test_a_client_certificate_is_required(version: ssl.TLSVersion) -> None:
    """The server's alert is waited for, which in TLS 1.3 comes behind our Finished."""
    trace = traced(tls(version, required=True))
    assert trace.outcome.kind == "refused_by_server"
    assert trace.outcome.alert is not None
    assert trace.outcome.alert.code == (116 if version == ssl.TLSVersion.TLSv1_3 else 40)


@BOTH
def test_the_startup(version: ssl.TLSVersion) -> None:
    """It goes as far as the authentication request, and answers nothing."""
    trace = traced(tls(version, inside=b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"), Conduct(startup=STARTUP, timeout=1))
    assert trace.presented.authentication == ("SCRAM-SHA-256",)
    last = [m for m in trace.messages if m.sender == "client" and m.layer == "postgres"][-1]
    assert last.kind == "StartupMessage"


def test_direct_tls() -> None:
    """The first byte is TLS's."""
    trace = traced(tls(ssl.TLSVersion.TLSv1_3, answer=b"", alpn=True), Conduct(direct=True, timeout=1))
    assert trace.preamble == "direct"
    assert trace.tls is not None
    assert trace.tls.alpn == "postgresql"


def test_bytes_behind_s() -> None:
    """They are seen, and are no part of TLS."""
    trace = traced(tls(ssl.TLSVersion.TLSv1_3, answer=b"Sinjected"))
    assert trace.of("UnencryptedData") is not None
    assert trace.of("Finished", "client") is not None


@pytest.mark.parametrize(
    ("words", "answer", "kind"),
    [
        (b"N", "N", "refused_by_client"),
        (b"E\0\0\0\x16SFATAL\0Mgo away\0\0", "E", "refused_by_server"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "other", "closed"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "S", "closed"),
        (b"S", "S", "closed"),
        (b"", None, "closed"),
    ],
)
def test_an_answer(words: bytes, answer: str | None, kind: str) -> None:
    """Whatever a port says is recorded, and ends the conversation."""
    trace = traced(saying(words))
    assert (trace.answer, trace.outcome.kind) == (answer, kind)


def test_a_silent_port() -> None:
    """Silence is given up, and said."""

    def talk(connected: socket.socket) -> None:
        while connected.recv(100):
            pass

    with serving(talk) as endpoint:
        source = probe([endpoint], Conduct(timeout=0.3))
    assert source.problems == ["the server said nothing more for 0.3 seconds"]


def test_the_next_address() -> None:
    """Where nothing listens the next one is tried, and the first is told."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with serving(saying(b"N")) as endpoint:
        source = probe([Endpoint("gone", "127.0.0.1", port), endpoint], Conduct(timeout=1))
    assert source.name.startswith("db.example:")
    assert source.problems == [f"127.0.0.1, port {port}: Connection refused"]
    with pytest.raises(TracerError, match="cannot connect"):
        probe([Endpoint(None, "127.0.0.1", port)], Conduct(timeout=1))


def test_a_root_file_that_cannot_serve(tmp_path: Path) -> None:
    """Like libpq we close behind S and send no ClientHello."""
    root = tmp_path / "root.crt"
    root.write_text("garbage")
    trace = traced(saying(b"S"), Conduct(sslrootcert=str(root), timeout=1))
    assert (trace.outcome.kind, trace.outcome.where) == ("refused_by_client", "before_tls")


def test_a_damaged_root_file(tmp_path: Path) -> None:
    """Its reason is OpenSSL's own, without the place in Python that heard it."""
    root = tmp_path / "root.crt"
    root.write_text("-----BEGIN CERTIFICATE-----\nM!!I\n-----END CERTIFICATE-----\n")
    with serving(saying(b"S")) as endpoint:
        source = probe([endpoint], Conduct(sslrootcert=str(root), timeout=1))
    assert source.problems == [f'could not read root certificate file "{root}": bad base64 decode']


def test_the_packets_can_be_read_again() -> None:
    """A source of a probe gives the same packets each time, and its sequence numbers join."""
    with serving(saying(b"N")) as endpoint:
        source = probe([endpoint], Conduct(timeout=1))
    first, second = ([p for p in source if isinstance(p, Packet)] for _ in range(2))
    assert first == second
    assert first[-1].flags & FIN


@pytest.mark.parametrize(
    ("mode", "said"), [(0o644, "has group or world access"), (None, "certificate present, but not private key file")]
)
def test_a_key_that_libpq_would_not_take(tmp_path: Path, mode: int | None, said: str) -> None:
    """We close behind S, as libpq does, and say why."""
    crt, key = tmp_path / "crt", tmp_path / "key"
    crt.write_bytes(Path(certificate()[0]).read_bytes())
    if mode is not None:
        key.write_bytes(Path(certificate()[1]).read_bytes())
        key.chmod(mode)
    with serving(saying(b"S")) as endpoint:
        source = probe([endpoint], Conduct(sslcert=str(crt), sslkey=str(key), timeout=1))
    assert said in source.problems[0]
    (connection,) = reassemble(source)
    assert follow(connection).outcome.where == "before_tls"


def test_a_host_that_may_hold_a_password() -> None:
    """Of `user:pa@ss@db` libpq makes the host `ss@db`: it is not repeated, and how an @ is written is said."""
    with pytest.raises(TracerError) as raised:
        probe([Endpoint("ss@w@mydb.invalid", "ss@w@mydb.invalid", 5432)], Conduct())
    said = [str(raised.value), *raised.value.hints]
    assert not any("ss@" in line for line in said)
    assert any("%40" in line for line in said)
