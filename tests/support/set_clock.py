"""The time of day of a process, set while it runs; its monotonic clock goes on.

Debian's libfaketime does it.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.children import folder
from tests.support.programs import need

LIBRARIES = Path("/usr/lib")


class SetClock:
    """The clock of the processes that are started with :attr:`environ`, and of their children."""

    def __init__(self) -> None:
        need("libfaketime")
        self._file = folder("clock") / "ahead"
        self.set(0)
        library = next(LIBRARIES.glob("*/faketime/libfaketimeMT.so.1"), None)
        if library is None:
            raise RuntimeError("there is no libfaketime; 'make test' installs it")
        self.environ: dict[str, str] = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, seconds: float) -> None:
        """Set it so many seconds ahead of what it is."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+}s\n")
        new.replace(self._file)
