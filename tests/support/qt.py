"""Tests of widgets: ``trial --reactor qt tests.client``, with ``QT_QPA_PLATFORM=offscreen`` where there is no
screen.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QMimeData,
    QPoint,
    QPointF,
    Qt,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from client.theme import Scheme, Theme

HARMLESS = ("This plugin does not support", "libpng")
"""What Qt says without a screen, and of files that are no pictures."""

W = TypeVar("W", bound=QWidget)


class WidgetCase(TestCase):
    """Has a theme, shows widgets, and takes them away after each test."""

    theme: Theme

    def setUp(self) -> None:
        application = QApplication.instance()
        if not isinstance(application, QApplication):
            self.skipTest("widgets are tested on Qt's event loop: trial --reactor qt")
        self.application = application
        self._complaints: list[str] = []
        self._showing: list[QWidget] = []
        """A test that destroys one by itself takes it out."""
        excepthook, sys.excepthook = sys.excepthook, self._raised
        self.addCleanup(setattr, sys, "excepthook", excepthook)
        before = qInstallMessageHandler(self._warned)
        self.addCleanup(qInstallMessageHandler, before)
        self.addCleanup(self._judge)
        self.theme = Theme(application, scheme=Scheme.LIGHT)
        self.theme.less_motion = True
        self.addCleanup(self.theme.deleteLater)

    def _raised(self, kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        """Qt swallows what a slot raises."""
        self._complaints.append("".join(traceback.format_exception(kind, error, where)))

    def _warned(self, kind: QtMsgType, context: object, message: str) -> None:
        if kind is not QtMsgType.QtDebugMsg and not message.startswith(HARMLESS):
            self._complaints.append(message)

    def _judge(self) -> None:
        self.turn()
        if self._complaints:
            self.fail("\n".join(self._complaints))

    def show(self, widget: W, width: int = 0, height: int = 0) -> W:
        """Show it, as the window that is in front."""
        if width:
            widget.resize(width, height)
        widget.show()
        widget.activateWindow()
        QTest.qWaitForWindowExposed(widget, 2000)
        self._showing.append(widget)
        self.addCleanup(self._remove, widget)
        self.turn()
        return widget

    def _remove(self, widget: QWidget) -> None:
        if widget in self._showing:
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

    def drop(self, widget: QWidget, data: QMimeData, at: QPoint | None = None) -> bool:
        """Drag something onto a widget and let go; whether it was taken."""
        place = at or widget.rect().center()
        action, left, none = (
            Qt.DropAction.CopyAction,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(widget, QDragEnterEvent(place, action, data, left, none))
        QApplication.sendEvent(widget, QDragMoveEvent(place, action, data, left, none))
        event = QDropEvent(QPointF(place), action, data, left, none)
        QApplication.sendEvent(widget, event)
        self.turn()
        return event.isAccepted()

    def point(self, widget: QWidget, at: QPoint, buttons: Qt.MouseButton = Qt.MouseButton.NoButton) -> None:
        """Move the pointer there, with buttons held."""
        place, none = QPointF(at), Qt.MouseButton.NoButton
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            place,
            widget.mapToGlobal(place),
            none,
            buttons,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(widget, event)
        self.turn()

    def click(
        self, widget: QWidget, at: QPoint | None = None, button: Qt.MouseButton = Qt.MouseButton.LeftButton
    ) -> None:
        """Press and release, in the middle where no place is said."""
        QTest.mouseClick(widget, button, Qt.KeyboardModifier.NoModifier, at or widget.rect().center())
        self.turn()

    def keys(
        self,
        widget: QWidget,
        keys: str | Qt.Key,
        modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
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
