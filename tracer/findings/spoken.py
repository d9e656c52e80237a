"""Findings in the words of a driver, where one was named: `explain` knows no client, and speaks of libpq and its options."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import lru_cache

from tracer.findings.model import Finding
from tracer.verify import clients, example
from tracer.verify.model import SSLMODES, Trust


def spoken(finding: Finding, client: str) -> Finding:
    """The finding as it is said of that client, one of `clients.names()`."""
    if client not in clients.drivers() or finding.kind not in SAID:
        return finding
    words = asdict(clients.spelling(client)) | {"client": client, "modes": _compares(client)}
    text, advice, spec = finding.text, finding.advice, finding.spec
    for old, new in SAID[finding.kind]:
        said = new.format(**words)
        text, advice, spec = text.replace(old, said), advice.replace(old, said), spec and spec.replace(old, said)
    return replace(finding, text=text, advice=advice, spec=spec)


@lru_cache(maxsize=64)
def _compares(client: str) -> str:
    """The modes under which a driver refuses a certificate for another name, by their replay on the example server."""
    told = Trust(host=example.OTHER_HOST, roots=(example.root(),), root_path="FILE", time=example.TIME)
    verdicts = [clients.get(client)(example.server(), replace(told, sslmode=mode)) for mode in SSLMODES]
    return ", ".join(one.sslmode for one in verdicts if one.refused_by is not None and one.refused_by.step == "name")


# By kind: what is said of libpq, and what of a driver in its place, with the fields of its `Spelling`.
PROTOCOL = "PostgreSQL: Frontend/Backend Protocol"
SAID: dict[str, tuple[tuple[str, str], ...]] = {
    "bytes_behind_answer": (
        ("; libpq refuses since its releases of November 2021", ""),
        (", and renew a libpq that is older.", "."),
    ),
    "gssapi": (
        ("sslmode=verify-full", "{full}"),
        ("gssencmode=disable", "{no_gss}"),
        (": libpq does so whenever it finds a Kerberos ticket. It costs", ". It costs"),
        ("PostgreSQL: fe-connect.c, PQconnectPoll", f"{PROTOCOL}, GSSAPI Session Encryption"),
    ),
    "plaintext": (("sslmode=require and above never do this;", "{full} never does this;"),),
    "cancel_request": (
        ("PQcancelCreate, from libpq 17 on, asks inside TLS as the session does; PQcancel never does.", ""),
    ),
    "password": (("sslmode=verify-full checks it;", "{full} checks it;"),),
    "downgrade": (
        (
            "An old TLS library or ssl_max_protocol_version on the client is the usual reason.",
            "An old TLS library is the usual reason, or a client that was told so.",
        ),
    ),
    "no_server_name": (
        (
            "libpq before 14, sslsni=0, or an address for a host.",
            "an old client, one that was told so, or an address for a host.",
        ),
    ),
    "resumed": ((" libpq itself never resumes.", ""),),
    "name_differs": (
        (
            "verify-full refuses that, verify-ca takes it if the chain is good.",
            "{client} with a root file refuses that under: {modes}.",
        ),
        ("connect with host=", "connect with {host}"),
        ("say where it is with hostaddr.", "say where it is with {way}."),
        ("PostgreSQL: fe-secure-common.c, pq_verify_peer_name_matches_certificate", "RFC 9525 §6"),
    ),
    "error_before_tls": (
        (", so that libpq of today does not show it, and goes on neither with TLS nor without.", "."),
        ("; PostgreSQL: fe-connect.c, PQconnectPoll", ""),
    ),
    "no_direct_tls": (
        (
            "sslnegotiation=postgres asks first, and works with every version.",
            "Without direct TLS the client asks first, which works with every version.",
        ),
    ),
    "not_postgres": (
        (
            "sslnegotiation=direct (libpq 17) begins with TLS at once;",
            "Direct TLS, where the client has it, begins with TLS at once;",
        ),
    ),
    "no_client_hello": (
        ("libpq reads its files only then: a root file", "A file of its own can stop a client there: a root file"),
        ("PostgreSQL: fe-secure-openssl.c, initialize_SSL", f"{PROTOCOL}, SSL Session Encryption"),
    ),
    "client_certificate": (
        ("sslcert and sslkey on the client name one;", "The client names one with {certificate};"),
        ("sslcert and sslkey on the client name one.", "The client names one with {certificate}."),
    ),
    "nothing_in_common": (
        (
            "Compare ssl_min_protocol_version and ssl_max_protocol_version of both.",
            "Compare what the ClientHello offers (-v) with ssl_min_protocol_version and ssl_max_protocol_version of the server.",
        ),
    ),
}
