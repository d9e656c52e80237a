"""Cipher suites, and what opens a record of theirs: AEAD, CBC with a MAC on either side of it, RC4, or a MAC alone.

A box opens the records of one direction. `open` takes a record's header, its body and its number, and returns the
plaintext; whatever does not fit raises `ValueError` or the library's `InvalidTag`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm

SSL_3_0, TLS_1_0, TLS_1_3 = 0x0300, 0x0301, 0x0304
BLOCK_KEYS = {
    "AES_128": 16,
    "AES_256": 32,
    "CAMELLIA_128": 16,
    "CAMELLIA_256": 32,
    "ARIA_128": 16,
    "ARIA_256": 32,
    "3DES_EDE": 24,
    "SEED": 16,
    "RC4_128": 16,
}
MACS = {"MD5": "md5", "SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384"}
NAME = re.compile(
    r"TLS_(?:\w+_WITH_)?(AES_128|AES_256|CAMELLIA_128|CAMELLIA_256|ARIA_128(?=_GCM)|ARIA_256(?=_GCM)|3DES_EDE|SEED|CHACHA20"
    r"|RC4_128|NULL)"
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


def is_ssl_3(header: bytes) -> bool:
    return header[1:3] == SSL_3_0.to_bytes(2, "big")


def mac_of(digest: str, key: bytes, header: bytes, sequence: int, content: bytes) -> bytes:
    """The MAC of a record; SSL 3.0 has one of its own, which leaves out the version (RFC 6101 §5.2.3.1)."""
    if not is_ssl_3(header):
        return hmac.digest(key, covered(header, sequence, len(content)) + content, digest)
    pad = 48 if digest == "md5" else 40
    inner = sequence.to_bytes(8, "big") + header[:1] + len(content).to_bytes(2, "big") + content
    hashed = hashlib.new(digest, key + b"\x36" * pad + inner, usedforsecurity=False).digest()
    return hashlib.new(digest, key + b"\x5c" * pad + hashed, usedforsecurity=False).digest()


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
        wanted = mac_of(self.mac, self.mac_key, header, sequence, content)
        if not hmac.compare_digest(wanted, mac):
            raise ValueError("another MAC")
        return content

    def skip(self, body: bytes) -> None:
        pass


@dataclass(slots=True)
class Streamed:
    """RC4 and a MAC (RFC 5246 §6.2.3.1): the key stream goes on through all records, opened or not."""

    suite: Suite
    key: bytes
    mac_key: bytes
    ahead: bytes = b""  # of the key stream, where a record was tried and not opened
    made: Callable[[int], bytes] | None = None

    def open(self, header: bytes, body: bytes, sequence: int) -> bytes:
        stream = self._stream(len(body))
        plain = bytes(a ^ b for a, b in zip(body, stream, strict=False))
        content = Maced(self.suite.mac, self.mac_key).open(header, plain, sequence)
        self.skip(body)
        return content

    def skip(self, body: bytes) -> None:
        self.ahead = self._stream(len(body))[len(body) :]

    def _stream(self, length: int) -> bytes:
        self.made = self.made or rc4(self.key)
        self.ahead += self.made(max(length - len(self.ahead), 0))
        return self.ahead


@dataclass(slots=True)
class Blocks:
    """CBC (RFC 5246 §6.2.3.2). Up to TLS 1.0 the records have no IV: the last block before is the IV of the next."""

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
        if not is_ssl_3(header) and plain[-padding:] != plain[-1:] * padding:  # RFC 6101 §5.2.3.2: any bytes
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

    if suite.cipher.startswith(("ARIA", "CAMELLIA")):
        from tracer.protocol.aria import aria
        from tracer.protocol.gcm import Gcm

        return Gcm(aria(key) if suite.cipher.startswith("ARIA") else camellia(key))
    if suite.mode == "GCM":
        return AESGCM(key)
    return ChaCha20Poly1305(key) if suite.mode == "POLY1305" else AESCCM(key, suite.tag)


def camellia(key: bytes) -> Callable[[int], int]:
    """The encryption of one block: the library has Camellia, but not in GCM."""
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    encryptor = Cipher(_block_ciphers()["CAMELLIA"](key), modes.ECB()).encryptor()  # noqa: S305 - one block, for GCM to build on
    return lambda block: int.from_bytes(encryptor.update(block.to_bytes(16, "big")), "big")


def rc4(key: bytes) -> Callable[[int], bytes]:
    """The key stream of RC4: so many bytes more of it with each call."""
    from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
    from cryptography.hazmat.primitives.ciphers import Cipher

    encryptor = Cipher(ARC4(key), None).encryptor()
    return lambda length: encryptor.update(bytes(length))


def decrypt_blocks(cipher: str, key: bytes, iv: bytes, blocks: bytes) -> bytes:
    """CBC decryption; raises `ValueError` where the bytes are no whole blocks."""
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    algorithm = _block_ciphers()[cipher.partition("_")[0]]
    decryptor = Cipher(algorithm(key), modes.CBC(iv)).decryptor()
    plain = decryptor.update(blocks) + decryptor.finalize()
    if not plain:
        raise ValueError("no block")
    return plain


def _block_ciphers() -> dict[str, Callable[[bytes], BlockCipherAlgorithm]]:
    from cryptography.hazmat.decrepit.ciphers import algorithms as old
    from cryptography.hazmat.primitives.ciphers import algorithms

    camellia = getattr(old, "Camellia", None) or algorithms.Camellia
    return {"AES": algorithms.AES, "CAMELLIA": camellia, "3DES": old.TripleDES, "SEED": old.SEED}
