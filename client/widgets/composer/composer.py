"""The composer: attach, write, emoji, send.

What is answered or edited stands above, how much room is left beside.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QImage
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from client.theme import Theme
from client.theme.tokens import DRAFT_MS, GAP, ICON_SMALL, SMALL, TARGET, TEXT_COUNT_FROM, TEXT_MOST, TIGHT
from client.widgets.button import IconButton
from client.widgets.composer.edit import Edit
from client.widgets.emoji.picker import EmojiPicker


class Composer(QFrame):
    """Signals only; whoever sends calls :meth:`clear`.

    :attr:`sent` tells a text of 1 to 4,096 characters, without space around it; :attr:`too_long` one of more,
    which is offered as several, or as a file.
    """

    sent = Signal(str)
    too_long = Signal(str)
    draft = Signal(str)
    """What is written, once one stops typing for a moment, and when it cannot be seen any more."""
    wrote = Signal()
    """Somebody writes, and there is something."""
    edit_last = Signal()
    attach = Signal()
    files = Signal(list)
    """Paths that were pasted or dropped."""
    picture = Signal(QImage)
    """A picture that was pasted."""
    overcome = Signal()
    """The button was pressed that stands where one cannot write."""
    context_closed = Signal()
    recent_emoji = Signal(list, int)
    later = Signal(str)
    """What is written is to be sent later."""
    waiting = Signal()
    """What is sent later is to be seen."""

    def __init__(
        self, theme: Theme, parent: QWidget | None = None, *, recent: Sequence[str] = (), tone: int = 0
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setProperty("ground", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.edit = Edit(theme)
        self.schedules = True
        """Whether what is written may be sent later: a message that is edited may not."""
        self.edit.setPlaceholderText(self.tr("Write a message"))
        self.edit.setAccessibleName(self.tr("Message"))
        self.attach_button = IconButton(theme, "paperclip", self.tr("Attach files"), shortcut="Ctrl+O")
        self.emoji_button = IconButton(theme, "smile", self.tr("Emoji"), shortcut="Ctrl+E")
        self.send_button = IconButton(theme, "send", self.tr("Send"), primary=True)
        self.waiting_button = IconButton(theme, "calendar-clock", "")
        self.waiting_button.clicked.connect(self.waiting)
        self.waiting_button.hide()
        self._waiting = 0
        self.send_button.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.send_button.customContextMenuRequested.connect(self._send_menu)
        self._count = QLabel()
        self._count.setProperty("role", "meta")
        self._count.hide()
        self._blocked = QWidget()
        self._blocked_why, self.blocked_button = QLabel(), QPushButton()
        self._context = QWidget()
        self._context_icon, self._context_title, self._context_text = QLabel(), QLabel(), QLabel()
        self._context_name = ""
        self._picker: EmojiPicker | None = None
        self._recent, self._tone = list(recent), tone
        self._pause = QTimer(self, singleShot=True, interval=DRAFT_MS)
        self._pause.timeout.connect(self.tell_draft)
        self._drafted = ""
        self._setting = False
        self._lay_out()
        self.edit.entered.connect(self.send)
        self.edit.entered_later.connect(self.send_later)
        self.edit.up.connect(self.edit_last)
        self.edit.files.connect(self.files)
        self.edit.picture.connect(self.picture)
        self.edit.too_long.connect(self.too_long)
        self.edit.textChanged.connect(self._changed)
        self.attach_button.clicked.connect(self.attach)
        self.emoji_button.clicked.connect(self.open_emoji)
        self.send_button.clicked.connect(self.send)
        self.setFocusProxy(self.edit)
        theme.follow(self._restyle)
        self._changed()

    # What a view does with it.

    def text(self) -> str:
        """What is written."""
        return self.edit.toPlainText()

    def set_text(self, text: str) -> None:
        """Write something else: a draft, a message that is edited. Nothing is told."""
        self._drafted = text
        self._setting = True
        self.edit.setPlainText(text)
        self._setting = False
        cursor = self.edit.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        self.edit.setTextCursor(cursor)
        self._pause.stop()

    def insert(self, text: str) -> None:
        """Write at the cursor: an emoji, what was typed elsewhere."""
        self.edit.textCursor().insertText(text)
        self.edit.setFocus()

    def clear(self) -> None:
        """It has been sent."""
        self.set_text("")

    def set_enter_sends(self, sends: bool) -> None:
        """Whether Enter sends, or Ctrl+Enter alone does."""
        self.edit.enter_sends = sends
        self.send_button.set_name(self.tr("Send (Enter)") if sends else self.tr("Send (Ctrl+Enter)"))

    def set_context(self, icon: str, title: str, text: str) -> None:
        """Say above what is answered or edited."""
        self._context_name = icon
        self._context_title.setText(title)
        self._context_text.setText(" ".join(text.split())[:300])
        self._context.show()
        self._restyle()

    def clear_context(self) -> None:
        """Nothing is."""
        self._context.hide()

    def set_blocked(self, reason: str, action: str = "") -> None:
        """Nobody can write here, and why; empty: one can. ``action``: what a button does about it."""
        self._blocked_why.setText(reason)
        self.blocked_button.setText(action)
        self.blocked_button.setVisible(bool(action))
        self._blocked.setVisible(bool(reason))
        for widget in (self.edit, self.attach_button, self.emoji_button, self.send_button):
            widget.setVisible(not reason)
        self.waiting_button.setVisible(not reason and self._waiting > 0)
        self._count.setVisible(not reason and len(self.text().strip()) >= TEXT_COUNT_FROM)

    def set_waiting(self, count: int) -> None:
        """How many texts are sent here later."""
        self._waiting = count
        self.waiting_button.set_name(self.tr("%n messages are sent later", "", count))
        self.waiting_button.setVisible(count > 0 and not self._blocked.isVisibleTo(self))

    def send_later(self) -> None:
        """What the menu of the button and its key do."""
        text = self.text().strip()
        if 0 < len(text) <= TEXT_MOST and self.schedules:
            self.later.emit(text)

    def send_menu(self) -> QMenu:
        """Ways to send."""
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        icon, text = self._theme.icon, self.text().strip()
        later = menu.addAction(icon("calendar-clock"), self.tr("Send later …"), self.send_later)
        later.setEnabled(0 < len(text) <= TEXT_MOST and self.schedules)
        waiting = menu.addAction(icon("list"), self.tr("What is sent later …"), self.waiting.emit)
        waiting.setEnabled(self._waiting > 0)
        return menu

    def _send_menu(self) -> None:
        menu = self.send_menu()
        menu.popup(self.send_button.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def send(self) -> None:
        """What the button and the key do."""
        text = self.text().strip()
        if len(text) > TEXT_MOST:
            self.too_long.emit(text)
        elif text:
            self.sent.emit(text)

    def tell_draft(self) -> None:
        """Tell what is written now, unless it was told."""
        self._pause.stop()
        if (text := self.text()) != self._drafted:
            self._drafted = text
            self.draft.emit(text)

    def open_emoji(self) -> None:
        """Show the panel."""
        if self._picker is None:
            self._picker = EmojiPicker(self._theme, recent=self._recent, tone=self._tone, parent=self)
            self._picker.picked.connect(self.insert)
            self._picker.remembered.connect(self.recent_emoji)
        self._picker.open_at(self.emoji_button.mapToGlobal(QPoint(self.emoji_button.width(), -TIGHT)))

    # Its parts.

    def _lay_out(self) -> None:
        close = IconButton(self._theme, "x", self.tr("Not any more"), size=ICON_SMALL)
        close.clicked.connect(self.context_closed)
        words = QVBoxLayout()
        words.setSpacing(0)
        for label, role in ((self._context_title, "strong"), (self._context_text, "second")):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setProperty("role", role)
            label.setMinimumWidth(1)
            words.addWidget(label)
        context = QHBoxLayout(self._context)
        context.setContentsMargins(GAP, TIGHT, TIGHT, 0)
        context.setSpacing(GAP)
        context.addWidget(self._context_icon)
        context.addLayout(words, 1)
        context.addWidget(close)
        self._context.hide()
        self._blocked_why.setTextFormat(Qt.TextFormat.PlainText)
        self._blocked_why.setProperty("role", "second")
        self._blocked_why.setWordWrap(True)
        self.blocked_button.setProperty("kind", "primary")
        self.blocked_button.clicked.connect(self.overcome)
        blocked = QHBoxLayout(self._blocked)
        blocked.setContentsMargins(SMALL, 0, SMALL, 0)
        blocked.setSpacing(GAP)
        blocked.addWidget(self._blocked_why, 1)
        blocked.addWidget(self.blocked_button)
        self._blocked.hide()
        row = QHBoxLayout()
        row.setContentsMargins(SMALL, SMALL, SMALL, SMALL)
        row.setSpacing(TIGHT)
        bottom = Qt.AlignmentFlag.AlignBottom
        row.addWidget(self.attach_button, 0, bottom)
        row.addWidget(self.edit, 1, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._blocked, 1)
        row.addWidget(self._count, 0, bottom)
        row.addWidget(self.emoji_button, 0, bottom)
        row.addWidget(self.waiting_button, 0, bottom)
        row.addWidget(self.send_button, 0, bottom)
        line = QFrame()
        line.setProperty("line", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(line)
        layout.addWidget(self._context)
        layout.addLayout(row)

    def _changed(self) -> None:
        text = self.text()
        length = len(text.strip())
        self._count.setVisible(length >= TEXT_COUNT_FROM)
        over = length > TEXT_MOST
        self._count.setText(f"{TEXT_MOST - length:+d}" if over else str(TEXT_MOST - length))
        self._count.setAccessibleName(self.tr("%n characters left", "", TEXT_MOST - length))
        if self._count.property("role") != ("danger" if over else "meta"):
            self._count.setProperty("role", "danger" if over else "meta")
            self._count.style().unpolish(self._count)
            self._count.style().polish(self._count)
        self.send_button.setEnabled(bool(length))
        self._pause.start()
        if length and not self._setting:
            self.wrote.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.tell_draft()

    def _restyle(self) -> None:
        self._count.setFixedHeight(self._theme.px(TARGET))
        pixmap = self._theme.pixmap(
            self._context_name or "reply", self._theme.colours.accent, ratio=self.devicePixelRatioF()
        )
        self._context_icon.setPixmap(pixmap)
