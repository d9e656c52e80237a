"""Root no more: once a socket is open, the parser of what strangers send needs no right that its user has not.

A raw socket that is open stays so. What was root's comes back by no means: real, effective and saved ids are given up (setresuid(2)).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from tracer.errors import TracerError

NOBODY = "nobody"


def drop(user: str | None = None, environment: Mapping[str, str] | None = None) -> str | None:
    """Become `user`, or who called sudo, or nobody; the name, and None where we are not root and there is nothing to give up.

    Raises `TracerError` for a user that is not there, and where the rights could not be given up: then nothing may be read.
    """
    if os.geteuid() != 0:
        return None
    name, number, group = _account(user or _caller(os.environ if environment is None else environment))
    try:
        os.initgroups(name, group)
        os.setresgid(group, group, group)
        os.setresuid(number, number, number)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise TracerError(f"cannot become {name}: {why}", "--user root keeps the rights of root") from None
    if number and 0 in (*os.getresuid(), *os.getresgid()):
        raise TracerError(f"became {name}, and could still become root again", "--user root keeps the rights of root")
    return name


def _caller(environment: Mapping[str, str]) -> str:
    """Who called sudo (SUDO_UID, sudo(8)), where that was no root; else nobody."""
    caller = environment.get("SUDO_UID", "")
    return caller if caller.isdecimal() and int(caller) else NOBODY


def _account(user: str) -> tuple[str, int, int]:
    """Name, number and group of a user, who is named or numbered."""
    import pwd

    try:
        found = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except (KeyError, OverflowError):
        raise TracerError(f"no user {user}", "id -un says who you are") from None
    return found.pw_name, found.pw_uid, found.pw_gid
