"""Make the captures from real servers and real clients: `python captures/make.py [STORY ...] [--into DIR]`.

Each story gets a server, a client and a tcpdump of its own in a private network namespace. What is
written down as the outcome is what the client did; when that is not what the story says, nothing
is written and the program fails.
"""

import argparse
import ctypes
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import pki
import stage
from stories import STORIES, Story

HERE = Path(__file__).resolve().parent
PORT = 5432  # Wireshark takes it for PostgreSQL without being told
INSIDE = "CAPTURES_INSIDE_NAMESPACE"
PREFIX = re.compile(
    r'^(?:psql: error: |psycopg: error: connection failed: )?(?:connection to server at ".*?", port \d+ failed: )'
)


@dataclass(frozen=True)
class Client:
    """What the client is called in case.toml."""

    profile: str
    version: str


@dataclass(frozen=True)
class Played:
    """What a story has left behind."""

    pcap: Path
    keylog: Path
    started: datetime
    outcome: str
    prints: str
    server_version: str


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
    chosen = [story for story in STORIES if not options.story or story.name in options.story]
    if INSIDE not in os.environ:
        for number in {15, *(story.server for story in chosen)}:
            stage.binaries(number)  # missing ones are told of before any story is made
        command = stage.in_namespace([sys.executable, __file__, *arguments])
        os.execvpe(command[0], command, {**os.environ, INSIDE: "1"})  # noqa: S606
    regions = {"true": pki.region("eu-test-1"), "other region": pki.region("us-test-1")}
    for story in chosen:
        make(story, regions, options.into / story.name)
        print(f"{story.name}: {story.outcome}")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the captures from real servers and real clients.")
    names = [story.name for story in STORIES]
    parser.add_argument("story", nargs="*", help=f"one of: {', '.join(names)}; all of them when none is named")
    parser.add_argument("--into", type=Path, default=HERE, metavar="DIR", help="the folder for the stories' folders")
    options = parser.parse_args(arguments)
    for unknown in set(options.story) - set(names):
        parser.error(f"there is no story {unknown!r}")
    return options


def make(story: Story, regions: Mapping[str, pki.Region], folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="story-") as name:
        scratch = Path(name)
        root = regions["true" if story.root == "absent" else story.root].root
        (scratch / "roots.pem").write_text(pki.certificates_pem([root]))
        played = play(story, regions["true"], scratch)
        capture = with_secrets(played, story.keys)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(capture, folder / "capture.pcapng")
        shutil.copyfile(scratch / "roots.pem", folder / "roots.pem")
        (folder / "case.toml").write_text(case(story, played))


def play(story: Story, region: pki.Region, scratch: Path) -> Played:
    """Run the story once: server, tcpdump, client."""
    pcap, keylog = scratch / "story.pcap", scratch / "keys"
    certificate, key = server_identity(story, region)
    run_client = {"psql": stage.psql, "psycopg": stage.psycopg}[story.client]
    with stage.server(stage.binaries(story.server), certificate=certificate, key=key, port=PORT) as server:
        with stage.tcpdump(pcap, PORT):
            done = run_client(server, connection_string(story), folder=scratch, keylog=keylog)
        outcome = observed(done)
        if outcome != story.outcome:
            sys.exit(
                f"{story.name}: the client should {story.outcome} but it did {outcome}:\n{done.stdout}{done.stderr}\n"
                f"the server's log:\n{server.log.read_text()}"
            )
    return Played(pcap, keylog, first_packet(pcap), outcome, without_prefix(done.stderr), server.version)


def server_identity(story: Story, region: pki.Region) -> tuple[str | None, str | None]:
    """The server's certificate file and key. Like RDS it sends the subordinate CA and the root as well."""
    if story.endpoint is None:
        return None, None
    issued_on = story.expired - timedelta(days=365) if story.expired else datetime.now(UTC) - timedelta(days=30)
    leaf = pki.server(region.subordinate, story.endpoint, issued_on.replace(hour=0, minute=0, second=0, microsecond=0))
    return pki.certificates_pem([leaf, region.subordinate, region.root]), pki.key_pem(leaf)


def connection_string(story: Story) -> str:
    """What a user would write, apart from where the server is."""
    words = [f"host={story.host}"]
    if story.sslmode != "prefer":
        words.append(f"sslmode={story.sslmode}")
    if story.root != "absent":
        words.append("sslrootcert=roots.pem")
    return " ".join([*words, story.options]).strip()


def observed(done: subprocess.CompletedProcess[str]) -> str:
    """What the client did. Whether TLS was used is the server's own answer to the client's query."""
    answers = {f"{stage.USER}|true\n": "accept", f"{stage.USER}|false\n": "plaintext"}
    return "refuse" if done.returncode else answers.get(done.stdout, "answer something strange")


def without_prefix(stderr: str) -> str:
    return "\n".join(PREFIX.sub("", line) for line in stderr.splitlines())


def first_packet(pcap: Path) -> datetime:
    """The time of the first packet: after the 24 bytes of the file's header, in seconds and microseconds."""
    seconds, microseconds = struct.unpack_from("<II", pcap.read_bytes(), 24)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds)


def with_secrets(played: Played, keys: bool) -> Path:
    """The capture as pcapng, with the key log as a decryption secrets block before the packets."""
    capture = played.pcap.with_suffix(".pcapng")
    secrets = ["--inject-secrets", f"tls,{played.keylog}"] if keys and played.keylog.exists() else []
    stage.run(["editcap", "-F", "pcapng", *secrets, str(played.pcap), str(capture)])
    return capture


def case(story: Story, played: Played) -> str:
    """case.toml, a line a key."""
    client = {"psql": psql_client, "psycopg": psycopg_client}[story.client]()
    sentences = textwrap.fill(" ".join(story.story.split()), 116)
    facts = {
        "client": client.profile,
        "client_version": client.version,
        "sslmode": story.sslmode,
        "host": story.host,
        "conninfo": f"{connection_string(story)} hostaddr=127.0.0.1",
        "root": "absent" if story.root == "absent" else "roots.pem",
    }
    expect = {"outcome": played.outcome, "refused_by": story.refused_by, "code": story.code, "prints": played.prints}
    return "\n".join(
        [
            *(f"{key} = {json.dumps(value)}" for key, value in facts.items()),
            f"time = {played.started.isoformat().replace('+00:00', 'Z')}",
            f'made = "real: PostgreSQL {played.server_version}, {client.version}"',
            'story = """\\\n' + sentences.replace("\n", " \\\n") + '"""',
            "\n[expect]",
            *(f"{key} = {json.dumps(value)}" for key, value in expect.items()),
            "",
        ]
    )


def psql_client() -> Client:
    version = stage.version(stage.binaries(15) / "psql")
    return Client(f"libpq-{version.split('.')[0]}", f"psql {version}, OpenSSL {openssl_version('libcrypto.so.3')}")


def psycopg_client() -> Client:
    """What psycopg brings along: a libpq and an OpenSSL of its own."""
    import psycopg

    number = psycopg.pq.version()
    libcrypto = next(file for file in metadata.files("psycopg-binary") or () if file.name.startswith("libcrypto"))
    libpq = f"libpq {number // 10000}.{number % 10000}"
    openssl = openssl_version(str(libcrypto.locate()))
    return Client(f"libpq-{number // 10000}", f"psycopg {psycopg.__version__}, {libpq}, OpenSSL {openssl}")


def openssl_version(library: str) -> str:
    function = ctypes.CDLL(library).OpenSSL_version
    function.restype = ctypes.c_char_p
    return str(function(0).decode().split()[1])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except stage.StageError as error:
        sys.exit(str(error))
