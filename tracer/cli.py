"""The commands. Only this file prints and exits.

Results go to stdout, everything else to stderr. Exit status: 2 for a mistake, a damaged input or a verdict that cannot
be told; 1 when the asked verdict is `refuse`, or `plaintext` under a mode that was meant to have TLS; else 0.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NoReturn

from tracer import rootfile, serverkey
from tracer.errors import TracerError
from tracer.output import FORMATS, Output
from tracer.packets.source import Source
from tracer.progress import Progress
from tracer.report import Report, report
from tracer.sources import live, read
from tracer.streams import reassemble
from tracer.trace import Trace, follow
from tracer.verify import clients
from tracer.verify.model import SSLMODES, Trust

EXAMPLES = """examples:
  pgtls demo
  pgtls read capture.pcapng
  pgtls read capture.pcapng --host db.example --sslmode verify-full --sslrootcert root.crt
  tcpdump -U -w - port 5432 | pgtls read -
  pgtls live -i eth0
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    try:
        options = _parser().parse_args(arguments)
        return int(options.run(options))
    except TracerError as error:
        _complain(error)
        return 2
    except BrokenPipeError:
        # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _complain(error: TracerError) -> None:
    from tracer.render.escape import escape

    print(f"pgtls: error: {escape(str(error))}", file=sys.stderr)
    for hint in error.hints:
        print(f"pgtls: hint: {escape(hint)}", file=sys.stderr)


# OPTIONS


