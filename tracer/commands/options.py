"""Options that several commands share, and what they say: libpq's own names, each with its value for `Trust`."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from tracer import pipes, rootfile
from tracer.commands.terminal import hint, waiting
from tracer.errors import TracerError
from tracer.output import FORMATS
from tracer.parameters import PARAMETERS
from tracer.pasted import read as read_pasted
from tracer.report import ALL, AUTO, Report, report
from tracer.settings import RAISED, Setting, Settings, home_folder, resolve, revocation_lists
from tracer.settings import trust as client_trust
from tracer.settings import value as setting
from tracer.trace import Trace
from tracer.verify import clients
from tracer.verify.clients import libpq_versions
from tracer.verify.model import SSLMODES, UNKNOWN, Trust, Unusable, Verdict
from tracer.verify.who import who

NEAR = 0.75  # of a slip of the pen, by difflib's ratio


class Parser(argparse.ArgumentParser):
    """argparse, with our way of saying that something is wrong."""

    def __init__(self, *words: Any, **named: Any) -> None:  # noqa: ANN401 (as argparse has them)
        super().__init__(*words, **named)
        self.suggest_on_error = False  # from Python 3.15 on argparse would put its own guess into the message

    def error(self, message: str) -> NoReturn:
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        meant = get_close_matches(wrong[1].replace("_", "-"), re.findall(r"[\w.-]+", wrong[2]), 1) if wrong else []
        raise TracerError(message, f"{f'did you mean {meant[0]}? ' if meant else ''}see {self.prog} --help")

    def meant(self, name: str, unknown: Sequence[str]) -> str:
        """What to say of the first unknown option of the command of that name; "" where none is near."""
        commands = next(a for a in self._actions if isinstance(a, argparse._SubParsersAction))  # noqa: SLF001 (argparse
        known = list(commands.choices[name]._option_string_actions)  # noqa: SLF001 has no public way to its options)
        wrong = next((word.partition("=")[0] for word in unknown if word.startswith("--")), "")
        if near := get_close_matches(wrong, known, 1, NEAR):
            return f"did you mean {near[0]}? "
        near = get_close_matches(wrong[2:].replace("-", "_"), PARAMETERS, 1, NEAR)
        return f"{near[0]}= stands in the connection string; " if near and "--sslmode" not in known else ""


def client_name(name: str) -> str:
    """The client of that name; a driver that connects with libpq is libpq."""
    if name not in WITH_LIBPQ:
        return name
    hint(f"{name} connects with libpq: its checks are libpq's")
    return "libpq"


WITH_LIBPQ = ("psql", "psycopg", "psycopg2", "psycopg3")


def command(
    commands: argparse._SubParsersAction[Parser], name: str, run: Callable[[argparse.Namespace], int], what: str
) -> Parser:
    """A command of that name; `run` takes its options and returns the exit status."""
    parser = commands.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, command=name)
    return parser


def client_options(parser: argparse.ArgumentParser, *, seen: bool = True) -> None:
    """What a client was told. `seen`: there is one in a capture, to be recognised, with a ClientHello and a time."""
    group = parser.add_argument_group("what the client was told (libpq's own names)")
    group.add_argument(
        "--sslmode",
        choices=SSLMODES,
        help="the mode asked about (default prefer, as in libpq; of a chain alone verify-full)",
    )
    hello = " (default: the server name in its ClientHello)" if seen else ""
    group.add_argument("--host", help=f"the host name it connected to{hello}")
    group.add_argument("--hostaddr", help="the address it connected to, where that was given apart")
    group.add_argument(
        "--sslrootcert", metavar="FILE", help="its root file; a file that does not exist is an answer too"
    )
    group.add_argument(
        "--sslcrl", metavar="FILE", help="its revocation lists; libpq passes over a file that is missing"
    )
    group.add_argument(
        "--sslcrldir", metavar="DIR", help="a folder of revocation lists; with an empty one nobody passes"
    )
    for name, values in CHOICES.items():
        spelt = dict.fromkeys((f"--{name.replace('_', '-')}", f"--{name}"))
        group.add_argument(*spelt, choices=values, help=f"as libpq's (default {values[0]})")
    group.add_argument(
        "--require-auth", "--require_auth", metavar="METHODS", help="as libpq's: the ways to log in that it allows"
    )
    group.add_argument(
        "--client",
        type=client_name,
        default="libpq",
        metavar="NAME",
        help=f"whose checks to replay (default libpq, the newest): {NAMES}; all: every client beside each other{'; auto: whoever it looks like' if seen else ''}",
    )
    time_option(group, "the capture's" if seen else "now")


def env_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--env",
        action="store_true",
        help="what the options do not say, PG* variables, service files and ~/.postgresql say",
    )


def time_option(parser: argparse._ActionsContainer, default: str) -> None:
    parser.add_argument(
        "--at", metavar="TIME", help=f"judge at this time: now, a date, or ISO 8601 (default: {default})"
    )


def key_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    group = parser.add_argument_group("what is read and shown")
    group.add_argument("--keylog", metavar="FILE", help="TLS secrets in NSS key log format (also SSLKEYLOGFILE)")
    group.add_argument(
        "--server-key", metavar="FILE", help="the server's RSA key: opens TLS up to 1.2 without forward secrecy"
    )
    group.add_argument(
        "--all-tls",
        action="store_true",
        help="trace TLS connections that are not PostgreSQL, too; judged when a mode, a host or a root file is named",
    )
    return group


def capture_options(parser: argparse.ArgumentParser) -> None:
    group = key_options(parser)
    group.add_argument("--connection", type=int, metavar="N", help="show only connection N, in full")
    group.add_argument("-v", "--verbose", action="count", default=0, help="every field explained; -vv the bytes too")


def output_options(parser: argparse.ArgumentParser, formats: tuple[str, ...] = FORMATS) -> None:
    group = parser.add_argument_group("output")
    lines = (
        "json: one document, in which a connection is a line (jq shows it); ndjson: a document a line, as they settle"
    )
    group.add_argument("--format", choices=formats, default="text", help=lines if "ndjson" in formats else None)
    group.add_argument("-o", "--output", metavar="OUT", help="write here instead of to standard output")
    group.add_argument("--color", choices=("auto", "always", "never"), default="auto")


@dataclass(frozen=True)
class Question:
    """What was asked about every connection."""

    trust: Trust
    client: str
    at: datetime | None
    asked: bool
    settings: Settings | None = None
    raised: bool = False  # the mode is that of libpq for sslrootcert=system, and nobody named one

    def about(self, trace: Trace) -> Report:
        trust = replace(self.trust, time=self.at or trace.time)
        if self.raised and self.client == AUTO and who(trace).client in clients.drivers():
            trust = replace(trust, sslmode="prefer")
        return report(trace, trust, self.client, asked=self.asked, own_time=self.at is None)


def question(options: argparse.Namespace) -> Question:
    """What the options ask. Raises `TracerError`; a root file that cannot serve is a hint on stderr."""
    for name in ("host", "hostaddr", "sslrootcert"):
        if getattr(options, name) == "":
            raise TracerError(f"--{name} is empty", "leave it out where the client was not told")
    if options.client not in (ALL, AUTO):
        clients.get(options.client)
    if getattr(options, "env", False):
        return _from_environment(options)
    chosen: dict[str, Any] = {name: getattr(options, name) or values[0] for name, values in CHOICES.items()}
    chosen["require_auth"] = options.require_auth
    trust = Trust(sslmode=options.sslmode or "prefer", hostaddr=options.hostaddr, **chosen)
    if options.host:
        trust = replace(trust, host=options.host)
    if options.sslrootcert:
        path = options.sslrootcert
        trust = replace(
            trust,
            roots=rootfile.load(path if knows_system(options) else Path.cwd() / path, before_3=before_3(options)),
            root_path=path,
        )
        root_hint(trust)
    raised = trust.roots == "system" and not options.sslmode and raises(options)
    if raised:
        trust = replace(trust, sslmode="verify-full")
    lists, beside = revocation_lists(options.sslcrl or "", options.sslcrldir or "", before_3=before_3(options))
    trust = replace(trust, crls=lists, beside_crls=beside)
    lists_hint(trust, options.sslcrl, options.sslcrldir)
    asked = any((options.sslmode, options.host, options.sslrootcert))
    return Question(trust, options.client, time(options.at), asked, raised=raised)


def _from_environment(options: argparse.Namespace) -> Question:
    """The same from the environment, as libpq would take it; options win."""
    home = home_folder(os.environ)
    system = knows_system(options)
    settings = resolve(given(options), os.environ, home, system=raises(options))
    trust = client_trust(settings, home, os.environ, system=system, before_3=before_3(options))
    root_hint(trust, named="sslrootcert" in settings)
    lists_hint(trust, setting(settings, "sslcrl"), setting(settings, "sslcrldir"))
    raised = settings["sslmode"].origin == RAISED
    return Question(trust, options.client, time(options.at), True, settings, raised)


def knows_system(options: argparse.Namespace) -> bool:
    """Whether the client knows sslrootcert=system. To a libpq up to 15 that is a file of that name; of a driver its replay knows."""
    return options.client not in libpq_versions.NAMES or libpq_versions.libpq(options.client).has("system")


def before_3(options: argparse.Namespace) -> bool:
    """Whether the client most likely reads its files with OpenSSL 1.1.1."""
    return options.client in libpq_versions.NAMES and libpq_versions.libpq(options.client).openssl < (3, 0)


def raises(options: argparse.Namespace) -> bool:
    """Whether sslrootcert=system without an sslmode is verify-full: so says libpq from 16 on, and none of the drivers."""
    return options.client not in clients.drivers() and knows_system(options)


def pasted(options: argparse.Namespace) -> dict[str, Setting]:
    """What the connection string sets, as it was meant; its client, where nobody named one. Raises `TracerError`.

    How it was read is a hint, and so is a name that no DNS knows.
    """
    if not options.conninfo:
        return {}
    found = read_pasted(options.conninfo)
    if found.how:
        hint(f"read {', '.join(found.how)}")
    if found.client and getattr(options, "client", "") is None:
        options.client = found.client
    from tracer.client import told  # which loads what connects

    given = told(found.text)
    if found.text.rstrip().endswith(","):
        hint("the string ends in a comma, which libpq takes as a part of it")
    for host in given["host"].value.split(",") if "host" in given else ():
        if host.endswith(".."):
            hint("the host ends in two dots, and no name does: DNS will not know it")
        if "$" in host:
            hint("the host holds a $: no shell has filled a variable in, as it does in double quotes")
        if ";" in host:
            hint("the host holds a ; as it is written: libpq parts its parameters by spaces")
    return given


def given(options: argparse.Namespace) -> dict[str, Setting]:
    """The parameters that options set: they win over all else."""
    return {
        name: Setting(value, f"--{name.replace('_', '-')}")
        for name in PARAMETERS
        if (value := getattr(options, name, None)) is not None
    }


def status(verdict: Verdict, outcome: str | None = None) -> int:
    """The exit status of an asked verdict; `outcome` is what was seen, where that says more."""
    outcome = outcome or verdict.outcome
    if outcome == "cannot_tell":
        return 2
    return int(outcome == "refuse" or (outcome == "plaintext" and verdict.sslmode not in ("disable", "allow")))


def asked_status(found: Report) -> int:
    """The exit status of what was asked about a connection."""
    if not found.asked or found.trace.transport == "cancel":
        return 0
    seen = "plaintext" if found.trace.outcome.kind == "plaintext" else None  # whatever the server would have presented
    return status(found.verdict, seen)


def jobs(options: argparse.Namespace) -> int | None:
    """How many processes were asked for, if anybody asked. Raises `TracerError`."""
    if options.jobs is not None and options.jobs < 1:
        raise TracerError(f"--jobs {options.jobs}: nobody would read", "1 and more, or leave it out")
    return None if options.jobs is None else int(options.jobs)


def root_hint(trust: Trust, *, named: bool = True) -> None:
    """A root file that cannot serve is a verdict, and most often a mistake. libpq's own may be missing, if nobody `named` it."""
    if trust.roots is UNKNOWN and trust.root_path:
        hint(
            f"{trust.root_path} is a pipe into which nobody writes: libpq waits there, and what it trusts is not known"
        )
    if trust.roots is None and named:
        hint(f"{trust.root_path} does not exist: judged as a client without a root file")
    elif isinstance(trust.roots, Unusable):
        hint(f"{trust.root_path} cannot be used ({trust.roots.reason}): judged as a client with that file")


