"""The parts of the laboratory that tests share: a real server, a relay in front of it, a folder that everybody may read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.differential import lab
from tests.differential.certificates import ca, servers
from tests.differential.relay import Relay, relay

GARBAGE = "hello\n"


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Root files: `own`, `other`, `garbage`; `absent` is not there. Other users may look in: pytest's own folders are locked."""
    with lab.stage.owned_folder() as made:
        made.chmod(0o755)
        (made / "own").write_text(ca()["own"].pem)
        (made / "other").write_text(ca()["other"].pem)
        (made / "garbage").write_text(GARBAGE)
        yield made


@pytest.fixture(scope="session")
def postgres(folder: Path) -> Iterator[lab.Postgres]:
    with lab.postgres(lab.stage.binaries(15), servers()[0], folder) as started:
        yield started


@pytest.fixture(scope="session")
def in_front(postgres: lab.Postgres) -> Iterator[Relay]:
    """A relay in front of that server."""
    with relay(postgres.port) as made:
        yield made


@pytest.fixture(scope="session")
def libpqs(folder: Path) -> Iterator[lab.Libpqs]:
    """Every libpq of this machine, each started when it is first asked for."""
    started = lab.Libpqs(folder)
    yield started
    started.close()
