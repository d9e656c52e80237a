"""Root no more: in a child process, since there is no way back."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from tracer.errors import TracerError
from tracer.privileges import drop

CHECKOUT = Path(__file__).resolve().parent.parent
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
CHILD = """
import json, os, socket, sys
from tracer.privileges import drop
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) if sys.argv[3] == "raw" else open(os.devnull) as kept:
    name = drop(sys.argv[1] or None, json.loads(sys.argv[2]))
    back = []
    for again in (lambda: os.setuid(0), lambda: os.seteuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0), lambda: os.setgroups([0])):
        try:
            again()
            back.append("root again")
        except PermissionError:
            pass
    try:
        open("/etc/shadow").close()
        back.append("reads /etc/shadow")
    except PermissionError:
        pass
    print(json.dumps([name, os.getresuid(), os.getresgid(), os.getgroups(), kept.fileno() >= 0, back]))
"""


def dropped(user: str = "", environment: dict[str, str] | None = None, kept: str = "file") -> list:
    command = [sys.executable, "-c", CHILD, user, json.dumps(environment or {}), kept]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT, env={"PYTHONPATH": "."})
    return json.loads(done.stdout)


@ROOT
@pytest.mark.parametrize(
    ("user", "environment", "becomes"),
    [
        ("", {}, "nobody"),
        ("", {"SUDO_UID": "0"}, "nobody"),
        ("", {"SUDO_UID": "1; rm"}, "nobody"),
        ("", {"SUDO_UID": str(pwd.getpwnam("daemon").pw_uid)}, "daemon"),
        ("daemon", {"SUDO_UID": "0"}, "daemon"),
        (str(pwd.getpwnam("daemon").pw_uid), {}, "daemon"),
    ],
)
def test_root_becomes_somebody(user: str, environment: dict[str, str], becomes: str) -> None:
    """Every id is theirs, groups too, and none of root's comes back."""
    account = pwd.getpwnam(becomes)
    name, uids, gids, groups, _, back = dropped(user, environment)
    assert (name, set(uids), set(gids)) == (becomes, {account.pw_uid}, {account.pw_gid})
    assert 0 not in groups
    assert back == []


@ROOT
@pytest.mark.skipif(sys.platform != "linux", reason="a packet socket of Linux")
def test_a_socket_stays_open() -> None:
    """The right to listen was needed once."""
    assert dropped(kept="raw")[4] is True


@ROOT
def test_a_user_who_is_not_there() -> None:
    """Said before anything is given up."""
    with pytest.raises(TracerError, match="no user no-such-user"):
        drop("no-such-user")
    assert os.geteuid() == 0


def test_nothing_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not root keeps what they have."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert drop("daemon") is None
