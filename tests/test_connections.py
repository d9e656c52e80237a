"""Who connects to where: `probe` and `cost` to the address that they were given, `live` to a capture socket, nobody else to anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packets.listening import in_namespace

CHECKOUT = Path(__file__).resolve().parent.parent
STORY = CHECKOUT / "captures" / "verify-full"
# audit hooks see each socket and each look-up, whoever makes it (PEP 578); a hook cannot be taken off again
CHILD = """
import json, sys
seen = []
WATCHED = ("socket.", "urllib.", "http.client.", "ftplib.", "smtplib.", "subprocess.", "os.system", "os.exec", "os.posix_spawn",
           "os.fork", "exec", "pickle.", "ctypes.dlopen")
sys.addaudithook(lambda event, given: seen.append((event, repr(given)[:200])) if event.startswith(WATCHED) else None)
from tracer.cli import main
status = main(sys.argv[1:])
sys.stdout.flush()
print(json.dumps(seen), file=sys.stderr)
sys.exit(0)
"""
COMMANDS = {
    "demo": ["demo"],
    "read": ["read", STORY / "capture.pcapng", "--host", "db.example", "--sslrootcert", STORY / "roots.pem", "--client", "all"],
    "read as HTML": ["read", STORY / "capture.pcapng", "--format", "html"],
    "read as Markdown": ["read", STORY / "capture.pcapng", "--format", "markdown"],
    "verify": ["verify", STORY / "roots.pem", "--host", "db.example", "--sslrootcert", "system"],
    "bundle": ["bundle", STORY / "roots.pem"],
    "explain-mode": ["explain-mode", "postgresql://db.example/?sslmode=verify-full"],
    "audit": ["audit", STORY],
    "annotate": ["annotate", STORY / "capture.pcapng", os.devnull],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_else_connects(name: str) -> None:
    """No socket is made, no name is looked up, no program is started, nothing is unpickled."""
    command = [sys.executable, "-c", CHILD, *map(str, COMMANDS[name])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT, timeout=120)
    seen = json.loads(done.stderr.splitlines()[-1])
    network = [event for event, _ in seen if event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib."))]
    programs = [event for event, _ in seen if event.startswith(("subprocess.", "os.", "pickle."))]
    assert network == []
    assert programs == []


def test_the_watch_can_fail() -> None:
    """`probe` is seen to connect, and to nobody but whom it was given."""
    command = [sys.executable, "-c", CHILD, "probe", "host=127.0.0.1 port=1 sslmode=require gssencmode=disable"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT, timeout=120)
    seen = json.loads(done.stderr.splitlines()[-1])
    to = [given for event, given in seen if event == "socket.connect"]
    assert to
    assert all("'127.0.0.1', 1" in given for given in to)


def test_cost_asks_nobody_else() -> None:
    """Each of its attempts goes to the address that it was given."""
    command = [sys.executable, "-c", CHILD, "cost", "host=127.0.0.1 port=1 gssencmode=disable"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT, timeout=120)
    to = [given for event, given in json.loads(done.stderr.splitlines()[-1]) if event == "socket.connect"]
    assert to
    assert all("'127.0.0.1', 1" in given for given in to)


LISTEN = f"""
child = {CHILD!r}
done = subprocess.run([sys.executable, "-c", child, "live", "-i", "lo", "--via", sys.argv[1], "--duration", "1"], capture_output=True, text=True)
assert "listening on lo" in done.stderr, done.stderr
print(done.stderr.splitlines()[-1])
"""


@pytest.mark.needs("unshare", "ip")
@pytest.mark.parametrize("way", ["ring", "scapy"])
def test_live_only_listens(way: str) -> None:
    """A packet socket (AF_PACKET, 17) is opened and bound; nothing connects, sends or asks for a name."""
    seen = json.loads(in_namespace(LISTEN, way))
    made = [given for event, given in seen if event == "socket.__new__"]
    assert any(", 17, " in given for given in made), made
    sent = ("socket.connect", "socket.send", "socket.getaddrinfo", "socket.gethostby", "subprocess.", "os.")
    number = re.compile(
        r"\('[\d.]+', "
    )  # that is nobody's name: scapy asks so for "192.168.1.128" while it is imported
    assert [(event, given) for event, given in seen if event.startswith(sent) and not number.match(given)] == []


def test_no_code_of_strangers_runs() -> None:
    """No pickle, no eval, no shell in the package; what our own processes hand each other is no stranger's."""
    text = {path: path.read_text("utf-8") for path in (CHECKOUT / "tracer").rglob("*.py")}
    for bad in (
        "import pickle",
        "import marshal",
        "import shelve",
        "eval(",
        "exec(",
        "shell=True",
        "os.system",
        "yaml.load",
    ):
        found = {path.name for path, code in text.items() if bad in code.replace("re.compile(", "")}
        assert found == ({"dividing.py"} if bad == "import pickle" else set()), bad
