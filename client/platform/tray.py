"""The icon of the running program, with the number of unread messages."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon

from client.theme.icon import pixmap
from client.theme.tokens import LIGHT, ON_AVATAR

SIZES = (16, 22, 24, 32, 48, 64, 128, 256)


def program_icon(count: int = 0) -> QIcon:
    """The program's icon, with a count where there is one."""
    icon = QIcon()
    for size in SIZES:
        icon.addPixmap(_draw(size, count))
    return icon


def _draw(size: int, count: int) -> QPixmap:
    made = QPixmap(size, size)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(LIGHT.accent))
    painter.drawRoundedRect(QRectF(0, 0, size, size), size * 0.24, size * 0.24)
    inner = round(size * 0.64)
    painter.drawPixmap((size - inner) // 2, (size - inner) // 2, pixmap("messages-square", QColor(ON_AVATAR), inner))
    if count:
        words = str(count) if count < 100 else "99+"
        height = size * (0.56 if size < 40 else 0.42)
        font = QFont()
        font.setPixelSize(max(7, round(height * (0.8 if len(words) < 3 else 0.6))))
        font.setBold(True)
        width = max(height, height * 0.5 * len(words) + height * 0.3)
        rect = QRectF(size - width, size - height, width, height)
        painter.setBrush(QColor(LIGHT.danger))
        painter.drawRoundedRect(rect, height / 2, height / 2)
        painter.setPen(QColor(LIGHT.on_danger))
        painter.setFont(font)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, words)
    painter.end()
    return made


class Tray(QObject):
    """Not there where the desktop has no place for it."""

    pressed = Signal()
    quiet = Signal(bool)
    quit_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.icon: QSystemTrayIcon | None = None
        self._count = 0
        if not QSystemTrayIcon.isSystemTrayAvailable():
            return
        translate = QCoreApplication.translate
        self.icon = QSystemTrayIcon(program_icon(), self)
        self._menu = QMenu()
        self._menu.addAction(translate("Tray", "Show the window"), self.pressed.emit)
        self._quiet = self._menu.addAction(translate("Tray", "Do not disturb"))
        self._quiet.setCheckable(True)
        self._quiet.toggled.connect(self.quiet)
        self._menu.addSeparator()
        self._menu.addAction(translate("Tray", "Quit"), self.quit_wanted.emit)
        self.icon.setContextMenu(self._menu)
        self.icon.activated.connect(self._activated)
        self.icon.show()

    def set_count(self, count: int) -> None:
        """How many messages are unread."""
        if count == self._count:
            return
        self._count = count
        if self.icon is not None:
            self.icon.setIcon(program_icon(count))
            words = QCoreApplication.translate("Tray", "%n unread messages", "", count)
            self.icon.setToolTip(f"imsys – {words}" if count else "imsys")
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.setBadgeNumber(count)  # the dock of macOS, and desktops that have such a thing

    def set_quiet(self, quiet: bool) -> None:
        """Whether nothing is told."""
        if self.icon is not None:
            self._quiet.setChecked(quiet)

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self.pressed.emit()
