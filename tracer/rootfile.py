"""The root file as libpq finds it: absent, unusable, or certificates.

libpq asks stat(2) whether the file is there, and takes every error for "no"; OpenSSL then reads all of it or nothing
(fe-secure-openssl.c, initialize_SSL; crypto/x509/by_file.c, X509_load_cert_crl_file).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from tracer.certificates import Certificate, from_pem
from tracer.verify.model import BROKEN_ENTRY, Roots, Unusable
from tracer.verify.revocation import RevocationList, load_crls
from tracer.verify.uses import readable_aux

LARGEST = 16 << 20  # bytes
MOST_FILES = 1000  # of a folder of revocation lists


def load(path: str | os.PathLike[str]) -> Roots:
    """What `sslrootcert=path` gives a client: None without such a file, `Unusable` where it has no certificate.

    The word `system` stands for the system's store. Raises nothing.
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
        with file.open("rb") as opened:
            data = opened.read(LARGEST)
    except IsADirectoryError:
        return Unusable(NOTHING_FOUND)
    except OSError as error:
        return Unusable(error.strerror or str(error))
    return entries(data)


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


def entries(data: bytes) -> Roots:
    """The certificates of a root file's bytes. One entry that cannot be read spoils the file; CRLs alone make it an empty one."""
    found: list[Certificate] = []
    begun = list(BEGIN.finditer(data))
    for begin in begun:
        end = END.search(data, begin.end())
        if end is None or end.group(1) != begin.group(1):
            return Unusable(NO_END)
        if NOT_BASE64.search(data, begin.end(), end.start()):
            return Unusable(NOT_BASE64_TEXT)
        if begin.group(1) != b"X509 CRL":
            read = from_pem(data[begin.start() : end.end()])
            if not read or not readable_aux(read[-1]):
                return Unusable(BROKEN_ENTRY)
            found += read
    return found if begun else Unusable(NOTHING_FOUND)


# OpenSSL's words: of an empty file, a folder or garbage; of an entry without an end; of one that is not base64
NOTHING_FOUND = "no certificate or crl found"
NO_END = "bad end line"
NOT_BASE64_TEXT = "bad base64 decode"
# each marker on a line of its own; what stands between entries, and entries of another kind, is passed over
BEGIN = re.compile(
    rb"^(?:\xef\xbb\xbf)?-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE|X509 CRL)-----[ \t\r]*$", re.MULTILINE
)
END = re.compile(rb"^-----END ([^\n]*?)-----[ \t\r]*$", re.MULTILINE)
HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")  # as `openssl rehash` names them
MOST_ROOTS = 4000  # of a folder
NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")


def load_beside(path: str | os.PathLike[str]) -> tuple[tuple[RevocationList, ...] | None, tuple[Certificate, ...]]:
    """What `sslcrl=path` gives: its lists, as `load_crls` does, and its certificates, which go into the store of the trusted ones.

    With certificates alone it was loaded, and so revocation is checked, without a list (initialize_SSL).
    """
    found, lists = load(Path(path).absolute()), load_crls(path)
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
