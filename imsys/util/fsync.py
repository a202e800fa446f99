"""Folders whose entries are to outlive a crash."""

from __future__ import annotations

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make what was created, renamed or removed in it durable. :raises OSError: the disk does not take it."""
    if os.name == "nt":  # folders cannot be opened there, and names are durable without
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
