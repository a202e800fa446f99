"""One account in the window: side bar, lists, what is open, details."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from client.core.model import Connection, Message
from client.core.ports import Account
from client.platform.desktop import SystemDesktop
from client.platform.settings import Settings
from client.theme import Theme
from client.theme.tokens import (
    DETAILS_PANE,
    LIST_PANE,
    LIST_PANE_LEAST,
    LIST_PANE_MOST,
    ONE_PANE_BELOW,
    WINDOW_LEAST,
)
from client.translations.sentences import sentence
from client.viewmodels.contacts import Contacts
from client.viewmodels.conversation import ConversationPresenter
from client.viewmodels.conversation_list import ConversationList
from client.viewmodels.file_actions import Desktop, FileActions
from client.viewmodels.groups import Groups
from client.viewmodels.spool import Spool
from client.viewmodels.work import now_ms, run
from client.views.contacts.find_page import FindPage
from client.views.contacts.pane import ContactsPane
from client.views.contacts.profile import ProfilePage
from client.views.contacts.requests_page import RequestsPage
from client.views.conversation import ConversationView
from client.views.files.joining import Files
from client.views.groups.joining import GroupPages
from client.views.main import row_words
from client.views.main.details import Details
from client.views.main.list_pane import ListPane
from client.views.main.rail import Rail
from client.views.main.sight import Sight
from client.views.main.sign_in_notice import SignInNotice
from client.views.main.switcher import Switcher
from client.widgets.avatar import Avatars
from client.widgets.banner import ConnectionBanner
from client.widgets.pictures import Pictures

UNBOUNDED = 16_777_215
"""Qt's own largest size of a widget."""


