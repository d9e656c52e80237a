"""The drivers that are not libpq: servers × root files × sslmodes × hosts × TLS versions. Predicted is observed, cell by cell.

Outcome, text, and what each connection left on the wire; and the capture of the client agrees with the verdict on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracer
from tests.differential import drivers, lab, mock
from tests.differential.cells import Seen, predicted, presented
from tests.differential.certificates import FAMILIES, HOST, Server, servers
from tests.differential.drivers import DRIVERS
from tests.differential.mock import error, refusal, send, then, tls
from tests.differential.relay import Relay, relay
from tracer import rootfile
from tracer.verify import SSLMODES, clients, observed

pytestmark = pytest.mark.needs("initdb-15", "gcc")

OTHER = "other.test"
VERSIONS = ("TLSv1.2", "TLSv1.3")
# what a driver puts around the text, and what no profile can know: lines of its source, its clock, what it runs on
AROUND = (
    (re.compile(r"^(failed to connect to|cannot parse) `[^`]*`: ", re.DOTALL), ""),
    (re.compile(r" \(_ssl\.c:\d+\)$"), ""),
    (
        re.compile(r"^TLS/SSL connection has been closed \(EOF\)$"),  # Python 3.11.2 says that, 3.11.7 the other
        "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol",
    ),
    (re.compile(r"current time \S+ is"), "current time T is"),
)
# Java names its alert in front of the text: 17.0.19 does, 17.0.15 did not
ALERT = re.compile(r"(?<=^SSL error: )\((certificate_\w+|bad_certificate)\) ")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[dict[str, drivers.Driver]]:
    """Each driver, started when it is first asked for."""
    started = Running(folder)
    yield started
    for one in started.values():
        one.close()


class Running(dict):
    def __init__(self, home: Path) -> None:
        self.home = home

    def __missing__(self, name: str) -> drivers.Driver:
        drivers.need(name)
        self[name] = made = drivers.start(name, self.home)
        return made


@pytest.fixture(scope="module", params=VERSIONS)
def versioned(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[str, lab.Postgres, Relay]]:
    """A real server of one TLS version, and a relay in front of it."""
    version = {"ssl_min_protocol_version": request.param, "ssl_max_protocol_version": request.param}
    with (
        lab.postgres(lab.stage.binaries(15), servers()[0], folder, **version) as started,
        relay(started.port) as between,
    ):
        yield request.param.replace("v", " "), started, between


def plain(text: str | None) -> str | None:
    for pattern, words in AROUND:
        text = text and pattern.sub(words, text)
    return text


def expected(prints: str | None, printed: str | None) -> str | None:
    """What a profile prints, without the alert where the text beside it has none."""
    text = plain(prints)
    return text if text is None or ALERT.search(printed or "") else ALERT.sub("", text)


def real(answer: lab.Answer) -> Seen:
    """What a driver did."""
    return Seen(answer.outcome, plain(answer.printed), tuple(observed(trace) or "?" for trace in answer.traces))


def differences(answer: lab.Answer, verdict: tracer.Verdict) -> Iterator[str]:
    """Where a driver and its profile differ. A text that the profile does not know is no difference."""
    did, said = real(answer), predicted(verdict)
    if did.outcome != said.outcome:
        yield f"outcome: the driver {did.outcome}, the profile {said.outcome}"
    if said.printed is not None and did.printed != expected(said.printed, did.printed):
        yield f"printed: the driver {did.printed!r}, the profile {said.printed!r}"
    ways = [way.split(",") for way in (verdict.wire or "?").split("|")] if verdict.wire != "nothing" else [[]]
    if list(did.wire) not in ways:
        yield f"wire: the driver {did.wire}, the profile {verdict.wire}"


def compare(name: str, answer: lab.Answer, shown: tracer.Presented, trust: tracer.Trust) -> list[str]:
    """What is not the same; and whether the client's own first connection agrees."""
    client = clients.get(name)
    verdict = tracer.replay(shown, trust, client)
    if verdict.outcome == "cannot_tell":  # and what the client did is among what it may do
        return [] if tracer.agrees(verdict, answer.traces[0]) is None else [f"{real(answer)} beside {verdict.wire}"]
    found = list(differences(answer, verdict))
    for traces in (answer.traces, answer.sealed):
        for trace in traces[:1]:
            verdict = tracer.replay(trace, trust, client)
            if tracer.agrees(verdict, trace) is False or (
                traces is answer.traces and not tracer.agrees(verdict, trace)
            ):
                found.append(f"its capture does not agree: {observed(trace)} beside {verdict.wire}")
    return found


