"""Whether a disk takes anything."""

from __future__ import annotations

import os
from pathlib import Path

from imsys.resources.engine.faults import FULL

NAME = "trial"
"""The file that is written again and again.

The janitor leaves what is so young alone, and removes what was left.
"""


def write_durably(folder: Path) -> None:
    """In a thread: write a byte, and have the disk take it. A full disk passes: what is there can still be
    read.

    :raises OSError: it does not take it.
    """
    try:
        with open(folder / NAME, "wb", buffering=0) as file:
            file.write(b".")
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in FULL:
            raise
