"""tokio-postgres and sqlx. Their source was read, they were not run.

tokio-postgres: src/connect_tls.rs (connect_tls), src/config.rs. It knows disable, prefer and require, and no sslrootcert: whom to
trust is said to the connector, which verifies everything by default. sqlx: sqlx-postgres/src/connection/tls.rs (maybe_upgrade),
sqlx-core/src/net/tls/tls_rustls.rs (handshake). sslrootcert is added to the roots that it brings along.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tracer.certificates import Presented
from tracer.verify import hostnames
from tracer.verify.checks import VERIFYING
from tracer.verify.clients.asyncpg import in_openssl_s_order
from tracer.verify.clients.driver import (
    ALL,
    CLEAR,
    TLS,
    Profile,
    local,
    name,
    named_file,
    other_store,
    unchecked,
    with_alert,
)
from tracer.verify.clients.libraries import NATIVE, NO_ANCHOR, RUSTLS, chain
from tracer.verify.clients.spellings import Spelling
from tracer.verify.clients.verdicts import Step
from tracer.verify.model import Check, Trust

NO_TLS = "server does not support TLS"
# whom the file does not know, the roots beside it may
SQLX = replace(RUSTLS, name="rustls-webpki with more roots than the file has", known=set(RUSTLS.known) - NO_ANCHOR)


def refuse(check: Check, _prints: str | None, number: int) -> Step:
    """An alert; the text was not seen."""
    return with_alert(check, None, number, sealed=True)


def rustls(presented: Presented, trust: Trust) -> list[Step]:
    """Chain and name inside the handshake, whatever the mode (WebPkiServerVerifier.verify_server_cert)."""
    named = name(presented, trust, hostnames.webpki, refuse, looks=True)
    return [*chain(RUSTLS, presented, other_store(trust), refuse), named]


def native_tls(presented: Presented, trust: Trust) -> list[Step]:
    """The platform's library, on Linux OpenSSL, with chain and name inside the handshake."""
    named = name(presented, trust, hostnames.python, with_alert, looks=True)
    steps = in_openssl_s_order(chain(NATIVE, presented, other_store(trust), with_alert), named)
    return [replace(step, prints=None) for step in steps]


def sqlx(presented: Presented, trust: Trust) -> Iterator[Step]:
    """Only verify-ca and verify-full look at anything; the root file is read behind S."""
    trust = named_file(trust)
    named = name(presented, trust, hostnames.webpki, refuse, looks=trust.sslmode == "verify-full")
    if trust.sslmode not in VERIFYING:
        yield from (*unchecked(trust.sslmode, presented), named)
        return
    if trust.roots is None and trust.root_path is not None:
        yield local("root_file", f"the root file {trust.root_path} does not exist", None, trust.root_path, hello=True)
    yield from (*chain(SQLX, presented, other_store(trust), refuse), named)


def answer(presented: Presented, _trust: Trust) -> str | None:
    """Text of a server without TLS."""
    return NO_TLS if presented.answer == "N" else None


TOKIO = Profile(
    name="tokio-postgres-rustls",
    version="tokio-postgres 0.7 (connect_tls.rs), rustls 0.23",
    source="tokio-postgres: connect_tls.rs; rustls-webpki: verify_cert.rs",
    modes={"disable": CLEAR, "prefer": TLS, "require": TLS},
    inside=rustls,
    answer=lambda presented, trust: NO_TLS if trust.sslmode == "require" and presented.answer else None,
    unknown_mode=lambda _mode: "invalid value for option `sslmode`",
    onward=("prefer",),
    onward_behind=("N", "E", "other"),
    run=False,
    files="what the program gave to its connector; there is no sslrootcert",
    missing="the program decides",
    spelling=Spelling(
        full="sslmode=require",
        roots="RootCertStore.add(FILE)",
        certificate="with_client_auth_cert of its connector",
        way="hostaddr=ADDRESS",
    ),
)
TOKIO_NATIVE = replace(
    TOKIO,
    name="tokio-postgres-native-tls",
    version="tokio-postgres 0.7 (connect_tls.rs), native-tls",
    source="tokio-postgres: connect_tls.rs; native-tls: imp/openssl.rs",
    inside=native_tls,
    spelling=replace(TOKIO.spelling, roots="add_root_certificate(FILE)", certificate="identity of its connector"),
)
SQLX_PROFILE = Profile(
    name="sqlx",
    version="sqlx 0.8 (tls.rs, tls_rustls.rs), rustls 0.23",
    source="sqlx-postgres: connection/tls.rs; sqlx-core: net/tls/tls_rustls.rs",
    modes=ALL | {"allow": CLEAR},
    inside=sqlx,
    answer=answer,
    onward=("prefer",),
    file_wire="no_hello",
    run=False,
    files="sslrootcert, and the roots that it brings along, too",
    missing="verify-ca and verify-full stop behind S",
)
