"""Key logs, the key schedules of TLS 1.2 and 1.3, and opening records with them.

`Keys` holds what a key log says, by the ClientHello's random. An `Opener` opens the records of one direction, in order.
Partial keys are the normal case: whatever cannot be opened stays sealed, and nothing here raises for it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tracer.protocol.records import APPLICATION_DATA

Sender = Literal["client", "server"]
Secrets = dict[str, bytes]

LONGEST_LOG = 64 << 20  # bytes of key log that are kept from one source
LINE = re.compile(rb"^([A-Z0-9_]{1,64}) +([0-9a-fA-F]{64}) +([0-9a-fA-F]{64,128})\s*$")  # NSS Key Log Format


@dataclass
class Keys:
    """What key logs said so far: label to secret, by client random. Grows while a capture is read."""

    secrets: dict[bytes, Secrets] = field(default_factory=dict)

    def add(self, log: bytes) -> int:
        """Take the lines of an NSS key log; returns how many were understood. Other lines are passed over."""
        understood = 0
        for line in log[:LONGEST_LOG].splitlines():
            match = LINE.match(line)
            if match:
                label, random, secret = match.groups()
                of = self.secrets.setdefault(bytes.fromhex(random.decode()), {})
                of[label.decode()] = bytes.fromhex(secret.decode())
                understood += 1
        return understood

    def of(self, random: bytes) -> Secrets:
        """The secrets of the connection whose ClientHello had that random."""
        return self.secrets.get(random, {})


@dataclass(frozen=True, slots=True)
class Suite:
    """What opening a record needs to know of a cipher suite."""

    hash: str
    key: int
    explicit_nonce: int  # bytes of nonce in the record, in TLS 1.2
    cipher: Literal["gcm", "chacha20"]


class Aead(Protocol):
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


@dataclass
class Stage:
    """The keys of one direction between two key changes, and the number of the next record, once it has `begun`."""

    name: str
    aead: Aead
    iv: bytes
    next: Callable[[], Stage] | None = None
    sequence: int = 0
    begun: bool = True


class Opener:
    """Opens the protected records of one direction. `stages` come in the order in which the direction uses them."""

    def __init__(self, version13: bool, stages: Iterable[Stage | None], suite: Suite) -> None:
        self.version13 = version13
        self.stages = [stage for stage in stages if stage is not None]
        self.suite = suite

    def open(self, header: bytes, body: bytes) -> tuple[int, bytes] | None:
        """A record's content type and plaintext, or None when no key at hand opens it.

        The tag tells which stage a record belongs to: with a stage's keys missing, the first record that a later stage
        opens is where it begins.
        """
        for position, stage in enumerate(self.stages):
            opened = self._try(stage, header, body)
            if opened is not None:
                del self.stages[:position]
                stage.sequence += 1
                stage.begun = True
                return opened
        self.skip()
        return None

    def skip(self) -> None:
        """A record went by that was not captured whole: it took a number all the same."""
        if self.stages and self.stages[0].begun:
            self.stages[0].sequence += 1

    def finished(self) -> None:
        """The direction's Finished went by: TLS 1.3 changes the key behind it (RFC 8446 §7.3)."""
        if self.version13 and self.stages and self.stages[0].name == "handshake":
            del self.stages[0]
            for stage in self.stages:
                stage.begun = True

    def update(self) -> None:
        """A KeyUpdate went by (RFC 8446 §7.2)."""
        if self.stages and self.stages[0].next is not None:
            self.stages[0] = self.stages[0].next()

    def _try(self, stage: Stage, header: bytes, body: bytes) -> tuple[int, bytes] | None:
        from cryptography.exceptions import InvalidTag

        try:
            if self.version13:
                return _inner(stage.aead.decrypt(_nonce(stage.iv, stage.sequence), body, header))
            explicit, sealed = body[: self.suite.explicit_nonce], body[self.suite.explicit_nonce :]
            nonce = stage.iv + explicit if explicit else _nonce(stage.iv, stage.sequence)
            length = len(sealed) - 16
            if length < 0:
                return None
            covered = stage.sequence.to_bytes(8, "big") + header[:3] + length.to_bytes(2, "big")  # RFC 5246 §6.2.3.3
            return header[0], stage.aead.decrypt(nonce, sealed, covered)
        except (InvalidTag, ValueError):
            return None