class AccountView(QWidget):
    """:attr:`accounts` asks for the menu of accounts, :attr:`settings` for the settings, :attr:`devices_wanted`
    for their page of devices, :attr:`sign_in` for the way back in.
    """

    accounts = Signal(QPoint)
    settings_wanted = Signal()
    devices_wanted = Signal()
    sign_in = Signal()
    counted = Signal(int)
    opened = Signal(object)

    def __init__(
        self,
        theme: Theme,
        pictures: Pictures,
        account: Account,
        settings: Settings,
        spool: Spool,
        *,
        now: Callable[[], int] = now_ms,
        desktop: Desktop | None = None,
    ) -> None:
        """``desktop`` opens files; ``None``: the system does."""
        super().__init__()
        self._theme, self.account, self._settings, self._spool, self._now = (
            theme,
            account,
            settings,
            spool,
            now,
        )
        self.avatars = Avatars(theme, pictures)
        self.avatars.wanted.connect(self._have_avatar)
        self.conversations = ConversationList(
            account, words=lambda one: row_words.spoken(one, account, now())
        )
        self.contacts = Contacts(account)
        self.rail = Rail(theme, self.avatars)
        self.rail.add("files", "folder", self.tr("Files"), "Ctrl+3")
        self.list = ListPane(theme, self.avatars, self.conversations, now=now)
        self.friends = ContactsPane(theme, self.avatars, self.contacts)
        self.conversation = ConversationView(theme, self.avatars, pictures, settings, now=now)
        actions = FileActions(account, desktop or SystemDesktop(parent=self))
        self.files = Files(theme, pictures, self.conversation, actions, spool, now=now)
        self.find_page = FindPage(theme, self.avatars, self.contacts)
        self.requests_page = RequestsPage(theme, self.avatars, self.contacts, now_ms=now())
        self.profile_page = ProfilePage(theme, self.avatars, self.contacts, now=now)
        groups = Groups(account)
        self.details = Details(theme, self.avatars, self.contacts, self.conversations, groups, now=now)
        self.groups = GroupPages(theme, self.avatars, self, groups)
        self.banner = ConnectionBanner(theme, now=now)
        self.sign_ins = SignInNotice(theme, now)
        self.switcher = Switcher(theme, self.avatars, account, self, now)
        self.forwarding = Switcher(
            *(theme, self.avatars, account, self, now),
            title=self.tr("Forward to a conversation"),
            prompt=self.tr("Forward to …"),
        )
        self._forwarded: Message | None = None
        self.sight = Sight(self)
        self.narrow = self._details_in_front = False
        self._lay_out()
        self._connect()
        changes = account.changes
        self._ends = [
            changes.connection.subscribe(self._connection),
            changes.people.subscribe(lambda people: self._me() if account.me.uuid in people else None),
            changes.conversations.subscribe(lambda _: self._about()),
            changes.conversations.subscribe(lambda _: self._some()),
            changes.requests.subscribe(lambda _: self._counts()),
            changes.sign_ins.subscribe(lambda _: self.sign_ins.show_devices(account.sign_ins())),
            self.conversations.counted.subscribe(lambda _: self._counts()),
            self.conversations.failed.subscribe(lambda problem: self.conversation.toast.tell(problem)),
            self.contacts.opened.subscribe(self.open),
            self.contacts.failed.subscribe(
                lambda failed: self.conversation.toast.tell(failed[1]) if not failed[0] else None
            ),
        ]
        self._connection(account.connection())
        self.sign_ins.show_devices(account.sign_ins())
        self._me()
        self._counts()
        self._some()

    def close_view(self) -> None:
        """End: what is written and where it is scrolled to is kept."""
        self.files.close_view()
        self.conversation.close_view()
        for end in self._ends:
            end()
        self.sight.looking.close()
        self.conversations.close()
        self.switcher.model.close()
        self.forwarding.model.close()
        self.contacts.close()
        self.groups.close()

    # Which conversation.

    @property
    def current(self) -> int:
        """The conversation that is open; 0: none."""
        return self.conversation.presenter.id if self.conversation.presenter is not None else 0

    def open(self, id: int, *, at: int = 0) -> None:
        """Show a conversation, ``at`` a message of it."""
        if id != self.current or at:
            presenter = ConversationPresenter(self.account, id, self._spool, now=self._now)
            self.conversation.show_conversation(presenter, at=at)
            self.list.set_current(id)
            self.opened.emit(id)
            self.sight.looking.changed()
        self._main.setCurrentWidget(self.conversation)
        self._details_in_front = False
        self.show_place("conversations")
        self._fit(detail=True)
        self._about()
        self.conversation.focus()

    def leave(self) -> None:
        """One step back: from a page to the conversation, from that to the list."""
        if self._main.currentWidget() is not self.conversation:
            self._main.setCurrentWidget(self.conversation)
            self.friends.set_current(0)
            self.rail.show_place(
                "contacts" if self._lists.currentWidget() is self.friends else "conversations"
            )
            self._fit(detail=False)
            (
                self.friends.search if self._lists.currentWidget() is self.friends else self.list.rows
            ).setFocus()
        elif self.details.isVisible():
            self.show_details(False)
            self.conversation.focus()
        elif self.narrow:
            self._fit(detail=False)
            self.list.rows.setFocus()
        elif self.current:
            self.list.rows.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focus(self) -> None:
        """Keys go where one goes on: to what is open, or to the list."""
        if self.current:
            self.conversation.focus()
        else:
            (self.list.rows if self.account.conversations() else self.list.search).setFocus()

    def step(self, by: int) -> None:
        """The next conversation."""
        self.list.step(by)

    # Places.

    def show_place(self, name: str) -> None:
        """Conversations, contacts or files."""
        self._lists.setCurrentWidget(self.friends if name == "contacts" else self.list)
        self.rail.show_place(name)

    def go(self, name: str) -> None:
        """The same, by a press."""
        self.show_place(name)
        if name == "files":
            self.show_page(self.files.page)
            self.files.page.opened()
            return
        self._fit(detail=False)
        if name == "contacts":
            self.friends.search.setFocus()
        elif self._main.currentWidget() is not self.conversation:
            self._main.setCurrentWidget(self.conversation)

    def find_people(self, text: str = "") -> None:
        """Find somebody."""
        self.show_page(self.find_page)
        self.find_page.begin(text)

    def show_requests(self) -> None:
        """Who asks."""
        self.show_page(self.requests_page)

    def show_profile(self, uuid: int) -> None:
        """Who somebody is."""
        self.profile_page.profile.show_person(uuid)
        self.friends.set_current(uuid)
        self.show_page(self.profile_page)
        self.sight.looking.changed()

    def show_details(self, shown: bool | None = None) -> None:
        """Show what there is to know of the conversation, or no more; ``None``: the other way round."""
        shown = not self.details.isVisible() if shown is None else shown
        room = self.width() >= self._theme.px(ONE_PANE_BELOW + DETAILS_PANE)
        self._details_in_front = shown and not room
        if room:
            self._settings.change(details=shown)
        self._fit()
        self._about()

    def search(self) -> None:
        """Search conversations."""
        self.go("conversations")
        self.list.search.setFocus()
        self.list.search.selectAll()

    def show_page(self, page: QWidget) -> None:
        """Show something in the place of the conversation."""
        self._main.setCurrentWidget(page)
        self._fit(detail=True)
        page.setFocus()

    # How.

    def _about(self) -> None:
        about = self.account.conversation(self.current) if self.current else None
        self.details.show_conversation(about)

    def _connection(self, connection: Connection) -> None:
        self.banner.set_connection(replace(connection, reason=sentence(connection.reason)))

    def _some(self) -> None:
        """There is something to choose from, or the list alone says what to do."""
        self.conversation.nothing.setVisible(bool(self.account.conversations()))

    def _me(self) -> None:
        self.rail.account.show_person(self.account.me)

    def _counts(self) -> None:
        unread = self.conversations.unread()
        self.rail.buttons["conversations"].set_count(unread)
        self.rail.buttons["contacts"].set_count(self.contacts.waiting)
        self.counted.emit(unread)

    def _have_avatar(self, file_id: str) -> None:
        async def have() -> None:
            path = await self.account.avatar(file_id)
            self.avatars.provide(file_id, str(path) if path is not None else "")

        run(have(), lambda problem: self.avatars.provide(file_id, ""))

    def _forward(self, message: Message) -> None:
        """Ask where a message is to go."""
        self._forwarded = message
        self.forwarding.begin()

    def _forward_to(self, conversation: int) -> None:
        message, self._forwarded = self._forwarded, None
        if message is not None:
            run(self.account.forward(message, conversation), self.conversation.toast.tell)
            self.open(conversation)

    def _connect(self) -> None:
        self.rail.chosen.connect(self.go)
        self.rail.me.connect(self.accounts)
        self.rail.settings.connect(self.settings_wanted)
        self.list.opened.connect(self.open)
        self.list.people.connect(self.find_people)
        self.list.escaped.connect(self.conversation.focus)
        self.friends.chosen.connect(self.show_profile)
        self.friends.people.connect(self.find_people)
        self.friends.requests.connect(self.show_requests)
        self.friends.escaped.connect(lambda: self.go("conversations"))
        self.conversation.back.connect(self.leave)
        self.conversation.details.connect(lambda: self.show_details())
        self.conversation.person.connect(self.show_profile)
        self.conversation.people.connect(self.find_people)
        for page in (self.find_page, self.requests_page, self.profile_page, self.files.page):
            page.back.connect(self.leave)
        self.files.to_message.connect(lambda message: self.open(message.conversation, at=message.id))
        self.find_page.profile.connect(self.show_profile)
        self.requests_page.people.connect(self.find_people)
        self.groups.connect()
        self.details.back.connect(lambda: self.show_details(False))
        self.details.person.connect(self.show_profile)
        self.details.find_wanted.connect(self.conversation.begin_find)
        self.details.timer_wanted.connect(self.conversation.later.open_timer)
        self.banner.retry.connect(self.account.retry_now)
        self.banner.sign_in.connect(self.sign_in)
        self.sign_ins.look.connect(self.devices_wanted)
        self.sign_ins.noticed.connect(self.account.notice_sign_ins)
        self.switcher.opened.connect(self.open)
        self.switcher.left.connect(self.conversation.focus)
        self.conversation.forward.connect(self._forward)
        self.forwarding.opened.connect(self._forward_to)
        self.forwarding.left.connect(self.conversation.focus)
        self._splitter.splitterMoved.connect(self._dragged)
        self._theme.follow(self._restyle)

    def _lay_out(self) -> None:
        self._lists = QStackedWidget()
        self._lists.addWidget(self.list)
        self._lists.addWidget(self.friends)
        self._main = QStackedWidget()
        for page in (
            self.conversation,
            self.find_page,
            self.requests_page,
            self.profile_page,
            self.files.page,
            *self.groups.pages,
        ):
            self._main.addWidget(page)
        self._splitter = QSplitter()
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        for widget in (self._lists, self._main, self.details):
            self._splitter.addWidget(widget)
        for at, stretch in enumerate((0, 1, 0)):
            self._splitter.setStretchFactor(at, stretch)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.sign_ins)
        column.addWidget(self._splitter, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.rail)
        layout.addLayout(column, 1)
        self.details.hide()

    def _dragged(self) -> None:
        if not self.narrow and self._lists.width() > 0:
            self._settings.change(list_width=round(self._lists.width() * 100 / self._theme.scale))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < self._theme.px(ONE_PANE_BELOW)
        if narrow != self.narrow:
            self.narrow = narrow
            self._fit(detail=bool(self.current) or self._main.currentWidget() is not self.conversation)
        elif event.size().width() != event.oldSize().width():
            self._fit()

    def _fit(self, *, detail: bool | None = None) -> None:
        """Show the panes that there is room for; ``detail``: in one pane, what is open rather than the list."""
        if detail is None:
            detail = not self._lists.isVisibleTo(self) or not self.narrow
        open_ = bool(self.current) and self._main.currentWidget() is self.conversation
        room = self.width() >= self._theme.px(ONE_PANE_BELOW + DETAILS_PANE)
        front = open_ and not room and self._details_in_front and detail
        self._lists.setMaximumWidth(UNBOUNDED if self.narrow else self._theme.px(LIST_PANE_MOST))
        self.rail.setVisible(not self.narrow or not detail)
        self._lists.setVisible(not self.narrow or not detail)
        self._main.setVisible((not self.narrow or detail) and not front)
        details = front or (room and open_ and self._settings.value.details)
        self.details.setMaximumWidth(UNBOUNDED if front else self._theme.px(DETAILS_PANE))
        self.details.setVisible(details)
        self.conversation.header.details_button.setChecked(details)
        self.conversation.header.back_button.setVisible(self.narrow)

    def _restyle(self) -> None:
        px = self._theme.px
        self._lists.setMinimumWidth(px(LIST_PANE_LEAST))
        self.details.setMinimumWidth(min(px(DETAILS_PANE), WINDOW_LEAST[0]))
        width = px(max(LIST_PANE_LEAST, min(LIST_PANE_MOST, self._settings.value.list_width or LIST_PANE)))
        self._splitter.setSizes([width, max(200, self.width() - width), px(DETAILS_PANE)])
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        elif (
            event.text().isprintable()
            and event.text()
            and not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        ):
            if self.current and self._main.currentWidget() is self.conversation:
                self.conversation.composer.insert(event.text())
        else:
            super().keyPressEvent(event)
