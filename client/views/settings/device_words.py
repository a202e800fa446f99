"""What is said of a device, and its picture."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from client.core.devices import Device
from client.core.display import shown_name
from client.widgets.messages.words import moment_words

ICONS = {"desktop": "laptop", "web": "globe", "phone": "smartphone", "cli": "terminal", "bot": "bot"}
"""Its icon, by its kind."""


def icon_of(device: Device) -> str:
    """A plain one where the kind is not known."""
    return ICONS.get(device.kind, "monitor")


def kind_words(device: Device) -> str:
    """What it is."""
    translate = QCoreApplication.translate
    return {
        "desktop": translate("Device", "Computer"),
        "web": translate("Device", "Browser"),
        "phone": translate("Device", "Phone"),
        "cli": translate("Device", "Terminal"),
        "bot": translate("Device", "Bot"),
    }.get(device.kind, translate("Device", "Unknown device"))


def name_words(device: Device) -> str:
    """What it is called."""
    return shown_name(device.name) if device.name.strip() else kind_words(device)


def wrapped_name_words(device: Device) -> str:
    """The same in a sentence of several lines, which may be broken anywhere in a long word."""
    return re.sub(r"(\S{16})(?=\S)", "\\1\u200b", name_words(device))


def signed_in_words(device: Device, now_ms: int) -> str:
    """Since when I am signed in on it."""
    time = moment_words(device.created_ms, now_ms)
    return QCoreApplication.translate("Device", "Signed in: {time}").format(time=time)


def seen_words(device: Device, now_ms: int) -> str:
    """Whether it is there, or when it was."""
    if device.online:
        return QCoreApplication.translate("Device", "Online")
    time = moment_words(device.seen_ms, now_ms)
    return QCoreApplication.translate("Device", "Last seen: {time}").format(time=time)


def sign_in_words(devices: Sequence[Device], now_ms: int) -> str:
    """I was signed in on these, the newest first."""
    device, more = devices[0], len(devices) - 1
    words = QCoreApplication.translate("Device", "New sign-in: {name} ({kind}), {time}.").format(
        name=wrapped_name_words(device), kind=kind_words(device), time=moment_words(device.created_ms, now_ms)
    )
    others = QCoreApplication.translate("Device", "And %n more.", "", more)
    return f"{words} {others}" if more else words
