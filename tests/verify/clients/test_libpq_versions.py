"""The table of what changed when."""

from __future__ import annotations

import pytest

from tracer.errors import TracerError
from tracer.verify import clients
from tracer.verify.clients.libpq_versions import NEWEST, OPENSSL, SINCE, libpq


def test_the_names() -> None:
    """Every major version has a name, and `libpq` is the newest."""
    assert clients.names()[:8] == ("libpq", *(f"libpq-{version}" for version in range(12, 19)))
    assert libpq("libpq").version == libpq("libpq-18").version == NEWEST


@pytest.mark.parametrize("version", OPENSSL)
def test_the_openssl_of_a_version(version: int) -> None:
    """It is the one that its users most likely have, and no older series than that of the version before."""
    assert libpq(f"libpq-{version}").openssl == OPENSSL[version]
    assert OPENSSL[version][:2] >= OPENSSL.get(version - 1, (1, 1))[:2]


def test_the_openssl_that_was_asked_for() -> None:
    """A version in words is a pair of numbers; what is none is the user's mistake."""
    clients.get("libpq-15", openssl="1.1.1")
    assert libpq("libpq-15", (1, 1)).openssl == (1, 1)
    with pytest.raises(TracerError):
        clients.get("libpq-15", openssl="new")
    with pytest.raises(TracerError):
        clients.get("libpq-11")


@pytest.mark.parametrize("what", SINCE)
def test_what_came_stays(what: str) -> None:
    """A version has what came with it or before, and the one in front of it has not."""
    assert libpq(f"libpq-{SINCE[what]}").has(what)
    assert libpq("libpq").has(what)
    if SINCE[what] > min(OPENSSL):
        assert not libpq(f"libpq-{SINCE[what] - 1}").has(what)
