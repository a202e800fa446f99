"""Preferences in a file: read once before the window is there, written in a thread."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, QTimer, Signal

from client.core.keywords import keywords_of
from client.core.preferences import Preferences, read, written

_log = logging.getLogger(__name__)

WRITE_MS = 400


class Settings(QObject):
    """:attr:`value` is what is in force."""

    changed = Signal()

    def __init__(self, path: Path | None) -> None:
        """``None``: nothing is kept."""
        super().__init__()
        self._path = path
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)  # in order
        self._soon = QTimer(self, singleShot=True, interval=WRITE_MS)
        self._soon.timeout.connect(self._write)
        self.value = _read(path) if path is not None else Preferences()

    @keywords_of(Preferences)
    def change(self, **fields: Any) -> None:
        """Choose something else."""
        value = replace(self.value, **fields)
        if value != self.value:
            self.value = value
            self._soon.start()
            self.changed.emit()

    def flush(self) -> None:
        """Have all of it written: the program ends."""
        if self._soon.isActive():
            self._soon.stop()
            self._write()
        self._pool.waitForDone(2000)

    def _write(self) -> None:
        if self._path is not None:
            self._pool.start(_Writing(self._path, json.dumps(written(self.value), indent=1)))


class _Writing(QRunnable):
    def __init__(self, path: Path, text: str) -> None:
        super().__init__()
        self._path, self._text = path, text

    def run(self) -> None:
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_text(self._text, "utf-8")
            temporary.replace(self._path)
        except OSError as problem:
            _log.warning("the preferences cannot be kept: %s", problem)


def _read(path: Path) -> Preferences:
    try:
        return read(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError) as problem:
        _log.warning("the preferences cannot be read: %s", problem)
        return Preferences()
