"""A film that was sent: pictures, and a bar to play, pause and seek."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QLabel, QSlider, QStyle, QStyleOptionSlider, QVBoxLayout, QWidget

from client.theme import Font, Theme
from client.theme.tokens import FIGURES_MS
from client.video.commands import Pixels
from client.viewmodels.film_show import FilmShow
from client.views.live import words
from client.views.live.parts import Note
from client.views.live.stage_panel import StagePanel
from client.widgets.button import IconButton

SKIP, SKIP_FAR = 5.0, 30.0
"""Seconds of the arrow keys, and of those with Shift."""
STEPS = 10
"""Of the slider, a second."""


class SeekBar(QSlider):
    """A slider that goes where it is clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setSingleStep(int(SKIP * STEPS))
        self.setPageStep(int(SKIP_FAR * STEPS))
        self.setAccessibleName(self.tr("Position"))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        control, style = QStyle.ComplexControl.CC_Slider, self.style()
        handle = style.subControlRect(control, option, QStyle.SubControl.SC_SliderHandle, self)
        if event.button() is Qt.MouseButton.LeftButton and not handle.contains(event.position().toPoint()):
            room = self.width() - handle.width()
            at = round(event.position().x()) - handle.width() // 2
            self.setValue(
                QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), at, room, option.upsideDown)
            )
        super().mousePressEvent(event)


class FilmPanel(StagePanel):
    """Plays one film until it is stopped.

    :param make: makes what is shown, with pictures as they are wanted here.
    """

    def __init__(
        self,
        theme: Theme,
        make: Callable[[Pixels], FilmShow],
        parent: QWidget | None = None,
        *,
        opengl: bool | None = None,
    ) -> None:
        super().__init__(theme, parent, opengl=opengl)
        stage = self.stage
        self.film = show = make(stage.area.pixels)
        self.play = IconButton(theme, "play", self.tr("Play"), shortcut="Space")
        self.slider = SeekBar()
        self.time = QLabel()
        self.time.setProperty("role", "second")
        self.note = Note(theme)
        self.mute = IconButton(theme, "volume-2", self.tr("Mute"), shortcut="M")
        self.full = IconButton(theme, "maximize", self.tr("Full screen"), shortcut="F")
        self.close_button = IconButton(theme, "x", self.tr("Close"))
        stage.row.addWidget(self.play)
        stage.row.addWidget(self.slider, 1)
        for widget in (self.time, self.mute, self.full, self.close_button):
            stage.row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(stage, 1)
        layout.addWidget(self.note)
        self._theme = theme
        theme.follow(self._restyle)
        self.setAccessibleName(show.name)
        self.play.clicked.connect(show.toggle)
        self.slider.valueChanged.connect(self._moved)
        self.mute.clicked.connect(lambda: show.set_muted(not show.muted))
        self.full.clicked.connect(lambda: stage.set_full(not stage.full))
        self.close_button.clicked.connect(self.leave)
        stage.pressed.connect(show.toggle)
        stage.acted.connect(show.begin)
        stage.key.connect(self._key)
        stage.full_changed.connect(self._filled)
        stage.area.pixels_changed.connect(self._pixels)
        self._tick = QTimer(self, interval=FIGURES_MS // 4)
        self._tick.timeout.connect(self._count)
        self._seek = QTimer(self, singleShot=True, interval=FIGURES_MS // 5)
        self._seek.timeout.connect(lambda: show.seek(self.slider.value() / STEPS))
        heard = show.changed.subscribe(lambda _: self._refresh())
        self.ends(self._tick, self._seek, heard=heard, shown=show.close)
        self._refresh()
        show.begin()

    # What it shows.

    def _refresh(self) -> None:
        show, saying = self.film, self.stage.saying
        if show.player is not self.stage.projector.player:
            self.stage.projector.set_player(show.player)
        if show.sentence:
            saying.say(show.sentence, icon="triangle-alert", button=self.tr("Try again"))
        elif show.fetching:
            share = "" if show.share is None else f" {show.share:.0%}"
            saying.say(self.tr("Fetching the file …") + share)
        elif show.begins and not self.stage.area.shows:
            saying.say(self.tr("The film begins …"))
        else:
            saying.hide()
        self.play.set_icon("pause" if show.plays else "play")
        self.play.set_name(self.tr("Pause") if show.plays else self.tr("Play"))
        self.play.setEnabled(show.player is not None and not show.sentence)
        self.mute.set_icon("volume-x" if show.muted else "volume-2")
        self.mute.set_name(self.tr("Sound on") if show.muted else self.tr("Mute"))
        self.mute.setEnabled(not show.silence)
        self.slider.setEnabled(bool(show.duration) and not show.sentence)
        self.slider.setMaximum(max(1, int(show.duration * STEPS)))
        without = words.without_opengl(self.stage.area)
        self.note.say(" ".join(part for part in (show.silence, without) if part))
        if show.plays:
            self._tick.start()
        else:
            self._tick.stop()
        self._count()

    def _count(self) -> None:
        show = self.film
        self.time.setText(show.words)
        if show.player is not None and show.player.counts.shown and not show.sentence:
            self.stage.saying.hide()
        if not self.slider.isSliderDown() and not self._seek.isActive():
            with QSignalBlocker(self.slider):
                self.slider.setValue(int(show.position * STEPS))

    def _moved(self) -> None:
        """Dragged, clicked, or moved by a key: seeks at most a few times a second."""
        if not self._seek.isActive():
            self._seek.start()

    def _key(self, event: QKeyEvent) -> None:
        far = SKIP_FAR if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else SKIP
        match event.key():
            case Qt.Key.Key_Space | Qt.Key.Key_K:
                self.film.toggle()
            case Qt.Key.Key_Left:
                self.film.skip(-far)
            case Qt.Key.Key_Right:
                self.film.skip(far)
            case Qt.Key.Key_Home:
                self.film.seek(0.0)
            case Qt.Key.Key_M:
                self.mute.click()
            case _:
                return
        event.accept()

    def _filled(self, full: bool) -> None:
        self.full.set_icon("minimize" if full else "maximize")
        self.full.set_name(self.tr("Leave full screen") if full else self.tr("Full screen"))

    def _pixels(self) -> None:
        self.film.set_pixels(self.stage.area.pixels)
        self._refresh()

    def _restyle(self) -> None:
        self.time.setFont(self._theme.font(Font.META))
