"""A server that exists nowhere, and the root that has signed it: what a client would do is asked of it where there is no capture.

Three certificates of throw-away keys, good from 2020 to 2120: Example Root, the server db.example below it, Another Root.
"""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime

from tracer.certificates import Certificate, Presented

HOST, OTHER_HOST = "db.example", "other.example"
TIME = datetime(2026, 1, 1, tzinfo=UTC)


def server() -> Presented:
    """What it shows, in TLS 1.3."""
    return Presented((Certificate.from_der(LEAF),), version="TLS 1.3")


def without_tls() -> Presented:
    """A server that answers N."""
    return Presented(None, answer="N")


def root() -> Certificate:
    return Certificate.from_der(ROOT)


def another_root() -> Certificate:
    return Certificate.from_der(ANOTHER_ROOT)


# DATA

LEAF = b64decode(
    "MIIBRDCB6qADAgECAgECMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDEV4YW1wbGUgUm9vdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAw"
    "MDAwMFowFTETMBEGA1UEAwwKZGIuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBsLK4PQvc6r0FKA1RZpkM8M3vYecf7y8I5E"
    "0QY2hjQy/Epb3s2EKlKqkj3LJyAxlm+9ag4VYWAFUGv0MvvGbO+jJzAlMAwGA1UdEwEB/wQCMAAwFQYDVR0RBA4wDIIKZGIuZXhhbXBsZTAK"
    "BggqhkjOPQQDAgNJADBGAiEA4Hd6fHV1S693qfxzuAeWfKAfeKVmlH076gcVKIuc54wCIQDyoO2bP5qVKSiMSbYm9qopcmQoUDz/CcPQTYd6"
    "CUc/Pw=="
)
ROOT = b64decode(
    "MIIBMDCB2KADAgECAgEBMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDEV4YW1wbGUgUm9vdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAw"
    "MDAwMFowFzEVMBMGA1UEAwwMRXhhbXBsZSBSb290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVlVOLQIOVXvUMWWrHPjnzqg1IiHrSrVN"
    "cnuUni9fWLr+ZUPwJCkIEToIzofHmgQZbtwu7quP2BuagO4UGBHDC6MTMBEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAO"
    "b9QwCObe3Mqi7sXCcSr/esPYoKgwRMN8DBvWGPQOowIgC0cMxyDaJjfUy4tpLXsLtacjYsRq9vZlW2rr3FnmEtA="
)
ANOTHER_ROOT = b64decode(
    "MIIBMTCB2KADAgECAgEBMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDEFub3RoZXIgUm9vdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAw"
    "MDAwMFowFzEVMBMGA1UEAwwMQW5vdGhlciBSb290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFfg13dDaXSl5JD4gSWUSRpSs6iSTTis6"
    "pWNT7HRHjrNj7zvNAKW0td2bvR8yFAcJ93Vx6Yp3DZtQgIbG0pdYTKMTMBEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA"
    "60inY1Uj4NXkXpz17gH3Cjrm8fHxT0sTqDoJMVMZvCYCIA4CHSZyEVfaXFlXt6UiRddcYfEru2by6eXJ0bDDLaUf"
)
