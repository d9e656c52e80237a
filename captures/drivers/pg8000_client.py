"""pg8000, a connection a line of standard input: host, port, sslmode and root file ("" for none), tabs between them.

pg8000 has `ssl_context` and no sslmode: `CONTEXTS` says what stands for each. Out comes accept, plaintext or refuse, and
what was printed. Names lead to 127.0.0.1.
"""

import socket
import ssl
import sys

import pg8000.native

resolve = socket.getaddrinfo
socket.getaddrinfo = lambda _, *rest, **named: resolve("127.0.0.1", *rest, **named)


def verifying(roots: str, names: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=roots or None)
    context.check_hostname = names
    return context


CONTEXTS = {
    "disable": lambda _: False,
    "prefer": lambda _: None,
    "require": lambda _: True,
    "verify-ca": lambda roots: verifying(roots, False),
    "verify-full": lambda roots: verifying(roots, True),
}


def connect(host: str, port: str, sslmode: str, roots: str) -> tuple[str, str]:
    try:
        context = CONTEXTS[sslmode or "prefer"](roots)
        with pg8000.native.Connection(
            "app", host=host, port=int(port), password="not-a-secret", database="postgres", ssl_context=context
        ) as connection:
            [[inside]] = connection.run("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
    except Exception as error:  # noqa: BLE001 - whatever it raises is what it prints
        return "refuse", str(error)
    return ("accept" if inside else "plaintext"), ""


for line in sys.stdin:
    outcome, text = connect(*line.rstrip("\n").split("\t"))
    print(outcome, text.replace("\n", "\\n"), sep="\t", flush=True)
