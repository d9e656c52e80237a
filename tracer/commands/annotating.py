"""`annotate`: a capture once more, with what pgtls has to say as comments on its packets."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import BinaryIO

from tracer import serverkey
from tracer.commands import options as shared
from tracer.commands import reading, terminal
from tracer.commands.looking import randoms
from tracer.commands.options import Parser, command
from tracer.errors import TracerError
from tracer.packets.commented import Copied, copy
from tracer.packets.frames import key_log
from tracer.packets.pcap import read_stream
from tracer.protocol.keys import Keys
from tracer.render.comments import Comments, comments, title
from tracer.render.escape import escape
from tracer.streams import reassemble
from tracer.trace import follow

WHAT = "write a capture once more, with the explanations as packet comments, which Wireshark shows"


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command."""
    parser = command(commands, "annotate", _annotate, WHAT)
    parser.add_argument("capture", metavar="IN", help="pcap or pcapng, never changed; - is standard input")
    parser.add_argument("out", metavar="OUT", help="the pcapng file to write; - is standard output")
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument(
        "--with-keys", action="store_true", help="put the keys of --keylog in, too: they open passwords and data"
    )
    keys.add_argument("--strip-keys", action="store_true", help="leave out the keys that IN holds")
    shared.client_options(parser)
    shared.env_option(parser)
    shared.key_options(parser)


def _annotate(options: argparse.Namespace) -> int:
    question = shared.question(options)
    log = shared.keylog(options)
    with terminal.twice(options.capture) as file:
        _refuse_to_overwrite(options, file)
        source = read_stream(file, options.capture)
        given = Keys()
        given.add(log)
        if log and not source.keys.add(log):
            terminal.hint("the key log holds no TLS secrets: its lines begin with words like CLIENT_RANDOM")
        source.keys.decrypt = serverkey.load(options.server_key) if options.server_key else None
        said: Comments = {}
        quote = _quote(options, log)
        used, status, count, why = Keys(), 0, 0, ""
        for connection in reassemble(source, all_tls=options.all_tls):
            trace = follow(connection, source.keys)
            found = question.about(trace)
            count += 1
            if (one := shared.asked_status(found)) > status:
                status, why = one, title(found)
            used.secrets |= {random: of for random in randoms(trace) if (of := given.of(random))}
            for packet, lines in comments(found, quote=quote).items():
                said.setdefault(packet, []).extend(lines)
        file.seek(0)
        done = _written(options, file, said, key_log(used) if options.with_keys else b"")
    _told(options, done)
    if why:
        print(f"{escape(why)} (exit status {status})", file=sys.stderr)
    return max(status, reading.complaints([source], count, asked=question.asked))


def _quote(options: argparse.Namespace, log: bytes) -> bool:
    """Whether all that opens messages here is in OUT, too: else the comments would tell what OUT keeps sealed."""
    return not (options.strip_keys or options.server_key or (log and not options.with_keys))


def _written(options: argparse.Namespace, file: BinaryIO, said: Comments, log: bytes) -> Copied:
    out: str | BinaryIO = options.out
    if out == "-":
        if sys.stdout.isatty():
            raise TracerError("standard output is a terminal", "name a file, or read it: … - | wireshark -k -i -")
        out = sys.stdout.buffer
    return copy(file, out, said, key_log=log, strip=options.strip_keys, private=bool(log))


def _told(options: argparse.Namespace, done: Copied) -> None:
    name = "standard output" if options.out == "-" else options.out
    print(f"pgtls: {name}: {done.packets:,} packets, {done.commented:,} of them with comments", file=sys.stderr)
    if done.without_place:
        terminal.hint(f"{done.without_place:,} packets of a kind that bears no comment are without theirs")
    if done.secrets:
        terminal.hint(f"{name} holds TLS keys: who has it can read passwords and data; --strip-keys leaves them out")
    elif options.with_keys:
        terminal.hint("no keys were put in: none of the key log is of a connection in this capture")


def _refuse_to_overwrite(options: argparse.Namespace, capture: BinaryIO) -> None:
    """OUT is none of the files that are read, also by another name, and standard output is open. Raises `TracerError`."""
    if options.out == "-" and sys.stdout is None:
        raise TracerError("standard output is closed", "name a file")
    try:
        there = os.fstat(sys.stdout.fileno()) if options.out == "-" else Path(options.out).stat()
    except OSError:
        return
    read = [getattr(options, name) for name in ("keylog", "server_key", "sslrootcert", "sslcrl")]
    same = os.path.samestat(there, os.fstat(capture.fileno()))
    if same or any(terminal.same(options.out, name) for name in read if name):
        raise TracerError(f"{options.out} is read and would be overwritten", "name another file")
