"""Keys, store and spool as the configuration has them."""

from __future__ import annotations

from pathlib import Path

from imsys.config import Config, FilesConfig, ResourcesConfig
from imsys.errors import ConfigError
from imsys.files.blobs import BlobStore, DiskStore
from imsys.files.master import MasterKeys
from imsys.keyring import parse_keys, read_keys

MASTER_KEYS = 64
"""Master keys that are kept at most: the one that wraps, and former ones."""


def master_keys(files: FilesConfig) -> MasterKeys:
    """The master keys. :raises ConfigError: there are none, and new files are to be encrypted."""
    path = Path(files.master_keys)
    if files.master_key:
        keys = parse_keys(files.master_key.replace(",", "\n"), MASTER_KEYS, "[files] master_key")
    elif files.encryption or path.exists():
        keys = read_keys(path, MASTER_KEYS)
    else:
        keys = []
    return MasterKeys(keys, encrypt=files.encryption)


def blob_store(config: Config) -> BlobStore:
    """Where whole files are kept. :raises ConfigError: there is no such store."""
    if config.files.store != "disk":
        raise ConfigError(f"[files] store: {config.files.store} cannot be used yet; disk can")
    return DiskStore(config.resources.name, _folder(config.resources) / "blobs")


def spool_folder(resources: ResourcesConfig) -> Path:
    """Where files are that are on their way; on the same file system as the disk store."""
    return _folder(resources) / "spool"


def _folder(resources: ResourcesConfig) -> Path:
    return Path(resources.path) / resources.name
