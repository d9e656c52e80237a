"""Key logs, the key schedules of SSL 3.0 to TLS 1.3, and opening records with them.

`Keys` holds what a key log says, by the ClientHello's random. An `Opener` opens the records of one direction, in order.
Partial keys are the normal case: whatever cannot be opened stays sealed, and nothing here raises for it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tracer.protocol.ciphers import (
    SSL_3_0,
    TLS_1_0,
    TLS_1_3,
    Blocks,
    Box,
    Maced,
    Sealed12,
    Sealed13,
    Streamed,
    Suite,
    aead,
    suite,
)
from tracer.protocol.session import Sender, Session

Secrets = dict[str, bytes]

LONGEST_LOG = 64 << 20  # bytes of key log that are kept from one source
LINE = re.compile(rb"^([A-Z0-9_]{1,64}) +([0-9a-fA-F]{16}|[0-9a-fA-F]{64}) +([0-9a-fA-F]{64,2048})\s*$")
PREMASTER = 8  # bytes of an encrypted pre-master secret by which a line `RSA` names it (NSS Key Log Format)


@dataclass
class Keys:
    """What key logs said so far: label to secret, by client random. Grows while a capture is read.

    `decrypt` opens a pre-master secret that was encrypted to the server's RSA key, where that key is at hand.
    """

    secrets: dict[bytes, Secrets] = field(default_factory=dict)
    decrypt: Callable[[bytes], bytes | None] | None = None

    def add(self, log: bytes) -> int:
        """Take the lines of an NSS key log; returns how many were understood. Other lines are passed over."""
        understood = 0
        for line in log[:LONGEST_LOG].splitlines():
            match = LINE.match(line)
            if match and len(match[3]) % 2 == 0:
                label, random, secret = match.groups()
                of = self.secrets.setdefault(bytes.fromhex(random.decode()), {})
                of[label.decode()] = bytes.fromhex(secret.decode())
                understood += 1
        return understood

    def of(self, random: bytes) -> Secrets:
        """The secrets of the connection whose ClientHello had that random."""
        return self.secrets.get(random, {})


@dataclass
class Stage:
    """The keys of one direction between two key changes, and the number of the next record, once it has `begun`."""

    name: str
    box: Box
    secret: bytes = b""
    sequence: int = 0
    begun: bool = True


class Opener:
    """Opens the protected records of one direction. `stages` come in the order in which the direction uses them."""

    def __init__(self, stages: Iterable[Stage | None], suite: Suite, *, version13: bool) -> None:
        self.version13 = version13
        self.stages = [stage for stage in stages if stage is not None]
        self.suite = suite

    def open(self, header: bytes, body: bytes, lost: int = 0) -> tuple[int, bytes] | None:
        """A record's content type and plaintext, or None when no key at hand opens it.

        The tag tells which stage a record belongs to: with a stage's keys missing, the first record that a later stage
        opens is where it begins. It tells the sequence number as well, where up to `lost` records went by unseen.
        """
        for position, stage in enumerate(self.stages):
            for ahead in range(lost + 1):
                opened = self._try(stage, header, body, stage.sequence + ahead)
                if opened is not None:
                    del self.stages[:position]
                    stage.sequence += ahead + 1
                    stage.begun = True
                    return opened
        self.skip(body)
        return None

    def skip(self, body: bytes) -> None:
        """A record went by that was not opened: it took a number all the same."""
        if self.stages and self.stages[0].begun:
            self.stages[0].sequence += 1
            self.stages[0].box.skip(body)

    @property
    def stage(self) -> str:
        """The name of the stage that opened the last record."""
        return self.stages[0].name

    def finished(self) -> None:
        """The direction's Finished went by: TLS 1.3 changes the key behind it (RFC 8446 §7.3)."""
        if self.version13 and self.stages and self.stages[0].name == "handshake":
            del self.stages[0]
            for stage in self.stages:
                stage.begun = True

    def update(self) -> None:
        """A KeyUpdate went by (RFC 8446 §7.2)."""
        if self.version13 and self.stages:
            stage = self.stages[0]
            secret = expand_label(self.suite.hash, stage.secret, b"traffic upd", len(stage.secret))
            self.stages[0] = stage_13(stage.name, secret, self.suite, begun=True)

    def _try(self, stage: Stage, header: bytes, body: bytes, sequence: int) -> tuple[int, bytes] | None:
        try:
            plaintext = stage.box.open(header, body, sequence)
        except _refusals():
            return None
        return _inner(plaintext) if self.version13 else (header[0], plaintext)


