"""Showing a screen, doing something with it, and taking its picture once it rests."""

from __future__ import annotations

import os
import time
import traceback
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt, qInstallMessageHandler
from PySide6.QtGui import QImage, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QWidget
from twisted.internet.defer import Deferred

from client.platform.languages import translate
from client.platform.reactor import application, install
from client.theme import Scheme, Theme
from tests.client.screenshots import LANGUAGES, SCHEMES
from tests.client.screenshots.scene import Made, Shot

WAIT_S, QUIET_S, TURN_S = 30.0, 0.12, 0.03
"""A screen has so long to come to rest, rests when it has not changed for so long, and is looked at so often."""


def take_all(folder: Path, ratio: int, scratch: Path, words: list[str]) -> int:
    """Those of one ratio; how many failed."""
    app = application()
    app.setCursorFlashTime(0)
    install()
    qInstallMessageHandler(lambda kind, context, message: None)
    from twisted.internet import reactor

    loop: Any = reactor
    failed: list[str] = []

    async def go() -> None:
        from tests.client.screenshots.screens import screens

        for language in LANGUAGES:
            translate(app, language)
            for scheme in SCHEMES:
                for name, shot in screens().items():
                    file = f"{name}-{language[:2]}-{scheme}{'@2x' if ratio == 2 else ''}.png"
                    if words and not any(word in file for word in words):
                        continue
                    try:
                        image = await take(app, loop, shot, Scheme(scheme), scratch)
                        image.save(str(folder / file))
                        print(file, flush=True)
                    except Exception:
                        traceback.print_exc()
                        failed.append(file)

    def begin() -> None:
        Deferred.fromCoroutine(go()).addBoth(lambda _: loop.stop())

    loop.callWhenRunning(begin)
    loop.run()
    os._exit(len(failed) > 0)  # no thread of a picture is waited for


async def sleep(loop: Any, seconds: float) -> None:
    """Let Qt and Twisted go on."""
    waited: Deferred[None] = Deferred()
    loop.callLater(seconds, waited.callback, None)
    await waited


async def take(app: QApplication, loop: Any, shot: Shot, scheme: Scheme, scratch: Path) -> QImage:
    """The picture of one."""
    theme = Theme(app, scheme=scheme)
    theme.less_motion = True
    app.setLayoutDirection(Qt.LayoutDirection.RightToLeft if shot.rtl else Qt.LayoutDirection.LeftToRight)
    made = shot.make(theme, scratch)
    widget = made.widget
    try:
        widget.resize(*shot.size)
        widget.show()
        widget.activateWindow()
        await sleep(loop, TURN_S)
        made.act()
        return await rest(loop, made)
    finally:
        for end in made.ends:
            end()
        for one in app.topLevelWidgets():
            one.hide()
            one.deleteLater()
        theme.deleteLater()
        app.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        await sleep(loop, 0)


async def rest(loop: Any, made: Made) -> QImage:
    """What it looks like when it does not change any more, or when it is what was waited for."""
    began = changed = time.monotonic()
    before = QImage()
    while time.monotonic() - began < WAIT_S:
        await sleep(loop, TURN_S)
        if not made.ready():
            changed = time.monotonic()
            continue
        now = look(made.shown())
        if made.moves:
            return now
        if now != before:
            before, changed = now, time.monotonic()
        elif time.monotonic() - changed >= QUIET_S:
            break
    assert not before.isNull(), "it did not come to be what was waited for"
    return before


def look(widget: QWidget) -> QImage:
    """A widget, with the popups that float over it."""
    pixmap = widget.grab()
    popups = [
        one
        for one in QApplication.topLevelWidgets()
        if one.isVisible()
        and one is not widget
        and one.windowFlags() & Qt.WindowType.Popup == Qt.WindowType.Popup
    ]
    if popups:
        painter = QPainter(pixmap)
        for one in popups:
            over: QPixmap = one.grab()
            painter.drawPixmap(one.mapToGlobal(QPoint()) - widget.mapToGlobal(QPoint()), over)
        painter.end()
    return pixmap.toImage()
