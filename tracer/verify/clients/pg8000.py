"""pg8000: has no sslmode, but `ssl_context`: None and True never verify, a context of the caller's does inside the handshake.

What stands here for each sslmode: disable is False, prefer is None (its default), require is True, verify-ca and verify-full are
ssl.create_default_context(cafile=sslrootcert), the former with check_hostname off; allow is none. Run: pg8000 1.31.6 on
Python 3.11.2 and 3.11.7 with OpenSSL 3.0; the text of a close is that of the latter. Its source: core.py (_make_socket,
CoreConnection.__init__).
"""

from __future__ import annotations

from collections.abc import Iterator

from tracer.certificates import Presented
from tracer.outcome import Ended
from tracer.verify import hostnames
from tracer.verify.checks import VERIFYING
from tracer.verify.clients.asyncpg import in_openssl_s_order
from tracer.verify.clients.driver import CLEAR, TLS, Profile, local, name, system_store, unchecked, with_alert
from tracer.verify.clients.libraries import PYTHON, chain
from tracer.verify.clients.spellings import Spelling
from tracer.verify.clients.verdicts import Step
from tracer.verify.model import Trust, Unusable


def before(_presented: Presented, trust: Trust) -> Iterator[Step]:
    """The caller's context reads the root file before pg8000 is called."""
    if trust.sslmode not in VERIFYING:
        return
    if trust.roots is None and trust.root_path is not None:
        because = f"the root file {trust.root_path} does not exist"
        yield local("root_file", because, "[Errno 2] No such file or directory", trust.root_path)
    elif isinstance(trust.roots, Unusable):
        text = "[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found"
        because = f"the root file is there and cannot be used: {trust.roots.reason}"
        yield local(
            "root_file", because, text if "no certificate" in trust.roots.reason else None, trust.root_path or ""
        )


def inside(presented: Presented, trust: Trust) -> list[Step]:
    """What the caller's context looks at."""
    named = name(presented, trust, hostnames.python, with_alert, looks=trust.sslmode == "verify-full")
    if trust.sslmode not in VERIFYING:
        return [*unchecked(trust.sslmode, presented), named]
    return in_openssl_s_order(chain(PYTHON, presented, system_store(trust), with_alert), named)


def answer(_presented: Presented, trust: Trust) -> str | None:
    """Whatever is not S is a refusal; without a wish for TLS it goes on, and what it prints is what comes of that."""
    return None if trust.sslmode == "prefer" else "Server refuses SSL"


def ended(end: Ended) -> str | None:
    """What it prints when the server ends: its errors are dictionaries."""
    eof = "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol"
    return eof if end.how == "closed" and end.where == "in_handshake" else None


PROFILE = Profile(
    name="pg8000",
    version="pg8000 1.31.6, Python 3.11, OpenSSL 3.0",
    source="pg8000: core.py; Python: Modules/_ssl.c; OpenSSL: x509_vfy.c, verify_chain",
    modes={"disable": CLEAR, **dict.fromkeys(("prefer", "require", "verify-ca", "verify-full"), TLS)},
    before=before,
    inside=inside,
    answer=answer,
    unknown_mode=lambda mode: f"'{mode}'",
    onward=("prefer",),
    ended=ended,
    files="what the caller's ssl_context was given, else the system's store",
    missing="ssl.create_default_context raises before pg8000 is called",
    spelling=Spelling(
        full="ssl_context=ssl.create_default_context(…)",
        roots="cafile=FILE",
        certificate="load_cert_chain of its ssl_context",
        between=", ",
    ),
)
