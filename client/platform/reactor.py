"""Qt and Twisted on one thread: qt-reactor, with an application of widgets, and Qt's binding said.

``trial --reactor qt`` and ``twistd --reactor qt`` find it through ``twisted/plugins/imsys_client_dropin.py``;
the client calls
:func:`install` before anything imports ``twisted.internet.reactor``.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from typing import SupportsIndex

from PySide6.QtCore import Qt
from PySide6.QtGui import QSurfaceFormat
from PySide6.QtWidgets import QApplication

_kept: list[QApplication] = []
"""Python's last reference to an application ends it."""


def application(arguments: list[str] | None = None) -> QApplication:
    """The one application of this process, made now where there is none."""
    found = QApplication.instance()
    if isinstance(found, QApplication):
        return found
    # of all windows: contexts that share (films are painted in one of their own) have to be of one
    # profile on macOS
    shape = QSurfaceFormat()
    shape.setVersion(3, 3)
    shape.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    QSurfaceFormat.setDefaultFormat(shape)
    made = QApplication(sys.argv[:1] if arguments is None else arguments)
    made.setQuitOnLastWindowClosed(False)
    _kept.append(made)
    return made


def install() -> None:
    """Make the Qt reactor that of this process.

    :raises twisted.internet.error.ReactorAlreadyInstalledError: there is another.
    """
    os.environ["QT_API"] = "pyside6"  # qtpy takes the first binding that it finds otherwise
    application()  # qt-reactor would make one that knows no widgets
    import qreactor

    from twisted import internet

    qreactor.install()
    reactor = vars(internet)["reactor"]
    reactor.threadCallQueue = ThreadCalls()
    # Qt's timers count in whole milliseconds: rounded down, as qt-reactor has it, or a twentieth too early,
    # as coarse ones may be, the last one before each call would be spent on asking again and again
    reactor._timer.setTimerType(Qt.TimerType.PreciseTimer)
    left = reactor.timeout
    reactor.timeout = lambda: None if (seconds := left()) is None else whole_ms(seconds)

    def signalled(number: int, frame: object = None) -> None:
        reactor.callFromThread(end)

    def end() -> None:
        if not reactor._stopped:  # by an earlier signal: make and a terminal send one each
            reactor.stop()

    reactor.sigInt = reactor.sigBreak = reactor.sigTerm = signalled


def whole_ms(seconds: float) -> float:
    """Seconds that are so many whole milliseconds when they are rounded down, and none too few."""
    return (math.ceil(seconds * 1000) + 0.5) / 1000


class ThreadCalls(list[object]):
    """The queue of ``callFromThread``: a call leaves it before it is made.

    Twisted takes calls away after it has made them. A call in which Qt runs a loop of its own (a menu, a
    dialog, a drag) has the reactor go through the queue meanwhile: it would make the same call again, and
    then lose later ones.
    """

    def __iter__(self) -> Iterator[object]:
        while self:
            yield self.pop(0)

    def __delitem__(self, which: SupportsIndex | slice) -> None:
        """They are gone already."""
