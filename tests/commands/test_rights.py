"""`pgtls live` as root: who it is while it listens, what it may still open, and that it sees as much as before."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packets.listening import CHECKOUT, in_namespace
from tracer import read, reassemble
from tracer.cli import main

real = pytest.mark.needs("unshare", "ip", "setpriv", "initdb-15")
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
DAEMON = pwd.getpwnam("daemon")  # a user that every Linux has

# Listens as it is told, connects once with the keys in a file that is root's, and says who pgtls was meanwhile.
LISTEN = """
import pwd
folder, told, variables = Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
def who(pid):
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name.rstrip(":"): words for name, *words in lines}
def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
for name in ("SUDO_UID", "SUDO_GID", "DOAS_USER"):
    os.environ.pop(name, None)
keys = folder / "keys"
keys.touch(0o600)
with postgres() as server, listening("--port", str(server.port), *told, "--keylog", str(keys), env={**os.environ, **variables}) as pgtls:
    signal.signal(signal.SIGALRM, lambda *_: pgtls.kill())
    signal.alarm(60)
    found = [who(pgtls.pid), *(who(child) for child in children(pgtls.pid))]
    assert stage.psql(server, "host=127.0.0.1 sslmode=require", keylog=keys).returncode == 0
    time.sleep(1)
    pgtls.send_signal(signal.SIGINT)
    out, said = pgtls.communicate(timeout=60)
    print(json.dumps([found, out, pgtls.said, said, pgtls.returncode]))
