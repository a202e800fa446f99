"""The conversation that is open: header, find bar, messages, composer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QKeyEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from client.platform.settings import Settings
from client.theme import Theme
from client.viewmodels.conversation import ConversationPresenter
from client.viewmodels.work import now_ms
from client.views.conversation.barred import barred
from client.views.conversation.drafts import Drafts
from client.views.conversation.find_bar import FindBar
from client.views.conversation.header import Header
from client.views.conversation.living import Living
from client.views.conversation.long_text import LongText
from client.views.files.places import ask_files
from client.views.later.place import LaterPlace
from client.widgets.avatar import Avatars
from client.widgets.composer import Composer, local_files
from client.widgets.empty import EmptyState
from client.widgets.links import open_link
from client.widgets.messages import MessageList
from client.widgets.pictures import Pictures
from client.widgets.toast import Toast

DAY_MS = 86_400_000


class ConversationView(QWidget):
    """Shows one :class:`ConversationPresenter` at a time, which it opens and closes.

    What other screens do hangs on its signals: :attr:`open_message` (a file is to be looked at, or opened),
    :attr:`resume` (its transfer is to go on), :attr:`watch` (a live stream), :attr:`files_chosen` and
    :attr:`picture_chosen` (they are to be sent).
    """

    back = Signal()
    details = Signal()
    person = Signal(object)
    watch = Signal(str)
    open_message = Signal(object)
    resume = Signal(object)
    files_chosen = Signal(list)
    picture_chosen = Signal(QImage)
    menu = Signal(object, object)
    """A message, and its menu that is about to be shown: whoever can do more adds to it."""
    forward = Signal(object)
    """A message: where to, is to be asked."""
    people = Signal()
    writable = Signal(bool)
    """Whether one can write here."""

    def __init__(
        self,
        theme: Theme,
        avatars: Avatars,
        pictures: Pictures,
        settings: Settings,
        *,
        now: Callable[[], int] = now_ms,
    ) -> None:
        super().__init__()
        self._theme, self._settings = theme, settings
        self.presenter: ConversationPresenter | None = None
        self._ends: list[Callable[[], None]] = []
        self.setAcceptDrops(True)
        self.header = Header(theme, avatars, now)
        self.find_bar = FindBar(theme)
        self.messages = MessageList(theme, avatars, pictures, now=now)
        self.hello = EmptyState(theme, "hand", self.tr("Say hello"), self.tr("There are no messages yet."))
        self.hello.setProperty("ground", "conversation")
        self.hello.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.long_text = LongText(theme)
        value = settings.value
        self.composer = Composer(theme, recent=value.emoji, tone=value.tone)
        self.living = Living(theme, avatars, self, now)
        self.drafts = Drafts(self.composer, self.living.writing)
        self.nothing = EmptyState(
            theme,
            "messages-square",
            self.tr("Choose a conversation"),
            self.tr("Or find somebody to talk to."),
            self.tr("Find people"),
        )
        self.toast = Toast(theme, self, lambda: self.composer.height() if self.composer.isVisible() else 0)
        self.later = LaterPlace(theme, self)
        self._again = QTimer(self, singleShot=True)
        """Until one may write again."""
        self._again.timeout.connect(self._about)
        self._lay_out()
        self._connect()
        self._prefer()

    # Which one.

    def show_conversation(self, presenter: ConversationPresenter | None, *, at: int = 0) -> None:
        """Show another one; ``at`` is a message to begin with."""
        self._leave()
        self.presenter = presenter
        self._stack.setCurrentIndex(0 if presenter is None else 1)
        if presenter is None:
            self.messages.set_window(None)
            return
        self.find_bar.hide()
        self.long_text.hide()
        self.drafts.begin(presenter.about.draft)
        self.messages.set_window(presenter.window)
        self._ends = [
            presenter.changed.subscribe(lambda _: self._about()),
            presenter.followed.subscribe(lambda _: self.header.show_others(presenter)),
            presenter.failed.subscribe(self.toast.tell),
            presenter.refused.subscribe(self._refused),
            presenter.previewed.subscribe(lambda found: self.messages.provide_preview(*found)),
            presenter.found.subscribe(self.find_bar.show_found),
            presenter.window.changed.subscribe(lambda _: self._fill()),
        ]
        self._about()
        self.living.opened(presenter)
        self.later.opened(presenter)
        presenter.open(at=at)
        self._fill()

    def prepare(self) -> None:
        """Do what the first conversation would else wait for: styles, measures, what Qt makes when it is used
        first.
        """
        if self.presenter is None:
            self._inner.resize(self._stack.size())
            self._inner.grab()
            self.messages.prepare()

    def _leave(self) -> None:
        if self.presenter is None:
            return
        self.living.left()
        self.later.left()
        self.composer.tell_draft()
        for end in self._ends:
            end()
        self._ends.clear()
        self.presenter.close(seen=self._first_seen())
        self.presenter = None

    def _first_seen(self) -> int:
        """The first message of which all, or most, is seen."""
        seen = self.messages.scroller.seen()
        return self.messages.rows.messages[seen[min(1, len(seen) - 1)]].id if len(seen) else 0

    def close_view(self) -> None:
        """End, and keep what is to be kept."""
        self.show_conversation(None)

    def focus(self) -> None:
        """Write."""
        if self.presenter is not None:
            self.composer.setFocus() if self.composer.edit.isVisibleTo(self) else self.messages.setFocus()

    def begin_find(self) -> None:
        """Search in it."""
        if self.presenter is not None:
            self.find_bar.begin()

    # What is shown of it.

    def _about(self) -> None:
        presenter = self.presenter
        if presenter is None:
            return
        self.header.show_conversation(presenter)
        self.drafts.now(presenter.about.draft)
        composer = self.composer
        writing = composer.edit.hasFocus() or composer.blocked_button.hasFocus()
        composer.set_blocked(*barred(presenter))
        wait = presenter.about.silent_until_ms - presenter.now()
        self._again.start(min(wait + 1, DAY_MS)) if wait > 0 else self._again.stop()
        if writing and not composer.edit.hasFocus():
            self.focus()
        self.living.about(presenter)
        self.later.about()
        self.writable.emit(composer.edit.isVisibleTo(self))

    def _fill(self) -> None:
        window = self.presenter.window if self.presenter is not None else None
        empty = window is not None and window.opened and not window.messages and not window.loading_before
        self._body.setCurrentWidget(self.hello if empty else self.messages)

    def _prefer(self) -> None:
        value = self._settings.value
        self.messages.set_all_left(value.all_left)
        self.composer.set_enter_sends(value.enter_sends)

    # What is done.

    def _send(self, text: str) -> None:
        if self.presenter is not None:
            self.living.send(self.presenter, text)

    def _refused(self, refused: tuple[str, str]) -> None:
        text, problem = refused
        if not self.composer.text():
            self.composer.set_text(text)
            self.draft(text)
        self.toast.tell(problem)

    def _too_long(self, text: str) -> None:
        if self.living.writing.edited is not None:
            self.toast.tell(self.tr("A message has at most 4,096 characters."))
        else:
            self.long_text.offer(text)

    def _several(self, text: str) -> None:
        if self.presenter is not None:
            answered = self.living.writing.answered
            self.living.writing.leave()
            self.composer.clear()
            self.presenter.send_several(text, answers=answered)

    def _text_as_file(self, text: str) -> None:
        if self.presenter is not None:
            self.living.writing.leave()
            self.composer.clear()
            self.presenter.set_draft("")
            self.presenter.send_made(self.tr("Text"), ".txt", lambda path: path.write_text(text, "utf-8"))

    def attach(self) -> None:
        """Choose files."""
        if self.presenter is not None:
            ask_files(self, self._files)

    def _files(self, paths: list[Path]) -> None:
        if self.presenter is not None and paths:
            self.files_chosen.emit(paths)

    def _resume(self, key: str) -> None:
        message = self.messages.message(key)
        if message is not None:
            self.resume.emit(message)

    def _link(self, url: str, asks: bool) -> None:
        open_link(self, url, asks)

    def _typed(self, text: str) -> None:
        if self.composer.edit.isVisibleTo(self):
            self.composer.insert(text)

    def _escape(self) -> None:
        """One step back: the long text, what is answered or edited, the find bar, the conversation."""
        if self.long_text.isVisible():
            self.long_text.leave()
        elif self.living.writing.leave():
            self.focus()
        elif self.find_bar.isVisible():
            self.find_bar.leave()
        else:
            self.back.emit()

    def _sought(self, text: str) -> None:
        if self.presenter is not None:
            self.messages.set_sought(text)
            self.presenter.find(text)

    def draft(self, text: str) -> None:
        """Keep what is being written."""
        if self.presenter is not None and self.living.writing.edited is None:
            self.presenter.set_draft(text)

    def _wrote(self) -> None:
        if self.presenter is not None and self.living.writing.edited is None:
            self.presenter.tell_writing()

    def _with(self, act: Callable[[ConversationPresenter], object]) -> None:
        if self.presenter is not None:
            act(self.presenter)

    # How.

    def _connect(self) -> None:
        composer, messages, bar = self.composer, self.messages, self.find_bar
        self.header.back.connect(self.back)
        self.header.find_wanted.connect(self.begin_find)
        self.header.details.connect(self.details)
        composer.sent.connect(self._send)
        composer.too_long.connect(self._too_long)
        composer.draft.connect(self.draft)
        composer.wrote.connect(self._wrote)
        composer.attach.connect(self.attach)
        composer.files.connect(self._files)
        composer.picture.connect(self.picture_chosen)
        composer.overcome.connect(lambda: self._with(lambda one: one.overcome()))
        composer.recent_emoji.connect(lambda recent, tone: self._settings.change(emoji=recent, tone=tone))
        self.long_text.several.connect(self._several)
        self.long_text.as_file.connect(self._text_as_file)
        self.long_text.left.connect(self.focus)
        messages.resend.connect(lambda message: self._with(lambda one: one.resend(message)))
        messages.delete.connect(lambda message: self._with(lambda one: one.delete(message)))
        messages.pause.connect(lambda key: self._with(lambda one: one.pause(key)))
        messages.resume.connect(self._resume)
        messages.cancel.connect(lambda key: self._with(lambda one: one.cancel(key)))
        messages.preview_wanted.connect(lambda key: self._with(lambda one: one.preview(key)))
        messages.seen.connect(lambda seen: self._with(lambda one: one.mark_read(seen)))
        messages.open_file.connect(self.open_message)
        messages.watch.connect(self.watch)
        messages.person.connect(self.person)
        messages.link.connect(self._link)
        messages.typed.connect(self._typed)
        messages.escaped.connect(self._escape)
        bar.sought.connect(self._sought)
        bar.go.connect(messages.jump)
        bar.day.connect(lambda at_ms: self._with(lambda one: one.window.to_day(at_ms)))
        bar.closed.connect(self._found_enough)
        self.nothing.acted.connect(self.people)
        self._settings.changed.connect(self._prefer)

    def _found_enough(self) -> None:
        self.messages.set_sought("")
        self.focus()

    def _lay_out(self) -> None:
        self._body = QStackedWidget()
        self._body.addWidget(self.messages)
        self._body.addWidget(self.hello)
        self._inner = QWidget()
        column = QVBoxLayout(self._inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.living.pins)
        column.addWidget(self.find_bar)
        self.above = QVBoxLayout()
        """Of what is watched while one reads."""
        column.addLayout(self.above)
        column.addWidget(self._body, 1)
        column.addWidget(self.long_text)
        column.addWidget(self.composer)
        before = QWidget()
        before.setProperty("ground", "conversation")
        before.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        QVBoxLayout(before).addWidget(self.nothing)
        self._stack = QStackedWidget()
        self._stack.addWidget(before)
        self._stack.addWidget(self._inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.presenter is not None:
            self._escape()
        elif (
            event.text().isprintable()
            and event.text()
            and not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        ):
            self._typed(event.text())
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._takes(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if self._takes(event.mimeData()):
            event.acceptProposedAction()
            self._files(local_files(event.mimeData()))

    def _takes(self, data: QMimeData) -> bool:
        return self.presenter is not None and self.composer.edit.isVisibleTo(self) and bool(local_files(data))
