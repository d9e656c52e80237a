"""Requests in front of TLS, plaintext, passwords, versions and ciphers: each finding on real bytes, and silence where all is well."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests import authority, openssl
from tests.authority import issue, root, rsa_key
from tests.findings.helpers import error, healthy, kinds, only, shake, shown, story
from tests.wire import STARTUP, WELCOME, Say, Tls, follow, packets, spoken
from tracer.findings.encryption import KEPT_KEYS, WEAK
from tracer.protocol.keys import Keys
from tracer.protocol.numbers import CIPHER_SUITES, VERSIONS

GSSENC_REQUEST = bytes.fromhex("0000000804d21630")
CLEARTEXT, MD5 = b"R\0\0\0\x08\0\0\0\3", b"R\0\0\0\x0c\0\0\0\5salt"
ANSWER = b"p\0\0\0\x0bsecret\0"
REFUSED = error("28000", "no pg_hba.conf entry for host, no encryption")
TLS_1_2 = ssl.TLSVersion.TLSv1_2


def test_bytes_behind_the_answer() -> None:
    """What stands between S and the first record, and where; TLS goes on behind it."""
    made = Tls().run()
    said = made.preambled()
    said[1] = ("server", b"S" + b"E\0\0\0\x0cinjected")
    trace = follow(packets(said), made.keys())
    finding = only("bytes_behind_answer", trace)
    assert finding.message is not None
    assert trace.messages[finding.message].data == b"E\0\0\0\x0cinjected"
    assert finding.weight == "danger"
    assert trace.of("Certificate", "server") is not None
    assert trace.tls is not None
    assert trace.tls.keys == "all"


def test_bytes_that_were_lost_are_not_injected() -> None:
    """A hole behind S may have been TLS: a gap is what is said."""
    made = Tls().run()
    given = packets(made.preambled(), size=100)
    server = (5432).to_bytes(2, "big")
    hole = next(p for p in given if p.payload.startswith(b"\x16\x03\x03") and p.flow[-4:-2] == server)
    found = kinds(follow([p for p in given if p is not hole]))
    assert "bytes_behind_answer" not in found
    assert "gap" in found


# IN CLEAR


def test_on_in_plaintext() -> None:
    """After N, and without asking."""
    assert "was told no" in only("plaintext", *story("no-tls-prefer")).text
    assert "did not ask for TLS" in only("plaintext", spoken(("client", STARTUP), ("server", WELCOME))).text
    assert "plaintext" not in kinds(*story("no-tls-require"), healthy())


def test_refused_in_plaintext() -> None:
    """RDS with rds.force_ssl: the user's name was in clear, and no more."""
    finding = only("plaintext", spoken(("client", STARTUP), ("server", REFUSED)))
    assert finding.weight == "warning"
    assert "user and database" in finding.text


@pytest.mark.parametrize("asked", [CLEARTEXT, MD5])
def test_a_password_in_clear(asked: bytes) -> None:
    """Asked for, and given."""
    finding = only("password", spoken(("client", STARTUP), ("server", asked)))
    assert (finding.weight, "asks for" in finding.text) == ("danger", True)
    given = only("password", spoken(("client", STARTUP), ("server", asked), ("client", ANSWER), ("server", WELCOME)))
    assert "and got it" in given.text
    assert "change this password" in given.advice
    assert "password" not in kinds(*story("no-tls-prefer"))  # SCRAM


@pytest.mark.parametrize(("asked", "weight"), [(CLEARTEXT, "warning"), (MD5, "note")])
def test_a_password_inside_tls(asked: bytes, weight: str) -> None:
    """It goes to whoever is at the other end."""
    talk: tuple[Say, ...] = (("client", STARTUP), ("server", asked), ("client", ANSWER), ("server", WELCOME))
    finding = only("password", healthy(talk=talk))
    assert finding.weight == weight
    assert "whoever is at the other end" in finding.text
    assert "secret" not in finding.text
    assert "password" not in kinds(*story("verify-full"), healthy())


@pytest.mark.parametrize(("answer", "weight"), [(b"N", "note"), (b"G", "warning")])
def test_gssapi_first(answer: bytes, weight: str) -> None:
    """Asked in front of TLS: a round trip, or no TLS at all."""
    made = shake(authority.server(), authority.subordinate())
    behind = made.preambled() if answer == b"N" else []
    finding = only("gssapi", follow(packets([("client", GSSENC_REQUEST), ("server", answer), *behind]), made.keys()))
    assert finding.weight == weight
    assert finding.message == 0
    assert "gssapi" not in kinds(healthy())


# VERSIONS AND CIPHERS


@pytest.mark.parametrize(("version", "name"), [(ssl.TLSVersion.TLSv1, "TLS 1.0"), (ssl.TLSVersion.TLSv1_1, "TLS 1.1")])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions(version: ssl.TLSVersion, name: str) -> None:
    """TLS 1.0 and 1.1; 1.2 is of today."""
    trace = shown(authority.server(), authority.subordinate(), version=version, ciphers="ALL:@SECLEVEL=0")
    assert only("old_version", trace).text.startswith(f"{name} is spoken")
    assert "old_version" not in kinds(healthy(version=TLS_1_2))


