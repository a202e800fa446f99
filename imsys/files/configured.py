"""Make keys, store and spool from the configuration."""

from __future__ import annotations

from pathlib import Path

from imsys.config import Config, FilesConfig, ResourcesConfig
from imsys.errors import ConfigError
from imsys.files.blobs import BlobStore, DiskStore
from imsys.files.master import MasterKeys
from imsys.security.keyring import Key, KeyFile, parse_keys, read_keys

MASTER_KEYS = 64
"""Master keys, at most: the wrapping one, and former ones."""


def read_master_keys(files: FilesConfig) -> list[Key]:
    """Read the keys of the setting or else of the file, newest first.

    :raises ConfigError: none, or invalid.
    """
    if files.master_key:
        return parse_keys(files.master_key.replace(",", "\n"), MASTER_KEYS, "[files] master_key")
    return read_keys(Path(files.master_keys), MASTER_KEYS)


def master_keys(files: FilesConfig) -> MasterKeys:
    """Make the master keys. :raises ConfigError: there are none, and new files must be encrypted."""
    kept = master_key_file(files)
    if kept is not None:
        return kept.keys
    return MasterKeys(read_master_keys(files) if files.master_key else [], encrypt=files.encryption)


def master_key_file(files: FilesConfig) -> MasterKeyFile | None:
    """Return the file of the master keys, if they are in one. :raises ConfigError: none, or invalid."""
    in_file = not files.master_key and (files.encryption or Path(files.master_keys).exists())
    return MasterKeyFile(files) if in_file else None


class MasterKeyFile:
    """Master keys in a file, which is read again when it has changed: a rotation needs no restart.

    :raises ConfigError: there are none, or they are invalid.
    """

    def __init__(self, files: FilesConfig) -> None:
        self._file = KeyFile(Path(files.master_keys), MASTER_KEYS)
        self.keys = MasterKeys(self._file.read() or [], encrypt=files.encryption)

    def refresh(self) -> str:
        """Read the file again if it has changed; on failure keep the keys and return the problem."""
        try:
            keys = self._file.read()
        except (ConfigError, OSError) as error:
            return str(error)
        if keys is not None:
            self.keys.renew(keys)
        return ""

    @property
    def newest(self) -> str:
        """The id of the wrapping key."""
        return self.keys.current


def blob_store(config: Config) -> BlobStore:
    """Make the store of complete files. :raises ConfigError: it cannot be used."""
    if config.files.store == "s3":
        from imsys.files.s3 import S3Store  # its import takes half a second

        return S3Store(config.files)
    return DiskStore(config.resources.name, _folder(config.resources) / "blobs")


def spool_folder(resources: ResourcesConfig) -> Path:
    """Return the folder of unfinished uploads, on the same file system as the disk store."""
    return _folder(resources) / "spool"


def recordings_folder(resources: ResourcesConfig) -> Path:
    """Return the folder of recordings of live streams until they become files."""
    return _folder(resources) / "recordings"


def _folder(resources: ResourcesConfig) -> Path:
    return Path(resources.path) / resources.name