class _Parser(argparse.ArgumentParser):
    """argparse, with our way of saying that something is wrong."""

    def error(self, message: str) -> NoReturn:
        raise TracerError(message, f"see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pgtls",
        description="See how PostgreSQL clients and servers speak TLS, and where the client verified whom.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    from tracer.render.json import tool_version

    parser.add_argument("--version", action="version", version=f"pgtls {tool_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    reading = _command(commands, "read", _read, "trace every PostgreSQL connection of a capture")
    reading.add_argument("files", nargs="+", metavar="FILE", help="pcap or pcapng; - is standard input, as it arrives")
    listening = _command(commands, "live", _live, "the same on live traffic, each connection as it settles")
    listening.add_argument("-i", "--interface", help="where to listen; the default is the machine's own choice")
    _command(commands, "demo", _demo, "trace a capture that ships with pgtls")
    return parser


def _command(commands, name: str, run, what: str) -> argparse.ArgumentParser:  # type: ignore[no-untyped-def]  # noqa: ANN001
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    _client_options(parser)
    _output_options(parser)
    return parser


def _client_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what the client was told (libpq's own names)")
    group.add_argument("--sslmode", choices=SSLMODES, help="the mode asked about (default prefer, as in libpq)")
    group.add_argument("--host", help="the host name it connected to (default: the server name in its ClientHello)")
    group.add_argument("--hostaddr", help="the address it connected to, where that was given apart")
    group.add_argument(
        "--sslrootcert", metavar="FILE", help="its root file; a file that does not exist is an answer too"
    )
    group.add_argument(
        "--channel-binding", dest="channel_binding", choices=("disable", "prefer", "require"), default="prefer"
    )
    group.add_argument(
        "--client", default="libpq", metavar="NAME", help="whose checks to replay (default libpq, the newest)"
    )
    group.add_argument(
        "--at", metavar="TIME", help="judge at this time: now, a date, or ISO 8601 (default: the capture's)"
    )


def _output_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("input and output")
    group.add_argument("--keylog", metavar="FILE", help="TLS secrets in NSS key log format (also SSLKEYLOGFILE)")
    group.add_argument(
        "--server-key", metavar="FILE", help="the server's RSA key: opens TLS up to 1.2 without forward secrecy"
    )
    group.add_argument("--all-tls", action="store_true", help="trace TLS connections that are not PostgreSQL, too")
    group.add_argument("--connection", type=int, metavar="N", help="show only connection N, in full")
    group.add_argument("--format", choices=FORMATS, default="text")
    group.add_argument("-o", "--output", metavar="OUT", help="write here instead of to standard output")
    group.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    group.add_argument("-v", "--verbose", action="count", default=0, help="every field explained; -vv the bytes too")


# COMMANDS


def _read(options: argparse.Namespace) -> int:
    return _trace(options, (read(name) for name in options.files))


def _live(options: argparse.Namespace) -> int:
    return _trace(options, [live(options.interface)])


def _demo(options: argparse.Namespace) -> int:
    """The story of a client that checks everything, with the options that it had."""
    folder = _demo_folder()
    given = {"sslmode": "verify-full", "sslrootcert": str(folder / "roots.pem")}
    for name, value in given.items():
        setattr(options, name, getattr(options, name) or value)
    if options.format == "text" and not options.output:
        print(
            "This capture ships with pgtls: psycopg connects to a server with a certificate shaped like those of Amazon RDS.\n"
        )
    return _trace(options, [read(folder / "capture.pcapng")])


def _demo_folder() -> Path:
    here = Path(__file__).parent
    packaged = here / "demo"
    return packaged if packaged.is_dir() else here.parent / "captures" / "verify-full"


@dataclass
class _Question:
    """What was asked about every connection."""

    trust: Trust
    client: str
    at: datetime | None
    asked: bool

    def about(self, trace: Trace) -> Report:
        trust = replace(self.trust, time=self.at or trace.time)
        return report(trace, trust, self.client, asked=self.asked, own_time=self.at is None)


def _trace(options: argparse.Namespace, sources: Iterable[Source]) -> int:
    question = _question(options)
    keylog = _keylog(options)
    decrypt = serverkey.load(options.server_key) if options.server_key else None
    read_from: list[Source] = []
    status = 0
    progress = Progress(sys.stderr)
    with _output(options) as file:
        output = Output(
            options.format,
            file,
            width=_width(file),
            color=_color(options, file),
            verbose=options.verbose,
            only=options.connection,
        )
        for source in sources:
            read_from.append(source)
            if keylog:
                source.keys.add(keylog)
            source.keys.decrypt = decrypt
            output.streaming = source.name == "-" or source.format == "live"
            with suppress(KeyboardInterrupt):
                for connection in reassemble(progress.watch(source), all_tls=options.all_tls):
                    found = question.about(follow(connection, source.keys))
                    status = max(status, _status(found))
                    progress.connections += 1
                    progress.clear()
                    output.connection(found)
            progress.clear()
        output.end(read_from)
    return max(status, _problems(read_from, output.count))


def _status(found: Report) -> int:
    if not found.asked:
        return 0
    outcome, mode = found.verdict.outcome, found.trust.sslmode
    if outcome == "cannot_tell":
        return 2
    return int(outcome == "refuse" or (outcome == "plaintext" and mode not in ("disable", "allow")))


def _problems(sources: list[Source], connections: int) -> int:
    status = 0
    for source in sources:
        for problem in source.problems:
            _complain(TracerError(f"{source.name}: {problem}", "what could be read is shown"))
            status = 2
    if not connections and not status and not sys.stdout.closed:
        packets = sum(source.counts.packets for source in sources)
        print(f"pgtls: no PostgreSQL connection in {packets:,} packets", file=sys.stderr)
        print(
            "pgtls: hint: a capture must hold the start of a connection; --all-tls shows TLS that is not PostgreSQL",
            file=sys.stderr,
        )
    return status


def _question(options: argparse.Namespace) -> _Question:
    clients.get(options.client)
    trust = Trust(
        sslmode=options.sslmode or "prefer", hostaddr=options.hostaddr, channel_binding=options.channel_binding
    )
    if options.host:
        trust = replace(trust, host=options.host)
    elif options.hostaddr:
        trust = replace(trust, host=None)
    if options.sslrootcert:
        trust = replace(trust, roots=rootfile.load(options.sslrootcert), root_path=options.sslrootcert)
        _root_hint(trust)
    asked = any((options.sslmode, options.host, options.sslrootcert))
    return _Question(trust, options.client, _time(options.at), asked)


def _root_hint(trust: Trust) -> None:
    """A root file that cannot serve is a verdict, and most often a mistake."""
    from tracer.render.escape import escape
    from tracer.verify.model import Unusable

    if trust.roots is None:
        print(
            f"pgtls: hint: {escape(str(trust.root_path))} does not exist: judged as a client without a root file",
            file=sys.stderr,
        )
    elif isinstance(trust.roots, Unusable):
        print(
            f"pgtls: hint: {escape(str(trust.root_path))} cannot be used ({trust.roots.reason}): judged as a client with that file",
            file=sys.stderr,
        )


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    if text == "now":
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise TracerError(f"{text!r} is no time", "write now, 2026-03-01, or 2026-03-01T12:00:00Z") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _keylog(options: argparse.Namespace) -> bytes:
    """The key log that was named, or the one of SSLKEYLOGFILE where there is one."""
    name = options.keylog or os.environ.get("SSLKEYLOGFILE")
    if not name:
        return b""
    try:
        return Path(name).read_bytes()
    except OSError as error:
        if not options.keylog:
            return b""
        raise TracerError(
            f"key log {name}: {(error.strerror or str(error)).lower()}",
            "a client writes one with SSLKEYLOGFILE or sslkeylogfile=",
        ) from None


# THE TERMINAL


def _output(options: argparse.Namespace) -> IO[str]:
    if not options.output:
        return open(sys.stdout.fileno(), "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)
    try:
        return Path(options.output).open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise TracerError(f"cannot write {options.output}: {(error.strerror or str(error)).lower()}") from None


def _color(options: argparse.Namespace, file: IO[str]) -> bool:
    if options.color == "auto":
        return file.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return bool(options.color == "always")


def _width(file: IO[str]) -> int:
    from tracer.render.text import WIDTH

    if not file.isatty():
        return WIDTH
    return max(80, os.get_terminal_size(file.fileno()).columns)


def _entry() -> None:
    sys.exit(main())


if __name__ == "__main__":
    _entry()
