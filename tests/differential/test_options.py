"""What else a client may be told: channel binding, client certificates, direct TLS, no host name, the system's store, GSSAPI.

And root files of every kind, as a user who may not read all of them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tracer
from tests.differential import lab
from tests.differential.cells import PROFILES, contradictions, differences, real
from tests.differential.certificates import HOST, ca, servers
from tests.differential.relay import Relay, relay
from tests.differential.test_matrix import LIBRARIES
from tracer import rootfile
from tracer.verify import SSLMODES
from tracer.verify.clients.libpq_steps import PARAMETERS

SECRET = "user=secret password=not-a-secret"
# the user, and what both the client and the replay are told
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    *((SECRET, {"channel_binding": binding}) for binding in ("require", "disable")),
    ("user=app", {"channel_binding": "require"}),
    *((user, {"sslcertmode": "require"}) for user in ("user=app", SECRET)),
    ("user=app", {"sslcertmode": "disable"}),
    *((user, {"channel_binding": "require", "sslcertmode": "require"}) for user in ("user=app", SECRET)),
    *(
        (user, {"require_auth": methods})
        for user in ("user=app", SECRET)
        for methods in ("none", "scram-sha-256", "!scram-sha-256", "!none", "password,md5", "", "md5,md5")
    ),
    *(
        (SECRET, {"require_auth": methods, "channel_binding": binding})
        for methods in ("!scram-sha-256", "scram-sha-256")
        for binding in ("require", "disable")
    ),
    ("user=app", {"sslcertmode": "require", "require_auth": "scram-sha-256", "channel_binding": "require"}),
    ("user=app", {"host": ""}),
    ("user=guarded", {}),
    ("user=outside", {}),
    ("user=secret password=wrong", {}),
    ("user=app", {"sslrootcert": "system"}),
]

pytestmark = pytest.mark.needs("initdb-15", "psql", "gcc")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("user", "told"), OPTIONS)
def test_every_mode_with_these_options(
    user: str,
    told: dict[str, Any],
    library: str,
    folder: Path,
    postgres: lab.Postgres,
    in_front: Relay,
    libpqs: lab.Libpqs,
) -> None:
    """The verdict of each mode is what the client did with the options."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    postgres.show(servers()[0])
    postgres.keylog.news()
    profile, wrong = PROFILES[library], []
    for roots in ("own", "other"):
        path = told.get("sslrootcert", str(folder / roots))
        words = {"host": HOST, **told, "sslrootcert": path, "gssencmode": "disable"}
        options = {key: value for key, value in told.items() if key not in ("host", "sslrootcert")}
        options |= {"roots": rootfile.load(path), "root_path": path, "security_level": profile.level}
        trust = tracer.Trust(host=told.get("host", HOST) or None, **options)
        table = {mode: ask(libpqs[library], in_front, postgres, f"{user} sslmode={mode}", words) for mode in SSLMODES}
        seen = table["require"] if table["require"].traces else table["verify-full"]
        for mode, answer in table.items():
            found = list(compare(answer, seen, replace(trust, sslmode=mode), profile, plain=table["disable"]))
            wrong += [f"{roots} | {mode}\n    " + "\n    ".join(found)] if found else []
    assert not wrong, "\n".join([f"{library} with {told} as {user}", *wrong])


def ask(client: lab.Libpq, between: Relay, server: lab.Postgres, start: str, words: dict[str, Any]) -> lab.Answer:
    """In the replay's order: of several options that it does not know libpq names the first in the string."""
    names = [name for name, _ in PARAMETERS]
    told = sorted(words.items(), key=lambda word: names.index(word[0]) if word[0] in names else len(names))
    return lab.try_it(client, between, server.keylog, " ".join([start, *(f"{k}='{v}'" for k, v in told)]))


def compare(
    answer: lab.Answer, seen: lab.Answer, trust: tracer.Trust, profile: Any, plain: lab.Answer
) -> Iterator[str]:
    """The verdict on what a client with TLS saw; where plaintext comes in, what that came to is the server's affair."""
    shown = seen.traces[0].presented if seen.traces else tracer.Presented(None)
    verdict = tracer.replay(shown, trust, profile.replayed())
    if (
        verdict.outcome == "cannot_tell" and trust.require_auth is not None
    ):  # what plaintext would be asked for is not seen here
        assert "unasked" in real(answer).wire
        return
    if verdict.outcome == "cannot_tell":
        assert trust.roots == "system" or shown.certificates is None
        return
    yield from contradictions(answer, trust, profile)
    if plain.outcome == "refuse" and "unasked" in real(answer).wire:
        ways = [way.split("|") for way in (verdict.wire or "").split(",")]
        yield from () if all(w in way for w, way in zip(real(answer).wire, ways, strict=False)) else (str(ways),)
        return
    yield from (found for found in differences(answer, verdict) if verdict.prints is not None or "printed" not in found)


