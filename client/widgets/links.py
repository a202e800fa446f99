"""Opening a link from a message: with the system's browser, after asking where its text may be read as if it
led somewhere else.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from client.core.links import find_links, may_open
from client.translations.tr import tr
from client.widgets.question import ask


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
    role = QMessageBox.ButtonRole
    return ask(
        parent,
        tr("This link leads to {host}. Its text may look like something else.").format(host=host)
        if host
        else tr("Write a mail?"),
        url if len(url) <= 300 else f"{url[:300]} …",
        [
            (tr("Open"), role.AcceptRole, lambda: browse(url)),
            (tr("Copy link"), role.ActionRole, lambda: QGuiApplication.clipboard().setText(url)),
        ],
        title=tr("Open a link"),
    )
