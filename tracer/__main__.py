"""The program: `pgtls`, and `python -m tracer`.

Ctrl-C ends it without a word, with the status of what shells call SIGINT: from the first line of ours, while everything
else is still being imported, to the last, while Python takes itself apart. Between the two `cli.main` has its own way.
"""

import gc
import os
import signal
import sys


def _end(_number: int, _frame: object) -> None:
    os._exit(INTERRUPTED)


YOUNG = 10_000  # objects between two looks for cycles: a trace is thousands of tuples, and has none
INTERRUPTED = 128 + signal.SIGINT
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # and not ignored, as behind nohup or `&`
    signal.signal(signal.SIGINT, _end)


def main() -> int:
    """Run the command line; returns the exit status."""
    if sys.stderr is None:  # closed by who started us: what is printed to it would go to standard output
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 (for as long as we run)
    gc.set_threshold(YOUNG)
    from tracer.cli import main as run

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
