"""Where pictures are shown: the area, what is said on it, a bar below; in a panel, or on the full screen."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from client.theme import Theme
from client.theme.tokens import (
    BAR_HIDES_MS,
    GAP,
    ICON_BIG,
    ON_VIDEO,
    ON_VIDEO_SECOND,
    SMALL,
    VIDEO,
    VIDEO_GROUND,
    VIDEO_LEAST,
    WIDE,
)
from client.video.projector import Projector
from client.video.surface import VideoArea
from client.widgets.ring import Ring


class Saying(QWidget):
    """A sentence in the middle of the area, with an icon or a ring that turns above it, and a button below."""

    acted = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._name = theme, ""
        self._icon = QLabel()
        self._ring = Ring(theme)
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setWordWrap(True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text.setStyleSheet(f"color: {ON_VIDEO};")
        self.button = QPushButton()
        self.button.setProperty("kind", "primary")
        self.button.clicked.connect(self.acted)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(WIDE, GAP, WIDE, GAP)
        layout.setSpacing(GAP)
        layout.addStretch()
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self._ring, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self._text)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, False)
        self.hide()
        theme.follow(self._restyle)

    @property
    def text(self) -> str:
        """What is said; empty: nothing."""
        return "" if self.isHidden() else self._text.text()

    def say(self, text: str, *, icon: str = "", button: str = "") -> None:
        """Say this; without an icon, something turns."""
        self._name = icon
        self._text.setText(text)
        self._icon.setVisible(bool(icon))
        self._ring.setVisible(not icon)
        self.button.setText(button)
        self.button.setVisible(bool(button))
        self.setAccessibleName(text)
        self._restyle()
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._theme.colours.veil)  # there may be a picture below

    def _restyle(self) -> None:
        if self._name:
            ratio = self.devicePixelRatioF()
            self._icon.setPixmap(
                self._theme.pixmap(self._name, QColor(ON_VIDEO_SECOND), size=ICON_BIG, ratio=ratio)
            )


class Stage(QWidget):
    """One; :attr:`bar` is a row to put controls in.

    :param opengl: ``False``: never with OpenGL.
    """

    acted = Signal()
    """The button under what is said."""
    pressed = Signal()
    """A click on the picture."""
    full_changed = Signal(bool)
    key = Signal(object)
    """A key that is not the stage's own: accept it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, opengl: bool | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.area = VideoArea(QColor(VIDEO_GROUND), self, opengl=opengl)
        self.area.setMinimumSize(*VIDEO_LEAST)
        self.projector = Projector(self.area)
        self.saying = Saying(theme, self.area)
        self.saying.acted.connect(self.acted)
        self.bar = QFrame()
        self.bar.setProperty("ground", "list")
        self.row = QHBoxLayout(self.bar)
        self.row.setContentsMargins(GAP, SMALL // 2, SMALL, SMALL // 2)
        self.row.setSpacing(SMALL)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.area, 1)
        layout.addWidget(self.bar)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Video"))
        self._home: QWidget | None = None
        self._hide = QTimer(self, singleShot=True, interval=BAR_HIDES_MS)
        self._hide.timeout.connect(self._hide_bar)
        self._click = QTimer(self, singleShot=True)
        self._click.timeout.connect(self.pressed)
        for widget in (self, self.area, self.area.surface, self.saying):
            widget.setMouseTracking(True)
        self.area.installEventFilter(self)
        self.area.surface.installEventFilter(self)

    def sizeHint(self) -> QSize:
        return QSize(VIDEO[0], VIDEO[1] + self.bar.sizeHint().height())

    @property
    def full(self) -> bool:
        """Whether it has the whole screen."""
        return self._home is not None

    def set_full(self, full: bool) -> None:
        """Have the whole screen, or be back where it was (at the top of its parent's layout)."""
        if full is self.full:
            return
        if full:
            self._home = self.parentWidget()
            self.setWindowFlags(Qt.WindowType.Window)
            self.setGeometry(self.screen().geometry())  # for systems whose windows nobody manages
            self.showFullScreen()
            self.activateWindow()
            self._hide.start()
        else:
            home, self._home = self._home, None
            self._hide.stop()
            self.bar.show()
            self.unsetCursor()
            self.setWindowFlags(Qt.WindowType.Widget)
            layout = home.layout() if home is not None else None
            if isinstance(layout, QVBoxLayout):
                layout.insertWidget(0, self, 1)
            self.show()
        self.setFocus()
        self.full_changed.emit(full)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.area and event.type() == QEvent.Type.Resize:
            self.saying.setGeometry(self.area.rect())
        if event.type() == QEvent.Type.MouseMove:
            self._moved()
        elif isinstance(event, QMouseEvent) and event.button() is Qt.MouseButton.LeftButton:
            if event.type() == QEvent.Type.MouseButtonDblClick:
                self._click.stop()
                self.set_full(not self.full)
                return True
            if event.type() == QEvent.Type.MouseButtonPress:
                self.setFocus()
                return True
            if event.type() == QEvent.Type.MouseButtonRelease:
                self._click.start(self._theme.duration(250))
                return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.full:
            return self.set_full(False)
        if event.key() == Qt.Key.Key_F and not event.modifiers():
            return self.set_full(not self.full)
        event.ignore()
        self.key.emit(event)
        return None if event.isAccepted() else super().keyPressEvent(event)

    def closeEvent(self, event: QEvent) -> None:
        """The system closes the full screen: that is the way back."""
        if self.full:
            event.ignore()
            self.set_full(False)

    def _moved(self) -> None:
        if self.full:
            self.bar.show()
            self.unsetCursor()
            self._hide.start()

    def _hide_bar(self) -> None:
        if self.full and not self.bar.underMouse():
            self.bar.hide()
            self.setCursor(Qt.CursorShape.BlankCursor)
