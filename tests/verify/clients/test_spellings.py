"""What each client calls the options that advice names."""

from __future__ import annotations

import pytest

from tracer.verify import clients
from tracer.verify.clients.spellings import LIBPQ, PLAIN


@pytest.mark.parametrize("name", ["libpq", "libpq-14"])
def test_libpq_has_its_own_names(name: str) -> None:
    assert clients.spelling(name) == LIBPQ
    assert LIBPQ.server("db", "sslrootcert=FILE") == "sslmode=verify-full host=db sslrootcert=FILE"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("pgjdbc", "sslmode=verify-full host=db sslrootcert=FILE"),
        ("npgsql", "SSL Mode=VerifyFull;Host=db;Root Certificate=FILE"),
        ("pg8000", "ssl_context=ssl.create_default_context(…), host=db, cafile=FILE"),
        ("tokio-postgres-rustls", "sslmode=require host=db RootCertStore.add(FILE)"),
        ("tokio-postgres-native-tls", "sslmode=require host=db add_root_certificate(FILE)"),
    ],
)
def test_a_client_that_knows_its_server(name: str, told: str) -> None:
    """As that driver's own users write it."""
    spelling = clients.spelling(name)
    assert spelling.server("db", spelling.roots) == told


def test_what_a_driver_has_not() -> None:
    """Plain words stand for an option that is not there."""
    assert clients.spelling("pgx-5") == clients.spelling("lib-pq") == PLAIN
    assert not any("=" in words for words in (PLAIN.way, PLAIN.no_gss, PLAIN.tls_1_2))
    assert clients.spelling("pgjdbc").no_gss == "gssEncMode=disable"
    assert clients.spelling("asyncpg").tls_1_2 == "ssl_max_protocol_version=TLSv1.2"
