"""Certificates and revocation lists made byte by byte, so that they can be wrong, and OpenSSL's answer to them.

OpenSSL is asked in this process: X509_verify_cert with the parameters that `openssl verify -purpose sslserver` and
libpq set. A second library, OpenSSL 1.1.1, is asked where the machine has one.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)

# DER


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    length = (
        bytes([size])
        if size < 128
        else bytes([0x80 | (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8, "big")
    )
    return bytes([tag]) + length + body


def seq(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def integer(value: int) -> bytes:
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    body = b""
    for arc in (40 * first + second, *rest):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.insert(0, 0x80 | arc & 0x7F)
        body += bytes(septets)
    return tlv(6, body)


def name(*attributes: tuple[str, str], tag: int = 12) -> bytes:
    return seq(*(tlv(0x31, seq(oid(kind), tlv(tag, value.encode()))) for kind, value in attributes))


def cn(text: str, tag: int = 12) -> bytes:
    return name(("2.5.4.3", text), tag=tag)


def when(time: datetime) -> bytes:
    return (
        tlv(0x17, time.strftime("%y%m%d%H%M%SZ").encode())
        if time.year < 2050
        else tlv(0x18, time.strftime("%Y%m%d%H%M%SZ").encode())
    )


def bits(*values: int, unused: int = 0) -> bytes:
    return tlv(3, bytes([unused, *values]))


def extension(kind: str, value: bytes, *, critical: bool = False) -> bytes:
    return seq(oid(kind), *([tlv(1, b"\xff")] if critical else []), tlv(4, value))


# KEYS


@dataclass(frozen=True)
class Key:
    private: object

    @property
    def spki(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def ident(self) -> bytes:
        digest = hashes.Hash(hashes.SHA1())  # noqa: S303 (an identifier)
        digest.update(self.spki)
        return digest.finalize()


@lru_cache
def keys() -> tuple[Key, ...]:
    """A few keys of several kinds, made once."""
    made = [ec.generate_private_key(ec.SECP256R1()) for _ in range(5)]
    made += [ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP521R1())]
    made += [
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 1024),  # noqa: S505 (a weak one)
        rsa.generate_private_key(65537, 2048),
    ]
    return tuple(Key(private) for private in made)


def signed(key: Key, data: bytes, digest: str = "sha256") -> bytes:
    private, algorithm = key.private, {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384}[digest]()
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign(data)
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(data, padding.PKCS1v15(), algorithm)
    return private.sign(data, ec.ECDSA(algorithm))


def algorithm(key: Key, digest: str = "sha256") -> bytes:
    if isinstance(key.private, ed25519.Ed25519PrivateKey):
        return seq(oid("1.3.101.112"))
    if isinstance(key.private, rsa.RSAPrivateKey):
        return seq(
            oid(
                {"sha1": "1.2.840.113549.1.1.5", "sha256": "1.2.840.113549.1.1.11", "sha384": "1.2.840.113549.1.1.12"}[
                    digest
                ]
            ),
            tlv(5),
        )
    return seq(
        oid({"sha1": "1.2.840.10045.4.1", "sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3"}[digest])
    )


# CERTIFICATES


@dataclass(frozen=True)
class Plan:
    """What goes into one certificate. `signer` signs whatever `issuer` says; `inner` is the algorithm inside."""

    subject: bytes
    issuer: bytes
    key: Key
    signer: Key
    serial: int = 1
    start: bytes = when(NOW - 30 * DAY)
    stop: bytes = when(NOW + 30 * DAY)
    version: int = 3
    extensions: tuple[bytes, ...] = ()
    digest: str = "sha256"
    inner: bytes | None = None
    spki: bytes | None = None
    damage: bool = False
    unused: int = 0


def certificate(plan: Plan) -> bytes:
    outer = algorithm(plan.signer, plan.digest)
    version = [tlv(0xA0, integer(plan.version - 1))] if plan.version > 1 else []
    extensions = [tlv(0xA3, seq(*plan.extensions))] if plan.extensions else []
    spki = plan.spki or plan.key.spki
    tbs = seq(
        *version,
        integer(plan.serial),
        plan.inner or outer,
        plan.issuer,
        seq(plan.start, plan.stop),
        plan.subject,
        spki,
        *extensions,
    )
    signature = signed(plan.signer, tbs, plan.digest)
    if plan.damage:
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    return seq(tbs, outer, bits(*signature, unused=plan.unused))


def crl(
    issuer: bytes, key: Key, serials: tuple[bytes, ...] = (), start: bytes = when(NOW - DAY), stop: bytes | None = when(NOW + DAY),
    extensions: tuple[bytes, ...] = (), *, damage: bool = False,
) -> bytes:  # fmt: skip
    """A revocation list; each of `serials` is a whole entry."""
    outer = algorithm(key)
    tbs = seq(
        integer(1),
        outer,
        issuer,
        start,
        *([stop] if stop else []),
        *([seq(*serials)] if serials else []),
        *([tlv(0xA0, seq(*extensions))] if extensions else []),
    )
    signature = signed(key, tbs)
    return seq(tbs, outer, bits(*(signature[:-1] + bytes([signature[-1] ^ 1]) if damage else signature)))


def entry(serial: int, *extensions: bytes) -> bytes:
    return seq(integer(serial), when(NOW - 2 * DAY), *([seq(*extensions)] if extensions else []))


def basic(ca: bool, path: int | None = None) -> bytes:
    return extension(
        "2.5.29.19",
        seq(*([tlv(1, b"\xff")] if ca else []), *([integer(path)] if path is not None else [])),
        critical=True,
    )


# OPENSSL


@dataclass
class OpenSSL:
    """libcrypto through ctypes."""

    path: str
    library: ctypes.CDLL = field(init=False)

    def __post_init__(self) -> None:
        self.library = ctypes.CDLL(self.path)
        for function, (result, arguments) in SIGNATURES.items():
            entry_point = getattr(self.library, function)
            entry_point.restype, entry_point.argtypes = result, arguments

    @property
    def version(self) -> str:
        return self.library.OpenSSL_version(0).decode()

    @property
    def number(self) -> tuple[int, ...]:
        """3, 0, 22: a security update of a distribution may change an answer."""
        return tuple(map(int, self.version.split()[1].split(".")))

    def text(self, code: int) -> str:
        """Its name for a fault, in the words of 3.0: 3.6 adds to one of them."""
        found: bytes = self.library.X509_verify_cert_error_string(code)
        return found.decode().removesuffix(" or the system clock is incorrect")

    def read(self, data: bytes, function: str = "d2i_X509") -> int | None:
        return getattr(self.library, function)(None, ctypes.byref(ctypes.c_char_p(data)), len(data))

    def verify(
        self, sent: list[bytes], roots: list[bytes], time: datetime, level: int, crls: list[bytes] | None = None
    ) -> tuple | None:
        """Code, depth and text of the first fault, thrice None for a good chain, None for what it cannot read."""
        lib = self.library
        store, pool = lib.X509_STORE_new(), lib.OPENSSL_sk_new_null()
        chain, anchors = [self.read(der) for der in sent], [self.read(der, "d2i_X509_AUX") for der in roots]
        lists = [self.read(der, "d2i_X509_CRL") for der in crls or ()]
        if not all([*chain, *anchors, *lists]):
            return None
        for anchor in anchors:
            lib.X509_STORE_add_cert(store, anchor)
        for item in lists:
            lib.X509_STORE_add_crl(store, item)
        for item in chain:
            lib.OPENSSL_sk_push(pool, item)
        context = lib.X509_STORE_CTX_new()
        lib.X509_STORE_CTX_init(context, store, chain[0], pool)
        lib.X509_STORE_CTX_set_default(context, b"ssl_server")
        parameters = lib.X509_STORE_CTX_get0_param(context)
        lib.X509_VERIFY_PARAM_set_auth_level(parameters, level)
        lib.X509_VERIFY_PARAM_set_time(parameters, int(time.timestamp()))
        if crls is not None:
            lib.X509_VERIFY_PARAM_set_flags(parameters, 0x4 | 0x8)  # CRL_CHECK, CRL_CHECK_ALL
        good = lib.X509_verify_cert(context) == 1
        code = lib.X509_STORE_CTX_get_error(context)
        found = (code, lib.X509_STORE_CTX_get_error_depth(context), self.text(code))
        lib.X509_STORE_CTX_free(context)
        lib.X509_STORE_free(store)
        lib.OPENSSL_sk_free(pool)
        for item in [*chain, *anchors]:
            lib.X509_free(item)
        for item in lists:
            lib.X509_CRL_free(item)
        return (None, None, None) if good else found


def openssl3() -> OpenSSL | None:
    path = ctypes.util.find_library("crypto")
    return OpenSSL(path) if path and path.endswith(".3") else None


def openssl1() -> OpenSSL | None:
    """The OpenSSL 1.1.1 that comes with PostgreSQL's own builds, where they are installed."""
    import sys

    found = sorted(Path(sys.prefix).glob("postgres/*/native/lib/libcrypto.so.1.1"))
    return OpenSSL(str(found[0])) if found else None


