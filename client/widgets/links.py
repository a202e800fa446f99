"""Opening a link from a message: with the system's browser, after asking where its text may be read as if it
led somewhere else.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from client.core.links import find_links, may_open
from client.translations.tr import tr


def _browse(url: str) -> object:
    return QDesktopServices.openUrl(QUrl(url))


def open_link(
    parent: QWidget, url: str, asks: bool, *, browse: Callable[[str], object] = _browse
) -> QMessageBox | None:
    """Open it; the question, where there is one (it does not hold up anything else)."""
    if not may_open(url):
        return None
    if not asks:
        browse(url)
        return None

    host = find_links(url)[0].host
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setWindowTitle(tr("Open a link"))
    box.setText(
        tr("This link leads to {host}. Its text may look like something else.").format(host=host)
        if host
        else tr("Write a mail?")
    )
    box.setInformativeText(url if len(url) <= 300 else f"{url[:300]} …")
    go = box.addButton(tr("Open"), QMessageBox.ButtonRole.AcceptRole)
    copy = box.addButton(tr("Copy link"), QMessageBox.ButtonRole.ActionRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    go.clicked.connect(lambda: browse(url))
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(url))
    box.open()
    return box
