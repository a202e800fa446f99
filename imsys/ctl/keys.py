"""``imsys-ctl keys``: the keys that sign tickets, and the master keys of files."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imsys.config import Config
from imsys.errors import ConfigError
from imsys.files.configured import MASTER_KEYS, read_master_keys
from imsys.security.keyring import Key, add_key, read_keys
from imsys.security.tickets import MOST_KEYS
from imsys.util.home import as_owner, make_home


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "keys",
        parents=[common],
        help="make what keys of files are missing, show which there are, or rotate them",
        description="Makes the file of the keys that sign tickets, and that of the master keys of files, where they are missing, and "
        "says which keys there are; a key itself is never shown. All chat and resources servers of an installation have the same files.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--show", action="store_true", help="make nothing")
    what.add_argument(
        "--rotate",
        choices=("tickets", "files"),
        help="put a new key in front: of tickets the one before it stays good, of files all do (then run 'imsys-ctl files rewrap')",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from imsys.ctl.configured import settings

    config = settings(options)
    if not options.show:
        make_home(config)
        for line in _rotate(config, options.rotate) if options.rotate else make_missing(config):
            print(line)
    _show(config)
    return 0


def make_missing(config: Config) -> Iterator[str]:
    """Create missing files of keys; yield a line for each.

    :raises ConfigError: one cannot be created.
    """
    wanted = [(config.files.ticket_keys, "keys of tickets")]
    if not config.files.master_key:
        wanted.append(
            (
                config.files.master_keys,
                "master keys of files: without them files cannot be read, so keep a copy",
            )
        )
    for name, what in wanted:
        path = Path(name)
        with _as_owner(config, path):
            if not path.exists():
                add_key(path, 0)
                yield f"Made {path} ({what})."


def _rotate(config: Config, which: str) -> Iterator[str]:
    if which == "files" and config.files.master_key:
        raise ConfigError(
            "[files] master_key: the master keys are not in a file; put the new one before the others there"
        )
    path = Path(config.files.ticket_keys if which == "tickets" else config.files.master_keys)
    with _as_owner(config, path):
        if not path.exists():
            raise ConfigError(f"{path}: there are no keys yet; 'imsys-ctl keys' makes them")
        made = add_key(path, MOST_KEYS - 1 if which == "tickets" else _former(config))
    yield f"The key {made} is new in {path}; servers on this machine use it within seconds, others need the file."


def _former(config: Config) -> int:
    """Return how many master keys to keep: all."""
    count = len(read_master_keys(config.files))
    if count >= MASTER_KEYS:
        raise ConfigError(
            f"{config.files.master_keys}: has {count} keys; 'imsys-ctl files rewrap' says which of them can be removed"
        )
    return count


def _show(config: Config) -> None:
    tickets = read_keys(Path(config.files.ticket_keys), MOST_KEYS)
    print(f"tickets  {config.files.ticket_keys}: {_ids(tickets, 'signs')}")
    where = "[files] master_key" if config.files.master_key else config.files.master_keys
    print(f"files    {where}: {_ids(read_master_keys(config.files), 'wraps')}")


def _ids(keys: list[Key], does: str) -> str:
    return ", ".join([f"{keys[0][0]} ({does})", *(key_id for key_id, _ in keys[1:])])


@contextlib.contextmanager
def _as_owner(config: Config, path: Path) -> Iterator[None]:
    """Within this context, act as the home folder's owner if the path is under it."""
    with as_owner(config.home) if config.home in path.parents else contextlib.nullcontext():
        yield