def openssl35() -> OpenSSL | None:
    """The OpenSSL 3.5 inside psycopg's package, which most Python programs have below their libpq."""
    import importlib.util

    psycopg = importlib.util.find_spec("psycopg")
    site = Path(psycopg.origin or "").parents[1] if psycopg else Path()
    found = [OpenSSL(str(path)) for path in sorted(site.glob("psycopg_binary.libs/libcrypto-*.so.3"))]
    return next((one for one in found if one.version.startswith("OpenSSL 3.5")), None)


P, N, L = ctypes.c_void_p, ctypes.c_int, ctypes.c_long
SIGNATURES = {
    "OpenSSL_version": (ctypes.c_char_p, [N]),
    "d2i_X509": (P, [P, P, L]),
    "d2i_X509_AUX": (P, [P, P, L]),
    "d2i_X509_CRL": (P, [P, P, L]),
    "X509_free": (None, [P]),
    "X509_CRL_free": (None, [P]),
    "X509_STORE_new": (P, []),
    "X509_STORE_free": (None, [P]),
    "X509_STORE_add_cert": (N, [P, P]),
    "X509_STORE_add_crl": (N, [P, P]),
    "X509_STORE_CTX_new": (P, []),
    "X509_STORE_CTX_free": (None, [P]),
    "X509_STORE_CTX_init": (N, [P, P, P, P]),
    "X509_STORE_CTX_set_default": (N, [P, ctypes.c_char_p]),
    "X509_STORE_CTX_get0_param": (P, [P]),
    "X509_STORE_CTX_get_error": (N, [P]),
    "X509_STORE_CTX_get_error_depth": (N, [P]),
    "X509_VERIFY_PARAM_set_auth_level": (None, [P, N]),
    "X509_VERIFY_PARAM_set_time": (None, [P, L]),
    "X509_VERIFY_PARAM_set_flags": (N, [P, ctypes.c_ulong]),
    "X509_verify_cert": (N, [P]),
    "X509_verify_cert_error_string": (ctypes.c_char_p, [L]),
    "OPENSSL_sk_new_null": (P, []),
    "OPENSSL_sk_push": (N, [P, P]),
    "OPENSSL_sk_free": (None, [P]),
}


