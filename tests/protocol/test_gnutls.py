"""The suites that GnuTLS can agree on and OpenSSL cannot: RC4 at every version, and Camellia in GCM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests import gnutls, openssl, wire
from tracer.protocol.keys import Keys

pytestmark = pytest.mark.needs("gnutls-serv", "gnutls-cli")

SUITES = [  # as GnuTLS names the version and the parts, and as it is registered
    ("TLS1.2", "RSA", "CAMELLIA-128-GCM", "AEAD", "TLS_RSA_WITH_CAMELLIA_128_GCM_SHA256"),
    ("TLS1.2", "RSA", "CAMELLIA-256-GCM", "AEAD", "TLS_RSA_WITH_CAMELLIA_256_GCM_SHA384"),
    ("TLS1.2", "DHE-RSA", "CAMELLIA-128-GCM", "AEAD", "TLS_DHE_RSA_WITH_CAMELLIA_128_GCM_SHA256"),
    ("TLS1.2", "DHE-RSA", "CAMELLIA-256-GCM", "AEAD", "TLS_DHE_RSA_WITH_CAMELLIA_256_GCM_SHA384"),
    ("TLS1.2", "ECDHE-RSA", "CAMELLIA-128-GCM", "AEAD", "TLS_ECDHE_RSA_WITH_CAMELLIA_128_GCM_SHA256"),
    ("TLS1.2", "ECDHE-RSA", "CAMELLIA-256-GCM", "AEAD", "TLS_ECDHE_RSA_WITH_CAMELLIA_256_GCM_SHA384"),
    ("TLS1.2", "ECDHE-ECDSA", "CAMELLIA-128-GCM", "AEAD", "TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_GCM_SHA256"),
    ("TLS1.2", "ECDHE-ECDSA", "CAMELLIA-256-GCM", "AEAD", "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_GCM_SHA384"),
    ("TLS1.0", "RSA", "ARCFOUR-128", "MD5", "TLS_RSA_WITH_RC4_128_MD5"),
    ("TLS1.0", "RSA", "ARCFOUR-128", "SHA1", "TLS_RSA_WITH_RC4_128_SHA"),
    ("TLS1.1", "ECDHE-RSA", "ARCFOUR-128", "SHA1", "TLS_ECDHE_RSA_WITH_RC4_128_SHA"),
    ("TLS1.2", "RSA", "ARCFOUR-128", "MD5", "TLS_RSA_WITH_RC4_128_MD5"),
    ("TLS1.2", "ECDHE-ECDSA", "ARCFOUR-128", "SHA1", "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA"),
]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("gnutls")
    openssl.identity(folder, "rsa", rsa.generate_private_key(65537, 2048))
    openssl.identity(folder, "ec", ec.generate_private_key(ec.SECP256R1()))
    with gnutls.server(folder) as listening:
        yield listening


@pytest.mark.parametrize(("version", "exchange", "cipher", "mac", "name"), SUITES)
def test_a_suite_of_gnutls(port: int, version: str, exchange: str, cipher: str, mac: str, name: str) -> None:
    """All of it opens: the line, its echo, and the alerts at the end."""
    said, log = gnutls.connect(port, f"VERS-{version}", exchange, cipher, mac)
    keys = Keys()
    assert keys.add(log) > 0
    trace = wire.follow(wire.packets(said), keys)
    assert (trace.tls.version, trace.tls.cipher_suite) == (version.replace("TLS", "TLS "), name)
    assert trace.tls.keys == "all"
    for sender in ("client", "server"):
        assert [m.data for m in trace.every("Unread", sender)] == [openssl.LINE]
        assert trace.of("Alert", sender).summary == "warning close_notify (0)"
    assert [m.kind for m in trace.messages if m.problem and m.kind != "Unread"] == []
