"""Folders that dialogs begin in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QStandardPaths, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

Place = QStandardPaths.StandardLocation


def ask_files(parent: QWidget, chosen: Callable[[list[Path]], object]) -> QFileDialog:
    """Ask which files are to be sent; nothing waits for the answer."""
    dialog = QFileDialog(
        parent,
        QCoreApplication.translate("Files", "Attach files"),
        QStandardPaths.writableLocation(Place.HomeLocation),
    )
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    dialog.filesSelected.connect(lambda names: chosen([Path(name) for name in names]))
    dialog.open()
    return dialog


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
