"""What a server may answer, real or not: S, N, E and everything else, and its own ends of a handshake.

A server that answers as no real one would meets every sslmode of every libpq. What it shows is read off the capture of
one client, as a user of the replay would have it, and the verdicts on it are held against all of them.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

import tracer
from tests.differential import lab, mock
from tests.differential.cells import PROFILES, Profile, contradictions, differences, real
from tests.differential.certificates import HOST, ca, servers
from tests.differential.mock import Say, error, hear, reset, send, session, then, tls
from tests.differential.relay import Relay, relay
from tests.differential.test_matrix import LIBRARIES
from tracer import rootfile
from tracer.verify import SSLMODES

REFUSED = error("28000", "no encryption here")
NOT_TLS = b"HTTP/1.1 400 Bad Request\r\n\r\n"
PATIENT = 1 << 16


pytestmark = [
    pytest.mark.needs("initdb-15", "psql", "gcc"),
    pytest.mark.filterwarnings("ignore:ssl.TLSVersion"),  # an old version is the case
]


def alert(number: int) -> bytes:
    return bytes([21, 3, 3, 0, 2, 2, number])


def hello(peer) -> None:
    peer.recv(PATIENT)


def answers(keylog: Path) -> dict[str, Say]:
    """Every answer by name."""
    good, own = servers()[0], ca()["own"].pem
    inside = tls(good, keylog=keylog)
    old = tls(good, keylog=keylog, version=ssl.TLSVersion.TLSv1_2)
    return {
        "N": then(send(b"N"), session()),
        "N, and an error to plaintext": then(send(b"N"), session(REFUSED)),
        "E of protocol 3": send(error("57P03", "too early")),
        "E of protocol 2": send(b"Etoo early\n\0"),
        **{f"the byte {byte!r}": send(byte) for byte in (b"X", b"G", b"\0", b"\xff", b"s")},
        "a close": lambda _: None,
        "a reset": reset,
        "S, TLS 1.3": inside,
        "S, TLS 1.2": old,
        "S, TLS 1.1": tls(good, keylog=keylog, version=ssl.TLSVersion.TLSv1_1),
        "S and bytes behind it": tls(good, keylog=keylog, behind_answer=b"hello"),
        "S, a ClientHello, and a close": then(send(b"S"), hello),
        "S, a ClientHello, and a reset": then(send(b"S"), lambda peer: hear(peer, 1), reset),
        "S, and no TLS": then(send(b"S"), hello, send(NOT_TLS)),
        **{
            f"S, and the alert {n}": then(send(b"S"), hello, send(alert(n)))
            for n in (0, 10, 40, 48, 70, 80, 112, 115, 120)
        },
        "S, TLS 1.2, a client certificate wanted": tls(
            good, keylog=keylog, client_ca=own, version=ssl.TLSVersion.TLSv1_2
        ),
        "S, TLS, an error to the startup": tls(good, session(error("28000", "no entry")), keylog=keylog),
        "S, TLS, an error behind AuthenticationOk": tls(
            good, session(mock.AUTHENTICATION_OK + error("3D000", "no such database")), keylog=keylog
        ),
    }


NAMES = list(answers(Path("/dev/null")))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", NAMES)
def test_every_mode_before_that_answer(
    name: str, library: str, folder: Path, tmp_path: Path, libpqs: lab.Libpqs
) -> None:
    """The verdict of each mode, with each root file, is what the client of that mode did."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    keylog = tmp_path / "keylog"
    keylog.touch()
    profile, wrong = PROFILES[library], []
    plain = REFUSED if name == "N, and an error to plaintext" else mock.WELCOME
    with mock.mock(answers(keylog)[name], plain=plain) as server, relay(server.port) as between:
        log = lab.Keylog(keylog)
        options = f"host={HOST} user=app gssencmode=disable"
        shown = lab.try_it(libpqs[library], between, log, f"{options} sslmode=prefer sslrootcert={folder / 'absent'}")
        seen = shown.traces[0].presented
        for roots in ("absent", "own", "other", "garbage"):
            for mode in SSLMODES:
                conninfo = f"{options} sslmode={mode} sslrootcert={folder / roots}"
                answer = lab.try_it(libpqs[library], between, log, conninfo)
                found = compare(answer, seen, trust(folder / roots, mode, profile), profile)
                wrong += [f"{roots} | {mode}\n    " + "\n    ".join(found)] if found else []
    assert not wrong, "\n".join([f"{library} before {name}", *wrong])


def trust(root: Path, mode: str, profile: Profile) -> tracer.Trust:
    roots = rootfile.load(root)
    return tracer.Trust(host=HOST, sslmode=mode, roots=roots, root_path=str(root), security_level=profile.level)


