"""Above a conversation: with whom, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QLocale, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from client.core.display import shown_name
from client.core.following import Presence
from client.core.model import Conversation, ConversationKind, Person
from client.theme import Font, Theme
from client.theme.tokens import GAP, HEADER, SMALL, TIGHT
from client.viewmodels.conversation import ConversationPresenter
from client.views import presence_words
from client.widgets.avatar import Avatar, Avatars
from client.widgets.button import IconButton
from client.widgets.leading import align_leading


class Header(QFrame):
    """A click on the name shows what there is to know."""

    back = Signal()
    find_wanted = Signal()
    details = Signal()

    def __init__(self, theme: Theme, avatars: Avatars, now: Callable[[], int]) -> None:
        super().__init__()
        self._theme, self._now = theme, now
        self.setProperty("ground", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.back_button = IconButton(theme, "arrow-left", self.tr("Back"), shortcut="Esc")
        self.back_button.clicked.connect(self.back)
        self.avatar = Avatar(theme, avatars, 36)
        self._name, self._about = QLabel(), QLabel()
        self._whole = self._status = ""
        self._name.setMinimumWidth(1)
        self._about.setMinimumWidth(1)
        for label, role in ((self._name, "strong"), (self._about, "meta")):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setProperty("role", role)
            align_leading(label)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch()
        words.addWidget(self._name)
        words.addWidget(self._about)
        words.addStretch()
        self._words = QWidget()
        self._words.setLayout(words)
        words.setContentsMargins(0, 0, 0, 0)
        self.actions_row = QHBoxLayout()
        self.actions_row.setSpacing(TIGHT)
        self.find_button = IconButton(
            theme, "search", self.tr("Find in this conversation"), shortcut="Ctrl+F"
        )
        self.find_button.clicked.connect(self.find_wanted)
        self.details_button = IconButton(theme, "panel-right", self.tr("Details"), shortcut="Ctrl+I")
        self.details_button.setCheckable(True)
        self.details_button.clicked.connect(self.details)
        row = QHBoxLayout()
        row.setContentsMargins(GAP, 0, SMALL, 0)
        row.setSpacing(SMALL)
        row.addWidget(self.back_button)
        row.addWidget(self.avatar)
        row.addWidget(self._words, 1)
        row.addLayout(self.actions_row)
        row.addWidget(self.find_button)
        row.addWidget(self.details_button)
        line = QFrame()
        line.setProperty("line", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row, 1)
        layout.addWidget(line)
        theme.follow(self._restyle)

    def show_conversation(self, presenter: ConversationPresenter) -> None:
        """Whose it is."""
        self._whole = shown_name(presenter.about.title)
        self.setAccessibleName(self._whole)
        self.show_others(presenter)
        self._elide()

    def show_others(self, presenter: ConversationPresenter) -> None:
        """Whether the other one is there, and who is writing."""
        about, other, presence = presenter.about, presenter.other, presenter.presence
        seed = other.uuid if other is not None else about.id
        online = presence is not None and presence.online
        self.avatar.show_person(seed, about.title, about.avatar, online=online)
        doing = presence_words.doing(presenter.busy, presenter.account.person)
        self._status = doing or status(about, other, presence, self._now())
        self._about.setVisible(bool(self._status))
        self.setAccessibleDescription(self._status)
        role = "doing" if doing else "meta"
        if self._about.property("role") != role:
            self._about.setProperty("role", role)
            self._about.style().unpolish(self._about)
            self._about.style().polish(self._about)
        self._elide()

    def _elide(self) -> None:
        width = max(40, self._words.width() - 4)
        metrics = self._theme.metrics(Font.BODY_STRONG)
        self._name.setText(metrics.elidedText(self._whole, Qt.TextElideMode.ElideRight, width))
        self._name.setToolTip(self._whole if self._name.text() != self._whole else "")
        metrics = self._theme.metrics(Font.META)
        self._about.setText(metrics.elidedText(self._status, Qt.TextElideMode.ElideRight, width))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        inside = self._words.geometry().united(self.avatar.geometry())
        if event.button() == Qt.MouseButton.LeftButton and inside.contains(event.position().toPoint()):
            self.details.emit()

    def _restyle(self) -> None:
        self.setFixedHeight(self._theme.px(HEADER))
        self._elide()


def status(about: Conversation, other: Person | None, presence: Presence | None, now_ms: int) -> str:
    """What stands below the name while nobody writes."""
    translate = QCoreApplication.translate
    if about.live:
        return translate("Header", "live now")
    if about.kind is not ConversationKind.PRIVATE:
        channel, count = translate("Header", "channel"), about.members
        waiting, number = about.asking, QLocale().toString
        members = translate("Header", "{count} members").format(count=number(count))
        if count == 1:
            members = translate("Header", "1 member")
        asking = translate("Header", "{count} ask to be let in").format(count=number(waiting))
        if waiting == 1:
            asking = translate("Header", "1 asks to be let in")
        facts = (
            (channel, about.kind is ConversationKind.CHANNEL),
            (members, bool(count)),
            (asking, about.is_admin and bool(waiting)),
        )
        return " · ".join(words for words, shown in facts if shown)
    if other is None:
        return ""
    if other.blocked:
        return translate("Header", "blocked")
    username = shown_name(other.username) if other.username and other.name != other.username else ""
    return presence_words.seen(presence, now_ms) or username
