"""All files of all conversations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QMessageBox,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from client.core.filenames import safe_name
from client.core.model import Kind, Message
from client.theme import Theme
from client.theme.tokens import FILES_NARROW, FILES_PAGE, GAP, HEADER, SMALL, TIGHT
from client.translations.sentences import listed
from client.viewmodels.file_actions import FileActions
from client.viewmodels.files import FilesModel
from client.viewmodels.work import now_ms, run
from client.views.files.places import ask_where
from client.views.files.row import Act, FileDelegate, about, act_of
from client.views.files.rows import FileRows
from client.widgets.button import IconButton
from client.widgets.empty import EmptyState
from client.widgets.messages.words import size_words
from client.widgets.pictures import Pictures
from client.widgets.question import ask
from client.widgets.search_field import SearchField


class FilesPage(QWidget):
    """:attr:`look` asks for a picture or a film to be shown, :attr:`to_message` for its message, :attr:`back`
    for the way back.
    """

    back = Signal()
    look = Signal(object)
    to_message = Signal(object)

    def __init__(
        self, theme: Theme, pictures: Pictures, actions: FileActions, *, now: Callable[[], int] = now_ms
    ) -> None:
        super().__init__()
        self._theme, self._actions, self._now = theme, actions, now
        account = self._account = actions.account
        self.setProperty("ground", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model = FilesModel(account, words=self._words)
        self._previews: dict[str, str] = {}
        self.back_button = IconButton(theme, "arrow-left", self.tr("Back"), shortcut="Esc")
        self.search = SearchField(theme, self.tr("Search by name"))
        self.kinds: dict[str, QPushButton] = {}
        self.here = QCheckBox(self.tr("On this disk"))
        self.order = QComboBox()
        self.order.setAccessibleName(self.tr("Order"))
        self.order.addItem(self.tr("Newest first"), False)
        self.order.addItem(self.tr("Largest first"), True)
        self.rows = FileRows()
        self.rows.setItemDelegate(
            FileDelegate(theme, pictures, account.person, account.conversation, self._preview, now)
        )
        self.rows.setModel(self.model)
        self.empty = EmptyState(theme, "folder-open", self.tr("No files"))
        self.kept = QLabel()
        self.kept.setProperty("role", "meta")
        self.clear = QPushButton(self.tr("Clear"))
        self.clear.setProperty("kind", "flat")
        self.problem = QLabel()
        self._soon = QTimer(self, singleShot=True, interval=300)
        self._soon.timeout.connect(self.model.measure)
        self._lay_out()
        self._connect(pictures)
        self._ends = [
            self.model.filled.subscribe(lambda _: self._fill()),
            self.model.failed.subscribe(self._say),
            self.model.kept.subscribe(self._kept),
            actions.failed.subscribe(lambda failed: self._say(failed[1]) if self.isVisible() else None),
            actions.saved.subscribe(
                lambda saved: self._say(
                    self.tr("Saved as {name}").format(name=safe_name(saved[1].name)), bad=False
                )
            ),
            account.changes.messages.subscribe(lambda _: self._soon.start() if self.isVisible() else None),
        ]
        theme.follow(self._restyle)

    def opened(self) -> None:
        """It comes to the front: what is there is read anew."""
        self._say("")
        self.model.reload()
        self.model.measure()
        self.search.setFocus()

    def close_view(self) -> None:
        """Hear no more."""
        for end in self._ends:
            end()
        self.model.close()

    def show_kind(self, kind: str) -> None:
        """Files of one kind; empty: all."""
        self.kinds[kind].setChecked(True)
        self.model.show(kind=kind)

    # What is shown.

    def _words(self, message: Message) -> str:
        attachment = message.attachment
        if attachment is None:
            return ""
        here = self.tr("on this disk") if attachment.path else self.tr("not on this disk")
        words = about(message, self._account.person, self._account.conversation, self._now())
        return listed((safe_name(attachment.filename), words, here))

    def _preview(self, message: Message) -> str:
        attachment = message.attachment
        if attachment is None:
            return ""
        known = (
            attachment.preview
            or (attachment.path if message.kind is Kind.IMAGE else "")
            or self._previews.get(message.key)
        )
        if known is not None:
            return known
        self._previews[message.key] = ""  # it is asked for once

        async def have() -> None:
            path = await self._account.preview(message)
            if path is not None:
                self._previews[message.key] = str(path)
                self.rows.viewport().update()

        run(have(), lambda problem: None)
        return ""

    def _fill(self) -> None:
        model = self.model
        if model.rowCount():
            self._stack.setCurrentWidget(self.rows)
            return
        if model.loading or not model.complete:
            return
        if model.sought:
            self.empty.set_words(self.tr("Nothing found"), self.tr("No file is of this kind and name."))
        else:
            self.empty.set_words(
                self.tr("No files yet"), self.tr("Pictures and files of all conversations are here.")
            )
        self._stack.setCurrentWidget(self.empty)

    def _kept(self, size: int) -> None:
        self.kept.setText(self.tr("{size} of copies are kept on this disk.").format(size=size_words(size)))
        self.clear.setEnabled(size > 0)

    def _say(self, words: str, *, bad: bool = True) -> None:
        self.problem.setProperty("role", "danger" if bad else "good")
        self.problem.style().unpolish(self.problem)
        self.problem.style().polish(self.problem)
        self.problem.setText(words)
        self.problem.setVisible(bool(words))

    # What is done.

    def _open(self, message: Message) -> None:
        if message.kind in (Kind.IMAGE, Kind.VIDEO):
            self.look.emit(message)
        else:
            self._actions.open(message)

    def _act(self, message: Message) -> None:
        self._say("")
        act = act_of(message, self._actions.transfer(message))
        {
            Act.DOWNLOAD: self._actions.download,
            Act.PAUSE: self._actions.pause,
            Act.RESUME: self._actions.resume,
            Act.AGAIN: self._actions.resume,
            Act.FOLDER: self._actions.reveal,
        }[act](message)

    def _save(self, message: Message) -> None:
        ask_where(self, self._actions.suggested(message), lambda path: self._actions.save(message, path))

    def _discard(self, message: Message) -> None:
        if self._actions.removable(message):
            self._actions.discard(message)

    def menu_of(self, message: Message) -> QMenu:
        """What can be done with a file."""
        menu, icon, actions = QMenu(self), self._theme.icon, self._actions
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        transfer = actions.transfer(message)
        here = message.attachment is not None and bool(message.attachment.path)
        menu.addAction(icon("eye"), self.tr("Open"), partial(self._open, message))
        if transfer is not None:
            words = {
                Act.PAUSE: self.tr("Pause"),
                Act.RESUME: self.tr("Go on"),
                Act.AGAIN: self.tr("Try again"),
            }
            act = act_of(message, transfer)
            menu.addAction(icon(act.value), words[act], partial(self._act, message))
            menu.addAction(icon("x"), self.tr("Cancel"), partial(actions.cancel, message))
        elif not here:
            menu.addAction(icon("download"), self.tr("Download"), partial(actions.download, message))
        if here:
            menu.addAction(icon("folder-open"), self.tr("Show in folder"), partial(actions.reveal, message))
        menu.addAction(icon("save"), self.tr("Save as …"), partial(self._save, message))
        menu.addSeparator()
        menu.addAction(
            icon("message-square"), self.tr("Go to the message"), lambda: self.to_message.emit(message)
        )
        if actions.removable(message):
            menu.addAction(
                icon("trash-2"), self.tr("Remove from this disk"), partial(actions.discard, message)
            )
        return menu

    def ask_clear(self) -> QMessageBox:
        """Ask before all copies go."""
        return ask(
            self,
            self.tr("Remove all copies from this disk?"),
            self.tr(
                "They can be had again from the server. What you have sent from here, or saved elsewhere, stays."
            ),
            [(self.tr("Remove"), QMessageBox.ButtonRole.AcceptRole, self.model.clear)],
            icon=QMessageBox.Icon.Question,
        )

    # How.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.back.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where it is narrow, what is chosen takes two lines."""
        super().resizeEvent(event)
        wide = self.width() >= self._theme.px(FILES_NARROW)
        self._choices.setDirection(
            QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        )

    def _typed(self, text: str) -> None:
        self.search.setFocus()
        self.search.insert(text)

    def _to_rows(self) -> None:
        if self.model.rowCount():
            self.rows.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _connect(self, pictures: Pictures) -> None:
        self.back_button.clicked.connect(self.back)
        self.search.searched.connect(lambda text: self.model.show(text=text))
        self.search.down.connect(self._to_rows)
        self.search.left.connect(self.back)
        self.here.toggled.connect(lambda on: self.model.show(here=on))
        self.order.currentIndexChanged.connect(
            lambda _: self.model.show(largest=bool(self.order.currentData()))
        )
        self.clear.clicked.connect(self.ask_clear)
        rows = self.rows
        rows.opened.connect(self._open)
        rows.pressed_button.connect(self._act)
        rows.save.connect(self._save)
        rows.discard.connect(self._discard)
        rows.menu.connect(self._menu)
        rows.above.connect(self.search.setFocus)
        rows.typed.connect(self._typed)
        pictures.ready.connect(rows.viewport().update)

    def _menu(self, message: Message, place: QPoint) -> None:
        self.menu_of(message).popup(place)

    def _lay_out(self) -> None:
        title = QLabel(self.tr("Files"))
        title.setProperty("role", "title")
        self._head = QWidget()
        head = QHBoxLayout(self._head)
        head.setContentsMargins(GAP, 0, GAP, 0)
        head.setSpacing(SMALL)
        head.addWidget(self.back_button)
        head.addWidget(title)
        head.addSpacing(GAP)
        head.addWidget(self.search, 1)
        line = QFrame()
        line.setProperty("line", True)
        group = QButtonGroup(self)
        tabs = QHBoxLayout()
        tabs.setSpacing(TIGHT)
        for kind, words in (
            ("", self.tr("All")),
            (Kind.IMAGE.value, self.tr("Pictures")),
            (Kind.VIDEO.value, self.tr("Videos")),
            (Kind.AUDIO.value, self.tr("Sound")),
            (Kind.FILE.value, self.tr("Other")),
        ):
            button = self.kinds[kind] = QPushButton(words)
            button.setProperty("kind", "tab")
            button.setCheckable(True)
            button.setAutoDefault(False)
            button.clicked.connect(partial(self.show_kind, kind))
            group.addButton(button)
            tabs.addWidget(button)
        self.kinds[""].setChecked(True)
        tabs.addStretch()
        filters = QHBoxLayout()
        filters.setSpacing(SMALL)
        filters.addWidget(self.here)
        filters.addStretch()
        filters.addWidget(self.order)
        self._choices = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._choices.setContentsMargins(GAP, SMALL, GAP, SMALL)
        self._choices.setSpacing(SMALL)
        self._choices.addLayout(tabs, 1)
        self._choices.addLayout(filters)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setWordWrap(True)
        self.problem.setContentsMargins(GAP, TIGHT, GAP, SMALL)
        self.problem.hide()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.rows)
        self._stack.addWidget(self.empty)
        foot = QHBoxLayout()
        foot.setContentsMargins(GAP, TIGHT, GAP, TIGHT)
        foot.addWidget(self.kept, 1)
        foot.addWidget(self.clear)
        below = QFrame()
        below.setProperty("line", True)
        self._inner = QWidget()
        column = QVBoxLayout(self._inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._choices)
        column.addWidget(self.problem)
        column.addWidget(self._stack, 1)
        column.addWidget(below)
        column.addLayout(foot)
        across = QHBoxLayout()
        across.addStretch(1)
        across.addWidget(self._inner, 1000)
        across.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._head)
        layout.addWidget(line)
        layout.addLayout(across, 1)

    def _restyle(self) -> None:
        self._head.setFixedHeight(self._theme.px(HEADER) - 1)
        self._inner.setMaximumWidth(self._theme.px(FILES_PAGE))
        self.rows.doItemsLayout()
