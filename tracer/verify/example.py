"""A server that exists nowhere, and the root that has signed it: what a client would do is asked of it where there is no capture.

Four certificates of throw-away keys, good from 2020 to 2120: Example Root, below it the servers db.example, which is 192.0.2.1, too,
and other.example; and Another Root.
"""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime

from tracer.certificates import Certificate, Presented

HOST, ADDRESS, OTHER_HOST = "db.example", "192.0.2.1", "other.example"
TIME = datetime(2026, 1, 1, tzinfo=UTC)


def server() -> Presented:
    """What it shows, in TLS 1.3."""
    return Presented((Certificate.from_der(LEAF),), version="TLS 1.3")


def other_server() -> Presented:
    """Another server of the same root."""
    return Presented((Certificate.from_der(OTHER_LEAF),), version="TLS 1.3")


def without_tls() -> Presented:
    """A server that answers N."""
    return Presented(None, answer="N")


def root() -> Certificate:
    return Certificate.from_der(ROOT)


def another_root() -> Certificate:
    return Certificate.from_der(ANOTHER_ROOT)


# DATA

LEAF = b64decode(
    "MIIBSjCB8KADAgECAgECMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDEV4YW1wbGUgUm9vdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAw"
    "MFowFTETMBEGA1UEAwwKZGIuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLRkwnJI7XHgY0YQawjiBDUghrKYn+k+JCWCsnujyQz1"
    "gaoAzA8+GmFzQ6He0/0GZIt8MlfSAUe0OXxTXIeHL7KjLTArMAwGA1UdEwEB/wQCMAAwGwYDVR0RBBQwEoIKZGIuZXhhbXBsZYcEwAACATAKBggq"
    "hkjOPQQDAgNJADBGAiEA4C/x4NoxuVfy7JKrXs1lrn+JSES7NadzCu90k7no54ECIQCZJKucdMFDAUh7n1oya5ymIpXriWtxc9drg/tIjAMwbQ=="
)
OTHER_LEAF = b64decode(
    "MIIBSDCB8KADAgECAgEDMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDEV4YW1wbGUgUm9vdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAw"
    "MFowGDEWMBQGA1UEAwwNb3RoZXIuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIAznY2MRU5KXLz7emNwdJdSqkU3cLAdlXbw9O8x"
    "IFx0aSPLte86McTsq3vgftQuB/5b03+KedzN6b8p5M0NMW+jKjAoMAwGA1UdEwEB/wQCMAAwGAYDVR0RBBEwD4INb3RoZXIuZXhhbXBsZTAKBggq"
    "hkjOPQQDAgNHADBEAiBD5h/vLJYZ62h8U5lwYwKE50132qrWeQGWNbJPvEaonQIgOg1AhauJe0q/SRmQneRlO0N2lkkI6NZqeeI+NJmrSAM="
)
ROOT = b64decode(
    "MIIBMjCB2KADAgECAgEBMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDEV4YW1wbGUgUm9vdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAw"
    "MFowFzEVMBMGA1UEAwwMRXhhbXBsZSBSb290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEypbOEfJqnMMh8BYEnp+UVp4ec/+BkJdcxPgqlK/b"
    "SBL65o5y/QK6EDX76GvYOi+nw3EdKa5eF9KnacWlObnz8KMTMBEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAm6pKrfSiPesm"
    "Z/p68m55pvCc3aJfCTGxqSdZotIeor4CIQCSWSSllwmgugVIZIWlMV2yK66gUxdEnD/JvAizxZKPzg=="
)
ANOTHER_ROOT = b64decode(
    "MIIBMjCB2KADAgECAgEBMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDEFub3RoZXIgUm9vdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAw"
    "MFowFzEVMBMGA1UEAwwMQW5vdGhlciBSb290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2fmSIZk9GsfOJzLhXI+/U/9oAUjlEcC/9Uv51rx3"
    "eXxctXfPBPv3ATmtjRz6sO37Xvcf0LRUZs5RHw0sOHW3kKMTMBEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAwys4fYvfXZr1"
    "vcDyrv9BQviVBxyZthahA3173UMPM5MCIQCo63NiCPeVvXIaWW7Qj4v+MHp2ujroED/aBJfFHUbqoQ=="
)
