"""Myself, live, above the messages of the conversation."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from client.theme import Theme
from client.theme.tokens import FIGURES_MS
from client.viewmodels.going_live import GoingLive, Step
from client.views.live import words
from client.views.live.parts import LiveBadge, Note
from client.views.live.stage_panel import StagePanel
from client.widgets.button import IconButton
from client.widgets.elided import Elided


class OwnPanel(StagePanel):
    """Myself, live: what others see, what goes out, and the end of it."""

    def __init__(
        self, theme: Theme, going: GoingLive, parent: QWidget | None = None, *, opengl: bool | None = None
    ) -> None:
        super().__init__(theme, parent, opengl=opengl)
        self.going, stage = going, self.stage
        if stage.area.pixels is not going.pixels:
            going.set_pixels(stage.area.pixels)
        self._badge = LiveBadge(theme)
        self._title = Elided("strong", gives_way=True)
        self._figures = Elided("second")
        self.full = IconButton(theme, "maximize", self.tr("Full screen"), shortcut="F")
        self.end = QPushButton(self.tr("End"))
        self.end.setProperty("kind", "danger")
        self.note = Note(theme)
        stage.row.addWidget(self._badge)
        stage.row.addWidget(self._title, 1)
        for widget in (self._figures, self.full, self.end):
            stage.row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(stage, 1)
        layout.addWidget(self.note)
        self.setAccessibleName(self.tr("My live stream"))
        self.full.clicked.connect(lambda: stage.set_full(not stage.full))
        self.end.clicked.connect(self._press)
        stage.acted.connect(self.leave)
        stage.full_changed.connect(lambda full: self.full.set_icon("minimize" if full else "maximize"))
        stage.area.pixels_changed.connect(lambda: going.set_pixels(stage.area.pixels))
        second = QTimer(self, interval=FIGURES_MS)
        second.timeout.connect(self._count)
        second.start()
        heard = going.changed.subscribe(lambda _: self._refresh())
        self.ends(second, heard=heard, shown=going.close)
        self._refresh()

    def _press(self) -> None:
        if self.going.step is Step.LIVE:
            self.going.end()
        else:
            self.leave()

    def _refresh(self) -> None:
        going, saying = self.going, self.stage.saying
        if going.preview is not self.stage.projector.player:
            self.stage.projector.set_player(going.preview)
        live = going.step in (Step.LIVE, Step.STARTING)
        self._badge.set_on(live)
        self._title.setText(" ".join(going.stream.title.split()) if going.stream is not None else "")
        self.end.setText(self.tr("End") if live else self.tr("Close"))
        if self.end.property("kind") != (kind := "danger" if live else ""):
            self.end.setProperty("kind", kind)
            self.end.style().polish(self.end)
        if going.step is Step.FAILED:
            saying.say(going.sentence, icon="triangle-alert", button=self.tr("Close"))
        elif going.step is Step.ENDED:
            saying.say(
                going.sentence or self.tr("Your live stream is over."),
                icon="video-off",
                button=self.tr("Close"),
            )
        else:
            saying.hide()
        self._count()

    def _count(self) -> None:
        self._figures.setText(self.going.figures)
        self.note.say(words.without_opengl(self.stage.area))
