"""What can be done with a message, in its menu."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QCursor, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QMessageBox, QToolButton, QWidget, QWidgetAction

from client.core.living import bare, can_edit, can_forward, can_recall, is_said
from client.core.model import Message
from client.theme import Font, Theme
from client.theme.tokens import SMALL, TARGET, TIGHT
from client.widgets.button import IconButton
from client.widgets.emoji.catalogue import QUICK, SELECTOR, by_text
from client.widgets.emoji.picker import EmojiPicker, label
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
    remembered = Signal(list, int)
    more = Signal(object, object)
    """A message and its menu: others add what they can do, before what deletes it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._parent = theme, parent
        self._picker: EmojiPicker | None = None
        self._picked_for: Message | None = None
        self.recent: tuple[str, ...] = ()
        self.tone = 0
        self.in_group = False
        self.writes = True
        """Whether one can write in the conversation."""
        self.question: QMessageBox | None = None

    def add(self, message: Message, menu: QMenu) -> None:
        """Add what can be done with this one."""
        if not message.id:
            self.more.emit(message, menu)
            return
        icon = self._theme.icon
        if is_said(message):
            row = QWidgetAction(menu)
            row.setDefaultWidget(self._emoji(message, menu))
            first = menu.actions()[0] if menu.actions() else None
            if first is not None:
                menu.insertAction(first, row)
                menu.insertSeparator(first)
            else:
                menu.addAction(row)
        if self.writes and can_edit(message):
            menu.addAction(icon("pencil"), self.tr("Edit"), lambda: self.edit.emit(message))
        if can_forward(message):
            menu.addAction(icon("forward"), self.tr("Forward …"), lambda: self.forward.emit(message))
        if is_said(message):
            name, words = ("pin-off", self.tr("Unpin")) if message.pinned else ("pin", self.tr("Pin"))
            menu.addAction(icon(name), words, lambda: self.pin.emit(message, not message.pinned))
        if self.in_group and message.mine and is_said(message):
            menu.addAction(icon("eye"), self.tr("Seen by …"), lambda: self.readers.emit(message))
        self.more.emit(message, menu)
        menu.addAction(icon("trash-2"), self.tr("Delete …"), lambda: self._delete(message))

    def _delete(self, message: Message) -> None:
        role = QMessageBox.ButtonRole.DestructiveRole
        choices: list[Choice] = [(self.tr("Delete for me"), role, lambda: self.hide.emit(message))]
        if can_recall(message):
            choices.append((self.tr("Delete for everybody"), role, lambda: self.recall.emit(message)))
        self.question = ask(
            self._parent,
            self.tr("Delete this message?"),
            self.tr("What is deleted for everybody is gone on the server too.")
            if can_recall(message)
            else self.tr("The others still have it."),
            choices,
        )

    def _emoji(self, message: Message, menu: QMenu) -> QWidget:
        """A few emoji, and the way to all."""
        mine = {bare(one.emoji) for one in message.reactions if one.mine}

        def chosen(emoji: str) -> None:
            menu.close()
            self.react.emit(message, emoji)

        row = _Row()
        for emoji in QUICK:
            button = QToolButton()
            button.setText(emoji)
            button.setFont(self._theme.font(Font.TITLE))
            button.setCheckable(True)
            button.setChecked(bare(emoji) in mine)
            known = by_text().get(emoji) or by_text().get(f"{emoji}{SELECTOR}")
            button.setAccessibleName(label(known) if known is not None else emoji)
            button.setToolTip(self.tr("Take it back") if bare(emoji) in mine else self.tr("React"))
            button.setFixedSize(self._theme.px(TARGET), self._theme.px(TARGET))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, emoji=emoji: chosen(emoji))
            row.add(button)
        more = IconButton(self._theme, "smile", self.tr("More emoji"))

        def pick() -> None:
            menu.close()
            self._pick(message)

        more.clicked.connect(pick)
        row.add(more)
        return row

    def _pick(self, message: Message) -> None:
        if self._picker is None:
            self._picker = EmojiPicker(
                self._theme, recent=list(self.recent), tone=self.tone, parent=self._parent
            )
            self._picker.picked.connect(self._picked)
            self._picker.remembered.connect(self.remembered)
        self._picked_for = message
        self._picker.open_at(QCursor.pos() + QPoint(self._picker.width() // 2, 0))

    def _picked(self, emoji: str) -> None:
        if self._picked_for is not None:
            self.react.emit(self._picked_for, emoji)


class _Row(QWidget):
    """Buttons beside each other: ← → go along them."""

    def __init__(self) -> None:
        super().__init__()
        self._buttons: list[QToolButton] = []
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(SMALL, TIGHT, SMALL, TIGHT)
        self._layout.setSpacing(TIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def add(self, button: QToolButton) -> None:
        """At the end."""
        if not self._buttons:
            self.setFocusProxy(button)
        self._buttons.append(button)
        self._layout.addWidget(button)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        at = next((at for at, one in enumerate(self._buttons) if one.hasFocus()), -1)
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if at < 0 or not by:
            event.ignore()
            return
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            by = -by
        self._buttons[(at + by) % len(self._buttons)].setFocus(Qt.FocusReason.TabFocusReason)
