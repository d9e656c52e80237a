"""The versions of TLS that a client allows: ssl_min_protocol_version and ssl_max_protocol_version.

An empty word is no bound, and small letters count (ssl_protocol_version_to_openssl in fe-secure-openssl.c). Where nobody
named a range, the ClientHello of a capture knows it better than libpq's default.
"""

from __future__ import annotations

from tracer.certificates import Presented
from tracer.verify.model import Check, Trust


def allowed(trust: Trust) -> tuple[str, str]:
    """The lowest and the highest, in the words of the parameters."""
    return trust.ssl_min_protocol_version, trust.ssl_max_protocol_version


def contradictory(trust: Trust) -> bool:
    """Whether nothing is between the two: libpq does not connect then (sslVerifyProtocolRange)."""
    low, high = _ranks(trust)
    return bool(low and high and low > high)


def chosen(presented: Presented, trust: Trust) -> Check | None:
    """A check that did not pass, where the server chose a version outside of what the client allows.

    One that chose an older version has no newer one; one that chose a newer version may have an older one, too.
    """
    low, high = _ranks(trust)
    if presented.version not in VERSIONS or (unnamed(trust) and presented.version in presented.offered):
        return None
    found = VERSIONS.index(presented.version)
    if found >= low and (found <= high or not high):
        return None
    wanted = f"{VERSIONS[low]} to {VERSIONS[high] if high else 'the newest'}"
    because = f"the server chose {presented.version}, and this client offers {wanted}"
    if found < low:
        return Check("version", "failed", because, "in_handshake", wanted=wanted, found=presented.version)
    because += ": whether the server has that, too, is not known"
    return Check("version", "cannot_tell", because, "in_handshake", wanted=wanted, found=presented.version)


def unnamed(trust: Trust) -> bool:
    """Whether it is libpq's own range, which is also that of a client of which nobody said so."""
    return allowed(trust) == DEFAULT


def others(presented: Presented, trust: Trust) -> bool:
    """Whether the ClientHello shows that the client was told another range than libpq's own, or its library was."""
    return unnamed(trust) and bool(presented.offered) and set(presented.offered) != {"TLS 1.3", "TLS 1.2"}


def none_left(presented: Presented, trust: Trust, openssl: tuple[int, ...]) -> Check | None:
    """A range of which OpenSSL 3.5 has nothing. A capture with TLS in it has a client that had."""
    high = _ranks(trust)[1]
    hello = presented.version or presented.ended
    if openssl < NO_TLS_1_1 or not 0 < high < VERSIONS.index("TLS 1.2") or hello:
        return None
    because = f"this OpenSSL has no version up to {VERSIONS[high]}"
    return Check("version", "failed", because, "before_tls", wanted="TLS 1.2 or newer", found=VERSIONS[high])


def _ranks(trust: Trust) -> tuple[int, int]:
    """The places of both words in `VERSIONS`; 0 is no bound."""
    low, high = (WORDS.index(word.lower()) for word in allowed(trust))
    return low, high


DEFAULT = ("TLSv1.2", "TLSv1.3")
VERSIONS = ("SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3")
WORDS = ("", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3")
NO_TLS_1_1 = (3, 5)  # measured with the one inside psycopg's packages
