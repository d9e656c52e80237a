"""The real libpq through ctypes: what it makes of a connection string and of the environment. It never connects."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any


class Option(ctypes.Structure):
    """PQconninfoOption of libpq-fe.h."""

    _fields_ = [
        *((name, ctypes.c_char_p) for name in ("keyword", "envvar", "compiled", "val", "label", "dispchar")),
        ("dispsize", ctypes.c_int),
    ]


def load(path: str) -> Any:
    """The library with the types of the functions that are asked here."""
    library = ctypes.CDLL(path)
    for name in ("PQconninfoParse", "PQconndefaults", "PQconninfo"):
        getattr(library, name).restype = ctypes.POINTER(Option)
    library.PQconnectStart.restype = ctypes.c_void_p
    library.PQconninfo.argtypes = library.PQerrorMessage.argtypes = [ctypes.c_void_p]
    library.PQerrorMessage.restype = ctypes.c_char_p
    return library


def parse(library: Any, text: str) -> tuple[dict[str, str] | None, str]:
    """What PQconninfoParse sets, or None and its words."""
    error = ctypes.c_char_p()
    found = library.PQconninfoParse(text.encode("utf-8", "surrogateescape"), ctypes.byref(error))
    if not found:
        return None, (error.value or b"").decode("utf-8", "surrogateescape").rstrip("\n")
    return values(found), ""


def values(found: Any) -> dict[str, str]:
    """The options that have a value."""
    result, at = {}, 0
    while found[at].keyword:
        if found[at].val is not None:
            result[found[at].keyword.decode()] = found[at].val.decode("utf-8", "surrogateescape")
        at += 1
    return result


def resolved(path: str, text: str, environment: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """All settings of a connection that cannot be made, and libpq's words, in a process with that environment."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.libpq", path, text], env=environment, capture_output=True, text=True, check=True
    )
    settings, words = json.loads(done.stdout)
    return settings, words


if __name__ == "__main__":
    libpq = load(sys.argv[1])
    connection = libpq.PQconnectStart(sys.argv[2].encode())
    print(json.dumps([values(libpq.PQconninfo(connection)), libpq.PQerrorMessage(connection).decode()]))