def lists_hint(trust: Trust, file: str | None, folder: str | None) -> None:
    """Revocation lists that were named and are not there: libpq passes over a file, and with a folder lets nobody pass."""
    if folder and not trust.crls and not (file and trust.crls is None):
        hint(
            f"{folder} holds no revocation list: libpq lets nobody pass with it; openssl rehash names those that are there"
        )
    elif file and trust.crls is None and pipes.is_pipe(file):
        hint(f"{file} is a pipe into which nobody writes: libpq waits there")
    elif file and trust.crls is None:
        also = f", and {folder} with it" if folder else ""
        hint(f"{file} holds no revocation list: as libpq does, it is passed over{also}")
    elif file and not trust.crls:
        hint(f"{file} holds certificates and no revocation list: with it nobody passes")


def time(text: str | None) -> datetime | None:
    """The moment that `--at` names, aware and in UTC. Raises `TracerError`."""
    if text is None:
        return None
    if text == "now":
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise TracerError(f"{text!r} is no time", "write now, 2026-03-01, or 2026-03-01T12:00:00Z") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def keylog(options: argparse.Namespace) -> bytes:
    """The key log that was named, or the one of SSLKEYLOGFILE where there is one."""
    name = options.keylog or os.environ.get("SSLKEYLOGFILE")
    if not name:
        return b""
    try:
        with waiting(name):
            return Path(name).read_bytes()
    except OSError as error:
        if not options.keylog:
            return b""
        raise TracerError(
            f"key log {name}: {(error.strerror or str(error)).lower()}",
            "a client writes one with SSLKEYLOGFILE or sslkeylogfile=",
        ) from None


# of `clients.names()`, without loading the clients for it
NAMES = (
    "libpq, libpq-12 to libpq-18, pgjdbc, pgx-4, pgx-5, lib-pq, node-postgres-8, node-postgres-9, asyncpg, "
    "pg8000, npgsql, tokio-postgres-rustls, tokio-postgres-native-tls, sqlx"
)
# The first of each is libpq's default.
CHOICES = {
    "channel_binding": ("prefer", "disable", "require"),
    "sslnegotiation": ("postgres", "direct"),
    "sslcertmode": ("allow", "disable", "require"),
    "gssencmode": ("prefer", "disable", "require"),
    "ssl_min_protocol_version": ("TLSv1.2", "TLSv1", "TLSv1.1", "TLSv1.3"),
    "ssl_max_protocol_version": ("TLSv1.3", "TLSv1", "TLSv1.1", "TLSv1.2"),
}