def opener(
    version13: bool, suite_name: str, secrets: Secrets, sender: Sender, server_random: bytes, client_random: bytes
) -> Opener | None:
    """The opener of one direction, or None when its keys or its cipher suite are not known to us."""
    suite = SUITES.get(suite_name) or _suite_12(suite_name)
    if suite is None or not secrets:
        return None
    if version13:
        side = sender.upper()
        stages = [
            _stage_13(name, secrets.get(label), suite)
            for name, label in ((name, label.format(side)) for name, label in STAGES)
        ]
        return Opener(True, stages, suite)
    master = secrets.get("CLIENT_RANDOM")
    if master is None:
        return None
    return Opener(False, [_stage_12(master, server_random + client_random, sender, suite)], suite)


# TLS 1.3, RFC 8446 §7.1 and §7.3


def _stage_13(name: str, secret: bytes | None, suite: Suite) -> Stage | None:
    if secret is None:
        return None
    key = expand_label(suite.hash, secret, b"key", suite.key)
    iv = expand_label(suite.hash, secret, b"iv", 12)
    size = len(secret)
    following = lambda: _stage_13(name, expand_label(suite.hash, secret, b"traffic upd", size), suite)  # noqa: E731
    return Stage(name, aead(suite, key), iv, following, begun=name == "handshake")  # type: ignore[arg-type]


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


def _nonce(iv: bytes, sequence: int) -> bytes:  # RFC 8446 §5.3, RFC 7905 §2
    return (int.from_bytes(iv, "big") ^ sequence).to_bytes(len(iv), "big")


# TLS 1.2, RFC 5246 §5 and §6.3


def _stage_12(master: bytes, seed: bytes, sender: Sender, suite: Suite) -> Stage:
    fixed = 4 if suite.explicit_nonce else 12
    block = prf(suite.hash, master, b"key expansion" + seed, 2 * (suite.key + fixed))
    at = 0 if sender == "client" else 1
    key = block[at * suite.key :][: suite.key]
    iv = block[2 * suite.key + at * fixed :][:fixed]
    return Stage("application", aead(suite, key), iv)


def prf(hash_name: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """P_hash of TLS 1.2; the seed begins with the label (RFC 5246 §5)."""
    out, a = b"", seed
    while len(out) < length:
        a = hmac.digest(secret, a, hash_name)
        out += hmac.digest(secret, a + seed, hash_name)
    return out[:length]


def _suite_12(name: str) -> Suite | None:
    """The AEAD suites of TLS 1.2 are named after what they use: RFC 5288, RFC 5289, RFC 7905."""
    hash_name = "sha384" if name.endswith("SHA384") else "sha256"
    if "_WITH_AES_128_GCM_" in name:
        return Suite(hash_name, 16, 8, "gcm")
    if "_WITH_AES_256_GCM_" in name:
        return Suite(hash_name, 32, 8, "gcm")
    if "_WITH_CHACHA20_POLY1305_" in name:
        return Suite(hash_name, 32, 0, "chacha20")
    return None


def aead(suite: Suite, key: bytes) -> Aead:
    """The cipher itself; the one place where the library's ciphers are used."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

    return AESGCM(key) if suite.cipher == "gcm" else ChaCha20Poly1305(key)


# TABLES

STAGES = (("handshake", "{}_HANDSHAKE_TRAFFIC_SECRET"), ("application", "{}_TRAFFIC_SECRET_0"))
SUITES = {
    "TLS_AES_128_GCM_SHA256": Suite("sha256", 16, 0, "gcm"),
    "TLS_AES_256_GCM_SHA384": Suite("sha384", 32, 0, "gcm"),
    "TLS_CHACHA20_POLY1305_SHA256": Suite("sha256", 32, 0, "chacha20"),
}
PROTECTED_13 = APPLICATION_DATA
