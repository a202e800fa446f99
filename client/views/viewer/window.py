"""The window in which pictures of a conversation are looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QLocale, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QColor, QGuiApplication, QImage, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from client.core.display import shown, shown_name
from client.core.filenames import safe_name
from client.core.model import Message, Stage, Transfer
from client.theme import Theme
from client.theme.tokens import (
    FAST_MS,
    GAP,
    HEADER,
    HUGE,
    ICON_BIG,
    ON_STAGE_SECOND,
    PAN_STEP,
    SMALL,
    TIGHT,
    VIEWER,
    WIDE,
    ZOOM_STEP,
)
from client.translations.sentences import percent
from client.viewmodels.file_actions import FileActions
from client.viewmodels.gallery import Gallery
from client.viewmodels.work import now_ms
from client.views.files.places import ask_where
from client.views.viewer.bar import StageButton, stage_sheet
from client.views.viewer.canvas import PictureCanvas
from client.widgets.decoding import Decoded, Loader, fault_words
from client.widgets.messages.words import full_time, moment_words, transfer_words
from client.widgets.ring import Ring

PIXELS = QSize(5000, 5000)
"""What a picture is fitted into when it is decoded: a hundred megabytes."""
ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class Viewer(QWidget):
    """Shows a :class:`Gallery`. ← → go to the next, + - 0 1 zoom, Ctrl+S saves, Ctrl+C copies, F fills the
    screen, Esc leaves.
    """

    to_message = Signal(object)
    """Show the message of this picture."""

    def __init__(self, theme: Theme, actions: FileActions, *, now: Callable[[], int] = now_ms) -> None:
        super().__init__()
        self._theme, self._actions, self._now = theme, actions, now
        self.setObjectName("stage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(self.tr("Pictures"))
        self.gallery: Gallery | None = None
        self._ends: list[Callable[[], None]] = []
        self._image = QImage()
        self._path = ""
        self._whole_shown = False
        self.canvas = PictureCanvas()
        self.who, self.when, self.place, self.percent, self.caption = (QLabel() for _ in range(5))
        self.trouble = QLabel()
        self.again = QPushButton(self.tr("Try again"))
        self.ring = Ring(theme, ICON_BIG)
        self.how_far = QLabel()
        button = self._button
        self.older = button("chevron-left", self.tr("Older picture"), "Left")
        self.newer = button("chevron-right", self.tr("Newer picture"), "Right")
        self.out = button("zoom-out", self.tr("Zoom out"), "-")
        self.closer = button("zoom-in", self.tr("Zoom in"), "+")
        self.fit = button("maximize-2", self.tr("Fit into the window"), "0")
        self.go = button("message-square", self.tr("Go to the message"))
        self.copy_button = button("copy", self.tr("Copy"), "Ctrl+C")
        self.folder = button("folder-open", self.tr("Show in folder"))
        self.save_button = button("save", self.tr("Save as"), "Ctrl+S")
        self.leave = button("x", self.tr("Close"), "Esc")
        self._loader = Loader(self)
        self._loader.loaded.connect(self._loaded)
        self._settle = QTimer(self, singleShot=True, interval=FAST_MS)
        self._settle.timeout.connect(self._fetch)
        self._lay_out()
        self._connect()
        theme.follow(self._restyle)
        self.resize(theme.px(VIEWER[0]), theme.px(VIEWER[1]))

    def _button(self, icon: str, name: str, shortcut: str = "") -> StageButton:
        return StageButton(self._theme, icon, name, shortcut=shortcut)

    # Which picture.

    def open(self, message: Message, over: QWidget | None = None) -> None:
        """Look at the picture of a message, over a window."""
        self._leave()
        gallery = self.gallery = Gallery(self._actions.account, message)
        self._ends = [
            gallery.turned.subscribe(lambda _: self._begin()),
            gallery.shown.subscribe(lambda _: self._about()),
            gallery.ready.subscribe(lambda found: self._ready(*found)),
            gallery.progress.subscribe(self._progress),
            gallery.failed.subscribe(self._failed),
            gallery.gone.subscribe(lambda _: self.close()),
            self._actions.failed.subscribe(lambda failed: self._failed(failed[1])),
            self._actions.saved.subscribe(
                lambda saved: self._said(self.tr("Saved as {name}").format(name=safe_name(saved[1].name)))
            ),
        ]
        if over is not None and not self.isVisible():
            self.setGeometry(over.window().geometry())
        gallery.open()
        self.show()
        self.raise_()
        self.activateWindow()
        self.canvas.setFocus()

    def step(self, by: int) -> None:
        """The next one."""
        if self.gallery is not None:
            self.gallery.step(by)

    def _begin(self) -> None:
        """Nothing of this one is here yet."""
        self._loader.stop()
        self._path, self._image, self._whole_shown = "", QImage(), False
        self.canvas.clear()
        self._stack.setCurrentWidget(self._waiting)
        self.ring.set_share(None)
        self.how_far.clear()
        self._about()
        self._settle.start()

    def _ready(self, path: Path, whole: bool) -> None:
        if whole and self._whole_shown:
            return
        if not whole and (self._whole_shown or not self.canvas.empty):
            return
        self._path, self._whole_shown = str(path), whole
        self._loader.load(str(path), PIXELS, levels=True)

    def _loaded(self, path: str, decoded: Decoded) -> None:
        attachment = self.gallery.current.attachment if self.gallery is not None else None
        if attachment is None or path != self._path:
            return
        if decoded.fault is not None:
            if self._whole_shown:
                self._trouble(fault_words(decoded.fault))
            return
        whole = decoded.whole
        if not self._whole_shown and attachment.width > 0 < attachment.height:
            told = QSize(min(attachment.width, 1 << 20), min(attachment.height, 1 << 20))
            # told by whoever sent it
            if abs(told.width() / told.height() - whole.width() / whole.height()) < 0.1:
                whole = told
        self._image = decoded.image
        self.canvas.set_picture(decoded.levels, whole)
        self._stack.setCurrentWidget(self.canvas)
        self.canvas.setFocus()
        self._about()

    def _progress(self, transfer: Transfer) -> None:
        moving = transfer.stage in (Stage.MOVING, Stage.PAUSED) and transfer.size > 0
        self.ring.set_share(transfer.done / transfer.size if moving else None)
        self.how_far.setText("" if transfer.over else transfer_words(transfer))

    def _failed(self, problem: str) -> None:
        if self.canvas.empty:
            self._trouble(problem, again=True)
        else:
            self._said(problem)

    def _trouble(self, problem: str, *, again: bool = False) -> None:
        self.canvas.clear()
        self._image = QImage()
        self.trouble.setText(problem)
        self.again.setVisible(again)
        self._stack.setCurrentWidget(self._broken)
        self._about()

    def _said(self, words: str) -> None:
        """Below the picture, until the next one."""
        self.caption.setText(words)
        self.caption.setVisible(True)

    def _about(self) -> None:
        gallery = self.gallery
        if gallery is None:
            return
        message, index, count = gallery.current, gallery.index, len(gallery.messages)
        attachment = message.attachment
        name = safe_name(attachment.filename) if attachment is not None else ""
        who = self.tr("You") if message.mine else shown_name(gallery.account.person(message.sender).name)
        self.who.setText(who)
        self.when.setText(moment_words(message.at_ms, self._now()))
        self.when.setToolTip(full_time(message.at_ms))
        number = QLocale().toString(index + 1)
        total = QLocale().toString(count) + ("" if gallery.at_start else "+")
        self.place.setText(
            self.tr("{number} of {count}").format(number=number, count=total) if count > 1 else ""
        )
        self.caption.setText(" ".join(shown(message.text).split())[:1000])
        self.caption.setVisible(bool(message.text))
        self.older.setEnabled(index > 0)
        self.newer.setEnabled(index + 1 < count)
        there = not self.canvas.empty
        for button in (self.out, self.closer, self.fit, self.copy_button):
            button.setEnabled(there)
        self.canvas.setAccessibleName(self.tr("Picture {name} from {person}").format(name=name, person=who))
        self.canvas.setAccessibleDescription(self.caption.text())
        self.setWindowTitle(name or self.tr("Pictures"))
        self._zoomed()

    def _zoomed(self) -> None:
        self.percent.setText(percent(round(self.canvas.scale * 100)) if not self.canvas.empty else "")

    # What is done with it.

    def copy(self) -> None:
        """Put the picture on the clipboard."""
        if not self._image.isNull():
            QGuiApplication.clipboard().setImage(self._image)
            self._said(self.tr("Copied"))

    def save(self) -> None:
        """Ask where to, and save it."""
        if self.gallery is not None:
            message = self.gallery.current
            ask_where(self, self._actions.suggested(message), lambda path: self._actions.save(message, path))

    def reveal(self) -> None:
        """Show its file in its folder."""
        if self.gallery is not None:
            self._actions.reveal(self.gallery.current)

    def full_screen(self) -> None:
        """Fill the screen, or no more."""
        self.showNormal() if self.isFullScreen() else self.showFullScreen()

    def _to_message(self) -> None:
        if self.gallery is not None:
            message = self.gallery.current
            self.close()
            self.to_message.emit(message)

    def _retry(self) -> None:
        self._begin()
        self._settle.stop()
        self._fetch()

    def _fetch(self) -> None:
        if self.gallery is not None:
            self.gallery.fetch()

    # How.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = event.key(), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        rtl = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        if key == Qt.Key.Key_Escape:
            self.showNormal() if self.isFullScreen() else self.close()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.matches(QKeySequence.StandardKey.Save):
            self.save()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and not modifiers:
            self.step(-1 if (key == Qt.Key.Key_Left) != rtl else 1)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.step(-1 if key == Qt.Key.Key_PageUp else 1)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and self.gallery is not None:
            self.step((0 if key == Qt.Key.Key_Home else len(self.gallery.messages) - 1) - self.gallery.index)
        elif Qt.Key(key) in ARROWS:
            across, down = ARROWS[Qt.Key(key)]
            self.canvas.pan(across * PAN_STEP, down * PAN_STEP)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.canvas.zoom_by(ZOOM_STEP)
        elif key == Qt.Key.Key_Minus:
            self.canvas.zoom_by(1 / ZOOM_STEP)
        elif key == Qt.Key.Key_0:
            self.canvas.fit()
        elif key == Qt.Key.Key_1:
            self.canvas.full()
        elif key in (Qt.Key.Key_F, Qt.Key.Key_F11):
            self.full_screen()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._leave()
        self.canvas.clear()
        self._image = QImage()
        super().closeEvent(event)

    def close_view(self) -> None:
        """End for good."""
        self.close()
        self._loader.close()
        self.deleteLater()

    def _leave(self) -> None:
        self._settle.stop()
        self._loader.stop()
        for end in self._ends:
            end()
        self._ends = []
        if self.gallery is not None:
            self.gallery.close()
        self.gallery = None

    def _connect(self) -> None:
        self.older.clicked.connect(lambda: self.step(-1))
        self.newer.clicked.connect(lambda: self.step(1))
        self.out.clicked.connect(lambda: self.canvas.zoom_by(1 / ZOOM_STEP))
        self.closer.clicked.connect(lambda: self.canvas.zoom_by(ZOOM_STEP))
        self.fit.clicked.connect(lambda: self.canvas.full() if self.canvas.fitted else self.canvas.fit())
        self.copy_button.clicked.connect(self.copy)
        self.folder.clicked.connect(self.reveal)
        self.save_button.clicked.connect(self.save)
        self.go.clicked.connect(self._to_message)
        self.leave.clicked.connect(self.close)
        self.again.clicked.connect(self._retry)
        self.canvas.zoomed.connect(self._zoomed)

    def _lay_out(self) -> None:
        for label, role in (
            (self.who, "strong"),
            (self.when, "meta"),
            (self.place, "second"),
            (self.percent, "second"),
        ):
            label.setProperty("role", role)
        for label in (
            self.who,
            self.when,
            self.place,
            self.percent,
            self.caption,
            self.trouble,
            self.how_far,
        ):
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.percent.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.percent.setMinimumWidth(self._theme.px(56))
        self.who.setMinimumWidth(1)
        centre = Qt.AlignmentFlag.AlignCenter
        self.caption.setWordWrap(True)
        self.caption.setAlignment(centre)
        self.trouble.setWordWrap(True)
        self.trouble.setAlignment(centre)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch()
        words.addWidget(self.who)
        words.addWidget(self.when)
        words.addStretch()
        self._top = QWidget()
        top = QHBoxLayout(self._top)
        top.setContentsMargins(WIDE, 0, SMALL, 0)
        top.setSpacing(TIGHT)
        top.addLayout(words, 1)
        top.addWidget(self.place)
        top.addSpacing(GAP)
        for widget in (
            self.out,
            self.percent,
            self.closer,
            self.fit,
            self.go,
            self.copy_button,
            self.folder,
            self.save_button,
            self.leave,
        ):
            top.addWidget(widget)
        self._waiting, self._broken = QWidget(), QWidget()
        waiting = QVBoxLayout(self._waiting)
        waiting.setSpacing(GAP)
        waiting.addStretch()
        waiting.addWidget(self.ring, 0, Qt.AlignmentFlag.AlignHCenter)
        waiting.addWidget(self.how_far, 0, Qt.AlignmentFlag.AlignHCenter)
        waiting.addStretch()
        self._mark = QLabel()
        broken = QVBoxLayout(self._broken)
        broken.setSpacing(GAP)
        broken.setContentsMargins(HUGE, HUGE, HUGE, HUGE)
        broken.addStretch()
        broken.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignHCenter)
        broken.addWidget(self.trouble)
        broken.addWidget(self.again, 0, Qt.AlignmentFlag.AlignHCenter)
        broken.addStretch()
        self._stack = QStackedWidget()
        for page in (self.canvas, self._waiting, self._broken):
            self._stack.addWidget(page)
        middle = QHBoxLayout()
        middle.setContentsMargins(SMALL, 0, SMALL, 0)
        middle.setSpacing(SMALL)
        middle.addWidget(self.older)
        middle.addWidget(self._stack, 1)
        middle.addWidget(self.newer)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._top)
        layout.addLayout(middle, 1)
        layout.addWidget(self.caption)
        self.caption.setContentsMargins(HUGE, GAP, HUGE, GAP)

    def _restyle(self) -> None:
        self.setStyleSheet(stage_sheet(self._theme))
        self._top.setFixedHeight(self._theme.px(HEADER))
        ink = QColor(ON_STAGE_SECOND)
        self._mark.setPixmap(
            self._theme.pixmap("triangle-alert", ink, size=ICON_BIG, ratio=self.devicePixelRatioF())
        )
