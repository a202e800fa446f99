"""What the parts of the engine work on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imsys.files.blobs import BlobStore
from imsys.files.master import MasterKeys
from imsys.resources.disk import Disk
from imsys.store.files import FileStore


@dataclass(frozen=True, slots=True)
class Storage:
    """Where files are, on their way and whole."""

    files: FileStore
    """What the database knows of them."""
    disk: Disk
    """Threads for what is read and written."""
    spool: Path
    """The folder of those on their way."""
    store: BlobStore
    """Those that are whole."""
    masters: MasterKeys
    """What wraps their keys."""
