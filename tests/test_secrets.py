"""What nobody should read in a report: passwords, their hashes and proofs, cancel keys. A real libpq logs in, and every output is searched."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Iterator

import pytest

from tests import wire
from tracer import render
from tracer.audit import COLUMNS
from tracer.findings import sketch
from tracer.output import Output
from tracer.render.comments import comments
from tracer.report import report
from tracer.trace import Trace
from tracer.verify import Trust

psycopg2 = pytest.importorskip("psycopg2")

PASSWORD, USER = "Wachtwoord-7391", "somebody"
PID, CANCEL_KEY = 0x00012345, bytes.fromhex("deadbe77")
SALT = b"\x01\x02\x03\x04"
WELCOME = b"R\0\0\0\x08\0\0\0\0" + b"K\0\0\0\x0c" + struct.pack(">I", PID) + CANCEL_KEY + b"Z\0\0\0\x05I"


def framed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


def asks(how: str) -> bytes:
    if how == "password":
        return framed(b"R", struct.pack(">I", 3))
    if how == "md5":
        return framed(b"R", struct.pack(">I", 5) + SALT)
    return framed(b"R", struct.pack(">I", 10) + b"SCRAM-SHA-256\0\0")


def login(how: str) -> list[wire.Say]:
    """What a real libpq and a server that asks so say to each other, from the startup message on."""
    said: list[wire.Say] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=_serve, args=(listening, how, said))
        server.start()
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(
                host="127.0.0.1", port=listening.getsockname()[1], user=USER, password=PASSWORD, dbname="x",
                sslmode="disable", gssencmode="disable",
            )  # fmt: skip
        server.join()
    return said


def _serve(listening: socket.socket, how: str, said: list[wire.Say]) -> None:
    with listening.accept()[0] as peer:
        said.append(("client", peer.recv(4000)))
        _say(peer, said, asks(how))
        if how == "scram":
            first = said[-1][1].decode("latin-1")
            nonce = re.search(r"r=([^,]+)", first)[1] + "more"
            salt = base64.b64encode(b"salt" * 4).decode()
            _say(peer, said, framed(b"R", struct.pack(">I", 11) + f"r={nonce},s={salt},i=4096".encode()))
        peer.sendall(framed(b"E", b"SFATAL\0C28P01\0Mno\0\0"))
    said.append(("server", WELCOME))  # libpq was turned away; what it said is good all the same
    said.append(("client", framed(b"X", b"")))


def _say(peer: socket.socket, said: list[wire.Say], words: bytes) -> None:
    peer.sendall(words)
    said += [("server", words), ("client", peer.recv(4000))]


def secrets(how: str, said: list[wire.Say]) -> Iterator[bytes]:
    """What is not to be seen; each is on the wire, or was made from what is."""
    yield PASSWORD.encode()
    yield CANCEL_KEY
    if how == "md5":
        inner = hashlib.md5((PASSWORD + USER).encode()).hexdigest()  # noqa: S324 (the protocol's)
        yield hashlib.md5(inner.encode() + SALT).hexdigest().encode()  # noqa: S324
    if how == "scram":
        (proof,) = re.findall(rb",p=([A-Za-z0-9+/=]{44})", b"".join(words for _, words in said))
        yield proof


def forms(secret: bytes) -> set[str]:
    """As text, in hexadecimal, as a number."""
    return {
        secret.decode("latin-1"),
        secret.hex(),
        base64.b64encode(secret).decode(),
        str(int.from_bytes(secret, "big")),
    }


def outputs(trace: Trace) -> Iterator[tuple[str, str]]:
    trust = Trust(host="db.example", sslmode="verify-full", roots=[], time=trace.time)
    judged = report(trace, trust)
    for verbose in range(3):
        yield f"text {verbose}", render.text(judged, verbose=verbose)
    yield "json", render.json(judged)
    yield "html", render.html(judged)
    yield "markdown", render.markdown(judged)
    yield "comments", repr(comments(judged, quote=True))
    yield "notebook", trace._repr_html_()
    for form in ("text", "json", "ndjson", "html", "markdown"):
        import io

        file = io.StringIO()
        out = Output(form, file, width=100, color=False, verbose=2, only=None)
        out.connection(judged)
        out.end([])
        yield f"file {form}", file.getvalue()


@pytest.mark.parametrize("how", ["password", "md5", "scram"])
@pytest.mark.parametrize("where", ["in clear", "opened"])
def test_no_output_holds_a_secret(how: str, where: str) -> None:
    """Neither of a session in clear nor of one that was opened with its keys."""
    said = login(how)
    hidden = list(secrets(how, said))
    if where == "opened":
        made = wire.Tls(talk=tuple(said)).run()
        trace = wire.follow(wire.packets(made.preambled()), made.keys())
        assert trace.tls.keys == "all"
    else:
        trace = wire.follow(wire.packets(said))
    whole = b"".join(message.data for message in trace.messages)
    assert all(secret in whole for secret in hidden if secret != PASSWORD.encode() or how == "password")
    for name, text in outputs(trace):
        flat = re.sub(r"\s|\\x|<[^>]*>", "", text).lower()
        for secret in hidden:
            assert not [form for form in forms(secret) if form.lower() in flat], (name, secret)


def test_a_cancel_request_keeps_its_key() -> None:
    """It is all that it takes to cancel what somebody else is doing."""
    request = struct.pack(">III", 16, 80877102, PID) + CANCEL_KEY
    trace = wire.follow(wire.packets([("client", request)]))
    assert CANCEL_KEY in trace.messages[0].data
    for name, text in outputs(trace):
        flat = re.sub(r"\s|\\x|<[^>]*>", "", text).lower()
        assert not [form for form in forms(CANCEL_KEY) if form.lower() in flat], name


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_no_report_holds_a_key(version: str) -> None:
    """What opens the connection is in no output of it, nor in an audit's row."""
    made = wire.Tls(version=ssl.TLSVersion[version]).run()
    keys = made.keys()
    trace = wire.follow(wire.packets(made.preambled()), keys)
    assert trace.tls.keys == "all"
    secret = [key for of in keys.secrets.values() for key in of.values()]
    assert secret
    row = repr([column.read(report(trace, Trust(time=trace.time)), sketch(trace)) for column in COLUMNS])
    for name, text in [*outputs(trace), ("audit", row)]:
        flat = re.sub(r"\s|\\x|<[^>]*>", "", text).lower()
        for key in secret:
            assert not [form for form in forms(key) if form.lower() in flat], name