# RANDOM ONES

HOSTS = (
    "db.example",
    "example",
    ".example",
    "a.db.example",
    "x.test",
    "DB.Example",
    "",
    "10.0.0.1",
    "*.db.example",
    "-a.example",
)
MAILS = ("me@db.example", "db.example", ".example", "ME@DB.example", "no-at", "you@x.test", "@db.example", "")
URIS = (
    "https://db.example/x",
    "https://db.example:80",
    "db.example",
    "http://a.db.example",
    "http:///",
    "mailto:x@y",
    ".example",
)
IPS = (
    b"\x0a\0\0\1",
    b"\x0a\0\0\0\xff\0\0\0",
    b"\x0a\0\0\1\xff\xff\xff\xff",
    bytes(16),
    bytes(32),
    b"\1\2\3",
    b"\0" * 8,
)
NAMES = (cn("root"), cn("inter"), cn("db.example"), cn("ROOT"), cn(" inter "), cn("inter", 19), seq(),
         name(("2.5.4.10", "Org"), ("2.5.4.3", "db.example")), name(("2.5.4.10", "org")), name(("2.5.4.3", "x.test"), ("2.5.4.3", "db.example")),
         name(("2.5.4.3", "db.example"), ("1.2.840.113549.1.9.1", "me@db.example"), tag=22),
         name(("1.2.840.113549.1.9.1", "me@db.example")))  # fmt: skip
