"""The picture that becomes an avatar, as a file that is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from client.core.changes import Signal
from client.core.ports import Failure
from client.viewmodels.spool import Spool
from client.viewmodels.work import run

STEM = "Avatar"


class AvatarPicture:
    """Made in a thread; what was made for an earlier avatar goes."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.made: Signal[Path] = Signal()
        self.failed: Signal[str] = Signal()

    def make(self, write: Callable[[Path], bool]) -> None:
        """Write it by a function that says whether it could."""
        problem = QCoreApplication.translate(
            "Avatar", "The picture could not be written to this disk. Make room on it, and try again."
        )

        def checked(path: Path) -> None:
            for before in path.parent.glob(f"{STEM}*.png"):
                if before != path:
                    before.unlink(missing_ok=True)
            if not write(path):
                raise OSError

        async def make() -> None:
            try:
                path = await self._spool.put(STEM, ".png", checked)
            except OSError as error:
                raise Failure(problem) from error
            self.made.fire(path)

        run(make(), self.failed.fire)
