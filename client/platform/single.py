"""One instance for each folder of data: a second start shows the window of the first, and ends."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

WAIT_MS = 500
LONGEST = 4096


def name_of(folder: Path) -> str:
    """What the first one listens as."""
    return f"imsys-client-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"


def tell_first(folder: Path, message: str = "show") -> bool:
    """Tell the one that runs; whether there is one. Called before there is a window, and an event loop."""
    socket = QLocalSocket()
    socket.connectToServer(name_of(folder))
    if not socket.waitForConnected(WAIT_MS):
        return False
    socket.write(message.encode()[:LONGEST])
    socket.waitForBytesWritten(WAIT_MS)
    socket.disconnectFromServer()
    return True


class First(QObject):
    """Listens for later starts; only this user can reach it."""

    told = Signal(str)

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._take)
        name = name_of(folder)
        if not self._server.listen(name):
            QLocalServer.removeServer(name)  # of one that crashed
            self._server.listen(name)

    def close(self) -> None:
        """Listen no more."""
        self._server.close()

    def _take(self) -> None:
        socket = self._server.nextPendingConnection()
        if socket is None:
            return
        socket.setParent(self)
        socket.readyRead.connect(
            lambda: self.told.emit(bytes(socket.read(LONGEST).data()).decode("utf-8", "replace"))
        )
        socket.disconnected.connect(socket.deleteLater)