JUNK = (
    b"",
    b"\5\0",
    b"\x30\0",
    b"\x30\3\1\1\xff",
    b"\x30\x80\0\0",
    b"\3\1\0",
    b"\3\2\7\x80",
    b"\4\1x",
    b"\x30\3\2\1\x7f",
    b"\3\2\1\x06",
    b"\3\3\0\xff\x80",
    b"\x30\5\1\1\xff\2\1",
    b"\x30\2\x82\0",
    b"\x30\4\xa0\2\x30\0",
    b"\x30\6\1\1\xff\2\1\xff",
    b"\x30\1",
)
KINDS = ("2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.14", "2.5.29.35", "2.5.29.17", "2.5.29.30", "2.5.29.31", "2.16.840.1.113730.1.1",
         "1.3.6.1.5.5.7.1.14", "1.3.6.1.5.5.7.1.7", "1.3.6.1.5.5.7.1.8", "2.5.29.32", "2.5.29.36", "2.5.29.33", "2.5.29.54", "1.2.3.4", "2.5.29.18", "2.5.29.46")  # fmt: skip


def general_name(random: Random) -> bytes:
    kind = random.choice((2, 2, 2, 1, 6, 7, 4, 0, 8))
    if kind == 4:
        return tlv(0xA4, random.choice(NAMES))
    if kind == 0:
        value = tlv(12, random.choice(MAILS).encode())
        return tlv(0xA0, oid(random.choice(("1.3.6.1.5.5.7.8.9", "1.2.3"))), tlv(0xA0, value))
    value = {7: random.choice(IPS), 8: b"\x2a\3"}.get(
        kind, random.choice({1: MAILS, 6: URIS}.get(kind, HOSTS)).encode()
    )
    return tlv(0x80 | kind, value)


def subtrees(random: Random, tag: int) -> bytes:
    def one() -> bytes:
        more = [] if random.random() < 0.93 else [tlv(random.choice((0x80, 0x81)), bytes([random.randrange(2)]))]
        return seq(general_name(random), *more)

    return tlv(tag, *(one() for _ in range(random.choice((1, 1, 2, 3)))))


def constraints(random: Random) -> bytes:
    parts = [subtrees(random, tag) for tag in (0xA0, 0xA1) if random.random() < 0.6]
    return extension("2.5.29.30", seq(*parts), critical=random.random() < 0.5)


def plans(random: Random) -> list[Plan]:
    """A chain, leaf first, with a few random defects: two to five certificates."""
    count = random.choice((1, 2, 2, 3, 3, 3, 4, 5))
    made = [keys()[random.randrange(len(keys())) if random.random() < 0.3 else at % 5] for at in range(count)]
    names = [cn("db.example") if random.random() < 0.6 else random.choice(NAMES)]
    names += [cn(f"ca {at}") if random.random() < 0.9 else random.choice(NAMES) for at in range(1, count)]
    found = []
    for at in range(count):
        up = min(at + 1, count - 1)
        extensions = [basic(True, random.choice((None, None, None, 0, 1, 2)))] if at else []
        if at and random.random() < 0.7:
            extensions.append(extension("2.5.29.15", bits(6, unused=1), critical=True))
        if random.random() < 0.8:
            extensions.append(extension("2.5.29.14", tlv(4, made[at].ident)))
        if random.random() < 0.7:
            extensions.append(extension("2.5.29.35", seq(tlv(0x80, made[up].ident))))
        if at == 0 and random.random() < 0.8:
            extensions.append(
                extension("2.5.29.17", seq(*(general_name(random) for _ in range(random.choice((1, 1, 2))))))
            )
        if at and random.random() < 0.25:
            extensions.append(constraints(random))
        found.append(Plan(names[at], names[up], made[at], made[up], serial=at + 1, extensions=tuple(extensions)))
    for _ in range(random.choice((0, 0, 1, 1, 1, 2, 3))):
        at = random.randrange(count)
        found[at] = defect(random, found[at], found[min(at + 1, count - 1)])
    return found


