"""The live matrix: servers × root files × sslmodes × libpqs. A real client meets a real server, and the replay says the same.

Outcome, printed text, alert and every connection are compared cell by cell, and what the client left on the wire agrees
with the verdict on it. Known differences stand in differences.toml, each with its reason; one that is no more fails too.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import tracer
from tests.differential import lab
from tests.differential.cells import PROFILES, contradictions, differences, presented, real
from tests.differential.certificates import FAMILIES, HOST, Server, servers
from tests.differential.relay import Relay
from tracer import rootfile
from tracer.verify import SSLMODES

KNOWN = tomllib.loads((Path(__file__).parent / "differences.toml").read_text()).get("difference", [])
SLOW = tuple(f"npm{version}" for version in range(12, 19))
LIBRARIES = [
    pytest.param("deb15", marks=pytest.mark.needs("initdb-15")),  # where the system's libpq is of that version
    "psy18",
    pytest.param("psy17", marks=pytest.mark.slow),
    *(pytest.param(name, marks=[pytest.mark.slow, pytest.mark.needs(f"libpq-{name[3:]}")]) for name in SLOW),
]

pytestmark = pytest.mark.needs("initdb-15", "psql", "gcc")


@dataclass(frozen=True)
class Cell:
    """One connection string: the server, the root file, the sslmode and the host of it."""

    server: Server
    roots: str
    mode: str
    host: str

    def __str__(self) -> str:
        return f"{self.server.name} | {self.roots} | {self.mode} | {self.host}"


def cells(server: Server) -> Iterator[Cell]:
    """Every sslmode with every root file; all the hosts where names are looked at."""
    for roots in ("own", "other", "garbage", "absent", *server.roots):
        for mode in SSLMODES:
            hosts = server.hosts if mode == "verify-full" and roots == "own" else server.hosts[:1]
            yield from (Cell(server, roots, mode, host) for host in hosts)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_client_does_what_the_replay_says(
    family: str, library: str, folder: Path, postgres: lab.Postgres, in_front: Relay, libpqs: lab.Libpqs
) -> None:
    """In every cell outcome, text and wire are those of the real client, but for the known differences."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    wrong, expected, met = [], 0, set()
    for server in servers(family):
        postgres.show(server)
        postgres.keylog.news()
        for cell in cells(server):
            found = compare(cell, library, folder, postgres, in_front, libpqs)
            known = difference(cell, library)
            expected += known is not None
            if found and known is None:
                wrong.append(f"{library} | {cell}\n    " + "\n    ".join(found))
            elif found and known is not None:
                met.add(KNOWN.index(known))
    unmet = [d["reason"] for at, d in enumerate(KNOWN) if concerns(d, family, library) and at not in met]
    assert not wrong, "\n".join(["", *wrong])
    assert not unmet, f"listed in differences.toml, and there is no difference any more: {unmet}"


def compare(
    cell: Cell, library: str, folder: Path, postgres: lab.Postgres, in_front: Relay, libpqs: lab.Libpqs
) -> list[str]:
    """What is not the same in a cell."""
    profile = PROFILES[library]
    path = folder / cell.roots
    if cell.roots in cell.server.roots:
        path.write_text("".join(issued.pem for issued in cell.server.roots[cell.roots]))
    conninfo = f"host='{cell.host}' user=app sslmode={cell.mode} sslrootcert='{path}' gssencmode=disable"
    answer = lab.try_it(libpqs[library], in_front, postgres.keylog, conninfo)
    trust = tracer.Trust(
        host=cell.host,
        sslmode=cell.mode,
        roots=rootfile.load(path),
        root_path=str(path),
        security_level=profile.level,
    )
    verdict = tracer.replay(presented(cell.server), trust, profile.replayed())
    return [*differences(answer, verdict), *contradictions(answer, trust, profile)]


def difference(cell: Cell, library: str) -> dict | None:
    """The known difference of a cell."""
    return next(
        (
            d
            for d in KNOWN
            if d["server"] == cell.server.name
            and library in d.get("libraries", [library])
            and cell.roots in d.get("roots", [cell.roots])
            and cell.mode not in ("disable", "allow")
        ),
        None,
    )


def concerns(known: dict, family: str, library: str) -> bool:
    names = {server.name for server in servers(family)}
    return known["server"] in names and library in known.get("libraries", [library])


def test_the_matrix_is_large() -> None:
    """At least 40 servers, each with at least four root files and every sslmode."""
    every = [cell for family in FAMILIES for server in servers(family) for cell in cells(server)]
    assert len({cell.server.name for cell in every}) >= 40
    assert len(every) > 40 * 4 * len(SSLMODES)


CLIENTS = {"psql": ("deb15", lab.stage.psql), "psycopg": ("psy18", lab.stage.psycopg)}


@pytest.mark.parametrize("program", CLIENTS)
@pytest.mark.parametrize(
    ("roots", "mode"), [("own", "verify-full"), ("other", "verify-ca"), ("other", "prefer"), ("absent", "verify-full")]
)
def test_the_programs_do_as_their_libraries(
    program: str, roots: str, mode: str, folder: Path, postgres: lab.Postgres, in_front: Relay, libpqs: lab.Libpqs
) -> None:
    """The programs end as the libpq inside them does when it is asked alone, and they print what it prints."""
    library, run = CLIENTS[program]
    postgres.show(servers()[0])
    options = f"host={HOST} sslmode={mode} sslrootcert={folder / roots}"
    answer = real(lab.try_it(libpqs[library], in_front, None, f"user=app {options}"))
    done = run(lab.stage.Server(postgres.port, postgres.pid, postgres.data, "15"), options)
    outcome = "refuse" if done.returncode else {"app|true\n": "accept", "app|false\n": "plaintext"}[done.stdout]
    said = done.stderr.replace(f"{program}: error: ", "").replace("connection failed: ", "")
    assert outcome == answer.outcome
    assert (answer.printed or "") in said.replace(
        f'connection to server at "127.0.0.1", port {postgres.port} failed: ', ""
    )


def test_a_wrong_replay_is_noticed(folder: Path, postgres: lab.Postgres, in_front: Relay, libpqs: lab.Libpqs) -> None:
    """The comparison can fail: the verdict on another root file is not what the client did."""
    server = servers()[0]
    postgres.show(server)
    cell = Cell(server, "other", "verify-ca", HOST)
    assert not compare(cell, "deb15", folder, postgres, in_front, libpqs)
    answer = lab.try_it(
        libpqs["deb15"], in_front, postgres.keylog, f"host={HOST} user=app sslrootcert={folder / 'other'}"
    )
    trust = tracer.Trust(host=HOST, roots=rootfile.load(folder / "own"))
    assert list(differences(answer, tracer.replay(presented(server), trust)))
    assert list(contradictions(answer, replace(trust, sslmode="verify-ca"), PROFILES["deb15"]))
