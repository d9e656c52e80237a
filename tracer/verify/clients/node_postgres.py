"""node-postgres: up to 8 every sslmode but disable is verify-full; from 9 on they mean what libpq's mean. Never comes back in plaintext.

Run: pg 8.23.1 on Node 20 with its own OpenSSL, and on Debian's Node 18 with the system's. Its source:
pg-connection-string/index.js (parse), pg/lib/connection.js (connect, upgradeToSSL); Node: lib/tls.js, lib/_tls_wrap.js (onConnectSecure). What 9 is to do is what 8 does with uselibpqcompat=true and announces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tracer.certificates import Presented
from tracer.outcome import Ended
from tracer.verify import hostnames
from tracer.verify.clients.driver import (
    ALL,
    TLS,
    Profile,
    behind,
    local,
    message,
    name,
    named_file,
    system_store,
    unchecked,
    wanted_host,
    without_a_word,
)
from tracer.verify.clients.libraries import ANY, NODE, chain
from tracer.verify.clients.verdicts import Step
from tracer.verify.model import BROKEN_ENTRY, Check, Trust, Unusable


def before(_presented: Presented, trust: Trust) -> Iterator[Step]:
    """The root file is read with the connection string."""
    trust = named_file(trust)
    if trust.roots is None and trust.root_path is not None:
        text = f"ENOENT: no such file or directory, open '{trust.root_path}'"
        yield local("root_file", f"the root file {trust.root_path} does not exist", text, trust.root_path)


def before_9(presented: Presented, trust: Trust) -> Iterator[Step]:
    """And verify-ca is no mode for who names none."""
    yield from before(presented, trust)
    if trust.sslmode == "verify-ca" and trust.roots is None:
        text = "SECURITY WARNING: Using sslmode=verify-ca requires specifying a CA with sslrootcert. If a public CA is used, verify-ca allows connections to a server that somebody else may have registered with the CA, making you vulnerable to Man-in-the-Middle attacks. Either specify a custom CA certificate with sslrootcert parameter or use sslmode=verify-full for proper security."
        yield local("root_file", "verify-ca without a root file", text, "none")


def inside(presented: Presented, trust: Trust) -> list[Step]:
    """Every mode verifies everything, when the server's last byte of the handshake is there; no-verify nothing."""
    if trust.sslmode == NO_VERIFY:
        return [*unchecked(NO_VERIFY, presented), _named(presented, named_file(trust), looks=False)]
    return verified(presented, named_file(trust), names=True)


def inside_9(presented: Presented, trust: Trust) -> list[Step]:
    """As libpq: require with a root file is verify-ca, prefer looks at nothing. It knows neither allow nor no-verify, and verifies."""
    trust = named_file(trust)
    if trust.sslmode == "prefer" or (trust.sslmode == "require" and trust.roots is None):
        return [*unchecked(trust.sslmode, presented), _named(presented, trust, looks=False)]
    return verified(presented, trust, names=trust.sslmode in ("allow", NO_VERIFY, "verify-full"))


def verified(presented: Presented, trust: Trust, *, names: bool) -> list[Step]:
    """Node's onConnectSecure: the last fault that OpenSSL has found, and when there is none the name."""
    steps = chain(NODE, presented, system_store(_read(trust)), closes(presented))
    return [*steps, _named(presented, trust, looks=names)]


def _named(presented: Presented, trust: Trust, *, looks: bool) -> Step:
    """The name, where it does not depend on the Node what that is."""
    step, host = name(presented, trust, hostnames.node, closes(presented), looks=looks), wanted_host(trust)
    if step.check.outcome not in ("passed", "failed") or host is None or hostnames.nodes_agree(host):
        return step
    why = f"{host} is another name to Node since CVE-2026-48618 was mended: which Node it is no capture shows"
    check = replace(step.check, outcome="cannot_tell", because=why)
    return Step(check, wire=closes(presented)(check, None, ANY).wire)


def _read(trust: Trust) -> Trust:
    """A file without a certificate is a store without a root: no error."""
    empty = isinstance(trust.roots, Unusable) and trust.roots.reason != BROKEN_ENTRY
    return replace(trust, roots=()) if empty else trust


def closes(presented: Presented) -> Callable[[Check, str | None, int], Step]:
    """In TLS 1.2 the client's Finished is sent before Node looks; in TLS 1.3 Node looks first."""
    if presented.version == "TLS 1.3":
        return without_a_word
    if presented.version is not None:
        return behind
    return lambda check, prints, number: replace(behind(check, prints, number), wire="left|no_startup")


def answer(presented: Presented, _trust: Trust) -> str:
    """Connection.connect."""
    if presented.answer is None:
        return "Connection terminated unexpectedly"
    known = presented.answer == "N"
    return (
        "The server does not support SSL connections" if known else "There was an error establishing an SSL connection"
    )


def ended(end: Ended) -> str | None:
    """What it prints when the server ends."""
    if end.how == "error":
        return message(end)
    closed = "Client network socket disconnected before secure TLS connection was established"
    return closed if end.how == "closed" else None


NO_VERIFY = "no-verify"  # a word of its own: rejectUnauthorized=false
PROFILE = Profile(
    name="node-postgres-8",
    version="pg 8.23.1, Node 18 and 20",
    source="pg: connection.js; pg-connection-string: parse; Node: tls.checkServerIdentity",
    modes=ALL | {NO_VERIFY: TLS},
    before=before,
    inside=inside,
    answer=answer,
    ended=ended,
    default="disable",
    ssl_true="verify-full",
    files="sslrootcert, else the roots that Node brings along",
    missing="it stops before it connects, under disable, too",
)
PROFILE_9 = replace(
    PROFILE,
    name="node-postgres-9",
    version="pg 9, as pg-connection-string 2 announces it and does with uselibpqcompat=true",
    before=before_9,
    inside=inside_9,
    run=False,
)
