"""The master keys of a configuration."""

from __future__ import annotations

from pathlib import Path

from imsys.config import FilesConfig
from imsys.files.master import MasterKeys
from imsys.keyring import Key, parse_keys, read_keys

MOST = 1000
"""Master keys that there are at most: old ones stay until no file's key is wrapped under them."""


def read_master_keys(config: FilesConfig) -> list[Key]:
    """The keys, of the setting or else of the file, the newest first.

    :raises ConfigError: there are none, or they are not what they should be.
    """
    if config.master_key:
        return parse_keys(config.master_key.replace(",", "\n"), MOST, "[files] master_key")
    return read_keys(Path(config.master_keys), MOST)


def master_keys(config: FilesConfig) -> MasterKeys:
    """What wraps the keys of files. Without encryption there may be none.

    :raises ConfigError: there are none, or they are not what they should be.
    """
    if not config.encryption and not config.master_key and not Path(config.master_keys).exists():
        return MasterKeys([], encrypt=False)
    return MasterKeys(read_master_keys(config), encrypt=config.encryption)
