"""What can be done with a message, in its menu."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QMenu, QMessageBox, QWidget, QWidgetAction

from client.core.living import can_edit, can_forward, can_pin, can_recall, is_said
from client.core.model import Conversation, ConversationKind, Message
from client.theme import Theme
from client.widgets.emoji.picker import EmojiPicker
from client.widgets.emoji.quick import QuickEmoji
from client.widgets.question import Choice, ask


class MessageMenu(QObject):
    """Adds to a menu that is about to be shown; what is chosen is told."""

    edit = Signal(object)
    forward = Signal(object)
    pin = Signal(object, bool)
    recall = Signal(object)
    hide = Signal(object)
    react = Signal(object, str)
    readers = Signal(object)
    reactors = Signal(object)
    remembered = Signal(list, int)
    more = Signal(object, object)
    """A message and its menu: others add what they can do, before what deletes it."""

    def __init__(self, theme: Theme, parent: QWidget, now: Callable[[], int]) -> None:
        super().__init__(parent)
        self._theme, self._parent, self._now = theme, parent, now
        self._picker: EmojiPicker | None = None
        self._picked_for: Message | None = None
        self.recent: tuple[str, ...] = ()
        self.tone = 0
        self.about = Conversation(0, ConversationKind.PRIVATE, "")
        """Where the message is."""
        self.reacts = True
        self.writes = True
        """Whether one can write in the conversation."""
        self.question: QMessageBox | None = None

    def add(self, message: Message, menu: QMenu) -> None:
        """Add what can be done with this one."""
        if not message.id:
            self.more.emit(message, menu)
            return
        icon = self._theme.icon
        if self.reacts and is_said(message):
            row = QWidgetAction(menu)
            row.setDefaultWidget(self._emoji(message, menu))
            first = menu.actions()[0] if menu.actions() else None
            if first is not None:
                menu.insertAction(first, row)
                menu.insertSeparator(first)
            else:
                menu.addAction(row)
        if self.writes and can_edit(message, self._now()):
            menu.addAction(icon("pencil"), self.tr("Edit"), lambda: self.edit.emit(message))
        if can_forward(message):
            menu.addAction(icon("forward"), self.tr("Forward …"), lambda: self.forward.emit(message))
        if is_said(message) and not self.about.gone and can_pin(self.about):
            name, words = ("pin-off", self.tr("Unpin")) if message.pinned else ("pin", self.tr("Pin"))
            menu.addAction(icon(name), words, lambda: self.pin.emit(message, not message.pinned))
        if self.about.kind is not ConversationKind.PRIVATE and message.mine and is_said(message):
            menu.addAction(icon("eye"), self.tr("Seen by …"), lambda: self.readers.emit(message))
        if message.reactions:
            menu.addAction(icon("heart"), self.tr("Reactions …"), lambda: self.reactors.emit(message))
        self.more.emit(message, menu)
        menu.addAction(icon("trash-2"), self.tr("Delete …"), lambda: self._delete(message))

    def _delete(self, message: Message) -> None:
        role = QMessageBox.ButtonRole.DestructiveRole
        choices: list[Choice] = [(self.tr("Delete for me"), role, lambda: self.hide.emit(message))]
        recalls = can_recall(message, self.about, self._now())
        if recalls:
            choices.append((self.tr("Delete for everybody"), role, lambda: self.recall.emit(message)))
        self.question = ask(
            self._parent,
            self.tr("Delete this message?"),
            self.tr("What is deleted for everybody is gone on the server too.")
            if recalls
            else self.tr("The others still have it."),
            choices,
        )

    def _emoji(self, message: Message, menu: QMenu) -> QWidget:
        """A few emoji, and the way to all."""
        row = QuickEmoji(self._theme)
        row.set_mine([one.emoji for one in message.reactions if one.mine])

        def chosen(emoji: str) -> None:
            menu.close()
            self.react.emit(message, emoji)

        def more() -> None:
            menu.close()
            self.pick(message, QCursor.pos())

        row.picked.connect(chosen)
        row.more.connect(more)
        return row

    def pick(self, message: Message, at: QPoint) -> None:
        """Have any emoji chosen for a message, at a place of the screen."""
        if self._picker is None:
            self._picker = EmojiPicker(
                self._theme, recent=list(self.recent), tone=self.tone, parent=self._parent
            )
            self._picker.picked.connect(self._picked)
            self._picker.remembered.connect(self.remembered)
        self._picked_for = message
        self._picker.open_at(at + QPoint(self._picker.width() // 2, 0))

    def _picked(self, emoji: str) -> None:
        if self._picked_for is not None:
            self.react.emit(self._picked_for, emoji)
