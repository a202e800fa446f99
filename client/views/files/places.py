"""Folders that dialogs begin in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QStandardPaths, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

Place = QStandardPaths.StandardLocation


def home() -> str:
    """Where files to send are looked for first."""
    return QStandardPaths.writableLocation(Place.HomeLocation)


def paths_of(names: Iterable[str]) -> list[Path]:
    """What a dialog chose."""
    return [Path(name) for name in names]


def ask_where(parent: QWidget, name: str, chosen: Callable[[Path], object]) -> QFileDialog:
    """Ask where a file is to be saved; nothing waits for the answer.

    :param name: harmless already.
    """
    dialog = QFileDialog(parent, QCoreApplication.translate("Files", "Save as"))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    dialog.setDirectory(QStandardPaths.writableLocation(Place.DownloadLocation))
    dialog.selectFile(name)
    dialog.fileSelected.connect(lambda path: chosen(Path(path)) if path else None)
    dialog.open()
    return dialog
