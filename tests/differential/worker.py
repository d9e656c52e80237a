"""One libpq in a process of its own: `python worker.py libpq.so.5` connects as each line of its input says.

A line is a JSON string, the conninfo; the answer is a JSON line: whether it connected, whether inside TLS, and what libpq
printed. A process a libpq, since each brings an OpenSSL along. Nothing but the standard library, so that any version runs.
"""

import ctypes
import json
import sys

CONNECTION_OK = 0


def main(path: str) -> None:
    libpq = load(path)
    for line in sys.stdin:
        print(json.dumps(connect(libpq, json.loads(line))), flush=True)


def load(path: str) -> ctypes.CDLL:
    libpq = ctypes.CDLL(path)
    libpq.PQconnectdb.argtypes, libpq.PQconnectdb.restype = [ctypes.c_char_p], ctypes.c_void_p
    libpq.PQerrorMessage.argtypes, libpq.PQerrorMessage.restype = [ctypes.c_void_p], ctypes.c_char_p
    for name in ("PQstatus", "PQsslInUse", "PQfinish"):
        getattr(libpq, name).argtypes = [ctypes.c_void_p]
    return libpq


def connect(libpq: ctypes.CDLL, conninfo: str) -> dict[str, object]:
    connection = libpq.PQconnectdb(conninfo.encode("utf-8", "surrogateescape"))
    try:
        return {
            "connected": libpq.PQstatus(connection) == CONNECTION_OK,
            "tls": bool(libpq.PQsslInUse(connection)),
            "printed": libpq.PQerrorMessage(connection).decode("utf-8", "surrogateescape"),
        }
    finally:
        libpq.PQfinish(connection)
        # libpq prints the oldest error in OpenSSL's queue, and before it reads a root file it does not empty it: in a process
        # that has failed before, that is an error of then. What a program of one connection prints is what is asked here.
        libpq.ERR_clear_error()


if __name__ == "__main__":
    main(sys.argv[1])
