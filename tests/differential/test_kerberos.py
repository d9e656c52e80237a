"""Clients with a Kerberos credential cache ask for GSSAPI encryption first. No KDC is needed for that: a ticket of our own will do."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import tracer
from tests.differential import lab, mock
from tests.differential.cells import PROFILES, contradictions, real
from tests.differential.certificates import HOST, servers
from tests.differential.mock import Say, error, send, tls
from tests.differential.relay import relay
from tracer import rootfile
from tracer.verify import SSLMODES, consistent_with

KRB5_CONF = "[libdefaults]\ndefault_realm = TEST\ndns_lookup_kdc = false\n[realms]\nTEST = { kdc = 127.0.0.1:1 }\n"
WITH_GSSAPI = ("deb15", "psy17", "psy18")
YES, NO = "the client asks for TLS", "the client gives up"
# the answer to GSSENCRequest, and what gssencmode=prefer makes of it
ANSWERS: dict[str, tuple[Say | None, str]] = {
    "N": (None, YES),
    "E": (send(error("57P03", "too early")), YES),
    "E of protocol 2": (send(b"Etoo early\n\0"), YES),
    "G, and a close": (send(b"G"), YES),
    "X": (send(b"X"), NO),
    "S": (send(b"S"), NO),
    "a close": (lambda _: None, NO),
}


def text(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def principal(*components: bytes) -> bytes:
    return struct.pack(">II", 1, len(components)) + text(b"TEST") + b"".join(map(text, components))


def ticket(server: bytes) -> bytes:
    """A credential of MIT's file format, version 4, that nobody has issued."""
    now = int(time.time())
    times = struct.pack(">IIII", now - 60, now - 60, now + 36000, now + 36000)
    flags = b"\0" + struct.pack(">I", 0x40000000) + struct.pack(">II", 0, 0)
    return principal(b"me") + server + struct.pack(">H", 18) + text(b"k" * 32) + times + flags + text(b"x") + text(b"")


@pytest.fixture(scope="module")
def kerberos(folder: Path) -> Iterator[lab.Libpqs]:
    """Every libpq with a ticket."""
    cache, conf = folder / "tickets", folder / "krb5.conf"
    tickets = ticket(principal(b"krbtgt", b"TEST")) + ticket(principal(b"postgres", HOST.encode()))
    cache.write_bytes(b"\5\4\0\0" + principal(b"me") + tickets)
    cache.chmod(0o600)
    conf.write_text(KRB5_CONF)
    started = lab.Libpqs(folder, {"KRB5CCNAME": f"FILE:{cache}", "KRB5_CONFIG": str(conf)})
    yield started
    started.close()


@pytest.mark.parametrize("library", WITH_GSSAPI)
@pytest.mark.parametrize("name", ANSWERS)
def test_gssapi_comes_first(name: str, library: str, folder: Path, tmp_path: Path, kerberos: lab.Libpqs) -> None:
    """Whatever the sslmode; where it comes to nothing the client goes on as its sslmode says, on this connection or the next."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    gss, then = ANSWERS[name]
    keylog = tmp_path / "keylog"
    keylog.touch()
    profile = PROFILES[library]
    with mock.mock(tls(servers()[0], keylog=keylog), gss=gss) as server, relay(server.port) as between:
        log = lab.Keylog(keylog)
        for mode in SSLMODES:
            options = f"host={HOST} user=app sslmode={mode} sslrootcert={folder / 'own'} gssencmode=prefer"
            answer = lab.try_it(kerberos[library], between, log, options)
            assert answer.traces[0].preamble in ("GSSENCRequest", "SSLRequest")
            assert answer.traces[0].negotiation[0].request == "GSSENCRequest"
            assert (real(answer).outcome == "refuse") is (then == NO)
            assert mode in consistent_with({}, answer.traces[0])
            trust = tracer.Trust(host=HOST, sslmode=mode, roots=rootfile.load(folder / "own"), gssencmode="prefer")
            if then == YES:
                last = replace(answer, connections=answer.connections[-1:])
                assert not list(contradictions(last, trust, profile))


@pytest.mark.parametrize("library", WITH_GSSAPI)
def test_gssapi_or_nothing(library: str, folder: Path, kerberos: lab.Libpqs) -> None:
    """gssencmode=require ends with the server's no, and never asks for TLS."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    with mock.mock(tls(servers()[0])) as server, relay(server.port) as between:
        answer = lab.try_it(kerberos[library], between, None, f"host={HOST} user=app gssencmode=require")
    verdict = tracer.replay(answer.traces[0], tracer.Trust(host=HOST, roots=None, gssencmode="require"))
    assert verdict.outcome == answer.outcome == "refuse"
    assert [n.request for n in answer.traces[0].negotiation] == ["GSSENCRequest"]
    assert real(answer).printed == "server doesn't support GSSAPI encryption, but it was required"
