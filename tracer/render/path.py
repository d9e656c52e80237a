"""The chain of trust as a picture's values: each certificate, how it hangs on the one above, and where it all ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracer.certificates import Certificate, Presented
from tracer.render.judged import roots
from tracer.report import Judged
from tracer.signatures import is_signed_by
from tracer.verify.chain import BEFORE_ALL, Path, is_self_signed
from tracer.verify.chain import judge as build
from tracer.verify.model import Passed
from tracer.verify.names import match

SERVER = "the server's own"
MOST_NAMES = 40  # of one certificate
NO_ANCHOR = (2, 18, 19, 20, 21)  # the chain does not end in trust: that is said once, at its end
EDGE = 0.08  # of a bar, on either side of what it shows


@dataclass(frozen=True, slots=True)
class Dates:
    """A certificate's dates on a bar: `begin`, `end` and the moment of judgement, `now`, in hundredths of its length."""

    state: str  # "valid", "ended", "not yet valid", "unreadable"; "not judged" without a moment
    begin: float
    end: float
    now: float | None


@dataclass(frozen=True, slots=True)
class Link:
    """A certificate of the chain. `signed`: whether the one above signed it, None where there is none above."""

    certificate: Certificate
    role: str
    origin: str
    dates: Dates
    signed: bool | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """The chain from the leaf up; what became of it (`state`), in words; and what was sent and had no part in it."""

    links: tuple[Link, ...]
    state: Passed | None  # None: nobody was asked
    ending: str
    unused: tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A name that the certificate shows, beside the one that was wanted: "same", "other" or "not compared"."""

    kind: str
    text: str
    state: str


def picture(judged: Judged) -> Picture | None:
    """The chain that the server sent, as the client's OpenSSL builds it; None where no certificate was seen."""
    sent, trust = judged.presented.certificates, judged.trust
    if not sent:
        return None
    check = judged.verdict.check("chain")
    path = build(sent, trust.anchors() or (), trust.time, trust.security_level, trust.lists())
    links = _links(path, sent, judged)
    state: Passed = check.outcome if check else "not_done"
    words = check.because if check else "this client does not look at it"
    if state == "passed":
        words = f"{links[-1].certificate.short} is in the client's {roots(judged)}, and trust starts there"
    unused = tuple(certificate for certificate in sent if certificate not in path.certificates)
    return Picture(links, state, words, unused)


def shown(presented: Presented, own: str = SERVER) -> Picture | None:
    """The same without anybody who judges it: the chain as far as what was sent reaches; `own` is what its leaf is."""
    sent = presented.certificates
    if not sent:
        return None
    path = build(sent, (), sent[0].not_before or BEFORE_ALL)
    links = tuple(
        Link(c, _role(c, depth, own), "as it was sent", dates(c, None), _signed(path, depth), ())
        for depth, c in enumerate(path.certificates)
    )
    return Picture(links, None, "", tuple(c for c in sent if c not in path.certificates))


def _links(path: Path, sent: Sequence[Certificate], judged: Judged) -> tuple[Link, ...]:
    return tuple(
        Link(
            certificate,
            _role(certificate, depth),
            _origin(certificate, sent, judged),
            dates(certificate, judged.trust.time),
            _signed(path, depth),
            tuple(f"{f.text} ({f.code})" for f in path.faults if f.depth == depth and f.code not in NO_ANCHOR),
        )
        for depth, certificate in enumerate(path.certificates)
    )


def _signed(path: Path, depth: int) -> bool | None:
    chain = path.certificates
    return is_signed_by(chain[depth], chain[depth + 1]) if depth + 1 < len(chain) else None


def _role(certificate: Certificate, depth: int, own: str = SERVER) -> str:
    if depth == 0:
        return f"{own}, signed by itself" if is_self_signed(certificate) else own
    return "root, signed by itself" if is_self_signed(certificate) else "intermediate CA"


def _origin(certificate: Certificate, sent: Sequence[Certificate], judged: Judged) -> str:
    held = certificate in (judged.trust.anchors() or ())
    known = f"in the client's {roots(judged)}"
    if certificate in sent:
        return f"sent by the server, and {known}" if held else "sent by the server"
    return f"{known}; the server did not send it"


def dates(certificate: Certificate, time: datetime | None) -> Dates:
    """Where a certificate's time and the moment of judgement lie on a bar that holds both."""
    begin, end = certificate.not_before, certificate.not_after
    if begin is None or end is None:
        return Dates("unreadable", 0, 0, None)
    if time is None:
        return Dates("not judged", 100 * EDGE, 100 * (1 - EDGE), None)
    first, last = min(begin, time), max(end, time)
    span = max(last - first, timedelta(seconds=1))

    def at(moment: datetime) -> float:
        return round(100 * (EDGE + (1 - 2 * EDGE) * ((moment - first) / span)), 1)

    state = "not yet valid" if time < begin else "ended" if time > end else "valid"
    return Dates(state, at(begin), at(end), at(time))


def names(judged: Judged) -> tuple[Name, ...]:
    """Every name of the server's certificate, and whether it is the wanted one, by libpq's rules."""
    return tuple(_names(judged))


def _names(judged: Judged) -> Iterator[Name]:
    sent, host = judged.presented.certificates, judged.trust.host
    if not sent:
        return
    found = match(sent[0], host) if isinstance(host, str) else None
    shown = list(dict.fromkeys((*(found.examined if found else ()), *sent[0].names)))
    for name in shown[:MOST_NAMES]:
        compared = found is not None and name in found.examined
        same = found is not None and name == found.matched
        yield Name(name.kind, name.text, "same" if same else "other" if compared else "not compared")
    if len(shown) > MOST_NAMES:
        yield Name("", f"… {len(shown) - MOST_NAMES} more", "not compared")
