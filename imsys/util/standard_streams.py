"""The three standard streams, which whoever started us may have closed, and whose reader may be gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn


def open_streams() -> None:
    """Have those that are closed lead to nowhere, before a file or a connection of ours gets their numbers."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
            os.set_inheritable(number, True)
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:  # as Python has it of a stream that was closed
            setattr(sys, name, open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False))  # noqa: SIM115


def run(main: Callable[[], Any]) -> NoReturn:
    """Run the function of a console script, and exit with the status that it returns, or raises as ``SystemExit``.

    A reader that is gone (``| head``) is no error of ours: nothing is said of it, and the status is 1.
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
            os.dup2(nowhere, number)  # what is left is written when the interpreter ends
        status = 1
    sys.exit(status)
