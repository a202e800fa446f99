"""Asking before something is done: nothing waits for the answer, and what is done unless somebody says
otherwise is nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

Choice = tuple[str, QMessageBox.ButtonRole, Callable[[], object]]
"""A button: its words, its role, and what it does."""


def ask(
    parent: QWidget,
    text: str,
    more: str,
    choices: list[Choice],
    *,
    title: str = "",
    icon: QMessageBox.Icon = QMessageBox.Icon.NoIcon,
) -> QMessageBox:
    """Show a question.

    :param more: what is said below it; both are plain text.
    :param choices: besides "Cancel", which Enter and Esc press.
    """
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setIcon(icon)
    box.setTextFormat(Qt.TextFormat.PlainText)
    if title:
        box.setWindowTitle(title)
    box.setText(text)
    box.setInformativeText(more)
    for words, role, act in choices:
        box.addButton(words, role).clicked.connect(lambda _=False, act=act: act())
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    box.open()
    return box
