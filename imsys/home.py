"""The folder of everything that is made at run time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imsys.config import Config
from imsys.errors import ConfigError


def make_home(config: Config) -> None:
    """Make the home folder if it is missing, for its owner only: keys, passwords' hashes and messages lie in it.

    :raises ConfigError: it cannot be made.
    """
    try:
        config.home.parent.mkdir(parents=True, exist_ok=True)
        config.home.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"[imsys] home: {config.home} cannot be made: {error.strerror}") from None


@contextmanager
def as_owner(home: Path) -> Iterator[None]:
    """As root, act as the owner of the home folder for a while.

    What is made in it before privileges are dropped, or by a command, is then
    the daemon's; and root follows no link that the owner may have laid there.
    """
    try:
        owner = home.stat()
    except OSError:
        owner = None
    if owner is None or owner.st_uid == 0 or not hasattr(os, "seteuid") or os.geteuid() != 0:
        yield
        return
    group = os.getegid()
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
