"""Standard streams that may be closed at the start, or whose reader may be gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn


def open_streams() -> None:
    """Open closed streams on the null device, before a file or connection of ours gets their descriptors."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free descriptor, which is this one
            os.set_inheritable(number, True)
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:  # as Python sets it for a closed stream
            setattr(sys, name, open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False))  # noqa: SIM115


def run(main: Callable[[], Any]) -> NoReturn:
    """Run the function of a console script, and exit with the status that it returns or raises.

    If the reader of the output is gone (``| head``), exit silently with status 1.
    """
    open_streams()
    try:
        try:
            status = main()
        except SystemExit as end:
            status = end.code
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for number in (1, 2):
            os.dup2(nowhere, number)  # for what the interpreter flushes at its end
        status = 1
    sys.exit(status)
