"""The user's mistake: one line that says what is wrong, and hints that say what to do."""

from __future__ import annotations


class TracerError(Exception):
    """Printed by the command as `pgtls: error: MESSAGE` and a `pgtls: hint: …` for each hint; exit status 2."""

    def __init__(self, message: str, *hints: str) -> None:
        super().__init__(message)
        self.hints = hints