def defect(random: Random, plan: Plan, above: Plan) -> Plan:
    """The same certificate with one thing changed."""
    extensions = list(plan.extensions)
    kind = random.randrange(18)
    if kind == 0:
        return replace(plan, stop=when(NOW + random.choice((-DAY, timedelta(0), timedelta(seconds=1)))))
    if kind == 1:
        return replace(plan, start=when(NOW + random.choice((DAY, timedelta(0), timedelta(seconds=1)))))
    if kind == 2:
        dates = (
            tlv(0x17, b"2601011200Z"),
            tlv(0x18, b"20260101120000.5Z"),
            tlv(0x17, b"260101120000+0100"),
            tlv(0x18, b"20261301000000Z"),
        )
        return replace(plan, **{random.choice(("start", "stop")): random.choice(dates)})
    if kind == 3:
        return replace(plan, damage=True)
    if kind == 4:
        return replace(plan, signer=random.choice(keys()))
    if kind == 5:
        return replace(plan, digest=random.choice(("sha1", "sha384")))
    if kind == 6:
        return replace(
            plan, version=random.choice((1, 1, 2)), extensions=() if random.random() < 0.6 else plan.extensions
        )
    if kind == 7:
        return replace(plan, inner=algorithm(random.choice(keys())))
    if kind == 8:
        return replace(plan, unused=random.choice((1, 7)))
    if kind == 9:
        return replace(plan, key=random.choice(keys()))
    if kind == 10 and extensions:
        del extensions[random.randrange(len(extensions))]
    elif kind == 11 and extensions:
        extensions.append(random.choice(extensions))
    elif kind == 12:
        extensions.append(extension(random.choice(KINDS), random.choice(JUNK), critical=random.random() < 0.4))
    elif kind == 13:
        purpose = random.choice(
            ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0", "2.16.840.1.113730.4.1", "1.3.6.1.4.1.311.10.3.3")
        )
        extensions.append(extension("2.5.29.37", seq(oid(purpose))))
    elif kind == 14:
        usage = extension("2.5.29.15", bits(random.choice((0x80, 0x20, 8, 4, 2, 0x84, 0xFE, 0x40))))
        extensions = [e for e in extensions if oid("2.5.29.15") not in e] + [usage]
    elif kind == 15:
        constraint = basic(random.random() < 0.5, random.choice((None, 0, 1)))
        extensions = [e for e in extensions if oid("2.5.29.19") not in e] + [constraint]
    elif kind == 16:
        serial = random.choice((above.serial, 99))
        identifier = seq(tlv(0xA1, tlv(0xA4, random.choice((above.issuer, cn("nobody"))))), tlv(0x82, bytes([serial])))
        extensions = [e for e in extensions if oid("2.5.29.35") not in e] + [extension("2.5.29.35", identifier)]
    elif kind == 17:
        which = random.choice(("2.16.840.1.113730.1.1", "1.3.6.1.5.5.7.1.14"))
        value = (
            bits(random.choice((0x40, 0x80, 4, 1)))
            if which[0] == "2"
            else seq(*random.choice(([], [integer(0)], [integer(1)])), seq(oid("1.3.6.1.5.5.7.21.1")))
        )
        extensions.append(extension(which, value, critical=random.random() < 0.5))
    return replace(plan, extensions=tuple(extensions))


