"""Make changes of folder entries durable."""

from __future__ import annotations

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make created, renamed and removed entries of a folder durable. :raises OSError: the disk fails."""
    if os.name == "nt":  # folders cannot be opened there, and entries are durable anyway
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
