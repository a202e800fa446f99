"""``imsys-bench``: messages a second, latencies, and what they cost."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from imsys.errors import ConfigError


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and guesses no options."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.ArgumentDefaultsHelpFormatter, **keywords)

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{self.prog}: {message} (see --help)\n")
        sys.exit(1)


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: run one measurement and exit; 1 and one sentence on standard error where that fails."""
    options = _parser().parse_args(arguments)
    try:
        status = options.run(options)
    except ConfigError as problem:
        sys.stderr.write(f"imsys-bench: {problem}\n")
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def whole(text: str) -> int:
    """A positive number. :raises argparse.ArgumentTypeError: it is none."""
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)


def seconds(text: str) -> float:
    """Seconds, up to a day. :raises argparse.ArgumentTypeError: they are none."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def _parser() -> _Parser:
    from imsys.bench import chat, users

    parser = _Parser(prog="imsys-bench", description="Measure imsys.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for module in (chat, users):
        module.add_command(commands)
    return parser