def test_a_server_that_could_have_done_more() -> None:
    """A client that offers TLS 1.2 only: a note."""
    assert only("downgrade", *story("verify-full-tls12")).weight == "note"
    assert "downgrade" not in kinds(*story("verify-full"), healthy())


def test_a_hello_that_was_changed() -> None:
    """The server says that it was not offered TLS 1.3, and this hello offers it: the danger of RFC 8446 §4.1.3."""
    (low,), (high,) = story("verify-full-tls12"), story("verify-full")
    hello = high.messages[2]
    server = low.connection.server_stream.data
    client = high.connection.client_stream.data[: hello.spans[0][1]]
    finding = only(
        "downgrade", spoken(("client", client[:8]), ("server", b"S"), ("client", client[8:]), ("server", server[1:]))
    )
    assert finding.weight == "danger"
    assert "offers it" in finding.text


@pytest.mark.parametrize(
    ("cipher", "words"), [("ECDHE-ECDSA-NULL-SHA", "does not encrypt"), ("AECDH-AES128-SHA", "without a certificate")]
)
def test_ciphers_that_protect_nothing(cipher: str, words: str) -> None:
    """Negotiated by OpenSSL itself, at its security level 0."""
    trace = shown(authority.server(), authority.subordinate(), ciphers=f"{cipher}:@SECLEVEL=0")
    finding = only("weak_cipher", trace)
    assert (finding.weight, words in finding.text) == ("danger", True)
    assert "weak_cipher" not in kinds(healthy())


@pytest.mark.parametrize(
    ("suite", "words"),
    [
        ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", "export"),
        ("TLS_ECDHE_RSA_WITH_RC4_128_SHA", "RC4"),
        ("TLS_DHE_RSA_WITH_DES_CBC_SHA", "56 bits"),
        ("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "64 bits"),
    ],
)
def test_ciphers_that_are_broken(suite: str, words: str) -> None:
    """No library makes them any more: the number is put into a real ServerHello."""
    number = next(n for n, name in CIPHER_SUITES.items() if name == suite)
    said = shake(authority.server(), authority.subordinate()).preambled()
    hello = bytearray(said[3][1])
    at = 5 + 4 + 2 + 32 + 1 + hello[5 + 4 + 2 + 32]
    hello[at : at + 2] = number.to_bytes(2, "big")
    said[3] = ("server", bytes(hello))
    assert words in only("weak_cipher", follow(packets(said))).text


def test_no_forward_secrecy() -> None:
    """Static RSA; ECDHE has it."""
    leaf = issue("db.example", root(), key=rsa_key(2048))
    finding = only("no_forward_secrecy", shown(leaf, root(), ciphers="AES128-GCM-SHA256"))
    assert "key of the server's certificate" in finding.text
    assert "no_forward_secrecy" not in kinds(shown(leaf, root(), ciphers="ECDHE-RSA-AES128-GCM-SHA256"))


def test_the_tables_are_about_real_suites() -> None:
    """Each fragment and each prefix occurs in the registry."""
    for fragment, _, _ in WEAK:
        assert any(fragment in name for name in CIPHER_SUITES.values()), fragment
    for prefix in KEPT_KEYS:
        assert any(name.startswith(prefix) for name in CIPHER_SUITES.values()), prefix
    assert {"TLS 1.0", "TLS 1.1", "SSL 3.0"} < set(VERSIONS.values())


def test_no_server_name() -> None:
    """A client without SNI: a note."""
    assert only("no_server_name", healthy(name=None)).weight == "note"
    assert "no_server_name" not in kinds(healthy())


@pytest.mark.needs("openssl")
def test_resumption(tmp_path: Path) -> None:
    """The second connection shows no certificate, and says whose word counts."""
    session = tmp_path / "session"
    with openssl.server(tmp_path) as port:
        first = openssl.connect(port, "-tls1_2", "-sess_out", str(session))
        second = openssl.connect(port, "-tls1_2", "-sess_in", str(session))
    traces = []
    for said, log in (first, second):
        keys = Keys()
        keys.add(log)
        traces.append(follow(packets(said), keys))
    assert "resumed" not in kinds(traces[0])
    assert "no certificate is shown again" in only("resumed", traces[1]).text


def test_a_request_to_cancel() -> None:
    """In clear its key can be used by whoever reads it; inside TLS there is nothing to say."""
    assert "can cancel" in only("cancel_request", *story("cancel-request")).text
    assert "cancel_request" not in kinds(*story("cancel-request-tls"))


@pytest.mark.needs("openssl")
def test_renegotiation(tmp_path: Path) -> None:
    """A second handshake inside the first one's keys is told with keys and without, and where it begins."""
    with openssl.server(tmp_path, "-client_renegotiation") as port:
        said, log = openssl.connect(port, "-tls1_2", lines=(openssl.LINE, b"R\n", openssl.LINE))
    keys = Keys()
    keys.add(log)
    opened, sealed = follow(packets(said), keys), follow(packets(said))
    begin = only("renegotiated", opened).message
    assert begin is not None
    assert opened.messages[begin].kind == "ClientHello"
    assert opened.messages[begin].summary.startswith("once more, inside TLS: TLS 1.2")
    begin = only("renegotiated", sealed).message
    assert begin is not None
    assert sealed.messages[begin].kind == "Sealed"
    assert "renegotiated" not in kinds(healthy(), *story("verify-full"))
