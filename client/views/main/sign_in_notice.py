"""Another device was signed in as me: said calmly, until somebody has looked at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton

from client.core.devices import Device
from client.theme import Theme
from client.theme.tokens import GAP, ICON_SMALL, SIGN_IN, SMALL
from client.views.settings.device_words import icon_of, sign_in_words
from client.widgets.button import IconButton


class SignInNotice(QFrame):
    """Not there while there is no news. :attr:`look` asks for the devices, :attr:`noticed` says that all is well."""

    look = Signal()
    noticed = Signal()

    def __init__(self, theme: Theme, now: Callable[[], int]) -> None:
        super().__init__()
        self._theme, self._now = theme, now
        self._devices: Sequence[Device] = ()
        self._wide: bool | None = None
        self._icon, self.text = QLabel(), QLabel()
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setWordWrap(True)
        self.button = QPushButton(self.tr("Was this not you? Sign it out"))
        self.button.setProperty("kind", "flat")
        self.button.clicked.connect(self.look)
        self.close_button = IconButton(theme, "x", self.tr("It was me"), size=ICON_SMALL)
        self.close_button.clicked.connect(self.noticed)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(GAP, SMALL // 2, GAP, SMALL // 2)
        self._grid.setHorizontalSpacing(SMALL)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(1, 1)
        self._grid.addWidget(self._icon, 0, 0)
        self._grid.addWidget(self.text, 0, 1)
        self._grid.addWidget(self.close_button, 0, 3, Qt.AlignmentFlag.AlignTop)
        self._place(wide=True)
        self.hide()
        theme.follow(self._restyle)

    def show_devices(self, devices: Sequence[Device]) -> None:
        """Which sign-ins are news, the newest first."""
        told, self._devices = self._devices, devices
        self.setVisible(bool(devices))
        if not devices:
            return
        words = sign_in_words(devices, self._now())
        self.text.setText(words)
        self.setAccessibleName(words)
        self._restyle()
        if devices != told:
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, words))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place(wide=self.width() >= 2 * self._theme.px(SIGN_IN))

    def _place(self, *, wide: bool) -> None:
        """The button beside the sentence, or below it where there is little room."""
        if wide != self._wide:
            self._wide = wide
            leading = Qt.AlignmentFlag.AlignLeading
            self._grid.addWidget(
                self.button, *((0, 2) if wide else (1, 1)), Qt.AlignmentFlag(0) if wide else leading
            )

    def _restyle(self) -> None:
        colours, tokens, ratio = self._theme.colours, self._theme.tokens, self.devicePixelRatioF()
        name = icon_of(self._devices[0]) if self._devices else "monitor"
        self._icon.setPixmap(self._theme.pixmap(name, colours.accent, size=ICON_SMALL, ratio=ratio))
        self.setStyleSheet(f"SignInNotice {{ background: {tokens.selected}; border: none; }}")