"""


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder that everybody may look into; pytest's own are for who runs it alone."""
    with tempfile.TemporaryDirectory(prefix="pgtls-rights-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def listened(folder: Path, *options: str, **variables: str) -> tuple[list[dict], str, list[str], str, int]:
    found, out, said, later, status = json.loads(
        in_namespace(LISTEN, str(folder), json.dumps(options), json.dumps(variables))
    )
    return found, out, said, later, status


def is_only(process: dict[str, list[str]], uid: int, gid: int) -> bool:
    """That user and that group by every id, and no more of root."""
    ids = process["Uid"] == [str(uid)] * 4 and process["Gid"] == [str(gid)] * 4
    return ids and "0" not in process["Groups"]


@root
@real
@pytest.mark.needs("gcc")
@pytest.mark.parametrize("way", ["ring", "scapy", "wireshark"])
def test_the_parser_is_nobody(way: str, tmp_path: Path) -> None:
    """No id, no group, no capability is root's, nor will one be; a key log that only root may read is read, and the file is whole."""
    tmp_path.chmod(0o700)
    file = tmp_path / "out.pcapng"
    told = ["--via", way, "-i", "lo", "--write", str(file)]
    (process, *children), out, said, later, status = listened(tmp_path, *told)
    nobody = pwd.getpwnam("nobody")
    assert is_only(process, nobody.pw_uid, nobody.pw_gid)
    assert {int(process[name][0], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {0}
    assert process["NoNewPrivs"] == ["1"]
    assert len(children) == (way == "wireshark")
    assert all(is_only(child, nobody.pw_uid, nobody.pw_gid) for child in children)
    assert said[-1].endswith(" as nobody; Ctrl-C ends it\n")
    line, summary = map(json.loads, out.splitlines())
    assert (line["outcome"]["kind"], line["tls"]["keys"]) == ("established", "all")
    assert summary["captures"][0]["problems"] == []
    assert status == 0
    assert "pgtls: error" not in later
    source = read(file)
    assert len(list(reassemble(source))) == 1
    assert not source.problems


@root
@real
@pytest.mark.needs("gcc")
@pytest.mark.parametrize("form", ["text", "json", "html", "markdown"])
def test_every_format_is_shown_by_nobody(form: str, tmp_path: Path) -> None:
    """Templates and late imports are there, also where only root may read Python's packages, as below /root."""
    _, out, _, later, status = listened(tmp_path, "-i", "lo", "-vv", "--format", form)
    assert status == 0
    assert "Traceback" not in later
    assert "established" in out if form == "json" else "TLS 1.3" in out


@root
@real
@pytest.mark.needs("gcc")
@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (("--user", "daemon"), {}),
        (("--user", str(DAEMON.pw_uid)), {"SUDO_UID": "2"}),
        ((), {"SUDO_UID": str(DAEMON.pw_uid), "SUDO_GID": str(DAEMON.pw_gid)}),
        ((), {"DOAS_USER": "daemon"}),
    ],
)
def test_root_becomes_who_called_it(
    options: tuple[str, ...], variables: dict[str, str], tmp_path: Path, everybodys: Path
) -> None:
    """By name, through sudo or through doas; files in a folder of theirs are theirs."""
    theirs = everybodys / "theirs"
    theirs.mkdir()
    os.chown(theirs, DAEMON.pw_uid, DAEMON.pw_gid)
    told = ["--write", str(theirs / "out.pcapng"), "--rotate", "2kB", "-o", str(theirs / "out.ndjson"), *options]
    (process, *_), _, said, _, status = listened(tmp_path, *told, **variables)
    assert is_only(process, DAEMON.pw_uid, DAEMON.pw_gid)
    assert said[-1].endswith(" as daemon; Ctrl-C ends it\n")
    assert status == 0
    files = sorted(theirs.iterdir())
    assert len(files) > 2
    assert {(file.stat().st_uid, file.stat().st_gid) for file in files} == {(DAEMON.pw_uid, DAEMON.pw_gid)}
    for file in files[:-1]:
        source = read(file)
        list(source)
        assert not source.problems


@root
@real
@pytest.mark.needs("gcc")
def test_root_stays_where_it_is_told_to(tmp_path: Path) -> None:
    """And says so."""
    (process, *_), _, said, _, status = listened(tmp_path, "--user", "root", SUDO_UID=str(DAEMON.pw_uid))
    assert is_only(process, 0, 0) or process["Uid"] == ["0"] * 4
    assert int(process["CapEff"][0], 16) != 0
    assert said[-1].endswith(" as root, as --user says; Ctrl-C ends it\n")
    assert status == 0


@root
@real
def test_later_files_that_could_not_be_written(everybodys: Path) -> None:
    """Rotation says at once that nobody may not write there, and begins nothing."""
    script = """
command = [sys.executable, "-m", "tracer", "live", "-i", "lo", "--duration", "1", "--rotate", "1h", "--write", sys.argv[1]]
done = subprocess.run([*command, *sys.argv[2:]], capture_output=True, text=True, env={k: v for k, v in os.environ.items() if k != "SUDO_UID"})
print(json.dumps([done.returncode, done.stderr]))
"""
    out = everybodys / "out.pcapng"
    status, said = json.loads(in_namespace(script, str(out)))
    assert status == 2
    assert said.startswith(f"pgtls: error: --rotate: nobody may not write {everybodys}")
    assert not list(everybodys.iterdir())
    everybodys.chmod(0o777)
    late = everybodys / "out-00007.pcapng"
    for file in (everybodys / "out-00001.pcapng", late):
        file.write_bytes(b"")
    status, said = json.loads(in_namespace(script, str(out)))
    assert (status, f"may not write {late}," in said) == (2, True)
    status, said = json.loads(in_namespace(script, str(out), "--user", "root"))
    assert status == 0


ONLY = """
sets = [f"--{kind}=-all,+net_raw" for kind in ("bounding-set", "inh-caps", "ambient-caps")]
command = ["setpriv", *sets, sys.executable, "-m", "tracer", "live", "-i", "lo", "--format", "ndjson", "--count", "1"]
with postgres() as server, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as pgtls:
    said = []
    while not said or "listening on" not in said[-1]:
        said.append(pgtls.stderr.readline())
        assert said[-1], said
    status = Path(f"/proc/{pgtls.pid}/status").read_text()
    assert stage.psql(server, "host=127.0.0.1 sslmode=require").returncode == 0
    line = pgtls.stdout.readline()
    pgtls.communicate(timeout=60)
    print(json.dumps([said, status, line]))
"""


@real
def test_one_right_is_enough_and_is_given_up() -> None:
    """CAP_NET_RAW alone: once the socket is open it is gone. A root that may not become anybody stays root, without a capability."""
    said, status, line = json.loads(in_namespace(ONLY))
    assert json.loads(line)["outcome"]["kind"] == "established"
    held = dict(one.split(":\t", 1) for one in status.splitlines() if one.startswith("Cap"))
    assert {int(held[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {0}
    if os.geteuid() == 0:
        assert "as root without capabilities, which may become nobody else here; Ctrl-C" in said[0]


REHEARSED = """
import io, json, sys
from pathlib import Path
from dataclasses import replace
from tracer import cli, read, reassemble, follow
from tracer.commands import rights
from tracer.commands import options as shared
from tracer.output import Output
told = cli._options(["live", "-vv", "--format", sys.argv[1], "--sslmode", "verify-full", "--client", sys.argv[2]])
question = shared.question(told)
rights._rehearse(told, question, links=False)
late = set()
def heard(event, found):
    if event == "open" and isinstance(found[0], str) or event == "import" and found[1]:
        late.add(str(found[0] if event == "open" else found[1]))
sys.addaudithook(heard)
for name in sys.argv[3:]:
    out = Output(told.format, io.StringIO(), width=100, color=False, verbose=2, only=None)
    source = read(name)
    for connection in reassemble(source, all_tls=True):
        out.connection(question.about(follow(connection, source.keys)))
    out.end([source])
print(json.dumps(sorted(late - set(sys.argv))))
"""


@pytest.mark.parametrize("client", ["libpq", "all", "auto"])
@pytest.mark.parametrize("form", ["text", "json", "html", "markdown"])
def test_nothing_of_pgtls_is_read_late(form: str, client: str) -> None:
    """Whatever was captured: no module, no template, no version is looked for behind the rehearsal."""
    captures = sorted(str(path) for path in CHECKOUT.glob("captures/*/*.pcapng"))[::3]
    command = [sys.executable, "-c", REHEARSED, form, client, *captures]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT, timeout=300)
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize(
    ("uid", "user", "message"),
    [
        (0, "no-such-user", "no user no-such-user"),
        (0, "", "no user "),
        (0, "99999999999", "no user 99999999999"),
        (1000, "daemon", "--user is for root"),
    ],
)
def test_mistakes(uid: int, user: str, message: str, monkeypatch, capfd) -> None:
    """Each is one line, before anything is opened."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert main(["live", "--user", user]) == 2
    assert f"pgtls: error: {message}" in capfd.readouterr().err
