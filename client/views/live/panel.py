"""Somebody's live stream, above the messages of its conversation."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from client.theme import Theme
from client.theme.tokens import FIGURES_MS
from client.video.commands import Pixels
from client.viewmodels.live_watch import LiveWatch, Shown
from client.views.live import words
from client.views.live.parts import LiveBadge, Note
from client.views.live.stage_panel import StagePanel
from client.widgets.button import IconButton
from client.widgets.elided import Elided


class LivePanel(StagePanel):
    """Watches one stream until it is closed, and no longer.

    :param make: makes what is shown, with pictures as they are wanted here.
    """

    def __init__(
        self,
        theme: Theme,
        make: Callable[[Pixels], LiveWatch],
        parent: QWidget | None = None,
        *,
        opengl: bool | None = None,
    ) -> None:
        super().__init__(theme, parent, opengl=opengl)
        self._theme, stage = theme, self.stage
        self.watch = make(stage.area.pixels)
        self._badge = LiveBadge(theme)
        self._title = Elided("strong", gives_way=True)
        self._figures = Elided("second")
        self.note = Note(theme)
        self.mute = IconButton(theme, "volume-2", self.tr("Mute"), shortcut="M")
        self.full = IconButton(theme, "maximize", self.tr("Full screen"), shortcut="F")
        self.close_button = IconButton(theme, "x", self.tr("Stop watching"))
        stage.row.addWidget(self._badge)
        stage.row.addWidget(self._title, 1)
        for widget in (self._figures, self.mute, self.full, self.close_button):
            stage.row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(stage, 1)
        layout.addWidget(self.note)
        self.setAccessibleName(self.tr("Live stream"))
        self.mute.clicked.connect(lambda: self.watch.set_muted(not self.watch.muted))
        self.full.clicked.connect(lambda: stage.set_full(not stage.full))
        self.close_button.clicked.connect(self.leave)
        stage.acted.connect(self._act)
        stage.key.connect(self._key)
        stage.full_changed.connect(self._filled)
        stage.area.pixels_changed.connect(self._pixels)
        second = QTimer(self, interval=FIGURES_MS)
        second.timeout.connect(self._count)
        second.start()
        heard = self.watch.changed.subscribe(lambda _: self._refresh())
        self.ends(second, heard=heard, shown=self.watch.close)
        self._refresh()
        self.watch.begin()

    # What it shows.

    def _refresh(self) -> None:
        watch, saying = self.watch, self.stage.saying
        if watch.player is not self.stage.projector.player:
            self.stage.projector.set_player(watch.player)
        self._title.setText(watch.title)
        running = watch.state in (Shown.RUNNING, Shown.BEGINS)
        self._badge.set_on(running)
        muted = watch.muted
        self.mute.set_icon("volume-x" if muted else "volume-2")
        self.mute.set_name(self.tr("Sound on") if muted else self.tr("Mute"))
        self.mute.setEnabled(not watch.silence)
        if watch.state is Shown.RUNNING:
            saying.hide()
        elif watch.state is Shown.BEGINS:
            saying.say(self.tr("The stream begins …"))
        elif watch.state is Shown.PAUSED:
            saying.say(self.tr("Paused: nothing is being sent right now."), icon="pause")
        elif watch.state is Shown.OVER:
            saying.say(self.tr("The live stream is over."), icon="video-off", button=self.tr("Close"))
        else:
            saying.say(watch.sentence, icon="triangle-alert", button=self.tr("Try again"))
        self._count()

    def _count(self) -> None:
        self._figures.setText(self.watch.figures)
        without = words.without_opengl(self.stage.area)
        self.note.say(" ".join(part for part in (self.watch.silence, without) if part))

    def _act(self) -> None:
        if self.watch.state is Shown.OVER:
            self.leave()
        else:
            self.watch.begin()

    def _key(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_M and not event.modifiers():
            event.accept()
            self.mute.click()

    def _filled(self, full: bool) -> None:
        self.full.set_icon("minimize" if full else "maximize")
        self.full.set_name(self.tr("Leave full screen") if full else self.tr("Full screen"))

    def _pixels(self) -> None:
        self.watch.set_pixels(self.stage.area.pixels)
        self._count()
