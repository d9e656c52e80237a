"""What a client holds against the server's first request: require_auth, channel_binding, and the mechanisms that it knows.

A server asks for each method, inside TLS and without, and refuses behind it. What a client says of its own is what the replay
says; where that has no text, or says that the server refuses, the password or the mechanism was the client's affair.
"""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

import tracer
from tests.differential import lab
from tests.differential.cells import PROFILES, real
from tests.differential.certificates import HOST, servers
from tests.differential.mock import WELCOME, error, mock, session, tls, typed
from tests.differential.relay import relay
from tests.differential.test_matrix import LIBRARIES
from tracer import rootfile

pytestmark = pytest.mark.needs("gcc")
OWN = ("requirement", "channel binding", "non-SSL", "SASL authentication mechanisms")
LISTS = (
    None,
    "",
    "none",
    "!none",
    "scram-sha-256",
    "!scram-sha-256",
    "password,md5",
    "gss",
    "md5,md5",
    "md5,!gss",
    "x",
)


def request(kind: int, content: bytes = b"") -> bytes:
    """An authentication request, and the error that ends it."""
    return typed(b"R", struct.pack(">I", kind) + content) + error("28000", "bye")


def mechanisms(*names: str) -> bytes:
    return request(10, b"".join(name.encode() + b"\0" for name in names) + b"\0")


REQUESTS = {
    "none": WELCOME,
    "a password": request(3),
    "MD5": request(5, b"salt"),
    "GSSAPI": request(7),
    "SSPI": request(9),
    "Kerberos": request(2),
    "an unknown kind": request(99),
    "SCRAM": mechanisms("SCRAM-SHA-256"),
    "SCRAM with and without binding": mechanisms("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"),
    "SCRAM with binding alone": mechanisms("SCRAM-SHA-256-PLUS"),
    "OAuth": mechanisms("OAUTHBEARER"),
    "a mechanism that nobody knows": mechanisms("X"),
    "no mechanism": mechanisms(),
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("mode", ["disable", "require"])
def test_the_server_s_first_request(mode: str, library: str, folder, tmp_path, libpqs: lab.Libpqs) -> None:
    """Each list of methods and each wish for a binding, in front of each request."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    profile, keylog, wrong = PROFILES[library], tmp_path / "keylog", []
    keylog.touch()
    log = lab.Keylog(keylog)
    for what, asked in REQUESTS.items():
        act = tls(servers()[0], session(asked), keylog=keylog)
        with mock(act, plain=asked) as server, relay(server.port) as between:
            for methods in LISTS if profile.since(16) else (None,):
                for binding in ("prefer", "disable", "require") if profile.since(13) else ("prefer",):
                    words = f"host={HOST} user=app password=x sslmode={mode} sslrootcert={folder / 'own'} gssencmode=disable"
                    words += f" channel_binding={binding}" if profile.since(13) else ""
                    words += "" if methods is None else f" require_auth='{methods}'"
                    answer = lab.try_it(libpqs[library], between, log, words)
                    told = tracer.Trust(host=HOST, sslmode=mode, roots=rootfile.load(folder / "own"))
                    told = replace(told, channel_binding=binding, require_auth=methods, security_level=profile.level)
                    if found := difference(answer, told, profile):
                        wrong.append(f"{what} | require_auth={methods} channel_binding={binding}\n    {found}")
    assert not wrong, "\n".join([f"{library}, {mode}", *wrong])


def difference(answer: lab.Answer, told: tracer.Trust, profile) -> str | None:
    """Where the client's own words are not those of the replay, or its capture does not agree."""
    printed = real(answer).printed or ""
    shown = answer.traces[0].presented if answer.traces else tracer.Presented(None)
    if answer.traces:
        told = replace(told, time=answer.traces[0].time)
    verdict = tracer.replay(shown, told, profile.replayed())
    theirs = any(words in printed for words in (*OWN, "require_auth"))
    ours = verdict.refused_by is not None and verdict.refused_by.step != "server"
    if (theirs or ours) and verdict.prints != printed:
        return f"the client {printed!r}, the replay {verdict.prints!r} by {verdict.refused_by}"
    if answer.traces and tracer.agrees(verdict, answer.traces[0]) is not True:
        return f"it left what the verdict does not agree with: {verdict.wire}"
    return None
