"""Small things that the panels share."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QWidget

from client.theme import Font, Theme
from client.theme.tokens import GAP, ICON_SMALL, RADIUS_SMALL, SMALL, TIGHT


class LiveBadge(QLabel):
    """LIVE, in red while it is."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._on = theme, True
        self.setText(self.tr("LIVE"))
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.follow(self._restyle)

    def set_on(self, on: bool) -> None:
        """Whether it runs."""
        if on is not self._on:
            self._on = on
            self._restyle()

    def _restyle(self) -> None:
        tokens = self._theme.tokens
        ground, ink = (tokens.danger, tokens.on_danger) if self._on else (tokens.badge_muted, tokens.on_badge)
        size = self._theme.px(Font.META_STRONG.size)
        self.setStyleSheet(
            f"background: {ground}; color: {ink}; border-radius: {RADIUS_SMALL}px; padding: 2px {TIGHT + 2}px;"
            f"font-size: {size}px; font-weight: 600;"
        )


class Note(QFrame):
    """A sentence below a panel; not there while there is nothing to say."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setProperty("ground", "list")
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setProperty("role", "meta")
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setWordWrap(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP, 0, GAP, SMALL)
        layout.setSpacing(SMALL)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._text, 1)
        self.hide()
        theme.follow(self._restyle)

    @property
    def text(self) -> str:
        """What it says."""
        return "" if self.isHidden() else self._text.text()

    def say(self, text: str) -> None:
        """Say this."""
        if text != self._text.text():
            self._text.setText(text)
            self.setAccessibleName(text)
        self.setVisible(bool(text))

    def _restyle(self) -> None:
        self._icon.setPixmap(
            self._theme.pixmap(
                "info", self._theme.colours.second, size=ICON_SMALL, ratio=self.devicePixelRatioF()
            )
        )
