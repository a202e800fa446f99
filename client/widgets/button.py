"""A button with an icon: 20 pixels in a target of 32, a tooltip that says its shortcut, a name for those who
do not see it.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QToolButton, QWidget

from client.theme import Theme
from client.theme.tokens import ICON, TARGET


class IconButton(QToolButton):
    """One icon; ``primary`` ones are in the accent colour."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        name: str,
        *,
        shortcut: str = "",
        primary: bool = False,
        size: int = ICON,
        target: int = TARGET,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._icon, self._primary, self._size, self._target = theme, icon, primary, size, target
        self._shortcut = shortcut
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.set_name(name)
        theme.follow(self._restyle)

    def set_name(self, name: str) -> None:
        """What it does."""
        self.setAccessibleName(name)
        keys = QKeySequence(self._shortcut).toString(QKeySequence.SequenceFormat.NativeText)
        self.setToolTip(f"{name} ({keys})" if keys else name)

    def set_icon(self, icon: str, *, primary: bool | None = None) -> None:
        """Another icon."""
        primary = self._primary if primary is None else primary
        if (icon, primary) != (self._icon, self._primary):
            self._icon, self._primary = icon, primary
            self._restyle()

    def _restyle(self) -> None:
        colours = self._theme.colours
        colour = colours.accent if self._primary else colours.second
        self.setIcon(
            self._theme.icon(
                self._icon, colour, size=self._size, checked=colours.accent if self.isCheckable() else None
            )
        )
        self.setIconSize(QSize(self._theme.px(self._size), self._theme.px(self._size)))
        self.setFixedSize(self._theme.px(self._target), self._theme.px(self._target))

    def setCheckable(self, checkable: bool) -> None:
        """On and off; the icon is in the accent colour while it is on."""
        super().setCheckable(checkable)
        self._restyle()