def told(host: str, mode: str, roots: Path | None, port: int) -> tracer.Trust:
    if roots is None:
        return tracer.Trust(host=host, sslmode=mode, roots=None, port=port)
    return tracer.Trust(host=host, sslmode=mode, roots=rootfile.load(roots), root_path=str(roots), port=port)


@pytest.mark.parametrize("name", DRIVERS)
def test_every_mode_with_every_root_file(
    name: str, versioned, folder: Path, running: dict[str, drivers.Driver]
) -> None:
    """A good server and one whose certificate has ended; the right root, a wrong one, none, and what is no root file."""
    version, server, between = versioned
    wrong, cells = [], 0
    named = {one.name: one for family in FAMILIES for one in servers(family)}
    for shows, host, roots in CELLS:
        server.show(named[shows])
        server.keylog.news()
        for mode in dict.fromkeys((*SSLMODES, *clients.drivers()[name].modes)):
            answer = drivers.try_it(
                running[name], between, server.keylog, host, mode, str(folder / roots) if roots else ""
            )
            shown = version_of(presented(named[shows]), version)
            trust = told(host, mode, folder / roots if roots else None, between.port)
            if not roots and mode in ("verify-ca", "verify-full"):
                continue  # its own place, or the system's store: not here
            cells += 1
            wrong += [f"{shows} | {host} | {roots} | {mode}: {one}" for one in compare(name, answer, shown, trust)]
    assert not wrong, "\n".join([f"{name}, {version}", *wrong])
    assert cells > 40


CELLS = [
    ("dns", HOST, "own"),
    ("dns", HOST, "other"),
    ("dns", OTHER, "own"),
    ("dns", OTHER, "other"),
    ("ended", HOST, "own"),
    ("ended", HOST, "other"),
    ("ended", OTHER, "own"),
    ("dns", HOST, "absent"),
    ("dns", HOST, "garbage"),
    ("dns", HOST, ""),
]


def version_of(shown: tracer.Presented, version: str) -> tracer.Presented:
    from dataclasses import replace

    return replace(shown, version=version)


@pytest.mark.parametrize("name", DRIVERS)
@pytest.mark.parametrize("family", ["chains", "leaves"])
def test_every_chain(name: str, family: str, versioned, folder: Path, running: dict[str, drivers.Driver]) -> None:
    """What each library makes of the chains and leaves of the matrix; where the profile cannot tell, it says nothing wrong."""
    version, server, between = versioned
    wrong, unsure, cells = [], [], 0
    for one in servers(family):
        if (version, one.name) == ("TLS 1.2", "key for certificates"):
            continue  # OpenSSL serves no such key in TLS 1.2
        server.show(one)
        server.keylog.news()
        for roots, path, mode in ways(one, folder):
            answer = drivers.try_it(running[name], between, server.keylog, one.hosts[0], mode, str(path))
            trust = told(one.hosts[0], mode, path, between.port)
            verdict = tracer.replay(version_of(presented(one), version), trust, name)
            cells += 1
            if verdict.outcome == "cannot_tell":
                unsure.append(f"{one.name} | {roots}")
                continue
            found = compare(name, answer, version_of(presented(one), version), trust)
            wrong += [f"{one.name} | {roots} | {mode}: {line}" for line in found]
    assert not wrong, "\n".join([f"{name}, {version}, cannot tell {unsure}", *wrong])
    assert len(unsure) <= cells // 10, unsure