DIRECT = (
    "psy17",
    "psy18",
    pytest.param("npm17", marks=pytest.mark.slow),
    pytest.param("npm18", marks=pytest.mark.slow),
)


@pytest.mark.needs("initdb-18")
@pytest.mark.parametrize("library", DIRECT)
def test_direct_tls(library: str, tmp_path_factory, libpqs: lab.Libpqs, folder: Path) -> None:
    """PostgreSQL 18 takes TLS without being asked, and the strong modes judge it as behind an SSLRequest; the weak ones never ask."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    profile, good = PROFILES[library], servers()[0]
    with (
        lab.stage.owned_folder() as own,
        lab.postgres(lab.stage.binaries(18), good, own) as server,
        relay(server.port) as between,
    ):
        for roots in ("own", "other", "garbage", "absent"):
            for mode in SSLMODES:
                options = f"host={HOST} user=app sslmode={mode} sslrootcert={folder / roots} sslnegotiation=direct"
                answer = lab.try_it(libpqs[library], between, server.keylog, options)
                trust = tracer.Trust(
                    host=HOST,
                    sslmode=mode,
                    roots=rootfile.load(folder / roots),
                    root_path=str(folder / roots),
                    security_level=profile.level,
                    sslnegotiation="direct",
                )
                shown = replace(tracer.Presented.from_der([good.sends[0].der]), answer=None, direct=True)
                verdict = tracer.replay(shown, trust, profile.replayed())
                wire_is_empty = real(answer).wire == () and verdict.wire == "no_hello"
                found = [d for d in differences(answer, verdict) if not (wire_is_empty and d.startswith("wire"))]
                assert not [*found, *contradictions(answer, trust, profile)], f"{roots} | {mode}"


@pytest.mark.parametrize("library", DIRECT)
def test_direct_tls_to_a_server_that_does_not_know_it(
    library: str, folder: Path, postgres: lab.Postgres, in_front: Relay, libpqs: lab.Libpqs
) -> None:
    """PostgreSQL 15 takes the ClientHello for a broken startup packet and closes: no session under any mode, and no retry."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    postgres.show(servers()[0])
    postgres.keylog.news()
    profile, wrong = PROFILES[library], []
    for roots in ("own", "absent"):
        for mode in SSLMODES:
            words = f"host={HOST} user=app sslmode={mode} sslrootcert={folder / roots} sslnegotiation=direct"
            answer = lab.try_it(libpqs[library], in_front, postgres.keylog, words)
            told = tracer.Trust(
                host=HOST,
                sslmode=mode,
                roots=rootfile.load(folder / roots),
                root_path=str(folder / roots),
                security_level=profile.level,
                sslnegotiation="direct",
            )
            found = [*contradictions(answer, told, profile)]
            if answer.traces:
                found += differences(answer, tracer.replay(answer.traces[0], told, profile.replayed()))
            else:  # the options forbid it, or the root file is missing
                verdict = tracer.replay(tracer.Presented(None, None, direct=True), told, profile.replayed())
                found += [d for d in differences(answer, verdict) if not d.startswith("wire")]
            wrong += [f"{roots} | {mode}\n    " + "\n    ".join(found)] if found else []
    assert not wrong, "\n".join([library, *wrong])


STORES = ("own", "other", "garbage", "absent")


