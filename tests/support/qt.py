"""Tests of widgets: ``trial --reactor qt tests.client``, with ``QT_QPA_PLATFORM=offscreen`` where there is no screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from client.theme import Scheme, Theme

W = TypeVar("W", bound=QWidget)


class WidgetCase(TestCase):
    """Has a theme, shows widgets, and takes them away after each test."""

    theme: Theme

    def setUp(self) -> None:
        application = QApplication.instance()
        if not isinstance(application, QApplication):
            self.skipTest("widgets are tested on Qt's event loop: trial --reactor qt")
        self.application = application
        self.theme = Theme(application, scheme=Scheme.LIGHT)
        self.theme.less_motion = True
        self.addCleanup(self.theme.deleteLater)

    def show(self, widget: W, width: int = 0, height: int = 0) -> W:
        """Show it, as the window that is in front."""
        if width:
            widget.resize(width, height)
        widget.show()
        widget.activateWindow()
        QTest.qWaitForWindowExposed(widget, 2000)
        self.addCleanup(self._remove, widget)
        self.turn()
        return widget

    def _remove(self, widget: QWidget) -> None:
        widget.close()
        widget.deleteLater()
        self.turn()

    def turn(self) -> None:
        """Let Qt do what it has been asked to."""
        for _ in range(3):
            QCoreApplication.processEvents()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Wait until something is so, for ten seconds at most."""
        from twisted.internet import reactor

        for _ in range(1000):
            if true():
                return
            waited: Deferred[None] = Deferred()
            reactor.callLater(0.01, waited.callback, None)
            await waited
        self.fail(what or "it did not come to be so")

    def click(self, widget: QWidget, at: QPoint | None = None, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
        """Press and release, in the middle where no place is said."""
        QTest.mouseClick(widget, button, Qt.KeyboardModifier.NoModifier, at or widget.rect().center())
        self.turn()

    def keys(self, widget: QWidget, keys: str | Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Type a text, or press a key."""
        if isinstance(keys, str):
            QTest.keyClicks(widget, keys)
        else:
            QTest.keyClick(widget, keys, modifiers)
        self.turn()

    def grab(self, widget: QWidget, name: str = "") -> QImage:
        """What it looks like; written to a file of trial's folder too where a name is given."""
        pixmap = widget.grab()
        if name:
            pixmap.save(str(Path(f"{name}.png")))
        return pixmap.toImage()
