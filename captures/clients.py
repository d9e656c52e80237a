"""Clients that only stories need: an older OpenSSL, one that cancels, one that resumes, one with a Kerberos ticket.

Each is called as `stage.psql` is: the server, the options of the connection string, and where its files are.
"""

import os
import subprocess
import sys
from pathlib import Path

import kerberos
import stage

Done = subprocess.CompletedProcess[str]

# LIBPQ BY ITSELF

LIBPQ = """
import ctypes, sys
library, conninfo, query = sys.argv[1:]
pq = ctypes.CDLL(library)
pq.PQconnectdb.restype = pq.PQexec.restype = ctypes.c_void_p
pq.PQerrorMessage.restype = pq.PQgetvalue.restype = ctypes.c_char_p
connection = ctypes.c_void_p(pq.PQconnectdb(conninfo.encode()))
if pq.PQstatus(connection) != 0:
    sys.exit(pq.PQerrorMessage(connection).decode())
result = ctypes.c_void_p(pq.PQexec(connection, query.encode()))
print(*(pq.PQgetvalue(result, 0, column).decode() for column in range(2)), sep="|")
pq.PQfinish(connection)
"""


def libpq(target: stage.Server, options: str, *, folder: Path, keylog: Path, version: int = 18) -> Done:
    """The libpq of the PostgreSQL that tests/install.sh takes from npm, with its OpenSSL 1.1.1."""
    libraries = npm_libraries(version)
    logging = f" sslkeylogfile={keylog}" if version >= 18 else ""
    conninfo = target.conninfo(options) + logging
    command = [sys.executable, "-c", LIBPQ, str(libraries / "libpq.so.5"), conninfo, stage.QUERY]
    return stage.client(command, {"PATH": os.defpath, "LC_ALL": "C", "LD_LIBRARY_PATH": str(libraries)}, folder, None)


def npm_libraries(version: int) -> Path:
    return Path(sys.prefix) / f"postgres/{version}/native/lib"


# CANCELLING

CANCELLING = """
import sys, threading, time, psycopg
conninfo, query, method = sys.argv[1:]
with psycopg.connect(conninfo, autocommit=True) as connection:
    cancel = threading.Timer(0.2, getattr(connection, method))
    cancel.start()
    try:
        connection.execute("select pg_sleep(20)")
    except psycopg.errors.QueryCanceled as cancelled:
        print(cancelled, file=sys.stderr)
    cancel.join()
    print(*connection.execute(query).fetchone(), sep="|")
"""


def cancelling(target: stage.Server, options: str, *, folder: Path, keylog: Path, method: str) -> Done:
    """psycopg, which gives up waiting for a query: `cancel` is libpq's PQcancel, `cancel_safe` its PQcancelStart."""
    conninfo = f"{target.conninfo(options)} sslkeylogfile={keylog}"
    command = [sys.executable, "-c", CANCELLING, conninfo, stage.QUERY, method]
    return stage.client(command, {"PATH": os.defpath, "LC_ALL": "C"}, folder, None)


# RESUMING

RESUMING = """
import socket, ssl, sys, pg8000.native
port, host, user, password, database, version, query = sys.argv[1:]
context = ssl.create_default_context(cafile="roots.pem")
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
context.keylog_filename = "keys"

class Resuming:
    session = None

    def wrap_socket(self, bare, server_hostname):
        self.connection = context.wrap_socket(bare, server_hostname=server_hostname, session=self.session)
        return self.connection

resuming = Resuming()
for _ in range(2):
    bare = socket.create_connection(("127.0.0.1", int(port)))
    with pg8000.native.Connection(
        user, host=host, sock=bare, password=password, database=database, ssl_context=resuming
    ) as connection:
        row = connection.run(query)[0]
        resuming.session, resumed = resuming.connection.session, resuming.connection.session_reused
if not resumed:
    sys.exit("the second connection was not resumed")
print(*row, sep="|")
"""


def resuming(target: stage.Server, options: str, *, folder: Path, keylog: Path, version: str) -> Done:
    """pg8000 with a context of Python's ssl module that keeps its session, twice. libpq and psycopg never resume."""
    host = options.split(maxsplit=1)[0].removeprefix("host=")
    words = [str(target.port), host, stage.USER, stage.PASSWORD, stage.DATABASE, version, stage.QUERY]
    return stage.client([sys.executable, "-c", RESUMING, *words], {"PATH": os.defpath, "LC_ALL": "C"}, folder, None)


# KERBEROS

SEALED = (
    "select current_user, (ssl or encrypted)::text from pg_stat_ssl join pg_stat_gssapi using (pid) "
    "where pid = pg_backend_pid()"
)


def psql_with_ticket(target: stage.Server, options: str, *, folder: Path, keylog: Path) -> Done:
    """For somebody who has logged in with Kerberos: the ticket is enough for psql to ask for GSSAPI encryption first."""
    variables = kerberos.variables(folder)
    return stage.psql(target, options, query=SEALED, folder=folder, keylog=keylog, variables=variables)
