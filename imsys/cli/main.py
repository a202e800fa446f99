"""The console script ``imsys-cli``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from imsys.cli.arguments import parse
from imsys.cli.console import INTERRUPTED
from imsys.util.standard_streams import run


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: one command, then exit with 0, or with 1 and one sentence on standard error."""
    run(lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    try:
        parsed = parse(arguments)
        _begin_logging(parsed)
        from twisted.internet import reactor  # here, so that importing this module installs no reactor

        from imsys.cli import runner

        real: Any = reactor
        return runner.run(real, parsed, os.environ)
    except KeyboardInterrupt:  # before the reactor runs, which takes care of it
        return INTERRUPTED


def _begin_logging(parsed: argparse.Namespace) -> None:
    """Send the log to the file that ``--log`` names, or nowhere: users get plain sentences instead."""
    from twisted.logger import globalLogBeginner, textFileLogObserver

    observers = []
    if parsed.log:
        try:
            observers.append(
                textFileLogObserver(
                    open(os.open(parsed.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a")  # noqa: SIM115
                )
            )
        except OSError as problem:
            print(f"The log file {parsed.log} cannot be written: {problem.strerror}.", file=sys.stderr)
            sys.exit(1)
    globalLogBeginner.beginLoggingTo(observers, redirectStandardIO=False, discardBuffer=True)
