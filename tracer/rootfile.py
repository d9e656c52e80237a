"""The root file as libpq finds it: absent, unusable, or certificates.

libpq asks stat(2) whether the file is there, and takes every error for "no"; OpenSSL then reads all of it or nothing
(fe-secure-openssl.c, initialize_SSL; crypto/x509/by_file.c, X509_load_cert_crl_file).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from tracer.certificates import from_pem
from tracer.verify.model import BROKEN_ENTRY, Roots, Unusable

NOTHING_FOUND = "no certificate or crl found"  # what OpenSSL says of an empty file, of a folder and of garbage
LARGEST = 16 << 20  # bytes


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


def entries(data: bytes) -> Roots:
    """The certificates of a root file's bytes. One entry that cannot be read spoils the file; CRLs alone make it an empty one."""
    begun = BEGIN.findall(data)
    if not begun:
        return Unusable(NOTHING_FOUND)
    certificates = [one for entry in ENTRY.finditer(data) for one in from_pem(entry.group())]
    crls = sum(label == b"X509 CRL" for label in begun)
    return certificates if len(certificates) + crls == len(begun) else Unusable(BROKEN_ENTRY)


# each marker on a line of its own; what stands between entries, and entries of another kind, is passed over
BEGIN = re.compile(
    rb"^(?:\xef\xbb\xbf)?-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE|X509 CRL)-----[ \t\r]*$", re.MULTILINE
)
ENTRY = re.compile(
    rb"^(?:\xef\xbb\xbf)?-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[ \t\r]*\n[A-Za-z0-9+/=\s]*?^-----END \1-----[ \t\r]*$",
    re.MULTILINE,
)
