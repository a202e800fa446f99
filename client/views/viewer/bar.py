"""What stands above and below a picture that is looked at: dark in both themes."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor

from client.theme import Theme
from client.theme.tokens import FOCUS, ON_STAGE, ON_STAGE_SECOND, RADIUS, SMALL, STAGE, STAGE_HOVER
from client.widgets.button import IconButton


class StageButton(IconButton):
    """A button on the stage."""

    def _restyle(self) -> None:
        super()._restyle()
        theme = self._theme
        self.setIcon(theme.icon(self._icon, QColor(ON_STAGE), size=self._size))
        self.setIconSize(QSize(theme.px(self._size), theme.px(self._size)))


def stage_sheet(theme: Theme) -> str:
    """The style of everything on it."""
    accent = theme.tokens.accent
    return f"""
    QWidget#stage {{ background: {STAGE}; }}
    QLabel {{ color: {ON_STAGE}; }}
    QLabel[role="second"], QLabel[role="meta"] {{ color: {ON_STAGE_SECOND}; }}
    QToolButton {{ background: transparent; border: {FOCUS}px solid transparent; border-radius: {RADIUS}px; }}
    QToolButton:hover, QToolButton:pressed {{ background: {STAGE_HOVER}; }}
    QToolButton:focus {{ border-color: {accent}; }}
    QPushButton {{ background: {STAGE}; color: {ON_STAGE}; border: 1px solid {ON_STAGE_SECOND}; padding: 0 {SMALL + 4}px; }}
    QPushButton:hover, QPushButton:pressed {{ background: {STAGE_HOVER}; }}
    QPushButton:focus {{ border: {FOCUS}px solid {accent}; }}
    """
