"""Translation of sentences that belong to no widget; a widget has ``self.tr``."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def tr(text: str) -> str:
    """A sentence in the language of the program."""
    return QCoreApplication.translate("", text)
