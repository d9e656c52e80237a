"""Root no more: in a child process, since there is no way back."""

from __future__ import annotations

import json
import os
import pwd
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tracer import privileges
from tracer.errors import TracerError
from tracer.privileges import Account, account

CHECKOUT = Path(__file__).resolve().parent.parent
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
DAEMON = pwd.getpwnam("daemon")
CHILD = """
import json, os, socket, sys
from tracer.privileges import account, acting, drop, lent
somebody = account(sys.argv[1] or None, json.loads(sys.argv[2]))
kept = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) if sys.platform == "linux" else open(os.devnull)
with lent(somebody):
    during = [os.getresuid(), os.getresgid(), os.access("/etc/shadow", os.R_OK)]
    with acting(somebody):
        during.append(os.geteuid())
        try:
            open("/etc/shadow").close()
        except PermissionError:
            during.append("refused")
    open("/etc/shadow").close()
drop(somebody)
back = []
for again in (lambda: os.setuid(0), lambda: os.seteuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0), lambda: os.setgroups([0]),
              lambda: open("/etc/shadow").close(), lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)):
    try:
        again()
        back.append("root again")
    except PermissionError:
        pass
print(json.dumps([during, os.getresuid(), os.getresgid(), os.getgroups(), kept.fileno() >= 0, back]))
"""


def child(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=CHECKOUT, env={"PYTHONPATH": str(CHECKOUT)}
    )


@ROOT
@pytest.mark.parametrize(
    ("user", "environment", "becomes"),
    [
        ("", {}, "nobody"),
        ("", {"SUDO_UID": str(DAEMON.pw_uid), "SUDO_GID": "7"}, "daemon"),
        ("daemon", {"SUDO_UID": "0"}, "daemon"),
        (str(DAEMON.pw_uid), {}, "daemon"),
    ],
)
def test_root_becomes_somebody(user: str, environment: dict[str, str], becomes: str) -> None:
    """First lent, then for good: every id is theirs, groups too, none of root's comes back, and the socket stays open."""
    who = pwd.getpwnam(becomes)
    done = child(CHILD, user, json.dumps(environment))
    assert done.returncode == 0, done.stderr
    during, uids, gids, groups, open_, back = json.loads(done.stdout)
    assert during == [[who.pw_uid, 0, 0], [who.pw_gid] * 3, False, who.pw_uid, "refused"]
    assert (set(uids), set(gids)) == ({who.pw_uid}, {who.pw_gid})
    assert 0 not in groups
    assert open_
    assert back == []


FAILED = """
import os
from tracer.privileges import account, lent
before = (os.getresuid(), os.getresgid(), os.getgroups())
try:
    with lent(account(None, {})):
        raise ValueError
except ValueError:
    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before
    print("as before")
"""


@ROOT
def test_what_fails_leaves_everything_as_it_was() -> None:
    """A mistake is no reason to be somebody else."""
    assert child(FAILED).stdout == "as before\n"


@ROOT
def test_a_user_whom_the_kernel_does_not_let_us_become() -> None:
    """As in a container that has no right to: nothing has changed."""
    script = """
import os
from tracer.errors import TracerError
from tracer.privileges import account, lent, possible
somebody = account("daemon", {})
assert not possible(somebody)
try:
    with lent(somebody):
        pass
except TracerError as error:
    print(error, os.getresuid())
"""
    command = ["setpriv", "--bounding-set=-setuid", sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(CHECKOUT)})
    assert done.stdout == "cannot become daemon: operation not permitted (0, 0, 0)\n", done.stderr


@ROOT
def test_a_way_back_is_an_error() -> None:
    """An account that is root's own is no account to become: the check finds it."""
    script = """
from tracer.errors import TracerError
from tracer.privileges import Account, drop
try:
    drop(Account("toor", 0, 0, (0,)))
except TracerError as error:
    print(error)
"""
    assert child(script).stdout == "became toor, and could still become root again\n"


@pytest.mark.parametrize(
    ("user", "environment", "name"),
    [
        (None, {}, "nobody"),
        (None, {"SUDO_UID": "0", "SUDO_GID": "0"}, "nobody"),
        (None, {"SUDO_UID": "1; rm"}, "nobody"),
        (None, {"SUDO_UID": "-1"}, "nobody"),
        (None, {"DOAS_USER": "root"}, "nobody"),
        (None, {"DOAS_USER": "no-such-user"}, "nobody"),
        (None, {"DOAS_USER": "daemon"}, "daemon"),
        (None, {"SUDO_UID": str(DAEMON.pw_uid)}, "daemon"),
        ("daemon", {"DOAS_USER": "bin"}, "daemon"),
        ("root", {"DOAS_USER": "bin"}, None),
        ("0", {}, None),
    ],
)
def test_whom_root_becomes(user: str | None, environment: dict[str, str], name: str | None, monkeypatch) -> None:
    """Who was named, who called sudo or doas, nobody; never root, but where that was asked for."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = account(user, environment)
    assert (found.name if found else None) == name
    assert found is None or found.uid


def test_a_caller_who_has_no_name(monkeypatch) -> None:
    """In a container, who called sudo may be a number."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    told = {"SUDO_UID": "54321", "SUDO_GID": "54322"}
    assert account(None, told) == Account("user 54321", 54321, 54322, (54322,))


def test_a_machine_without_nobody(monkeypatch) -> None:
    """Then it is the kernel's."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(privileges, "NOBODY", "no-such-user")
    found = account(None, {})
    assert (found.uid, found.gid, found.groups, found.chosen) == (65534, 65534, (65534,), False)


def test_nothing_to_become(monkeypatch) -> None:
    """Who is not root is who they are, and may not ask for more."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert account(None, {"SUDO_UID": "7"}) is None
    with pytest.raises(TracerError, match="--user is for root"):
        account("daemon", {})


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
def test_capabilities_go_without_root_too() -> None:
    """Of who was never root: with the socket open, the right to open one is of no use."""
    script = "from tracer.privileges import drop, _held; drop(None); print(_held())"
    assert child(script).stdout == "0\n"
    if os.geteuid() == 0:
        assert privileges._held() != 0
    assert socket.AF_PACKET
