"""The console script ``imsys-ctl``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from imsys import __version__
from imsys.errors import ConfigError, Refused
from imsys.util.extras import require_server
from imsys.util.standard_streams import run


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)  # "--password" must not mean "--password-file"

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{self.prog}: {message} (--help tells what is allowed)\n")
        sys.exit(1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit."""
    run(lambda: _main((sys.argv[1:] if arguments is None else arguments) or ["--help"]))


def _main(arguments: Sequence[str]) -> int:
    require_server("imsys-ctl")
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (ConfigError, Refused) as error:
        sys.stderr.write(f"imsys-ctl: {error.message if isinstance(error, Refused) else error}\n")
    except KeyboardInterrupt:
        pass
    return 1


def _parser() -> _Parser:
    # commands import lazily: --help answers at once, and check-config works in a broken installation
    from imsys.ctl import certs, check, draining, files, keys, mail, schema, status, users

    parser = _Parser(prog="imsys-ctl", description="Prepares and inspects an imsys installation.")
    parser.add_argument("--version", action="version", version=f"imsys {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "-c", "--config", metavar="FILE", help="configuration file; $IMSYS_CONFIG if not given"
    )
    for module in (schema, certs, keys, users, files, check, mail, status, draining):
        module.add_commands(commands, common)
    return parser
