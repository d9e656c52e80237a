"""The clients whose checks can be replayed, by name."""

from __future__ import annotations

from collections.abc import Callable

from tracer.certificates import Presented
from tracer.errors import TracerError
from tracer.verify.model import Trust, Verdict

Client = Callable[[Presented, Trust], Verdict]


def get(name: str, *, openssl: str | None = None) -> Client:
    """A client by its name in `names()`; `openssl` is the version of the library that it uses. Raises `TracerError`."""
    from tracer.verify.clients import libpq

    if name not in names():
        raise TracerError(f"unknown client {name!r}", f"known clients: {', '.join(names())}")
    return libpq.client(name, openssl or libpq.OPENSSL)


def names() -> tuple[str, ...]:
    return ("libpq", "libpq-18")