def compare(answer: lab.Answer, shown: tracer.Presented, told: tracer.Trust, profile: Profile) -> list[str]:
    verdict = tracer.replay(shown, told, profile.replayed())
    return [*differences(answer, verdict), *contradictions(answer, told, profile)]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "name", ["N", "a close", "S, TLS 1.3", "S, and the alert 40", "S, TLS, an error to the startup"]
)
def test_the_second_attempt_of_allow(name: str, library: str, folder: Path, tmp_path: Path, libpqs: lab.Libpqs) -> None:
    """Where the server refuses plaintext, allow asks for TLS, and ends as the verdict says behind its bar."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    keylog = tmp_path / "keylog"
    keylog.touch()
    profile = PROFILES[library]
    with mock.mock(answers(keylog)[name], plain=REFUSED) as server, relay(server.port) as between:
        log = lab.Keylog(keylog)
        options = f"host={HOST} user=app gssencmode=disable"
        shown = lab.try_it(libpqs[library], between, log, f"{options} sslmode=require sslrootcert={folder / 'own'}")
        for roots in ("own", "other", "garbage"):
            answer = lab.try_it(libpqs[library], between, log, f"{options} sslmode=allow sslrootcert={folder / roots}")
            told = trust(folder / roots, "allow", profile)
            verdict = tracer.replay(shown.traces[0].presented, told, profile.replayed())
            first, second = real(answer).wire
            assert (first, second) == tuple((verdict.wire or "").split("|"))


# ssl_min_protocol_version and ssl_max_protocol_version
RANGES = (
    *(("TLSv1", "TLSv1"), ("TLSv1.1", "TLSv1.1"), ("TLSv1", "TLSv1.2"), ("TLSv1.2", "TLSv1.2"), ("TLSv1.3", "TLSv1.3")),
    *(("TLSv1.3", "TLSv1.2"), ("TLSv1.2", "TLSv1.1"), ("", ""), ("tlsv1.3", "TLSV1.3"), ("", "TLSv1.1")),
)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_versions_that_a_client_allows(
    library: str, folder: Path, postgres: lab.Postgres, in_front: Relay, libpqs: lab.Libpqs
) -> None:
    """A server of TLS 1.2 and 1.3: no version in common ends it, and the text names the range as it was written."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    postgres.show(servers()[0])
    postgres.keylog.news()
    profile, wrong = PROFILES[library], []
    for low, high in RANGES:
        for mode in ("prefer", "require", "verify-full"):
            words = f"host={HOST} user=app sslmode={mode} sslrootcert={folder / 'own'} gssencmode=disable"
            words += f" ssl_min_protocol_version='{low}'" if low != "TLSv1.2" else ""  # its default
            words += f" ssl_max_protocol_version='{high}'"
            answer = lab.try_it(libpqs[library], in_front, postgres.keylog, words)
            told = replace(
                trust(folder / "own", mode, profile), ssl_min_protocol_version=low, ssl_max_protocol_version=high
            )
            shown = answer.traces[0].presented if answer.traces else tracer.Presented(None)
            found = compare(answer, shown, told, profile)
            wrong += [f"{low!r} to {high!r} | {mode}\n    " + "\n    ".join(found)] if found else []
    assert not wrong, "\n".join([library, *wrong])


def test_a_text_for_every_alert(folder: Path, libpqs: lab.Libpqs) -> None:
    """What libpq prints for a server's alert is OpenSSL's word for it, whatever its number."""
    numbers = iter(range(256))

    def say(peer) -> None:
        then(send(b"S"), hello, send(alert(next(numbers))))(peer)

    wrong = []
    with mock.mock(say) as server, relay(server.port) as between:
        for number in range(256):
            conninfo = f"host={HOST} user=app sslmode=require sslrootcert={folder / 'own'} gssencmode=disable"
            answer = lab.try_it(libpqs["psy18"], between, None, conninfo)
            profile = PROFILES["psy18"]
            verdict = tracer.replay(answer.traces[0], trust(folder / "own", "require", profile), profile.replayed())
            if verdict.prints != real(answer).printed:
                wrong.append((number, verdict.prints, real(answer).printed))
    assert not wrong


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_client_certificate_wanted_in_1_3(library: str, folder: Path, tmp_path: Path, libpqs: lab.Libpqs) -> None:
    """In TLS 1.3 the client has gone on when the server's refusal comes: prefer does not come back, and a line may be added.

    Whether its StartupMessage is already on the way when the server resets is a race, and libpq tells of that too.
    """
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    keylog = tmp_path / "keylog"
    keylog.touch()
    profile = PROFILES[library]
    act = tls(servers()[0], keylog=keylog, client_ca=ca()["own"].pem, version=ssl.TLSVersion.TLSv1_3)
    with mock.mock(act) as server, relay(server.port) as between:
        log = lab.Keylog(keylog)
        for mode in ("prefer", "require", "verify-full"):
            conninfo = f"host={HOST} user=app sslmode={mode} sslrootcert={folder / 'own'} gssencmode=disable"
            answer = lab.try_it(libpqs[library], between, log, conninfo)
            verdict = tracer.replay(answer.traces[0], trust(folder / "own", mode, profile), profile.replayed())
            assert (verdict.outcome, real(answer).outcome) == ("refuse", "refuse")
            assert len(answer.traces) == 1
            assert verdict.prints
            assert re.match(re.escape(verdict.prints) + r"(\ncould not [^\n]*)?$", real(answer).printed or "")
            assert tracer.agrees(replace(verdict), answer.traces[0]) is True
            # without keys: that nobody was let in is seen, and what the client prints is not
            sealed = answer.sealed[0]
            assert (sealed.outcome.kind, sealed.outcome.inferred) == ("refused_by_server", True)
            unread = tracer.replay(sealed, trust(folder / "absent", "require", profile), profile.replayed())
            assert (unread.outcome, unread.prints, tracer.agrees(unread, sealed)) == ("refuse", None, True)