@pytest.mark.parametrize(
    "library", ["psy17", "psy18", *(pytest.param(f"npm{v}", marks=pytest.mark.slow) for v in (15, 16, 17, 18))]
)
def test_the_system_s_store(library: str, folder: Path, postgres: lab.Postgres, in_front: Relay) -> None:
    """SSL_CERT_FILE and SSL_CERT_DIR say what sslrootcert=system is; up to 15 it is a file of that name."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    postgres.show(servers()[0])
    postgres.keylog.news()
    hashed = folder / "hashed"
    hashed.mkdir(exist_ok=True)
    (hashed / "own.pem").write_text(ca()["own"].pem)
    lab.stage.run(["openssl", "rehash", str(hashed)])
    profile, wrong = PROFILES[library], []
    stores = [{"SSL_CERT_FILE": str(folder / name), "SSL_CERT_DIR": "/nonexistent"} for name in STORES]
    for variables in (*stores, {"SSL_CERT_FILE": "/nonexistent", "SSL_CERT_DIR": str(hashed)}):
        client = lab.Libpq(lab.libraries()[library], folder, variables=variables)
        for mode, host in [*((mode, HOST) for mode in SSLMODES), ("verify-full", "other.test")]:
            words = f"host={host} user=app sslmode={mode} sslrootcert=system gssencmode=disable"
            answer = lab.try_it(client, in_front, postgres.keylog, words)
            told = tracer.Trust(
                host=host,
                sslmode=mode,
                roots="system",
                store=rootfile.system(variables),
                root_path="system",
                security_level=profile.level,
            )
            shown = tracer.Presented.from_der([servers()[0].sends[0].der])
            found = [
                *differences(answer, tracer.replay(shown, told, profile.replayed())),
                *contradictions(answer, told, profile),
            ]
            wrong += [f"{variables} | {mode} | {host}\n    " + "\n    ".join(found)] if found else []
        client.close()
    assert not wrong, "\n".join([library, *wrong])


# ROOT FILES


def files(folder: Path) -> dict[str, Path]:
    """Root files that are not what they should be, by what they are."""
    good, other = ca()["own"].pem, ca()["other"].pem
    broken = good.replace("MII", "M!!", 1)
    texts = {
        "empty": "",
        "garbage": "hello\n",
        "good": good,
        "two": other + good,
        "text around": f"hello\n{good}bye\n",
        "a broken one": broken,
        "a good and a broken one": good + broken,
        "a good and half a one": good + good[:200],
        "a good one and no certificate": good + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "carriage returns": good.replace("\n", "\r\n"),
        "nothing but carriage returns": good.replace("\n", "\r"),
        "blanks behind": good.replace("-----\n", "-----  \n"),
        "indented": good.replace("\n", "\n  "),
        "another label": good + "-----BEGIN FOO-----\nAAAA\n-----END FOO-----\n",
        "trusted": good.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
        "X509": good.replace("CERTIFICATE", "X509 CERTIFICATE"),
        "no end of line": good.rstrip(),
        "another end": good.replace("END CERT", "END FOO"),
        "begun twice": good[:100] + "\n" + good,
        "a blank in front": " " + good,
    }
    for name, text in texts.items():
        (folder / name.replace(" ", "-")).write_bytes(text.encode())
    for use in ("serverAuth", "clientAuth", "anyExtendedKeyUsage"):
        for word in ("addtrust", "addreject"):
            (folder / f"{word}-{use}").write_text(with_use(good, f"-{word}", use))
    (folder / "DER").write_bytes(ca()["own"].der)
    (folder / "a-folder").mkdir()
    (folder / "a-loop").symlink_to("a-loop")
    locked = folder / "not-for-us"
    locked.write_text(good)
    locked.chmod(0)
    return {path.name: path for path in sorted(folder.iterdir())} | {"below a file": folder / "good" / "x"}


def with_use(pem: str, *how: str) -> str:
    """A TRUSTED CERTIFICATE, as `openssl x509` writes it."""
    done = subprocess.run(["openssl", "x509", "-trustout", *how], input=pem, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("library", LIBRARIES)
def test_root_files_of_every_kind(
    library: str, postgres: lab.Postgres, in_front: Relay, libpqs: lab.Libpqs, monkeypatch
) -> None:
    """Absent, unusable or good: what libpq makes of a file is what the replay does."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    postgres.show(servers()[0])
    postgres.keylog.news()
    profile, wrong = PROFILES[library], []
    with lab.stage.owned_folder() as folder:
        folder.chmod(0o755)
        with lab.libpq(lab.libraries()[library], folder, lab.stage.bound_by_modes()) as client:
            for name, path in files(folder).items():
                for mode in ("prefer", "require", "verify-ca"):
                    words = f"host={HOST} user=app sslmode={mode} sslrootcert='{path}' gssencmode=disable"
                    answer = lab.try_it(client, in_front, postgres.keylog, words)
                    # this process may be root, who may read everything
                    roots = tracer.Unusable("Permission denied") if name == "not-for-us" else rootfile.load(path)
                    trust = tracer.Trust(
                        host=HOST, sslmode=mode, roots=roots, root_path=str(path), security_level=profile.level
                    )
                    verdict = tracer.replay(answer.traces[0], trust, profile.replayed())
                    found = list(differences(answer, verdict))
                    if is_known(verdict, real(answer).printed or ""):
                        found = [d for d in found if not d.startswith("printed")]
                    wrong += [f"{name} | {mode}\n    " + "\n    ".join(found)] if found else []
    assert not wrong, "\n".join([library, *wrong])


def is_known(verdict: tracer.Verdict, printed: str) -> bool:
    """Texts that are known only in part: of a damaged entry, and of a file that may not be read, where memory is printed."""
    unknown = verdict.prints is None and printed.startswith("could not read root certificate file")
    return unknown or (
        bool(verdict.prints) and (verdict.prints or "").endswith(": ") and printed.startswith(verdict.prints or "")
    )
