"""The home folder, which holds everything that is created at run time."""

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
    """Create the home folder if it is missing, with owner-only access: it holds keys and messages.

    An existing folder of ours is closed to others, except shared ones such as /tmp or the user's home.

    :raises ConfigError: it cannot be created.
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
    """As root, act as the owner of the home folder within this context.

    Files created in it before privileges are dropped, or by a command, then belong to the daemon; and root
    cannot be tricked by a symbolic link of the owner.
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
