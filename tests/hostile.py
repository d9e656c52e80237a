"""Certificates whose names were written by somebody who means harm: every output shows them as harmless text."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.authority import Identity, files
from tests.wire import Tls, follow, packets
from tracer.trace import Trace

BEGIN = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # the packets of tests.wire are of that time
SPARE = 20_000  # characters: three names of these are 60 kB, and OpenSSL's client takes no chain of more than 100

# what it is: the text in CN, SAN and issuer
VALUES = {
    "script": "<script>alert('owned')</script>",
    "end of script": "</script><script>alert(1)</script>",
    "end of noscript": "</noscript><img src=x onerror=alert(1)>",
    "end of style": "</style><style>*{display:none}</style>",
    "comment": "--><img src=http://evil.example/x onerror=alert(1)><!--",
    "attribute": '" onmouseover="alert(1)" x=\'',
    "template": "{{ 7*7 }}{% raw %}${7*7}",
    "terminal": "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "lines": "a\r\nb\n```\n# owned\n</details>",
    "right to left": "\u202egpj.exe\u2066\u2069\u200f\ufeff",
    "table": "a|b|c `code` **bold** [link](javascript:alert(1)) ![x](http://evil.example/x)",
    "calls": "@everyone #1 http://evil.example www.evil.example",
    "nothing": "\0",
    "long": "x" * SPARE,
    "long and wide": "\U0001f600" * (SPARE // 4),
}

DANGEROUS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@cache
def trace(what: str) -> Trace:
    """A connection to a server with such a certificate, opened with its keys."""
    made = Tls(identity=files(identity(VALUES[what])), name="db.example").run()
    return follow(packets(made.preambled()), made.keys())


def identity(text: str) -> Identity:
    """A certificate that says it as its CN, its SAN and its issuer."""
    with warnings.catch_warnings(action="ignore"):  # that a name is long
        return _identity(text)


def _identity(text: str) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text, _validate=False)])
    issuer = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text, _validate=False)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + dt.timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([dns_name(text)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(made, key)


def dns_name(text: str) -> x509.GeneralName:
    """As a dNSName where that can be written, else as the CN of a directoryName."""
    if text.isascii():
        return x509.DNSName._init_without_validation(text)
    return x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text, _validate=False)]))
