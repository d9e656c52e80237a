"""Cipher suites, and what opens a record of theirs: AEAD, CBC with a MAC on either side of it, or a MAC alone.

A box opens the records of one direction. `open` takes a record's header, its body and its number, and returns the
plaintext; whatever does not fit raises `ValueError` or the library's `InvalidTag`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Protocol

TLS_1_0, TLS_1_3 = 0x0301, 0x0304
BLOCK_KEYS = {"AES_128": 16, "AES_256": 32, "CAMELLIA_128": 16, "CAMELLIA_256": 32, "3DES_EDE": 24, "SEED": 16}
MACS = {"MD5": "md5", "SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384"}
NAME = re.compile(
    r"TLS_(?:\w+_WITH_)?(AES_128|AES_256|CAMELLIA_128|CAMELLIA_256|3DES_EDE|SEED|CHACHA20|NULL)"
    r"(?:_(GCM|CCM_8|CCM|CBC|POLY1305))?(?:_(MD5|SHA|SHA256|SHA384))?"
)


class Box(Protocol):
    def open(self, header: bytes, body: bytes, sequence: int) -> bytes: ...

    def skip(self, body: bytes) -> None:
        """A record went by that was not opened."""


class Aead(Protocol):
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Suite:
    """A cipher suite by the parts of its name; `hash` is the one of the key schedule."""

    cipher: str
    mode: str
    hash: str
    mac: str

    @property
    def key(self) -> int:
        """Bytes of a key."""
        return 0 if self.cipher == "NULL" else BLOCK_KEYS.get(self.cipher, 32)

    @property
    def mac_key(self) -> int:
        return hashlib.new(self.mac).digest_size if self.mode in ("CBC", "") else 0

    @property
    def block(self) -> int:
        return 8 if self.cipher == "3DES_EDE" else 16

    @property
    def tag(self) -> int:
        return 8 if self.mode == "CCM_8" else 16


def suite(name: str) -> Suite | None:
    """A cipher suite by its registered name; None where no library at hand has its cipher."""
    match = NAME.fullmatch(name)
    if match is None:
        return None
    cipher, mode, digest = match.groups()
    mac = MACS.get(digest or "SHA256", "sha256")
    return Suite(cipher, mode or "", "sha384" if mac == "sha384" else "sha256", mac)


def nonce(iv: bytes, sequence: int) -> bytes:  # RFC 8446 §5.3, RFC 7905 §2
    return (int.from_bytes(iv, "big") ^ sequence).to_bytes(len(iv), "big")


def covered(header: bytes, sequence: int, length: int) -> bytes:
    """What a MAC or tag covers besides the plaintext (RFC 5246 §6.2.3)."""
    return sequence.to_bytes(8, "big") + header[:3] + length.to_bytes(2, "big")


# BOXES


@dataclass(slots=True)
class Sealed13:
    """Every record of TLS 1.3 (RFC 8446 §5.2)."""

    aead: Aead
    iv: bytes

    def open(self, header: bytes, body: bytes, sequence: int) -> bytes:
        return self.aead.decrypt(nonce(self.iv, sequence), body, header)

    def skip(self, body: bytes) -> None:
        pass


@dataclass(slots=True)
class Sealed12:
    """AEAD in TLS 1.2: the nonce half in the record (RFC 5288 §3), or as in TLS 1.3 (RFC 7905 §2)."""

    aead: Aead
    iv: bytes
    tag: int

    def open(self, header: bytes, body: bytes, sequence: int) -> bytes:
        explicit = 12 - len(self.iv)
        length = len(body) - explicit - self.tag
        if length < 0:
            raise ValueError("shorter than a tag")
        unique = self.iv + body[:explicit] if explicit else nonce(self.iv, sequence)
        return self.aead.decrypt(unique, body[explicit:], covered(header, sequence, length))

    def skip(self, body: bytes) -> None:
        pass


@dataclass(slots=True)
class Maced:
    """A MAC and no cipher: the NULL suites (RFC 5246 §6.2.3.1)."""

    mac: str
    mac_key: bytes

    def open(self, header: bytes, body: bytes, sequence: int) -> bytes:
        size = hashlib.new(self.mac).digest_size
        content, mac = body[: max(len(body) - size, 0)], body[-size:]
        wanted = hmac.digest(self.mac_key, covered(header, sequence, len(content)) + content, self.mac)
        if not hmac.compare_digest(wanted, mac):
            raise ValueError("another MAC")
        return content

    def skip(self, body: bytes) -> None:
        pass


@dataclass(slots=True)
class Blocks:
    """CBC (RFC 5246 §6.2.3.2). TLS 1.0 has no IV in the record: the last block before is the IV of the next."""

    suite: Suite
    key: bytes
    mac_key: bytes
    chained: bytes | None
    encrypt_then_mac: bool  # RFC 7366

    def open(self, header: bytes, body: bytes, sequence: int) -> bytes:
        outer = Maced(self.suite.mac, self.mac_key)
        sealed = outer.open(header, body, sequence) if self.encrypt_then_mac else body
        iv, blocks = (sealed[:0] + self.chained, sealed) if self.chained is not None else self._split(sealed)
        plain = decrypt_blocks(self.suite.cipher, self.key, iv, blocks)
        padding = plain[-1] + 1
        if plain[-padding:] != plain[-1:] * padding:
            raise ValueError("no padding")
        content = plain[:-padding]
        opened = content if self.encrypt_then_mac else outer.open(header, content, sequence)
        self._chain(blocks)
        return opened

    def skip(self, body: bytes) -> None:
        self._chain(body[: len(body) - self.suite.mac_key] if self.encrypt_then_mac else body)

    def _split(self, sealed: bytes) -> tuple[bytes, bytes]:
        return sealed[: self.suite.block], sealed[self.suite.block :]

    def _chain(self, blocks: bytes) -> None:
        if self.chained is not None and len(blocks) >= self.suite.block:
            self.chained = blocks[-self.suite.block :]


# THE LIBRARY'S CIPHERS


def aead(suite: Suite, key: bytes) -> Aead:
    """The AEAD of a suite, with its key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

    if suite.mode == "GCM":
        return AESGCM(key)
    return ChaCha20Poly1305(key) if suite.mode == "POLY1305" else AESCCM(key, suite.tag)


def decrypt_blocks(cipher: str, key: bytes, iv: bytes, blocks: bytes) -> bytes:
    """CBC decryption; raises `ValueError` where the bytes are no whole blocks."""
    from cryptography.hazmat.decrepit.ciphers import algorithms as old
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    camellia = getattr(old, "Camellia", None) or algorithms.Camellia
    algorithm = {"AES": algorithms.AES, "CAMELLIA": camellia, "3DES": old.TripleDES, "SEED": old.SEED}
    decryptor = Cipher(algorithm[cipher.partition("_")[0]](key), modes.CBC(iv)).decryptor()
    plain = decryptor.update(blocks) + decryptor.finalize()
    if not plain:
        raise ValueError("no block")
    return plain