def _refusals() -> tuple[type[Exception], ...]:
    """What a cipher raises for a record that its key does not open."""
    from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm

    return InvalidTag, UnsupportedAlgorithm, ValueError


def opener(session: Session, keys: Keys, sender: Sender) -> Opener | None:
    """The opener of one direction, or None when its keys or its cipher suite are not known to us."""
    found = suite(session.suite)
    if found is None or session.version is None or session.version < SSL_3_0:
        return None
    secrets = keys.of(session.client_random)
    if session.version == TLS_1_3:
        # with early data in front, or without its own keys, a stage begins with the first record that it opens
        begins = "early" if session.early_data and sender == "client" else "handshake"
        stages = [
            stage_13(name, secret, found, begun=name == begins)
            for name, label in STAGES
            if (secret := secrets.get(label.format(sender.upper()))) is not None
        ]
        return Opener(stages, found, version13=True) if stages else None
    master = secrets.get("CLIENT_RANDOM") or _master_secret(session, keys)
    return Opener([_stage_12(master, session, sender, found)], found, version13=False) if master else None


# TLS 1.3, RFC 8446 §7.1 and §7.3


def stage_13(name: str, secret: bytes, suite: Suite, *, begun: bool) -> Stage:
    key = expand_label(suite.hash, secret, b"key", suite.key)
    iv = expand_label(suite.hash, secret, b"iv", 12)
    return Stage(name, Sealed13(aead(suite, key), iv), secret, begun=begun)


def expand_label(hash_name: str, secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 §7.1)."""
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + b"\0"
    return b"".join(_hkdf_blocks(hash_name, secret, info, length))[:length]


def _hkdf_blocks(hash_name: str, secret: bytes, info: bytes, length: int) -> Iterator[bytes]:  # RFC 5869 §2.3
    block, done, counter = b"", 0, 1
    while done < length:
        block = hmac.digest(secret, block + info + bytes([counter]), hash_name)
        yield block
        done += len(block)
        counter += 1


def _inner(plaintext: bytes) -> tuple[int, bytes] | None:
    """The content type behind the plaintext and before its padding (RFC 8446 §5.2)."""
    stripped = plaintext.rstrip(b"\0")
    return (stripped[-1], stripped[:-1]) if stripped else None


# SSL 3.0 TO TLS 1.2, RFC 5246 §5, §6.3 and §8.1


def _stage_12(master: bytes, session: Session, sender: Sender, suite: Suite) -> Stage:
    seed = session.server_random + session.client_random
    sizes = (suite.mac_key, suite.key, _fixed_iv(session, suite))
    block = _derived(session, suite, master, b"key expansion", seed, 2 * sum(sizes))
    parts, at = [], 0
    for size in sizes:
        mine = at if sender == "client" else at + size
        parts.append(block[mine : mine + size])
        at += 2 * size
    return Stage("application", _box_12(session, suite, *parts))


def _box_12(session: Session, suite: Suite, mac_key: bytes, key: bytes, iv: bytes) -> Box:
    if suite.mode == "CBC":
        chained = iv if _chained(session) else None
        return Blocks(suite, key, mac_key, chained, session.encrypt_then_mac)
    if suite.cipher == "NULL":
        return Maced(suite.mac, mac_key)
    if suite.cipher == "RC4_128":
        return Streamed(suite, key, mac_key)
    return Sealed12(aead(suite, key), iv, suite.tag)


def _fixed_iv(session: Session, suite: Suite) -> int:
    """Bytes of IV in the key block: the first one up to TLS 1.0, and the fixed part of an AEAD's nonce."""
    if suite.mode == "CBC":
        return suite.block if _chained(session) else 0
    return {"": 0, "POLY1305": 12}.get(suite.mode, 4)


