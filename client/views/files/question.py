"""Asking before a file is opened that may run."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from client.core.display import shown_name
from client.core.filenames import safe_name
from client.translations.tr import tr


def ask_open(
    parent: QWidget, filename: str, who: str, open_it: Callable[[], object], reveal: Callable[[], object]
) -> QMessageBox:
    """Ask; nothing waits for the answer. What is done unless somebody says otherwise is nothing.

    :param who: who sent it; empty: I did.
    """
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setWindowTitle(tr("Open a program"))
    box.setText(tr("{name} may be a program.").format(name=safe_name(filename)))
    sender = tr("It comes from {name}.").format(name=shown_name(who)) if who else ""
    danger = tr(
        "A program can read and change all that you can. Open it only if you know what it is and expected it."
    )
    box.setInformativeText(" ".join(part for part in (sender, danger) if part))
    go = box.addButton(tr("Open anyway"), QMessageBox.ButtonRole.DestructiveRole)
    folder = box.addButton(tr("Show in folder"), QMessageBox.ButtonRole.ActionRole)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    go.clicked.connect(open_it)
    folder.clicked.connect(reveal)
    box.open()
    return box
