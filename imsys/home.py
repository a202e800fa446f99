"""The folder of everything that is made at run time."""

from __future__ import annotations

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
