"""The certificates that a server sent, sorted out without a root file: which leads to which, and what stands apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from tracer.certificates import Certificate
from tracer.signatures import is_signed_by
from tracer.trace import Trace
from tracer.verify.chain import is_self_signed, may_issue

MOST = 20  # certificates of a message that are looked at; OpenSSL sends no more than its depth of 100


@dataclass(frozen=True)
class Chain:
    """`path` leads from the server's own certificate upwards; `stray` is what does not belong to it."""

    sent: tuple[Certificate, ...]
    path: tuple[Certificate, ...]
    stray: tuple[Certificate, ...]
    ordered: bool  # each behind one that it may have issued

    @property
    def leaf(self) -> Certificate:
        return self.path[0]

    @property
    def top(self) -> Certificate:
        return self.path[-1]

    @cached_property
    def rooted(self) -> bool:
        """Whether the path ends with a certificate that is signed by itself."""
        return is_self_signed(self.top)

    @property
    def self_signed(self) -> bool:
        """Whether that is the server's own."""
        return self.rooted and len(self.path) == 1

    @property
    def below_root(self) -> tuple[Certificate, ...]:
        """The path without its root: what a client takes from the server, and not from its root file."""
        return self.path[:-1] if self.rooted and len(self.path) > 1 else self.path

    @cached_property
    def signed(self) -> bool:
        """Whether each signature of the path was made by the next one's key."""
        above = self.path[1:] + ((self.top,) if self.rooted else ())
        return all(is_signed_by(below, issuer) for below, issuer in zip(self.path, above, strict=False))


def chain(trace: Trace) -> Chain | None:
    """The chain of a trace; None where no certificate was seen, or the server's own cannot be read."""
    sent = trace.presented.certificates
    return sort_out(sent[:MOST]) if sent and sent[0].spki else None


@lru_cache(maxsize=1024)
def sort_out(sent: tuple[Certificate, ...]) -> Chain:
    """Sort out what was sent; the first is the server's own (RFC 8446 §4.4.2)."""
    belongs = [sent[0]]
    for member in belongs:
        belongs += [c for c in sent if c not in belongs and may_issue(c, member)]
    places = [at for at, c in enumerate(sent) if c in belongs[1:]]
    return Chain(
        sent,
        tuple(_path(sent)),
        tuple(c for at, c in enumerate(sent) if c not in belongs or c in sent[:at]),
        all(any(may_issue(sent[at], below) for below in sent[:at]) for at in places),
    )


def _path(sent: Sequence[Certificate]) -> list[Certificate]:
    path = [sent[0]]
    while not is_self_signed(path[-1]):
        issuer = next((c for c in sent if c not in path and may_issue(c, path[-1])), None)
        if issuer is None:
            break
        path.append(issuer)
    return path
