"""The clients whose checks can be replayed, by name."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from tracer.certificates import Presented
from tracer.errors import TracerError
from tracer.verify.model import Trust, Verdict

if TYPE_CHECKING:
    from tracer.verify.clients.driver import Profile
    from tracer.verify.clients.spellings import Spelling

Client = Callable[[Presented, Trust], Verdict]


@lru_cache(maxsize=64)  # so that the same name is the same client, and what it said is remembered
def get(name: str, *, openssl: str | None = None) -> Client:
    """A client by its name in `names()`; `openssl` is the version of the library that a libpq uses, as in "3.0".

    Without it, the one that users of that client most likely have. Raises `TracerError`.
    """
    from tracer.verify.clients import driver, libpq, libpq_versions

    if name in libpq_versions.NAMES:
        return libpq.client(name, _version(openssl) if openssl else None)
    if name not in names():
        near = get_close_matches(name.replace("_", "-"), names(), 2)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise TracerError(f"unknown client {name!r}", f"{meant}known clients: {', '.join(names())}")
    if openssl:
        raise TracerError(f"{name} has no OpenSSL to choose", "that is for libpq")
    return partial(driver.replay, drivers()[name])


@lru_cache(maxsize=1)
def drivers() -> dict[str, Profile]:
    """The drivers that are not libpq, by name."""
    from tracer.verify.clients import asyncpg, lib_pq, node_postgres, npgsql, pg8000, pgjdbc, pgx, rust

    found = (
        pgjdbc.PROFILE,
        pgx.PROFILE,
        pgx.PROFILE_5,
        lib_pq.PROFILE,
        node_postgres.PROFILE,
        node_postgres.PROFILE_9,
        asyncpg.PROFILE,
        pg8000.PROFILE,
        npgsql.PROFILE,
        rust.TOKIO,
        rust.TOKIO_NATIVE,
        rust.SQLX_PROFILE,
    )
    return {profile.name: profile for profile in found}


def spelling(name: str) -> Spelling:
    """What that client calls its options: a driver's own, else libpq's."""
    from tracer.verify.clients.spellings import LIBPQ

    return drivers()[name].spelling if name in drivers() else LIBPQ


def _version(text: str) -> tuple[int, ...]:
    """The numbers of a version."""
    parts = tuple(int(part) for part in text.split(".") if part.isdigit())
    if len(parts) < 2:
        raise TracerError(f"{text!r} is no version of OpenSSL", "write it like 3.5")
    return parts


def names() -> tuple[str, ...]:
    """Every name, the newest libpq first, then the drivers."""
    from tracer.verify.clients import libpq_versions

    return (*libpq_versions.NAMES, *drivers())
