"""asyncpg: require with a root file is verify-ca, prefer never verifies; all inside the handshake, and no word when it refuses.

Run: asyncpg 0.32 on Python 3.11 with OpenSSL 3.0. Its source: connect_utils.py (_parse_connect_dsn_and_args, TLSUpgradeProto,
_connect_addr); Python: asyncio/sslproto.py, Modules/_ssl.c.
"""

from __future__ import annotations

from collections.abc import Iterator

from tracer.certificates import Presented
from tracer.outcome import Ended
from tracer.verify import hostnames
from tracer.verify.checks import VERIFYING
from tracer.verify.clients.driver import (
    ALL,
    Profile,
    local,
    message,
    name,
    named_file,
    unchecked,
    wanted_host,
    without_a_word,
)
from tracer.verify.clients.libraries import PYTHON, chain
from tracer.verify.clients.spellings import Spelling
from tracer.verify.clients.verdicts import Step
from tracer.verify.model import Trust, Unusable


def before(_presented: Presented, trust: Trust) -> Iterator[Step]:
    """Prefer and allow never read the root file; require may do without one, but not without one that was named."""
    trust = named_file(trust)
    named = trust.root_path is not None
    path = trust.root_path or "~/.postgresql/root.crt"
    if trust.sslmode in ("disable", "allow", "prefer"):
        return
    if trust.roots is None and (named or trust.sslmode in VERIFYING):
        hint = f'HINT:  Provide the certificate file directly or make sure "{path}" exists and is readable.'
        text = f'root certificate file "{path}" does not exist or cannot be accessed\n{hint}'
        text = "[Errno 2] No such file or directory" if named else text
        yield local("root_file", f"the root file {path} does not exist", text, path)
    elif isinstance(trust.roots, Unusable):
        text = "[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found"
        because = f"the root file {path} is there and cannot be used: {trust.roots.reason}"
        yield local("root_file", because, text if "no certificate" in trust.roots.reason else None, path)


def inside(presented: Presented, trust: Trust) -> list[Step]:
    """OpenSSL looks at chain and name, and asyncio closes without sending the alert that it has written."""
    trust = named_file(trust)
    named = name(presented, trust, hostnames.python, without_a_word, looks=trust.sslmode == "verify-full")
    if trust.sslmode in ("allow", "prefer") or (trust.sslmode == "require" and trust.roots is None):
        return [*unchecked(trust.sslmode, presented), named]
    return in_openssl_s_order(chain(PYTHON, presented, trust, without_a_word), named)


def in_openssl_s_order(steps: list[Step], named: Step) -> list[Step]:
    """The name comes behind the way to a root and what each certificate may do, before signatures and dates (verify_chain)."""
    code = steps[0].check.code if steps[0].check.outcome == "failed" else None
    early = code in EARLY or named.check.outcome != "failed" or steps[0].check.outcome == "cannot_tell"
    text = named.prints and f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {named.prints}"
    named = Step(named.check, text, named.wire, named.says)
    return [*steps, named] if early else [named, *steps]


def answer(presented: Presented, trust: Trust) -> str:
    """TLSUpgradeProto.data_received."""
    where = f'PostgreSQL server at "{wanted_host(trust) or "HOST"}:{trust.port}"'
    if presented.answer is None:
        return "unexpected connection_lost() call"
    if presented.answer == "E":
        return f"{where}: server sent an error response during SSL exchange; check the server logs for details"
    return f"{where} rejected SSL upgrade"


def returns(step: Step, _presented: Presented, trust: Trust) -> bool:
    """A login that is refused, and a handshake that fails, are tried the other way; an answer to SSLRequest is final."""
    plain = step.check.when == "before_tls"
    return step.check.step != "negotiation" and plain is (trust.sslmode == "allow")


def ended(end: Ended) -> str | None:
    """What it prints when the server ends."""
    return message(end) if end.how == "error" else "" if end.how == "closed" else None


# X509_V_ERR of the steps of verify_chain that come before check_id
EARLY = frozenset((2, 18, 19, 20, 21, 22, 25, 26, 34, 40, 66, 67, 68, 79))

PROFILE = Profile(
    name="asyncpg",
    version="asyncpg 0.32, Python 3.11, OpenSSL 3.0",
    source="asyncpg: connect_utils.py; Python: Modules/_ssl.c; OpenSSL: x509_vfy.c, verify_chain",
    modes=ALL | {"allow": ("plaintext", "tls"), "prefer": ("tls", "plaintext")},
    before=before,
    inside=inside,
    answer=answer,
    unknown_mode=lambda mode: (
        f"`sslmode` parameter must be one of: disable, allow, prefer, require, verify-ca, verify-full, not {mode}"
    ),
    onward=("prefer",),
    returns=returns,
    ended=ended,
    default_file=True,
    files="sslrootcert, else ~/.postgresql/root.crt; prefer and allow read none",
    missing="verify-ca and verify-full stop before they connect, and require, too, where the file was named",
    spelling=Spelling(tls_1_2="ssl_max_protocol_version=TLSv1.2"),
)
