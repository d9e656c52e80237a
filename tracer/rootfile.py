"""The root file as libpq finds it: absent, unusable, or certificates."""

from __future__ import annotations

import os
from pathlib import Path

from tracer.certificates import from_pem
from tracer.verify.model import Roots, Unusable

NOTHING_FOUND = "no certificate or crl found"  # what OpenSSL says of an empty file and of garbage
LARGEST = 16 << 20  # bytes


def load(path: str | os.PathLike[str]) -> Roots:
    """What `sslrootcert=path` gives a client: None without such a file, `Unusable` where it has no certificate.

    The word `system` stands for the system's store. Raises nothing.
    """
    name = os.fspath(path)
    if name == "system":
        return "system"
    try:
        with Path(name).expanduser().open("rb") as file:
            data = file.read(LARGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Unusable(error.strerror or str(error))
    return from_pem(data) or Unusable(NOTHING_FOUND)
