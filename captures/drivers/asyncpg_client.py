"""asyncpg, a connection a line of standard input: host, port, sslmode and root file ("" for none), tabs between them.

Out comes accept, plaintext or refuse, and what was printed. Names lead to 127.0.0.1.
"""

import asyncio
import socket
import sys
from urllib.parse import quote

import asyncpg

resolve = socket.getaddrinfo
socket.getaddrinfo = lambda _, *rest, **named: resolve("127.0.0.1", *rest, **named)


async def connect(host: str, port: str, sslmode: str, roots: str) -> tuple[str, str]:
    words = [f"sslmode={sslmode}"] * bool(sslmode) + [f"sslrootcert={quote(roots)}"] * bool(roots)
    try:
        connection = await asyncpg.connect(f"postgresql://app:not-a-secret@{host}:{port}/postgres?{'&'.join(words)}")
        inside = await connection.fetchval("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
        await connection.close()
    except Exception as error:  # noqa: BLE001 - whatever it raises is what it prints
        return "refuse", str(error)
    return ("accept" if inside else "plaintext"), ""


for line in sys.stdin:
    outcome, text = asyncio.run(connect(*line.rstrip("\n").split("\t")))
    print(outcome, text.replace("\n", "\\n"), sep="\t", flush=True)
