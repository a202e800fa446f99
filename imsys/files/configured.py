"""Keys, store and spool as the configuration has them."""

from __future__ import annotations

from pathlib import Path

from imsys.config import Config, FilesConfig, ResourcesConfig
from imsys.errors import ConfigError
from imsys.files.blobs import BlobStore, DiskStore
from imsys.files.master import MasterKeys
from imsys.security.keyring import Key, KeyFile, parse_keys, read_keys

MASTER_KEYS = 64
"""Master keys that are kept at most: the one that wraps, and former ones."""


def read_master_keys(files: FilesConfig) -> list[Key]:
    """Read the keys of the setting or else of the file, the newest first. :raises ConfigError: there are none, or they are no keys."""
    if files.master_key:
        return parse_keys(files.master_key.replace(",", "\n"), MASTER_KEYS, "[files] master_key")
    return read_keys(Path(files.master_keys), MASTER_KEYS)


def master_keys(files: FilesConfig) -> MasterKeys:
    """Make what wraps the keys of files. :raises ConfigError: there are no master keys, and new files are to be encrypted."""
    kept = master_key_file(files)
    if kept is not None:
        return kept.keys
    return MasterKeys(read_master_keys(files) if files.master_key else [], encrypt=files.encryption)


def master_key_file(files: FilesConfig) -> MasterKeyFile | None:
    """Open the file of the master keys, if they lie in one. :raises ConfigError: there are none, or they are no keys."""
    in_file = not files.master_key and (files.encryption or Path(files.master_keys).exists())
    return MasterKeyFile(files) if in_file else None


class MasterKeyFile:
    """Master keys that lie in a file, which is read again when it has changed: a rotation needs no restart.

    :raises ConfigError: there are none, or they are no keys.
    """

    def __init__(self, files: FilesConfig) -> None:
        self._file = KeyFile(Path(files.master_keys), MASTER_KEYS)
        self.keys = MasterKeys(self._file.read() or [], encrypt=files.encryption)

    def refresh(self) -> str:
        """Read the file again if it is another one; what cannot be read leaves the keys as they are, and is told."""
        try:
            keys = self._file.read()
        except (ConfigError, OSError) as error:
            return str(error)
        if keys is not None:
            self.keys.renew(keys)
        return ""

    @property
    def newest(self) -> str:
        """Id of the key that wraps."""
        return self.keys.current


def blob_store(config: Config) -> BlobStore:
    """Make the store of whole files. :raises ConfigError: it cannot be used."""
    if config.files.store == "s3":
        from imsys.files.s3 import S3Store  # half a second, for those who use it

        return S3Store(config.files)
    return DiskStore(config.resources.name, _folder(config.resources) / "blobs")


def spool_folder(resources: ResourcesConfig) -> Path:
    """Return the folder of files on their way; on the same file system as the disk store."""
    return _folder(resources) / "spool"


def recordings_folder(resources: ResourcesConfig) -> Path:
    """Return the folder of recordings that are not files yet."""
    return _folder(resources) / "recordings"


def _folder(resources: ResourcesConfig) -> Path:
    return Path(resources.path) / resources.name
