"""What `live` does with the rights that it was started with: whom root becomes, what is opened before, and what is read before.

Python and its packages may stand where only root may look, as below /root: a module that is imported late would not be
found. So all of ours are imported, and those of cryptography, which imports more as it needs it; and the story that
ships with pgtls is traced and shown, in the format that was asked for: it takes the templates, and what rich loads late.
"""

from __future__ import annotations

import argparse
import glob
import io
import os
import pkgutil
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from tracer import privileges
from tracer.commands import terminal
from tracer.commands.options import Question
from tracer.commands.reading import demo_folder
from tracer.errors import TracerError
from tracer.output import Output
from tracer.packets.keylog import KeyLog
from tracer.privileges import Account
from tracer.sources import read
from tracer.streams import reassemble
from tracer.trace import follow

PACKAGES = ("tracer", "cryptography")
Opened = TypeVar("Opened")


def somebody(options: argparse.Namespace) -> Account | None:
    """Whom root becomes. None where it stays root, as it was told or as it must, and for who is not root. Raises `TracerError`."""
    found = privileges.account(options.user, os.environ)
    return found if found is None or options.user is not None or privileges.possible(found) else None


def kept(options: argparse.Namespace, becomes: Account | None) -> bool:
    """Whether root was asked to stay."""
    return options.user is not None and becomes is None


def words(options: argparse.Namespace, becomes: Account | None) -> str:
    """Who listens, where root has started it."""
    if becomes is not None:
        return f" as {becomes.name}"
    if kept(options, becomes):
        return " as root, as --user says"
    return "" if os.geteuid() else " as root without capabilities, which may become nobody else here"


def theirs(becomes: Account | None, opens: Callable[[], Opened]) -> Opened:
    """A file that is opened as they would open it; as root, where they may not. Nobody has no files. Raises `TracerError`."""
    if becomes is not None and becomes.chosen:
        with suppress(TracerError), privileges.acting(becomes):
            return opens()
    return opens()


def check_files(options: argparse.Namespace, key_log: KeyLog | None, becomes: Account | None) -> None:
    """What will be opened later will be opened as them: what does not work then is said now.

    For whom rights are lent to, since access(2) asks for the real user. Raises `TracerError`.
    """
    if becomes is None:
        return
    if options.write and options.rotate and (refused := _refused(Path(options.write))):
        raise TracerError(
            f"--rotate: {becomes.name} may not write {refused}, and becomes who writes the later files",
            "name a folder of theirs, or somebody who may: --user NAME, or --user root",
        )
    if key_log is not None and not os.access(key_log.path if key_log.file else key_log.path.parent, os.R_OK):
        when = "is read on as it is, and no new one of its name" if key_log.file else "will not be found"
        terminal.hint(f"{becomes.name} may not open {key_log.path}: it {when}")


def _refused(path: Path) -> Path | None:
    """What of the files that rotation will write the real user may not: the folder, or one that is there."""
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return path.parent
    there = path.parent.glob(f"{glob.escape(path.stem)}-[0-9]*{glob.escape(path.suffix)}")
    return next((file for file in sorted(there)[1:] if not os.access(file, os.W_OK)), None)


def give_up(options: argparse.Namespace, question: Question, becomes: Account | None, way: str) -> None:
    """From here on packets may be parsed. `way` is the source's: any link type may come through dumpcap. Raises `TracerError`."""
    if becomes is not None:
        _rehearse(options, question, links="dumpcap" in way)
    if not kept(options, becomes):
        privileges.drop(becomes)


def _rehearse(options: argparse.Namespace, question: Question, *, links: bool) -> None:
    """Everything that is needed from here on is imported. scapy reads the links that we do not."""
    for name in PACKAGES:
        for module in pkgutil.walk_packages(import_module(name).__path__, f"{name}."):
            if not module.name.endswith(".__main__"):
                with suppress(ImportError):  # it is for packages that are not installed
                    import_module(module.name)
    if links:
        from tracer.packets.scapy_layers import known

        known(-1)
    output = Output(
        options.format, io.StringIO(), width=80, color=True, verbose=2, only=None, settings=question.settings
    )
    source = read(demo_folder() / "capture.pcapng")
    for connection in reassemble(source):
        output.connection(question.about(follow(connection, source.keys)))
    output.end([source])
