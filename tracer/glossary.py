"""What each message and field is, why it matters here, and where it is specified. Data only."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """`what` it is, `why` it matters to somebody who asks whether a connection is safe, and the `spec`."""

    what: str
    why: str
    spec: str


GLOSSARY: dict[str, Entry] = {}
