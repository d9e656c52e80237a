"""What only the user can say (`Trust`), and what comes out (`Check`, `Verdict`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from tracer.certificates import Certificate
from tracer.verify import revocation
from tracer.verify.revocation import RevocationList

if TYPE_CHECKING:
    from cryptography import x509

SSLMODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

Outcome = Literal["accept", "refuse", "plaintext", "cannot_tell"]
When = Literal["before_tls", "in_handshake", "after_handshake"]
WHEN: Final[tuple[When, ...]] = ("before_tls", "in_handshake", "after_handshake")
Passed = Literal["passed", "failed", "not_done", "cannot_tell"]


class Unknown(Enum):
    """Nobody told us. Not the same as absent."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Unusable:
    """A root file that is there and cannot be used; `reason` is what the client prints behind its name."""

    reason: str


# a reason of ours: which of OpenSSL's many words for a damaged entry is printed depends on where its reader stumbled
BROKEN_ENTRY = "an entry in it cannot be read"


Roots = Unknown | None | Unusable | Literal["system"] | Sequence["x509.Certificate | Certificate"]


@dataclass(frozen=True)
class Trust:
    """What the client was told: its connection parameters, its root file, and the time by its clock (aware, UTC).

    `roots`: UNKNOWN; None when the file does not exist; the certificates of the file; `Unusable`; or "system".
    `store`: what sslrootcert=system stands for on the client's machine; None where nobody knows.
    `crls`: None for no look at revocation; an empty sequence for a look without a single list, which no chain passes.
    `beside_crls`: certificates of the `sslcrl` file, which OpenSSL trusts as it does those of the root file.
    """

    host: Unknown | str | None = UNKNOWN
    sslmode: str = "prefer"
    roots: Roots = UNKNOWN
    root_path: str | None = None
    crls: Sequence[x509.CertificateRevocationList | RevocationList] | None = None
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    security_level: int = 2
    hostaddr: str | None = None
    port: int = 5432
    sslnegotiation: str = "postgres"
    channel_binding: str = "prefer"
    sslcertmode: str = "allow"
    require_auth: str | None = None
    gssencmode: str = "disable"
    ssl_min_protocol_version: str = "TLSv1.2"
    ssl_max_protocol_version: str = "TLSv1.3"
    store: Sequence[x509.Certificate | Certificate] | None = None
    beside_crls: Sequence[x509.Certificate | Certificate] = ()

    def __post_init__(self) -> None:
        """Certificates and lists become our own values, in tuples: a `Trust` can be the key of a dictionary."""
        if not isinstance(self.roots, (Unknown, Unusable, str, type(None))):
            object.__setattr__(self, "roots", tuple(map(_our_certificate, self.roots)))
        if self.store is not None:
            object.__setattr__(self, "store", tuple(map(_our_certificate, self.store)))
        object.__setattr__(self, "beside_crls", tuple(map(_our_certificate, self.beside_crls)))
        if self.crls is not None:
            object.__setattr__(self, "crls", tuple(map(_our_list, self.crls)))

    def anchors(self) -> tuple[Certificate, ...] | None:
        """The certificates of the root file and beside its lists, or of the system's store; None when there is no list of them."""
        if self.roots == "system":
            return cast("tuple[Certificate, ...] | None", self.store)
        if not isinstance(self.roots, tuple):
            return None
        beside = self.beside_crls if self.crls is not None else ()
        return cast("tuple[Certificate, ...]", (*self.roots, *beside) if beside else self.roots)

    def lists(self) -> tuple[RevocationList, ...] | None:
        """The revocation lists; None when the client does not look at revocation, as with the system's store."""
        if self.roots == "system":
            return None
        return cast("tuple[RevocationList, ...] | None", self.crls)


def _our_certificate(root: Any) -> Certificate:  # noqa: ANN401 (the library's certificate, or ours)
    return root if isinstance(root, Certificate) else Certificate.from_der(_der(root))


def _our_list(crl: Any) -> RevocationList:  # noqa: ANN401 (the library's list, or ours)
    return crl if isinstance(crl, RevocationList) else revocation.from_der(_der(crl))


def _der(value: Any) -> bytes:  # noqa: ANN401 (one of the library's values)
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(value.public_bytes(Encoding.DER))


@dataclass(frozen=True, slots=True)
class Check:
    """One step of the client: what it wanted, what it found, and why that was the end, or not.

    `code` is OpenSSL's X509_V_ERR number; `certificate` the position in what the server sent, None for one of the root
    file; `after_message` the index of the message behind which it happens.
    """

    step: str
    outcome: Passed
    because: str
    when: When | None = None
    code: int | None = None
    certificate: int | None = None
    wanted: str | None = None
    found: str | None = None
    after_message: int | None = None
    source: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What one client would do under one sslmode.

    `prints` is what it prints when it refuses, without the prefix that names the server. `on_the_wire` is a sentence,
    `wire` the same for comparing with a trace: see `tracer.verify.observed`. `basis` says which version of a driver this
    is, and whether it was run or only its source read; None for libpq, whose name says the version. `second` is what comes
    of libpq's second attempt under allow, where the server refuses the first.
    """

    client: str
    sslmode: str
    host: str | None
    time: datetime
    outcome: Outcome
    authenticated: bool | None
    prints: str | None
    on_the_wire: str
    wire: str | None
    checks: tuple[Check, ...]
    refused_by: Check | None = None
    basis: str | None = None
    second: Verdict | None = None

    def unreached(self, check: Check) -> bool:
        """Whether the client stopped in front of that check."""
        stopped = self.refused_by
        if stopped is None or check is stopped or check.when is None or stopped.when is None:
            return False
        return WHEN.index(check.when) > WHEN.index(stopped.when)

    def check(self, step: str) -> Check | None:
        """The check of that name."""
        return next((check for check in self.checks if check.step == step), None)

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        from tracer.render import notebook

        return notebook.verdict(self)
