"""Before files are sent: what they are, a caption, and whether pictures are sent as files."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QKeySequence,
    QTextCursor,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from client.core.display import shown_name
from client.theme import Theme
from client.theme.tokens import GAP, SEND_DIALOG, SEND_LIST_MOST, SMALL, WIDE
from client.viewmodels.sending_files import SendingFiles
from client.views.files.picked_row import PickedRow
from client.views.files.places import ask_files
from client.widgets.composer import local_files
from client.widgets.composer.edit import Edit
from client.widgets.messages.words import size_words
from client.widgets.pictures import Pictures


class SendDialog(QDialog):
    """Shows a :class:`SendingFiles`; more can be dropped on it, pasted into it or chosen.

    Enter sends, Esc leaves.
    """

    left = Signal(str)
    """It was left without sending; what was written as a caption."""

    def __init__(
        self,
        theme: Theme,
        pictures: Pictures,
        presenter: SendingFiles,
        parent: QWidget | None = None,
        *,
        caption: str = "",
    ) -> None:
        super().__init__(parent)
        self._theme, self._pictures, self.presenter = theme, pictures, presenter
        self.setAcceptDrops(True)
        self.setWindowTitle(self.tr("Send files"))
        self.rows: list[PickedRow] = []
        self.heading = QLabel()
        self.as_file = QCheckBox(self.tr("Send pictures as files"))
        self.as_file.setToolTip(self.tr("They are not shown in the conversation, but offered as files."))
        self.caption = Edit(theme)
        self.caption.setProperty("bare", False)
        self.caption.setPlaceholderText(self.tr("Caption"))
        self.caption.setAccessibleName(self.tr("Caption"))
        self.caption.setPlainText(caption)
        self.caption.moveCursor(QTextCursor.MoveOperation.End)
        self.problem = QLabel()
        self.more = QPushButton(self.tr("Add …"))
        self.cancel = QPushButton(self.tr("Cancel"))
        self.ready = QPushButton(self.tr("Send"))
        self.busy = QProgressBar()
        self._lay_out()
        self._ends: list[Callable[[], None]] = [
            presenter.changed.subscribe(lambda _: self._fill()),
            presenter.failed.subscribe(self._say),
            presenter.sent.subscribe(lambda _: self.accept()),
        ]
        self.caption.entered.connect(self.send)
        self.caption.files.connect(presenter.add)
        self.caption.picture.connect(self.add_picture)
        self.more.clicked.connect(self.choose)
        self.cancel.clicked.connect(self.reject)
        self.ready.clicked.connect(self.send)
        self.finished.connect(self._ended)
        self.resize(theme.px(SEND_DIALOG[0]), theme.px(SEND_DIALOG[1]))
        self._fill()
        self.caption.setFocus()

    def send(self) -> None:
        """Send them."""
        self._say("")
        self.presenter.send(self.caption.toPlainText(), as_file=self.as_file.isChecked())

    def choose(self) -> None:
        """Add others."""
        ask_files(self, self.presenter.add)

    def add_picture(self, image: QImage) -> None:
        """One that was pasted."""
        copy = image.copy()
        self.presenter.add_picture(lambda path: copy.save(str(path)))

    # What is shown.

    def _fill(self) -> None:
        presenter = self.presenter
        if [row.one for row in self.rows] != presenter.files:
            self._fill_rows()
        good, busy = presenter.good, presenter.busy
        count = self.tr("%n files", "", len(good))
        self.heading.setText(
            self.tr("{files}, {size}, to {name}").format(
                files=count, size=size_words(presenter.size), name=shown_name(presenter.title)
            )
        )
        self.as_file.setVisible(any(one.picture for one in good))
        self.as_file.setEnabled(not busy)
        self.ready.setEnabled(bool(good) and not busy)
        self.more.setEnabled(not busy)
        self.cancel.setEnabled(not busy)
        self.caption.setReadOnly(busy)
        self.busy.setVisible(busy)
        for row in self.rows:
            row.remove.setEnabled(not busy)

    def _fill_rows(self) -> None:
        at = next((number for number, row in enumerate(self.rows) if row.remove.hasFocus()), -1)
        for row in self.rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = []
        for number, one in enumerate(self.presenter.files):
            row = PickedRow(self._theme, self._pictures, one)
            row.removed.connect(lambda number=number: self.presenter.remove(number))
            self._column.insertWidget(number, row)
            self.rows.append(row)
        if at >= 0 and self.rows:
            self.rows[min(at, len(self.rows) - 1)].remove.setFocus()
        elif at >= 0:
            self.caption.setFocus()
        self._nothing.setVisible(not self.rows)

    def _say(self, problem: str) -> None:
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _ended(self, result: int) -> None:
        for end in self._ends:
            end()
        if result != QDialog.DialogCode.Accepted.value:
            self.presenter.leave()
            self.left.emit(self.caption.toPlainText())

    def reject(self) -> None:
        """Leave; while they are being sent it stays."""
        if not self.presenter.busy:
            super().reject()

    # Keys and drops.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Paste):
            self._drop(QGuiApplication.clipboard().mimeData())
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_files(event.mimeData()) or event.mimeData().hasImage():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self._drop(event.mimeData())

    def _drop(self, data: QMimeData) -> None:
        if files := local_files(data):
            self.presenter.add(files)
        elif data.hasImage():
            image = QImage(data.imageData())
            if not image.isNull():
                self.add_picture(image)

    def _lay_out(self) -> None:
        self.heading.setTextFormat(Qt.TextFormat.PlainText)
        self.heading.setProperty("role", "strong")
        self.heading.setWordWrap(True)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setProperty("role", "danger")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.setAccessibleName(self.tr("The files are being prepared"))
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._nothing = QLabel(self.tr("Nothing is left to be sent. Drop files here, or add some."))
        self._nothing.setProperty("role", "second")
        self._nothing.setWordWrap(True)
        self._column.addWidget(self._nothing)
        self._column.addStretch(1)
        self.list = QScrollArea()
        self.list.setWidgetResizable(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setWidget(inner)
        self.list.setAccessibleName(self.tr("Files"))
        line = QFrame()
        line.setProperty("line", True)
        buttons = QHBoxLayout()
        buttons.setSpacing(SMALL)
        for button in (self.more, self.cancel):
            button.setAutoDefault(False)
        self.ready.setProperty("kind", "primary")
        self.ready.setDefault(True)
        buttons.addWidget(self.more)
        buttons.addStretch()
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.ready)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(WIDE, WIDE, WIDE, WIDE)
        layout.setSpacing(GAP)
        layout.addWidget(self.heading)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.busy)
        layout.addWidget(line)
        layout.addWidget(self.as_file)
        layout.addWidget(self.caption)
        layout.addWidget(self.problem)
        layout.addLayout(buttons)
        self.list.setMinimumHeight(min(self._theme.px(SEND_LIST_MOST), self._theme.px(72)))