def _chained(session: Session) -> bool:
    return session.version in (SSL_3_0, TLS_1_0)


def _derived(session: Session, suite: Suite, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """So many bytes from a secret, by the rule of the version; SSL 3.0 has no labels."""
    if session.version == SSL_3_0:
        return expand_ssl_3(secret, seed, length)
    return prf(_prf_hash(session, suite), secret, label + seed, length)


def expand_ssl_3(secret: bytes, seed: bytes, length: int) -> bytes:  # RFC 6101 §6.1 and §6.2.2
    out = b""
    while len(out) < length:
        number = len(out) // 16  # "A", "BB", "CCC" …
        salt = bytes([ord("A") + number]) * (number + 1)
        inner = hashlib.sha1(salt + secret + seed, usedforsecurity=False).digest()
        out += hashlib.md5(secret + inner, usedforsecurity=False).digest()
    return out[:length]


def _prf_hash(session: Session, suite: Suite) -> str:
    return suite.hash if session.version == TLS_1_3 - 1 else ""


def prf(hash_name: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """The PRF; the seed begins with the label. Without a hash the one of TLS 1.0 and 1.1 (RFC 2246 §5)."""
    if hash_name:
        return _p_hash(hash_name, secret, seed, length)
    half = (len(secret) + 1) // 2
    md5 = _p_hash("md5", secret[:half], seed, length)
    sha1 = _p_hash("sha1", secret[len(secret) - half :], seed, length)
    return bytes(a ^ b for a, b in zip(md5, sha1, strict=True))


def _p_hash(hash_name: str, secret: bytes, seed: bytes, length: int) -> bytes:
    out, a = b"", seed
    while len(out) < length:
        a = hmac.digest(secret, a, hash_name)
        out += hmac.digest(secret, a + seed, hash_name)
    return out[:length]


def _master_secret(session: Session, keys: Keys) -> bytes | None:
    """The master secret from a pre-master secret (RFC 5246 §8.1, RFC 7627 §4; RFC 6101 §6.1)."""
    premaster = _premaster(session, keys)
    found = suite(session.suite)
    if premaster is None or found is None:
        return None
    if session.extended_master_secret:
        label, seed = b"extended master secret", _session_hash(session, _prf_hash(session, found))
    else:
        label, seed = b"master secret", session.client_random + session.server_random
    return _derived(session, found, premaster, label, seed, 48)


def _premaster(session: Session, keys: Keys) -> bytes | None:
    logged = keys.of(session.client_random).get("PMS_CLIENT_RANDOM")
    sealed = session.encrypted_premaster
    if logged is None and sealed:
        logged = keys.of(sealed[:PREMASTER]).get("RSA")
        if logged is None and keys.decrypt is not None:
            logged = keys.decrypt(sealed)
    return logged


def _session_hash(session: Session, digest: str) -> bytes:
    """The hash of all messages up to ClientKeyExchange, in the order in which they were said (RFC 7627 §3)."""
    client, server = session.said["client"], session.said["server"]
    whole = b"".join((*client[:1], *server, *client[1:]))
    if digest:
        return hashlib.new(digest, whole).digest()
    return hashlib.md5(whole, usedforsecurity=False).digest() + hashlib.sha1(whole, usedforsecurity=False).digest()


# TABLES

STAGES = (
    ("early", "{}_EARLY_TRAFFIC_SECRET"),
    ("handshake", "{}_HANDSHAKE_TRAFFIC_SECRET"),
    ("application", "{}_TRAFFIC_SECRET_0"),
)
