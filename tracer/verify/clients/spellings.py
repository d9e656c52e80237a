"""What each client calls the options that findings and advice name: libpq's, and a field of each driver's `Profile`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """Options as the users of that client write them; plain words where it has none. `between` stands between two of them."""

    full: str = "sslmode=verify-full"  # to check everything
    host: str = "host="
    roots: str = "sslrootcert=FILE"
    certificate: str = "sslcert and sslkey"  # the client's own
    way: str = "an entry in its hosts file"  # where the host is, as far as that is not its name's to say
    tls_1_2: str = "TLS 1.2 at most"
    no_gss: str = "GSSAPI encryption turned off"
    between: str = " "

    def server(self, host: str, roots: str = "") -> str:
        """What tells the client which server it wants, and by whom that is known."""
        return self.between.join(part for part in (self.full, f"{self.host}{host}", roots) if part)


LIBPQ = Spelling(way="hostaddr=ADDRESS", tls_1_2="ssl_max_protocol_version=TLSv1.2", no_gss="gssencmode=disable")
PLAIN = Spelling()  # a driver's that has taken libpq's names, as far as it has these options
