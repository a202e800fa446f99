"""``imsys-bench``: measure messages and logins a second, latencies, memory and CPU."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from imsys.errors import ConfigError
from imsys.util.extras import require_server
from imsys.util.standard_streams import run


class _Parser(argparse.ArgumentParser):
    """Reports errors in one line, and accepts no abbreviated options."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.ArgumentDefaultsHelpFormatter, **keywords
        )

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{self.prog}: {message} (see --help)\n")
        sys.exit(1)


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: run one measurement and exit; 1 and one sentence on standard error where that
    fails.
    """
    run(lambda: _main((sys.argv[1:] if arguments is None else arguments) or ["--help"]))


def _main(arguments: Sequence[str]) -> Any:
    require_server("imsys-bench")
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return options.run(options)
    except ConfigError as problem:
        sys.stderr.write(f"imsys-bench: {problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _interrupt(number: int, frame: object) -> NoReturn:
    """End as on Ctrl-C: what was started is stopped, and folders are removed."""
    raise KeyboardInterrupt


def _parser() -> _Parser:
    from imsys.bench import (
        chat,
        client,
        faults,
        files,
        groups,
        growth,
        idle,
        live,
        login,
        overview,
        page,
        peers,
        storm,
        suite,
        users,
    )

    parser = _Parser(prog="imsys-bench", description="Measure imsys.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for module in (
        chat,
        groups,
        login,
        idle,
        growth,
        overview,
        files,
        live,
        peers,
        faults,
        storm,
        client,
        users,
        suite,
        page,
    ):
        module.add_command(commands)
    return parser
