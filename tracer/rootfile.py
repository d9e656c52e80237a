"""The root file as libpq finds it: absent, unusable, or certificates.

libpq asks stat(2) whether the file is there, and takes every error for "no"; OpenSSL then reads all of it or nothing
(fe-secure-openssl.c, initialize_SSL; crypto/x509/by_file.c, X509_load_cert_crl_file).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from tracer import der, pem, pipes
from tracer.certificates import Certificate
from tracer.verify.model import BROKEN_ENTRY, UNKNOWN, Roots, Unusable
from tracer.verify.revocation import RevocationList, from_pem, load_crls
from tracer.verify.uses import readable_aux

LARGEST = 16 << 20  # bytes
MOST_FILES = 1000  # of a folder of revocation lists


def load(path: str | os.PathLike[str], *, before_3: bool = False) -> Roots:
    """What `sslrootcert=path` gives a client: None without such a file, `Unusable` where it has no certificate.

    `before_3`: read by OpenSSL 1.1.1. UNKNOWN where it is a pipe into which nobody writes: libpq waits there. The word `system` stands for the system's
    store. Raises nothing.
    """
    name = os.fspath(path)
    if name == "system":
        return "system"
    try:
        file = Path(name).expanduser()
        file.stat()
    except (OSError, ValueError, RuntimeError):  # a folder on the way that may not be entered, too; a NUL; no home
        return None
    try:
        data = pipes.content(file, LARGEST)
    except IsADirectoryError:
        return Unusable(NOTHING_FOUND)
    except pipes.Silent:
        return UNKNOWN
    except OSError as error:
        return Unusable(error.strerror or str(error))
    return entries(data, before_3=before_3)


def system(environment: Mapping[str, str]) -> tuple[Certificate, ...]:
    """What `sslrootcert=system` stands for on this machine: OpenSSL's default file and folders, else what SSL_CERT_FILE and SSL_CERT_DIR name.

    Source: X509_STORE_set_default_paths (crypto/x509/x509_d2.c, by_dir.c). What cannot be read counts for nothing.
    """
    import ssl

    paths = ssl.get_default_verify_paths()
    file = load(Path(environment.get(paths.openssl_cafile_env, paths.openssl_cafile)).absolute())
    found = list(file) if isinstance(file, list) else []
    for folder in environment.get(paths.openssl_capath_env, paths.openssl_capath).split(os.pathsep):
        for path in sorted(Path(folder).glob("*.[0-9]*"))[:MOST_ROOTS] if folder else ():
            one = load(path.absolute()) if HASHED.fullmatch(path.name) else None
            found += one if isinstance(one, list) else []
    return tuple(dict.fromkeys(found))


def entries(data: bytes, *, before_3: bool = False) -> Roots:
    """The certificates of a root file's bytes. One entry that cannot be read spoils the file; CRLs alone make it an empty one.

    Blocks of another kind count for nothing, but must be whole, too, and a key must be one (PEM_X509_INFO_read_bio).
    """
    found: list[Certificate] = []
    begun = False
    for block in pem.blocks(data, before_3=before_3):
        reason = block.reason or _unread(block, before_3=before_3)
        if reason:
            return Unusable(reason)
        begun = begun or block.label in ENTRIES
        found += [_certificate(block)] if block.label in ENTRIES and block.label != CRL else []
    return found if begun else Unusable(NOTHING_FOUND)


def damaged(roots: Unusable) -> bool:
    """Whether it is a broken block that spoils the file: there are others that it may be, and nobody gets to use them."""
    return roots.reason in BROKEN


def _unread(block: pem.Block, *, before_3: bool) -> str | None:
    """OpenSSL's word for a block whose content it does not take; with a header it looks for the key of that first."""
    key = block.label in KEYS if before_3 else KEY.fullmatch(block.label)
    if key and len(block.header) < ENCRYPTED:
        return None if _members(block.content) >= KEYS.get(block.label, 3) else BROKEN_ENTRY
    if block.label not in ENTRIES:
        return None
    if block.header:
        word = "not encrypted" if PLAIN.match(block.header) else "not proc type"
        return word if not block.header.startswith(b"Proc-Type:") or PLAIN.match(block.header) else BROKEN_ENTRY
    if block.label == CRL:
        return None if _members(block.content) == CRL_PARTS else BROKEN_ENTRY
    read = _certificate(block)
    return None if read.spki and readable_aux(read) else BROKEN_ENTRY


def _certificate(block: pem.Block) -> Certificate:
    return (Certificate.trusted if block.label.startswith(b"TRUSTED") else Certificate.from_der)(block.content)


def _members(content: bytes) -> int:
    """How many values a sequence has; 0 where it is none."""
    try:
        return len(der.sequence(content))
    except ValueError:
        return 0


NOTHING_FOUND = "no certificate or crl found"  # OpenSSL's word of an empty file, a folder or garbage
BROKEN = frozenset({pem.BAD_END, pem.BAD_BASE64, pem.UNNAMED, BROKEN_ENTRY, "not proc type", "not encrypted"})
CRL, CRL_PARTS = b"X509 CRL", 3
ENTRIES = (b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE", CRL)
KEY = re.compile(rb"(?!ENCRYPTED )(?:.* )?PRIVATE KEY")  # up to 1.1.1 those of `KEYS` alone
KEYS = {
    b"RSA PRIVATE KEY": 9,
    b"DSA PRIVATE KEY": 6,
    b"EC PRIVATE KEY": 2,
}  # and of how many values each is made at least
ENCRYPTED = 11  # bytes of a header that says so
PLAIN = re.compile(rb"Proc-Type:\s*4,\s*(?!ENCRYPTED)")
HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")  # as `openssl rehash` names them
MOST_ROOTS = 4000  # of a folder


def load_beside(
    path: str | os.PathLike[str], *, before_3: bool = False
) -> tuple[tuple[RevocationList, ...] | None, tuple[Certificate, ...]]:
    """What `sslcrl=path` gives: its lists, as `load_crls` does, and its certificates, which go into the store of the trusted ones.

    With certificates alone it was loaded, and so revocation is checked, without a list (initialize_SSL).
    """
    try:
        data = pipes.content(Path(path).expanduser().absolute(), LARGEST)  # once: it may be a pipe
    except (OSError, ValueError, RuntimeError):
        return None, ()
    found, lists = entries(data, before_3=before_3), tuple(from_pem(data)) or None
    if isinstance(found, Unusable):
        return None, ()  # all of it or nothing, here too
    if not isinstance(found, list) or not found:
        return lists, ()
    return lists or (), tuple(found)


def load_folder(path: str | os.PathLike[str]) -> tuple[RevocationList, ...]:
    """What `sslcrldir=path` gives: the lists by their hashes, as `openssl rehash` names them (crypto/x509/by_dir.c).

    A missing or empty folder still means that they are checked.
    """
    try:
        files = sorted(Path(os.fspath(path)).expanduser().glob("*.r[0-9]*"))[:MOST_FILES]
    except OSError:
        return ()
    return tuple(crl for file in files for crl in load_crls(file) or ())
