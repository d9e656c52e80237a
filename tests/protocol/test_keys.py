"""Opening records: real handshakes of the local OpenSSL; the vectors of RFC 8448 have a file of their own."""

from __future__ import annotations

import hmac
import ssl
import tomllib
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import wire
from tracer.protocol.ciphers import covered, suite
from tracer.protocol.fields import leaves
from tracer.protocol.keys import Keys, Opener, _master_secret, expand_label, opener, prf, stage_13
from tracer.protocol.session import Session

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
SUITES = [
    (V12, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    (V12, "ECDHE-ECDSA-AES256-GCM-SHA384"),
    (V12, "ECDHE-ECDSA-CHACHA20-POLY1305"),
    (V13, None),
]


@pytest.mark.parametrize(("version", "ciphers"), SUITES, ids=str)
def test_every_record_of_a_real_handshake_opens(version: ssl.TLSVersion, ciphers: str | None) -> None:
    """With its key log nothing stays sealed, and PostgreSQL's messages come out."""
    made = wire.Tls(version, ciphers).run()
    trace = wire.follow(wire.packets(made.preambled()), made.keys())
    assert trace.tls is not None
    assert trace.tls.keys == "all"
    assert trace.of("Sealed") is None
    assert [m.kind for m in trace.messages if m.layer == "postgres" and m.protected] == [
        "StartupMessage",
        "AuthenticationOk",
        "ReadyForQuery",
    ]


@pytest.mark.parametrize("side", ["CLIENT", "SERVER"])
def test_one_side_opens_without_the_other(side: str) -> None:
    """Partial keys open what they open."""
    made = wire.Tls().run()
    keys = Keys()
    keys.add(b"\n".join(line for line in made.log.splitlines() if line.startswith(side.encode())))
    trace = wire.follow(wire.packets(made.preambled()), keys)
    assert trace.tls is not None
    assert trace.tls.keys == "some"
    assert {m.sender for m in trace.every("Sealed")} == {"server" if side == "CLIENT" else "client"}
    assert any(m.opened for m in trace.messages if m.sender == side.lower())


def test_without_the_handshake_secret_the_rest_opens() -> None:
    """The first record that the application's key opens is where that key begins."""
    made = wire.Tls().run()
    keys = Keys()
    keys.add(b"\n".join(line for line in made.log.splitlines() if b"TRAFFIC_SECRET_0" in line))
    trace = wire.follow(wire.packets(made.preambled()), keys)
    assert trace.of("StartupMessage", "client") is not None
    assert trace.of("Certificate", "server") is None
    assert trace.of("Sealed", "server") is not None


@pytest.mark.parametrize("version", [V12, V13])
def test_a_wrong_key_opens_nothing(version: ssl.TLSVersion) -> None:
    """Records stay sealed, and nothing is raised."""
    made = wire.Tls(version).run()
    keys = made.keys()
    for secrets in keys.secrets.values():
        for label in secrets:
            secrets[label] = bytes(len(secrets[label]))
    trace = wire.follow(wire.packets(made.preambled()), keys)
    assert trace.tls is not None
    assert trace.tls.keys == "none"


def test_junk_in_a_key_log_is_passed_over() -> None:
    """Comments, other formats and broken lines are no keys."""
    keys = Keys()
    random = "ab" * 32
    log = f"# comment\nRSA 00 11\nCLIENT_RANDOM {random} zz\n\xff\xfe\nCLIENT_RANDOM {random} {'cd' * 48}\n"
    assert keys.add(log.encode("latin-1")) == 1
    assert keys.of(bytes.fromhex(random)) == {"CLIENT_RANDOM": bytes.fromhex("cd" * 48)}
    assert keys.of(bytes(32)) == {}


def test_an_unknown_suite_is_not_opened() -> None:
    """IDEA has no place here: its records stay sealed. Neither has SSL 2.0."""
    session = Session(version=0x0303, suite="TLS_RSA_WITH_IDEA_CBC_SHA", client_random=bytes(32))
    keys = Keys({bytes(32): {"CLIENT_RANDOM": bytes(48)}})
    assert opener(session, keys, "client") is None
    session.suite = "TLS_RSA_WITH_AES_128_CBC_SHA"
    assert opener(session, keys, "client") is not None
    session.version = 0x0002
    assert opener(session, keys, "client") is None


# RECORDS OF OUR OWN

SECRET = b"s" * 32
AES = suite("TLS_AES_128_GCM_SHA256")


def sealed(plaintext: bytes, sequence: int, secret: bytes = SECRET) -> tuple[bytes, bytes]:
    """Header and body of a record."""
    record = wire.sealed(secret, plaintext, sequence)
    return record[:5], record[5:]


@pytest.mark.parametrize(
    ("plaintext", "opened"),
    [
        (b"hello\x17", (23, b"hello")),
        (b"hello\x17" + bytes(300), (23, b"hello")),
        (b"zeros\0\0\x17\0", (23, b"zeros\0\0")),
        (b"\x17", (23, b"")),
        (b"\x17" + bytes(20), (23, b"")),
        (b"\1\0\x15\0", (21, b"\1\0")),
        (bytes(8), None),
    ],
)
def test_padding_of_tls_13(plaintext: bytes, opened: tuple[int, bytes] | None) -> None:
    """It is zeros behind the content type; a record of nothing but zeros has none (RFC 8446 §5.4)."""
    stage = stage_13("application", SECRET, AES, begun=True)
    assert Opener([stage], AES, version13=True).open(*sealed(plaintext, 0)) == opened


def test_keys_change_behind_finished_and_key_update() -> None:
    """The handshake's stage ends with Finished; without another one nothing is left, and nothing is raised."""
    made = Opener([stage_13("handshake", SECRET, AES, begun=True)], AES, version13=True)
    made.finished()
    made.update()
    made.skip(b"")
    assert made.open(*sealed(b"x\x17", 0)) is None
    both = [stage_13("handshake", SECRET, AES, begun=True), stage_13("application", b"t" * 32, AES, begun=False)]
    made = Opener(both, AES, version13=True)
    assert made.open(*sealed(b"x\x16", 0)) == (22, b"x")
    assert made.stage == "handshake"
    made.finished()
    made.skip(b"lost")
    assert made.open(*sealed(b"y\x17", 1, b"t" * 32)) == (23, b"y")
    made.update()
    made.skip(b"lost")
    following = expand_label("sha256", b"t" * 32, b"traffic upd", 32)
    assert made.open(*sealed(b"z\x17", 1, following)) == (23, b"z")


def test_tls_12_knows_no_key_update() -> None:
    """A message of that number changes nothing there."""
    made = Opener([stage_13("application", SECRET, AES, begun=True)], AES, version13=False)
    made.update()
    made.finished()
    assert made.open(*sealed(b"same key", 0)) == (23, b"same key")


def test_a_premaster_secret_without_the_extension() -> None:
    """Both ways to a master secret (RFC 5246 §8.1, RFC 7627 §4), against values of the PRF made by hand."""
    premaster = b"p" * 48
    keys = Keys({b"c" * 32: {"PMS_CLIENT_RANDOM": premaster}})
    session = Session(0x0303, "TLS_RSA_WITH_AES_128_GCM_SHA256", b"c" * 32, b"s" * 32)
    masters = {}
    for extended in (False, True):
        session.extended_master_secret = extended
        masters[extended] = _master_secret(session, keys)
    a1 = hmac.digest(premaster, b"master secret" + b"c" * 32 + b"s" * 32, "sha256")
    first = hmac.digest(premaster, a1 + b"master secret" + b"c" * 32 + b"s" * 32, "sha256")
    assert masters[False][:32] == first
    assert masters[True] != masters[False]
    assert _master_secret(session, Keys()) is None


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([20, 21, 22, 23, 99]), st.binary(max_size=40)), max_size=8))
def test_whatever_is_sealed_is_followed(inside: list[tuple[int, bytes]]) -> None:
    """Any content of any type behind real keys: nothing is raised, each record opens, and messages tile."""
    hello = rfc8448("client", 0)
    label = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
    said = [("client", hello), ("server", rfc8448("server", 1))]
    for sequence, (kind, data) in enumerate(inside):
        said.append(("server", b"".join(sealed(data + bytes([kind]), sequence))))
    trace = wire.follow(wire.packets(said), Keys({hello[11:43]: {label: SECRET}}))
    opened = [m for m in trace.messages if m.protected]
    if not any(b"\x14" in data or b"\x18" in data for kind, data in inside if kind == 22):
        assert [m.kind for m in opened if not m.opened] == []
    for message in opened:
        assert sum(leaf.stop - leaf.start for leaf in leaves(message.fields)) == message.length


