"""The state of the connection, under the title: what is wrong, with which server, and when it is tried again."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from client.core.model import Connection, Link
from client.theme import Theme
from client.theme.tokens import GAP, ICON_SMALL, SMALL
from client.viewmodels.work import now_ms


class ConnectionBanner(QFrame):
    """Not there while everything is well. :attr:`retry` and :attr:`sign_in` are what its button asks for."""

    retry = Signal()
    sign_in = Signal()

    def __init__(
        self, theme: Theme, parent: QWidget | None = None, *, now: Callable[[], int] = now_ms
    ) -> None:
        super().__init__(parent)
        self._theme, self._now = theme, now
        self._connection = Connection(Link.ONLINE, "")
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setWordWrap(True)
        self._button = QPushButton()
        self._button.setProperty("kind", "flat")
        self._button.clicked.connect(self._press)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP, SMALL // 2, GAP, SMALL // 2)
        layout.setSpacing(SMALL)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._button)
        self._second = QTimer(self, interval=1000)
        self._second.timeout.connect(self._say)
        self.hide()
        theme.follow(self._restyle)

    def set_connection(self, connection: Connection) -> None:
        """Where it stands now."""
        self._connection = connection
        self.setVisible(connection.link is not Link.ONLINE)
        self._say()
        if connection.link is Link.WAITING and connection.retry_at_ms:
            self._second.start()
        else:
            self._second.stop()

    def words(self) -> tuple[str, str]:
        """The sentence, and what the button says; empty: there is none."""
        connection = self._connection
        server = connection.server or self.tr("the server")
        reason = connection.reason.strip()
        if reason:
            reason += " " if reason[-1] in ".!?。！？" else ". "
        if connection.link is Link.CONNECTING:
            return self.tr("Connecting to {server} …").format(server=server), ""
        if connection.link is Link.WAITING:
            left = max(0, -(-(connection.retry_at_ms - self._now()) // 1000))
            sentence = self.tr("No connection to {server}. {reason}").format(server=server, reason=reason)
            if connection.retry_at_ms:
                sentence += self._countdown(left)
            return sentence.strip(), self.tr("Retry now")
        if connection.link is Link.SIGNED_OUT:
            return (
                reason or self.tr("You are signed out of {server}.").format(server=server)
            ).strip(), self.tr("Sign in")
        if connection.link is Link.OFFLINE:
            return self.tr("Offline: {server} is not connected. {reason}").format(
                server=server, reason=reason
            ).strip(), self.tr("Connect")
        return "", ""

    def _countdown(self, seconds: int) -> str:
        if seconds < 100:
            return self.tr("Reconnecting in {seconds} s").format(seconds=seconds)
        return self.tr("Reconnecting in {minutes} min").format(minutes=-(-seconds // 60))

    def _say(self) -> None:
        text, button = self.words()
        if text != self._text.text():
            self._text.setText(text)
            self.setAccessibleName(text)
        self._button.setText(button)
        self._button.setVisible(bool(button))

    def _press(self) -> None:
        if self._connection.link is Link.SIGNED_OUT:
            self.sign_in.emit()
        else:
            self.retry.emit()

    def _restyle(self) -> None:
        colours, tokens = self._theme.colours, self._theme.tokens
        ratio = self.devicePixelRatioF()
        self._icon.setPixmap(self._theme.pixmap("wifi-off", colours.on_banner, size=ICON_SMALL, ratio=ratio))
        self.setStyleSheet(
            f"ConnectionBanner {{ background: {tokens.banner}; border: none; }}"
            f"ConnectionBanner QLabel {{ color: {tokens.on_banner}; }}"
            f"ConnectionBanner QPushButton {{ color: {tokens.on_banner}; text-decoration: underline; }}"
            f"ConnectionBanner QPushButton:hover {{ background: transparent; }}"
        )
