"""Telling of a new message on the desktop: the freedesktop service where there is one, else the tray icon's
balloon.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QSystemTrayIcon

KEPT_MOST = 50


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told.

    :param target: what :attr:`Notifier.activated` gives back; a new one with the same takes the place of the
        one before.
    :param picture: a file, or empty.
    :param reply: what the field for an answer is called, where the desktop has one.
    """

    target: str
    title: str
    text: str
    picture: str = ""
    sound: bool = False
    reply: str = ""


class Notifier(QObject):
    """Tells nobody: for where there is no desktop, and for tests."""

    activated = Signal(str)
    """Somebody pressed one: its target."""
    replied = Signal(str, str)
    """Somebody answered one at once."""

    def show(self, notice: Notice) -> None:
        """Tell."""

    def withdraw(self, target: str) -> None:
        """It has been seen."""


class TrayNotifier(Notifier):
    """By the tray icon: Windows, macOS, and Linux without the service.

    It cannot say which was pressed: it was the last.
    """

    def __init__(self, tray: QSystemTrayIcon) -> None:
        super().__init__()
        self._tray = tray
        self._last = ""
        tray.messageClicked.connect(lambda: self.activated.emit(self._last) if self._last else None)

    def show(self, notice: Notice) -> None:
        """Tell."""
        self._last = notice.target
        icon = QIcon(notice.picture) if notice.picture else self._tray.icon()
        self._tray.showMessage(notice.title, notice.text, icon)


class FreedesktopNotifier(Notifier):
    """By the desktop's own service: with a picture, a press that says which, and an answer where the desktop
    can.
    """

    def __init__(self, name: str, otherwise: Notifier) -> None:
        """``otherwise`` tells where there is no service after all."""
        from client.platform.freedesktop import Bus

        super().__init__()
        self._name, self._otherwise = name, otherwise
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._capabilities: frozenset[str] = frozenset()
        self._bus = Bus()
        self._bus.signalled.connect(self._signalled)
        self._bus.call("GetCapabilities", "", (), self._able)
        otherwise.activated.connect(self.activated)

    def show(self, notice: Notice) -> None:
        """Tell."""
        if not self._bus.usable:
            self._otherwise.show(notice)
            return
        actions = ["default", notice.title]
        if notice.reply and "inline-reply" in self._capabilities:
            actions += ["inline-reply", notice.reply]
        text = _escaped(notice.text) if "body-markup" in self._capabilities else notice.text
        hints: dict[str, tuple[str, object]] = {
            "desktop-entry": ("s", "imsys-client"),
            "category": ("s", "im.received"),
            "suppress-sound": ("b", not notice.sound),
        }
        if notice.sound:
            hints["sound-name"] = ("s", "message-new-instant")
        if notice.picture:
            hints["image-path"] = ("s", notice.picture)
        body = (
            self._name,
            self._numbers.get(notice.target, 0),
            "imsys-client",
            notice.title,
            text,
            actions,
            hints,
            -1,
        )
        self._bus.call("Notify", "susssasa{sv}i", body, lambda answer: self._shown(notice.target, answer))

    def withdraw(self, target: str) -> None:
        """It has been seen."""
        number = self._numbers.pop(target, 0)
        if number and self._bus.usable:
            self._bus.call("CloseNotification", "u", (number,))

    def _able(self, answer: tuple[object, ...]) -> None:
        if answer and isinstance(answer[0], list):
            self._capabilities = frozenset(str(one) for one in answer[0])

    def _shown(self, target: str, answer: tuple[object, ...]) -> None:
        if answer and isinstance(answer[0], int):
            self._numbers[target] = answer[0]
            while len(self._numbers) > KEPT_MOST:
                self._numbers.popitem(last=False)

    def _signalled(self, member: str, body: tuple[object, ...]) -> None:
        target = next((name for name, number in self._numbers.items() if body and number == body[0]), "")
        if not target:
            return
        if member == "ActionInvoked" and body[1:] == ("default",):
            self.activated.emit(target)
        elif member == "NotificationReplied" and len(body) > 1 and str(body[1]).strip():
            self.replied.emit(target, str(body[1]).strip())
        elif member == "NotificationClosed":
            self._numbers.pop(target, None)


def notifier(name: str, tray: QSystemTrayIcon | None, *, system: str = sys.platform) -> Notifier:
    """What this system has."""
    plain: Notifier = TrayNotifier(tray) if tray is not None else Notifier()
    if system.startswith("linux") or "bsd" in system:
        return FreedesktopNotifier(name, plain)
    return plain


def _escaped(text: str) -> str:
    """Texts of others are no markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
