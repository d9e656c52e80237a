"""Make the captures of the drivers that are not libpq: `python captures/drivers/make.py [--into DIR]`.

Each driver meets real servers in a private network namespace: a good one, one that its root file does not know, one with another
name, one whose certificate has ended, and one without TLS. cases.toml is the one table of all of them: what the driver was
told, what it did by the server's own answer, and what it printed. Nothing in it comes from pgtls.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import pki  # noqa: E402
import stage  # noqa: E402

from tests.differential import drivers  # noqa: E402

INSIDE = "CAPTURES_INSIDE_NAMESPACE"
PORT = 5432
HOST, OTHER = "db.example.test", "other.test"
VERSIONS = {"": "TLSv1.3", "-tls12": "TLSv1.2"}
RELEASES = {
    "pgjdbc": "pgjdbc 42.5.5, Java 17",
    "pgx-4": "pgx 4.15.0, Go 1.19",
    "lib-pq": "lib/pq 1.10.7, Go 1.19",
    "node-postgres-8": "pg 8.23.1, Node 20",
    "asyncpg": "asyncpg 0.32.0, Python 3.11",
    "pg8000": "pg8000 1.31.6, Python 3.11",
}


@dataclass(frozen=True)
class Case:
    """What a driver meets: the server, its root file, the host it asks for; `old`, when TLS 1.2 looks different."""

    name: str
    story: str
    server: str = "good"
    roots: str = "roots.pem"
    host: str = HOST
    old: bool = False


CASES = (
    Case("accepted", "the root file knows the server's CA, and the certificate names the host"),
    Case("wrong-root", "the root file is that of another CA", roots="other.pem", old=True),
    Case("wrong-name", "the certificate is for another host", host=OTHER, old=True),
    Case("expired", "the certificate has ended", server="expired"),
    Case("no-tls", "the server answers N", server="none"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the captures of the drivers that are not libpq.")
    parser.add_argument("--into", type=Path, default=HERE, metavar="DIR")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        for name in RELEASES:
            drivers.DRIVERS[name].command(Path(tempfile.gettempdir()))  # built before the network is gone
        command = stage.in_namespace([sys.executable, __file__, *sys.argv[1:]])
        os.execvpe(command[0], command, {**os.environ, INSIDE: "1"})  # noqa: S606
    with tempfile.TemporaryDirectory() as name:
        rows = list(play_all(Path(name), options.into))
    (options.into / "cases.toml").write_text("\n".join(sorted(rows)))


def play_all(folder: Path, into: Path) -> Iterator[str]:
    """Every case with every driver, a server at a time."""
    region, other = pki.region("eu-test-1"), pki.region("us-test-1")
    for file, root in (("roots.pem", region.root), ("other.pem", other.root)):
        for place in (folder, into):
            (place / file).write_text(pki.certificates_pem([root]))
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    issued = {"good": midnight - timedelta(days=30), "expired": midnight - timedelta(days=400), "none": None}
    for kind, since in issued.items():
        leaf = since and pki.server(region.subordinate, HOST, since)
        chain = leaf and pki.certificates_pem([leaf, region.subordinate, region.root])
        for suffix, version in VERSIONS.items():
            cases = [case for case in CASES if case.server == kind and (case.old or not suffix)]
            if cases:
                with serving(folder, version, chain or None, leaf and pki.key_pem(leaf)) as server:
                    for case in cases:
                        for driver in RELEASES:
                            yield play(server, driver, case, suffix, folder, into)


@contextmanager
def serving(folder: Path, version: str, chain: str | None, key: str | None) -> Iterator[stage.Server]:
    """A server of one TLS version, which writes a key log."""
    keylog = folder / "keys"
    keylog.unlink(missing_ok=True)
    keylog.touch(mode=0o666)
    keylog.chmod(0o666)
    folder.chmod(0o777)
    settings = {"ssl_min_protocol_version": version, "ssl_max_protocol_version": version} if chain else {}
    variables = {"SSLKEYLOGFILE": str(keylog), "LD_PRELOAD": str(stage.keylog_preload())}
    with stage.server(
        stage.binaries(15), certificate=chain, key=key, port=PORT, settings=settings, variables=variables
    ) as server:
        yield server


def play(server: stage.Server, driver: str, case: Case, suffix: str, folder: Path, into: Path) -> str:
    """One connection: its capture, and its row of the table."""
    mode = "verify-full" if case.name != "no-tls" else "require" if driver == "lib-pq" else "prefer"
    pcap, keylog = folder / "one.pcap", folder / "keys"
    os.truncate(keylog, 0)
    command, variables = drivers.DRIVERS[driver].command(folder)
    with stage.tcpdump(pcap, PORT):
        done = subprocess.run(
            command,
            input=f"{case.host}\t{server.port}\t{mode}\t{folder / case.roots}\n",
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
            env={**drivers.env(variables), "HOME": str(folder)},
        )
    outcome, _, text = done.stdout.rstrip("\n").partition("\t")
    name = f"{driver}-{case.name}{suffix}"
    secrets = ["--inject-secrets", f"tls,{keylog}"] if keylog.stat().st_size else []
    stage.run(["editcap", "-F", "pcapng", *secrets, str(pcap), str(into / f"{name}.pcapng")])
    facts = {
        "client": driver,
        "sslmode": mode,
        "host": case.host,
        "root": case.roots,
        "story": case.story,
        "made": f"real: PostgreSQL {server.version}, {RELEASES[driver]}",
        "outcome": outcome,
        "prints": text.replace("\\n", "\n").replace(f"{folder}/", ""),
    }
    print(f"{name}: {outcome}")
    return "\n".join([f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in facts.items()), ""])


if __name__ == "__main__":
    try:
        main()
    except stage.StageError as error:
        sys.exit(str(error))