def scene(random: Random) -> tuple[list[bytes], list[bytes]]:
    """What a server sends, leaf first, and a root file."""
    chain = plans(random)
    certificates = [certificate(plan) for plan in chain]
    sent, roots = [certificates[0]], []
    for at, data in enumerate(certificates[1:], 1):
        last = at == len(certificates) - 1
        if not last or random.random() < 0.3:
            sent.append(data)
        if (last and random.random() < 0.93) or random.random() < 0.12:
            roots.append(data)
    if len(certificates) == 1 and random.random() < 0.7:
        roots.append(certificates[0])
    if random.random() < 0.2:  # the same CA once more, otherwise
        at = random.randrange(len(chain))
        again = certificate(defect(random, chain[at], chain[min(at + 1, len(chain) - 1)]))
        target = random.choice((sent, roots))
        target.insert(
            random.randrange(1, len(target) + 1) if target is sent else random.randrange(len(target) + 1), again
        )
    if len(sent) > 2 and random.random() < 0.2:
        rest = sent[1:]
        random.shuffle(rest)
        sent = [sent[0], *rest]
    return sent, roots or [
        certificate(Plan(cn("stranger"), cn("stranger"), keys()[0], keys()[0], extensions=(basic(True),)))
    ]


def with_uses(random: Random, der: bytes) -> bytes:
    """A certificate as in a TRUSTED CERTIFICATE, with uses that it is trusted for, or not for."""
    kinds = ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0", "1.3.6.1.5.5.7.3.4")

    def some() -> list[bytes]:
        return [oid(random.choice(kinds)) for _ in range(random.choice((0, 1, 1, 2)))]

    parts = [seq(*some())] if random.random() < 0.6 else []
    parts += [tlv(0xA0, *some())] if random.random() < 0.4 else []
    parts += [tlv(12, b"a name")] if random.random() < 0.3 else []
    return der + seq(*parts)


def lists(random: Random, names: list[tuple[bytes, Key]]) -> list[bytes]:
    """Revocation lists of the names and keys, good and bad."""
    found = []
    for issuer, key in names:
        for _ in range(random.choice((0, 1, 1, 1, 1, 2))):
            entries = tuple(
                entry(
                    random.randrange(1, 6),
                    *(
                        [
                            extension(
                                "2.5.29.21", tlv(10, bytes([random.choice((1, 8))])), critical=random.random() < 0.1
                            )
                        ]
                        if random.random() < 0.4
                        else []
                    ),
                )
                for _ in range(random.choice((0, 0, 0, 1, 2)))
            )
            extensions = []
            if random.random() < 0.4:
                extensions.append(
                    extension("2.5.29.35", seq(tlv(0x80, random.choice((key.ident, key.ident, b"other")))))
                )
            if random.random() < 0.2:
                flags = tlv(random.choice((0x81, 0x82, 0x84, 0x85)), b"\xff")
                point = tlv(0xA0, tlv(0xA0, tlv(0x86, random.choice((b"http://a", b"http://b")))))
                extensions.append(
                    extension(
                        "2.5.29.28",
                        seq(*random.choice(([flags], [point], [point, flags], [flags, flags]))),
                        critical=random.random() < 0.5,
                    )
                )
            if random.random() < 0.08:
                extensions.append(
                    extension(
                        random.choice(("2.5.29.27", "2.5.29.20", "1.2.3")), integer(1), critical=random.random() < 0.5
                    )
                )
            start = NOW + random.choice((-DAY, -DAY, -DAY, -2 * DAY, DAY, timedelta(0)))
            stop = random.choice((NOW + DAY, NOW + DAY, NOW + DAY, NOW, NOW - DAY, None))
            found.append(
                crl(
                    issuer,
                    key if random.random() < 0.93 else keys()[0],
                    entries,
                    when(start),
                    stop and when(stop),
                    tuple(extensions),
                    damage=random.random() < 0.05,
                )
            )
    random.shuffle(found)
    return found


def revoked_scene(random: Random) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """A chain with its root in the file, and revocation lists of its CAs."""
    chain = plans(random)
    if random.random() < 0.7:
        chain = [
            replace(plan, extensions=tuple(e for e in plan.extensions if oid("2.5.29.30") not in e)) for plan in chain
        ]
    if random.random() < 0.3:
        some = [tlv(0x81, b"\1\6")] if random.random() < 0.3 else []
        point = seq(tlv(0xA0, tlv(0xA0, tlv(0x86, b"http://a"))), *some)
        chain[0] = replace(chain[0], extensions=(*chain[0].extensions, extension("2.5.29.31", seq(point))))
    made = [certificate(plan) for plan in chain]
    return made[:-1] or made, made[-1:], lists(random, [(plan.subject, plan.key) for plan in chain[1:] or chain])
