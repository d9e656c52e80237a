"""The clients whose checks can be replayed, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from tracer.certificates import Presented
from tracer.errors import TracerError
from tracer.verify.model import Trust, Verdict

Client = Callable[[Presented, Trust], Verdict]


@lru_cache(maxsize=64)  # so that the same name is the same client, and what it said is remembered
def get(name: str, *, openssl: str | None = None) -> Client:
    """A client by its name in `names()`; `openssl` is the version of the library that it uses, as in "3.0".

    Without it, the one that users of that client most likely have. Raises `TracerError`.
    """
    from tracer.verify.clients import libpq

    if name not in names():
        raise TracerError(f"unknown client {name!r}", f"known clients: {', '.join(names())}")
    return libpq.client(name, _version(openssl) if openssl else None)


def _version(text: str) -> tuple[int, int]:
    """The first two numbers of a version."""
    parts = [int(part) for part in text.split(".")[:2] if part.isdigit()]
    if len(parts) < 2:
        raise TracerError(f"{text!r} is no version of OpenSSL", "write it like 3.5")
    return parts[0], parts[1]


def names() -> tuple[str, ...]:
    """Every name, the newest libpq first."""
    from tracer.verify.clients import libpq_versions

    return tuple(libpq_versions.NAMES)
