"""The command line. Only this file exits; only it and `commands/` print.

Results go to stdout, everything else to stderr. Exit status: 2 for a mistake, a damaged input or a verdict that cannot
be told; 1 when the asked verdict is `refuse`, or `plaintext` under a mode that was meant to have TLS; else 0.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import FrameType

from tracer.commands.options import Parser
from tracer.commands.terminal import complain
from tracer.errors import TracerError

EXAMPLES = """examples:
  pgtls demo
  pgtls read capture.pcapng
  pgtls read capture.pcapng --host db.example --sslmode verify-full --sslrootcert root.crt
  tcpdump -U -w - port 5432 | pgtls read -
  pgtls live -i eth0
  pgtls probe "host=db.example sslmode=verify-full sslrootcert=root.crt"
  pgtls annotate capture.pcapng explained.pcapng
  pgtls cost "host=db.example sslrootcert=root.crt" --repeat 50
  pgtls audit /var/captures -o audit.duckdb
  pgtls audit --summary audit.duckdb
  pgtls verify chain.pem --host db.example --sslrootcert root.crt
  pgtls explain-mode "postgresql://db.example/?sslmode=require"
  pgtls bundle old.pem --and new.pem --against capture.pcapng
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    try:
        options = _options(arguments)
        with _interruptible():
            status = int(options.run(options))
            if sys.stdout is not None and not sys.stdout.closed:
                sys.stdout.flush()
            return status
    except TracerError as error:
        complain(error)
        return 2
    except BrokenPipeError:
        # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        complain(TracerError(f"cannot go on: {(error.strerror or str(error)).lower()}", _where(error)))
        return 2
    finally:
        _let_go()


def _let_go() -> None:
    """Drop what standard output did not take: Python would try once more at its end, and have the last word and status."""
    if sys.stdout is None or sys.stdout.closed:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _interruptible() -> Iterator[None]:
    """Inside, Ctrl-C raises KeyboardInterrupt; outside it does what it did before, as `__main__` has said."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt(_number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt; a moment later where something is being imported, as a library in C may end the process on it there."""
    while frame is not None and frame.f_code is not main.__code__:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            again = threading.Timer(SOON, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
            again.daemon = True
            again.start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _where(error: OSError) -> str:
    return f"it is about {error.filename}" if error.filename else "most likely the output could not be written"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for; an option that is none points to the help of its command."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] == "help":
        given = [*given[1:2], "--help"]
    named = [name for name, commands in COMMANDS.items() if given[0] in commands] if given else []
    if not named and (not given or given[0] not in ("-h", "--help", "--version")):
        raise _no_command(given)
    parser = _parser(named or COMMANDS)
    options, unknown = parser.parse_known_args(given)
    if unknown:
        hint = f"{parser.meant(options.command, unknown)}see pgtls {options.command} --help"
        raise TracerError(f"unrecognized arguments: {' '.join(unknown)}", hint)
    return options


def _no_command(given: Sequence[str]) -> TracerError:
    """What was most likely meant by a line that does not begin with a command."""
    known = [command for commands in COMMANDS.values() for command in commands]
    if not given:
        return TracerError("no command was given", "pgtls demo shows what it does; pgtls --help lists the commands")
    first = given[0]
    behind = next((word for word in given[1:] if word in known), None)
    if first.startswith("-") and behind:
        return TracerError(f"{first} stands before the command", f"options stand behind it: pgtls {behind} … {first} …")
    if Path(first).is_file():
        return TracerError(f"{first!r} is a file and no command", f"to read a capture: pgtls read {shlex.quote(first)}")
    meant = get_close_matches(first, known, 1)
    said = f"did you mean pgtls {meant[0]}?" if meant else f"the commands are {', '.join(known)}"
    return TracerError(f"{first!r} is no command", f"{said}; see pgtls --help")


class _Version(argparse.Action):
    """Looks for the version only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from tracer.render.json import tool_version

        print(f"pgtls {tool_version()}")
        parser.exit()


def _parser(modules: Iterable[str]) -> Parser:
    """The parser of the commands in these modules: no other is loaded."""
    parser = Parser(
        prog="pgtls",
        description="See how PostgreSQL clients and servers speak TLS, and where the client verified whom.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in modules:
        import_module(f"tracer.commands.{name}").add(commands)
    return parser


SOON = 0.01  # seconds

# Modules, and the commands in them
COMMANDS = {
    "reading": ("read", "demo"),
    "listening": ("live",),
    "annotating": ("annotate",),
    "connecting": ("probe",),
    "judging": ("verify", "bundle", "explain-mode"),
    "measuring": ("cost",),
    "auditing": ("audit",),
}
