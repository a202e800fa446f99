"""The folder of everything that is made at run time."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twisted.logger import Logger

from imsys.config import Config
from imsys.errors import ConfigError

_log = Logger()


def make_home(config: Config) -> None:
    """Make the home folder if it is missing, for its owner only: keys, passwords' hashes and messages lie in it.

    One that is there, and is ours, is closed to others; but for folders that are not only for this.

    :raises ConfigError: it cannot be made.
    """
    home = config.home
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)
        status = home.stat()
        shared = status.st_mode & stat.S_ISVTX or home in (Path.home(), Path(home.anchor))
        if os.name != "nt" and status.st_mode & 0o077 and status.st_uid == os.geteuid() and not shared:
            home.chmod(0o700)
            _log.warn("{home} could be read by others: now it is its owner's alone", home=str(home))
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
