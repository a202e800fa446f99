"""Files that are made here to be sent: pictures from the clipboard, texts that are too long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

Threads = Callable[[Callable[[], Any]], Deferred[Any]]
"""Has something done in a thread."""


class Spool:
    """A folder of them; each is there until somebody removes the account."""

    def __init__(self, folder: Path, threads: Threads) -> None:
        self.folder, self.threads = folder, threads

    async def put(self, stem: str, suffix: str, write: Callable[[Path], object]) -> Path:
        """Make a file whose name begins with ``stem``, in a thread.

        :raises OSError: it cannot be made.
        """
        return await self.threads(lambda: self._make(stem, suffix, write))  # type: ignore[no-any-return]

    def drop(self, path: Path) -> None:
        """Remove one that is not wanted any more, in a thread; others are not touched."""
        if path.parent == self.folder:
            self.threads(lambda: path.unlink(missing_ok=True)).addErrback(lambda _: None)

    def _make(self, stem: str, suffix: str, write: Callable[[Path], object]) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = 1
        while (path := self.folder / f"{stem}{f' {number}' if number > 1 else ''}{suffix}").exists():
            number += 1
        write(path)
        return path
