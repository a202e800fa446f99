"""Keys, store and spool as the configuration has them."""

from __future__ import annotations

from pathlib import Path

from imsys.config import Config, FilesConfig, ResourcesConfig
from imsys.files.blobs import BlobStore, DiskStore
from imsys.files.master import MasterKeys
from imsys.keyring import Key, parse_keys, read_keys

MASTER_KEYS = 64
"""Master keys that are kept at most: the one that wraps, and former ones."""


def read_master_keys(files: FilesConfig) -> list[Key]:
    """The keys of the setting or else of the file, the newest first. :raises ConfigError: there are none, or they are no keys."""
    if files.master_key:
        return parse_keys(files.master_key.replace(",", "\n"), MASTER_KEYS, "[files] master_key")
    return read_keys(Path(files.master_keys), MASTER_KEYS)


def master_keys(files: FilesConfig) -> MasterKeys:
    """What wraps the keys of files. :raises ConfigError: there are no master keys, and new files are to be encrypted."""
    needed = files.encryption or files.master_key or Path(files.master_keys).exists()
    return MasterKeys(read_master_keys(files) if needed else [], encrypt=files.encryption)


def blob_store(config: Config) -> BlobStore:
    """Where whole files are kept. :raises ConfigError: it cannot be used."""
    if config.files.store == "s3":
        from imsys.files.s3 import S3Store  # half a second, for those who use it

        return S3Store(config.files)
    return DiskStore(config.resources.name, _folder(config.resources) / "blobs")


def spool_folder(resources: ResourcesConfig) -> Path:
    """Where files are that are on their way; on the same file system as the disk store."""
    return _folder(resources) / "spool"


def recordings_folder(resources: ResourcesConfig) -> Path:
    """Where recordings of live streams are until they are files."""
    return _folder(resources) / "recordings"


def _folder(resources: ResourcesConfig) -> Path:
    return Path(resources.path) / resources.name
