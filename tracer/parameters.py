"""The connection parameters of libpq: data only. Source: fe-connect.c, PQconninfoOptions, of PostgreSQL 12 to 18."""

from __future__ import annotations

from typing import NamedTuple


class Parameter(NamedTuple):
    """`variable` is its environment variable, `default` what libpq compiled in, `since` the first release that knows it."""

    variable: str | None = None
    default: str | None = None
    since: int = 12


# GSSAPI: PostgreSQL's own builds differ; the default of one without it is `disable`, and nothing of ours speaks GSSAPI.
PARAMETERS: dict[str, Parameter] = {
    "service": Parameter("PGSERVICE"),
    "user": Parameter("PGUSER"),
    "password": Parameter("PGPASSWORD"),
    "passfile": Parameter("PGPASSFILE"),
    "channel_binding": Parameter("PGCHANNELBINDING", "prefer", 13),
    "connect_timeout": Parameter("PGCONNECT_TIMEOUT"),
    "dbname": Parameter("PGDATABASE"),
    "host": Parameter("PGHOST"),
    "hostaddr": Parameter("PGHOSTADDR"),
    "port": Parameter("PGPORT", "5432"),
    "client_encoding": Parameter("PGCLIENTENCODING"),
    "options": Parameter("PGOPTIONS", ""),
    "application_name": Parameter("PGAPPNAME"),
    "fallback_application_name": Parameter(),
    "keepalives": Parameter(),
    "keepalives_idle": Parameter(),
    "keepalives_interval": Parameter(),
    "keepalives_count": Parameter(),
    "tcp_user_timeout": Parameter(),
    "sslmode": Parameter("PGSSLMODE", "prefer"),
    "sslnegotiation": Parameter("PGSSLNEGOTIATION", "postgres", 17),
    "sslcompression": Parameter("PGSSLCOMPRESSION", "0"),
    "sslcert": Parameter("PGSSLCERT"),
    "sslkey": Parameter("PGSSLKEY"),
    "sslcertmode": Parameter("PGSSLCERTMODE", None, 16),
    "sslpassword": Parameter(None, None, 13),
    "sslrootcert": Parameter("PGSSLROOTCERT"),
    "sslcrl": Parameter("PGSSLCRL"),
    "sslcrldir": Parameter("PGSSLCRLDIR", None, 14),
    "sslsni": Parameter("PGSSLSNI", "1", 14),
    "requirepeer": Parameter("PGREQUIREPEER"),
    "require_auth": Parameter("PGREQUIREAUTH", None, 16),
    "min_protocol_version": Parameter("PGMINPROTOCOLVERSION", None, 18),
    "max_protocol_version": Parameter("PGMAXPROTOCOLVERSION", None, 18),
    "ssl_min_protocol_version": Parameter("PGSSLMINPROTOCOLVERSION", "TLSv1.2", 13),
    "ssl_max_protocol_version": Parameter("PGSSLMAXPROTOCOLVERSION", None, 13),
    "gssencmode": Parameter("PGGSSENCMODE", "disable"),
    "krbsrvname": Parameter("PGKRBSRVNAME", "postgres"),
    "gsslib": Parameter("PGGSSLIB"),
    "gssdelegation": Parameter("PGGSSDELEGATION", "0", 16),
    "replication": Parameter(),
    "target_session_attrs": Parameter("PGTARGETSESSIONATTRS", "any"),
    "load_balance_hosts": Parameter("PGLOADBALANCEHOSTS", "disable", 16),
    "scram_client_key": Parameter(None, None, 18),
    "scram_server_key": Parameter(None, None, 18),
    "oauth_issuer": Parameter(None, None, 18),
    "oauth_client_id": Parameter(None, None, 18),
    "oauth_client_secret": Parameter(None, None, 18),
    "oauth_scope": Parameter(None, None, 18),
    "sslkeylogfile": Parameter(None, None, 18),
}

SECRET = frozenset({"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"})
