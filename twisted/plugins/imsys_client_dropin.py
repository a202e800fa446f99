"""Twisted's reactor on Qt's event loop, for the desktop client and its tests.

Nothing of Qt is imported before it is chosen.
"""

from twisted.application.reactors import Reactor

reactor = Reactor(
    "qt", "client.platform.reactor", "imsys: Qt's event loop (PySide6), for the desktop client."
)
