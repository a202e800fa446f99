"""The session bus of a Linux desktop, as far as notifications need it: jeepney's messages over one of Qt's
sockets, nothing blocks.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalSocket

_log = logging.getLogger(__name__)

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
WAITING_MOST = 100

Answered = Callable[[tuple[object, ...]], object]


def address(environ: Mapping[str, str]) -> tuple[str, bool]:
    """Where the bus is, and whether that is an abstract name; empty: nowhere that is known."""
    for one in environ.get("DBUS_SESSION_BUS_ADDRESS", "").split(";"):
        kind, _, rest = one.partition(":")
        fields = dict(part.partition("=")[::2] for part in rest.split(","))
        if kind == "unix" and "path" in fields:
            return unquote(fields["path"]), False
        if kind == "unix" and "abstract" in fields:
            return unquote(fields["abstract"]), True
    if (runtime := environ.get("XDG_RUNTIME_DIR")) and os.path.exists(f"{runtime}/bus"):
        return f"{runtime}/bus", False
    return "", False


class Bus(QObject):
    """Calls to the service of notifications, and what it tells."""

    signalled = Signal(str, tuple)

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.usable = False
        self._serial = 0
        self._ready = False
        self._waiting: deque[tuple[str, str, tuple[object, ...], Answered | None]] = deque(
            maxlen=WAITING_MOST
        )
        self._asked: dict[int, Answered] = {}
        self._socket = QLocalSocket(self)
        where, abstract = address(os.environ if environ is None else environ)
        if not where:
            return
        try:
            from jeepney.auth import Authenticator
            from jeepney.low_level import Parser
        except ImportError:
            return
        self.usable = True
        self._authenticator: Any = Authenticator()
        self._parser: Any = Parser()
        if abstract:
            self._socket.setSocketOptions(QLocalSocket.SocketOption.AbstractNamespaceOption)
        self._socket.connected.connect(self._connected)
        self._socket.readyRead.connect(self._read)
        self._socket.errorOccurred.connect(self._broken)
        self._socket.disconnected.connect(self._broken)
        self._socket.connectToServer(where)

    def call(
        self, method: str, signature: str, body: tuple[object, ...], answered: Answered | None = None
    ) -> None:
        """Call the service; what it answers is told, an error is not."""
        if not self.usable:
            return
        if self._ready:
            self._send(NAME, PATH, NAME, method, signature, body, answered)
        else:
            self._waiting.append((method, signature, body, answered))

    def _connected(self) -> None:
        self._socket.write(self._authenticator.data_to_send())

    def _broken(self, *_: object) -> None:
        if self.usable:
            _log.info("no notifications by the desktop: %s", self._socket.errorString())
        self.usable = self._ready = False
        self._asked.clear()

    def _read(self) -> None:
        data = bytes(self._socket.readAll().data())
        try:
            if not self._ready:
                self._authenticator.feed(data)
                if self._authenticator.authenticated:
                    self._begin()
                return
            self._parser.add_data(data)
            while (message := self._parser.get_next_message()) is not None:
                self._take(message)
        except Exception as problem:  # of a daemon that speaks something else
            _log.info("the session bus cannot be used: %s", problem)
            self.usable = self._ready = False
            self._socket.abort()

    def _begin(self) -> None:
        self._ready = True
        self._socket.write(b"BEGIN\r\n")
        bus = "org.freedesktop.DBus"
        self._send(bus, "/org/freedesktop/DBus", bus, "Hello", "", ())
        self._send(bus, "/org/freedesktop/DBus", bus, "AddMatch", "s", (f"type='signal',interface='{NAME}'",))
        while self._waiting:
            self.call(*self._waiting.popleft())

    def _send(
        self,
        name: str,
        path: str,
        interface: str,
        method: str,
        signature: str,
        body: tuple[object, ...],
        answered: Answered | None = None,
    ) -> None:
        from jeepney import DBusAddress, new_method_call

        self._serial += 1
        if answered is not None:
            self._asked[self._serial] = answered
        message = new_method_call(
            DBusAddress(path, bus_name=name, interface=interface), method, signature or None, body
        )
        self._socket.write(message.serialise(serial=self._serial))

    def _take(self, message: Any) -> None:
        from jeepney import HeaderFields, MessageType

        fields = message.header.fields
        if message.header.message_type is MessageType.method_return:
            answered = self._asked.pop(fields.get(HeaderFields.reply_serial, 0), None)
            if answered is not None:
                answered(message.body)
        elif message.header.message_type is MessageType.error:
            self._asked.pop(fields.get(HeaderFields.reply_serial, 0), None)
            _log.info("the desktop does not notify: %s", fields.get(HeaderFields.error_name))
        elif message.header.message_type is MessageType.signal and fields.get(HeaderFields.interface) == NAME:
            self.signalled.emit(str(fields.get(HeaderFields.member)), tuple(message.body))