@cache
def rfc8448(sender: str, number: int) -> bytes:
    """The hellos of a real connection, whose keys we then make up."""
    traces = tomllib.loads((Path(__file__).parent / "rfc8448.toml").read_text())
    said = traces["simple"]["said"][number]
    assert said["sender"] == sender
    return bytes.fromhex(said["bytes"])


# EMPTY RECORDS AND SPLIT ONES: TLS 1.0


@pytest.mark.parametrize("etm", [True, False], ids=["etm", "no_etm"])
def test_empty_records_and_1_n_1_splits(etm: bool) -> None:
    """OpenSSL puts an empty record in front, others a byte: what comes out is one startup message."""
    session = Session(0x0301, "TLS_RSA_WITH_AES_128_CBC_SHA", b"c" * 32, b"s" * 32, encrypt_then_mac=etm)
    made = opener(session, Keys({b"c" * 32: {"CLIENT_RANDOM": b"m" * 48}}), "client")
    block = prf("", b"m" * 48, b"key expansion" + b"s" * 32 + b"c" * 32, 104)
    mac_key, key, iv = block[:20], block[40:56], block[72:88]
    heard = []
    for sequence, part in enumerate((b"", b"h", b"ello", b"")):
        header = b"\x17\3\1\0\0"

        def mac(data: bytes, sequence: int = sequence, header: bytes = header) -> bytes:
            return hmac.digest(mac_key, covered(header, sequence, len(data)) + data, "sha1")

        plain = part + (b"" if etm else mac(part))
        padding = 16 - len(plain) % 16
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        body = encryptor.update(plain + bytes([padding - 1]) * padding)
        iv = body[-16:]
        heard.append(made.open(header, body + (mac(body) if etm else b"")))
    assert heard == [(23, b""), (23, b"h"), (23, b"ello"), (23, b"")]
