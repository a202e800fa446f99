"""A sentence that passes: it floats over the lower edge of a window for a few seconds, with at most one thing
to do.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEasingCurve, QEvent, QObject, QPropertyAnimation, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QFrame, QGraphicsOpacityEffect, QHBoxLayout, QLabel, QPushButton, QWidget

from client.theme import Theme
from client.theme.tokens import GAP, HUGE, SLOW_MS, SMALL, TOAST_MS


class Toast(QFrame):
    """One a window; a new sentence takes the place of the one before. It waits while the pointer is on it."""

    def __init__(self, theme: Theme, window: QWidget, lift: Callable[[], int] = lambda: 0) -> None:
        """``lift``: pixels at the bottom that it leaves free."""
        super().__init__(window)
        self._lift = lift
        self._theme, self._window = theme, window
        self.setProperty("ground", "float")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setWordWrap(True)
        self._button = QPushButton()
        self._button.setProperty("kind", "flat")
        self._button.clicked.connect(self._act)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP, SMALL, GAP, SMALL)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._button)
        self._todo: Callable[[], object] | None = None
        self._time = QTimer(self, singleShot=True)
        self._time.timeout.connect(self.dismiss)
        self._effect = QGraphicsOpacityEffect(self)
        self.setGraphicsEffect(self._effect)
        self._fade = QPropertyAnimation(self._effect, b"opacity", self)
        self._fade.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._fade.finished.connect(self._faded)
        window.installEventFilter(self)
        self.hide()

    def tell(
        self, text: str, action: str = "", todo: Callable[[], object] | None = None, *, ms: int = TOAST_MS
    ) -> None:
        """Show a sentence; the button calls ``todo``."""
        self._text.setText(text)
        self.setAccessibleName(text)
        self._button.setText(action)
        self._button.setVisible(bool(action))
        self._todo = todo
        self.show()
        self._place()
        self.raise_()
        self._time.start(ms)
        self._fade_to(1.0)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def dismiss(self) -> None:
        """Take it away."""
        if self.underMouse():
            self._time.start(TOAST_MS // 2)
            return
        self._fade_to(0.0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show) and not self.isHidden():
            self._place()
        return False

    def _act(self) -> None:
        todo, self._todo = self._todo, None
        self._time.stop()
        self.hide()
        if todo is not None:
            todo()

    def _fade_to(self, opacity: float) -> None:
        self._fade.stop()
        self._fade.setDuration(self._theme.duration(SLOW_MS))
        self._fade.setStartValue(
            self._effect.opacity() if self.isVisible() and opacity == 0.0 else 1.0 - opacity
        )
        self._fade.setEndValue(opacity)
        self._fade.start()

    def _faded(self) -> None:
        if self._fade.endValue() == 0.0:
            self.hide()

    def _place(self) -> None:
        window = self._window
        most = min(self._theme.px(420), window.width() - 2 * HUGE)
        self.setFixedWidth(max(120, min(most, self._natural())))
        self.adjustSize()
        self.move((window.width() - self.width()) // 2, window.height() - self.height() - HUGE - self._lift())

    def _natural(self) -> int:
        width = self._text.fontMetrics().horizontalAdvance(self._text.text()) + 2 * GAP + 4
        return width + (self._button.sizeHint().width() + SMALL if self._button.isVisibleTo(self) else 0)