def ways(server: Server, folder: Path) -> Iterator[tuple[str, Path, str]]:
    """The root files of a server, each under the two modes that verify."""
    for name in ("own", "other", *server.roots):
        path = folder / name.replace(" ", "-")  # a connection string would want quotes
        if name in server.roots:
            path.write_text("".join(issued.pem for issued in server.roots[name]))
        yield from ((name, path, mode) for mode in ("verify-ca", "verify-full"))


REFUSED = error("28000", "no encryption here")


def answers(keylog: Path) -> dict[str, mock.Say]:
    """What a server may answer that is no S, or an S that leads nowhere."""
    return {
        "N, and an error to plaintext": then(send(b"N"), refusal(REFUSED)),
        "E of protocol 3": send(error("57P03", "too early")),
        "E of protocol 2": send(b"Etoo early\n\0"),
        "the byte X": send(b"X"),
        "a close": lambda _: None,
        "S, a ClientHello, and a close": then(send(b"S"), lambda peer: peer.recv(1 << 16)),
        "S, and the alert 40": then(send(b"S"), lambda peer: peer.recv(1 << 16), send(bytes([21, 3, 3, 0, 2, 2, 40]))),
        "S, TLS, an error to the startup": tls(servers()[0], refusal(REFUSED), keylog=keylog),
    }


@pytest.mark.parametrize("name", DRIVERS)
@pytest.mark.parametrize("answer", answers(Path("/dev/null")))
def test_every_answer(name: str, answer: str, folder: Path, tmp_path: Path, running: dict[str, drivers.Driver]) -> None:
    """The verdict of each mode is what the driver did, whatever the server says. It refuses every session in plaintext."""
    keylog = tmp_path / "keylog"
    keylog.touch()
    wrong = []
    with mock.mock(answers(keylog)[answer], plain=REFUSED) as server, relay(server.port) as between:
        log = lab.Keylog(keylog)
        for mode in SSLMODES:
            found = drivers.try_it(running[name], between, log, HOST, mode, str(folder / "own"))
            if not found.traces:
                continue
            trust = told(HOST, mode, folder / "own", between.port)
            first, rest = found.traces[0], found.traces[1:]
            verdict = tracer.replay(first, trust, name)
            if mode == "allow" or (verdict.outcome == "plaintext" and rest):
                # what a second connection met is not in the first one
                ways = [way.split(",") for way in (verdict.wire or "").split("|")]
                seen = [observed(trace) or "?" for trace in found.traces]
                if not any(all(step in ("?", did) for step, did in zip(way, seen, strict=False)) for way in ways):
                    wrong.append(f"{mode}: the driver {seen}, the profile {verdict.wire}")
            else:
                wrong += [f"{mode}: {one}" for one in differences(found, verdict)]
    assert not wrong, "\n".join([f"{name}: {answer}", *wrong])


@pytest.mark.parametrize("name", DRIVERS)
def test_a_server_without_tls(name: str, folder: Path, running: dict[str, drivers.Driver]) -> None:
    """N: who goes on in plaintext, on which connection, and who does not."""
    wrong = []
    hba = {"pg_hba.conf": "host all all all trust\n"}
    with lab.stage.server(lab.stage.binaries(15), files=hba) as server, relay(server.port) as between:
        for mode in SSLMODES:
            answer = drivers.try_it(running[name], between, None, HOST, mode, str(folder / "own"))
            trust = told(HOST, mode, folder / "own", between.port)
            shown = tracer.Presented(None, answer="N")
            wrong += [f"{mode}: {one}" for one in differences(answer, tracer.replay(shown, trust, name))]
    assert not wrong, "\n".join([name, *wrong])
