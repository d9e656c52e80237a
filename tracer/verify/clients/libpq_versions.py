"""What changed in which version of libpq, as far as a verdict depends on it. Data, and the one question that it answers.

Measured with the current minor of every version; older minors may differ where a CVE is named in CLIENT-CHECKS.
"""

from __future__ import annotations

from typing import NamedTuple


class Libpq(NamedTuple):
    """One libpq: its name among the clients, its major version, and the OpenSSL that it runs on."""

    name: str
    version: int
    openssl: tuple[int, ...]

    def has(self, what: str) -> bool:
        """Whether this version has what `SINCE` names."""
        return self.version >= SINCE[what]


# The first version that does this.
SINCE = {
    "channel_binding": 13,  # the parameter; SCRAM-SHA-256-PLUS itself is older
    "tls_1_2": 13,  # no TLS 1.0 and 1.1, and a hint when the versions do not meet: ssl_min_protocol_version
    "every_attempt": 14,  # prints what every attempt came to; before that a TLS error wipes out what stood there
    "server_name": 14,  # SNI
    "ip_names": 15,  # iPAddress names count, and which SANs switch off the common name
    "system": 16,  # sslrootcert=system; before that a file called "system"
    "sslcertmode": 16,
    "require_auth": 16,
    "sslnegotiation": 17,
    "alpn": 17,  # offers `postgresql`, also behind SSLRequest
    "allow_wants_tls": 17,  # allow's second attempt does not go on in plaintext behind N
    "unexpected_eof": 18,  # tells of OpenSSL 3's error for a close without close_notify
}

# What a user of a version most likely has below it: the OpenSSL of the distributions of its year.
OPENSSL: dict[int, tuple[int, ...]] = {
    12: (1, 1),  # Ubuntu 20.04
    13: (1, 1),  # Debian 11
    14: (3, 0),  # Ubuntu 22.04
    15: (3, 0, 22),  # Debian 12
    16: (3, 0),  # Ubuntu 24.04
    17: (3, 5),  # Debian 13, psycopg2-binary
    18: (3, 5),  # psycopg-binary
}
NEWEST = max(OPENSSL)
NAMES = {"libpq": NEWEST, **{f"libpq-{version}": version for version in OPENSSL}}


def libpq(name: str, openssl: tuple[int, ...] | None = None) -> Libpq:
    """The libpq of a name in `NAMES`."""
    version = NAMES[name]
    return Libpq(name, version, openssl or OPENSSL[version])
