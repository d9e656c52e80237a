"""Root no more: what strangers send is parsed with no right but to read what is open already.

Two steps. While files and the capture socket are opened, `lent` makes the real user somebody else, and the effective one
stays root: programs that start then may be ended later, access(2) says what somebody else may, and files can be
opened as theirs (`acting`). `drop` gives up the rest, for good.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

from tracer.errors import TracerError

NOBODY, OVERFLOW = "nobody", 65534  # the latter is the kernel's nobody, where no user has the name
KEEP = "--user root keeps the rights of root"
NO_NEW_PRIVILEGES = 38  # include/uapi/linux/prctl.h
CAPABILITIES_3 = 0x20080522  # include/uapi/linux/capability.h: two sets of three words, 32 capabilities a word


class Account(NamedTuple):
    """Whom root becomes. `chosen`: by name, or by who called sudo or doas; nobody is nobody's choice."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    chosen: bool = True


def account(user: str | None, environment: Mapping[str, str]) -> Account | None:
    """`user`, else who called sudo (SUDO_UID, SUDO_GID) or doas (DOAS_USER), else nobody.

    None where root was asked to stay, and where we are not root. Raises `TracerError` for a user who is not there.
    """
    if os.geteuid() != 0:
        if user is None:
            return None
        raise TracerError("--user is for root: nobody else can become another user", "leave it out")
    found = _named(user) if user is not None else _caller(environment) or _nobody()
    if found is None:
        raise TracerError(f"no user {user}", "name one of: getent passwd")
    return found if found.uid else None


@contextmanager
def lent(somebody: Account | None) -> Iterator[None]:
    """Real user, groups: theirs; the effective user stays root. As it was, when what is done inside fails.

    Raises `TracerError` where the kernel does not let us.
    """
    if somebody is None:
        yield
        return
    groups = os.getgroups()
    try:
        os.setgroups(somebody.groups)
        os.setgid(somebody.gid)
        os.setreuid(somebody.uid, 0)
    except OSError as error:
        _back(groups)
        raise TracerError(f"cannot become {somebody.name}: {(error.strerror or '').lower()}", KEEP) from None
    try:
        yield
    except BaseException:
        _back(groups)
        raise


def possible(somebody: Account) -> bool:
    """Whether the kernel lets us: a container's root may have no right to, and a user namespace no such user."""
    groups = os.getgroups()
    try:
        with lent(somebody):
            _back(groups)
    except TracerError:
        return False
    return True


@contextmanager
def acting(somebody: Account) -> Iterator[None]:
    """While rights are lent: a file that is opened here is opened as theirs."""
    os.seteuid(somebody.uid)
    try:
        yield
    finally:
        os.seteuid(0)


def drop(somebody: Account | None) -> None:
    """Give up root, where it was `lent`, every capability, and the way to new ones. Raises `TracerError` where something is left.

    setuid(2) of root sets the real, the effective and the saved user.
    """
    if somebody is not None:
        os.seteuid(0)
        os.setgid(somebody.gid)
        os.setuid(somebody.uid)
    if sys.platform == "linux":
        _without_capabilities()
    if somebody is not None and _can_come_back():
        raise TracerError(f"became {somebody.name}, and could still become root again", KEEP)


def _back(groups: list[int]) -> None:
    """Nothing was given up yet; what the kernel did not let us change has not changed."""
    with suppress(OSError):
        os.setreuid(0, 0)
        os.setgid(0)
        os.setgroups(groups)


def _can_come_back() -> bool:
    """Tried, and not reckoned."""
    ways: tuple[Callable[[], None], ...] = (
        lambda: os.seteuid(0),
        lambda: os.setuid(0),
        lambda: os.setreuid(0, 0),
        lambda: os.setgroups([0]),
    )
    came = False
    for way in ways:
        with suppress(PermissionError):
            way()
            came = True
    return came or 0 in (os.getuid(), os.geteuid()) or _held() != 0


def _without_capabilities() -> None:
    """capset(2): none effective, none permitted, none inheritable; prctl(2): no program brings any."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(struct.pack("=Ii", CAPABILITIES_3, 0), bytes(24)) or libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise TracerError(f"cannot give up capabilities: {os.strerror(ctypes.get_errno()).lower()}", KEEP)


def _held() -> int:
    """The capabilities that are effective or permitted (capget(2)); 0 where there is no such thing."""
    if sys.platform != "linux":
        return 0
    sets = ctypes.create_string_buffer(24)
    ctypes.CDLL(None).capget(struct.pack("=Ii", CAPABILITIES_3, 0), sets)
    effective, permitted, _, effective_high, permitted_high, _ = struct.unpack("=6I", sets.raw)
    return int(effective | permitted | effective_high | permitted_high)


def _caller(environment: Mapping[str, str]) -> Account | None:
    """Who called us through sudo(8) or doas(1), where that was no root."""
    uid, gid = environment.get("SUDO_UID", ""), environment.get("SUDO_GID", "")
    if uid.isdecimal() and int(uid):
        return _named(uid) or (Account(f"user {uid}", int(uid), int(gid), (int(gid),)) if gid.isdecimal() else None)
    found = _named(environment["DOAS_USER"]) if environment.get("DOAS_USER") else None
    return found if found is not None and found.uid else None


def _nobody() -> Account:
    found = _named(NOBODY) or Account(NOBODY, OVERFLOW, OVERFLOW, (OVERFLOW,))
    return found._replace(chosen=False)


def _named(user: str) -> Account | None:
    """A user by name or number."""
    import pwd

    try:
        found = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except (KeyError, OverflowError, ValueError):
        return None
    groups = tuple(os.getgrouplist(found.pw_name, found.pw_gid))
    return Account(found.pw_name, found.pw_uid, found.pw_gid, groups)
