"""Who asks to become friends."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from client.core.model import FriendRequest
from client.theme import Theme
from client.theme.tokens import GAP, HUGE, SMALL
from client.viewmodels.contacts import Contacts
from client.views.contacts.card import Card
from client.views.contacts.find_page import ALIAS_MOST
from client.views.contacts.page import ColumnPage
from client.widgets.avatar import Avatars
from client.widgets.empty import EmptyState
from client.widgets.messages.words import day_words


class RequestsPage(ColumnPage):
    """:attr:`people` asks for finding others."""

    people = Signal()

    def __init__(self, theme: Theme, avatars: Avatars, contacts: Contacts, *, now_ms: int = 0) -> None:
        super().__init__(theme, self.tr("New friends"))
        self._avatars, self._contacts, self._now_ms = avatars, contacts, now_ms
        self.cards: dict[int, RequestCard] = {}
        self.also: Callable[[], bool] = lambda: False
        """Whether there is something else to answer."""
        self.empty = EmptyState(
            theme,
            "user-plus",
            self.tr("No friend requests"),
            self.tr("Who asks to become your friend appears here."),
            self.tr("Find people"),
        )
        self.empty.acted.connect(self.people)
        self.empty.setMinimumHeight(theme.px(14 * HUGE))
        self._list = QVBoxLayout()
        self._list.setSpacing(GAP)
        self.column.addWidget(self.empty)
        self.column.addLayout(self._list)
        self.column.addStretch()
        self._ends = [
            contacts.changed.subscribe(lambda _: self.fill()),
            contacts.failed.subscribe(
                lambda failed: self.cards[failed[0]].say(failed[1]) if failed[0] in self.cards else None
            ),
        ]
        self.fill()

    def fill(self) -> None:
        """Show who asks now; what somebody is writing stays."""
        requests = {request.person.uuid: request for request in self._contacts.requests()}
        for uuid in [
            uuid
            for uuid, card in self.cards.items()
            if uuid not in requests or card.request != requests[uuid]
        ]:
            card = self.cards.pop(uuid)
            self._list.removeWidget(card)
            card.hide()
            card.deleteLater()
        for uuid, request in requests.items():
            if uuid not in self.cards:
                self.cards[uuid] = RequestCard(
                    self.theme, self._avatars, request, self._contacts, self._now_ms
                )
                self._list.addWidget(self.cards[uuid])
            self.cards[uuid].set_busy(uuid in self._contacts.busy)
        self.empty.setVisible(not requests and not self.also())


class RequestCard(Card):
    """One of them."""

    def __init__(
        self, theme: Theme, avatars: Avatars, request: FriendRequest, contacts: Contacts, now_ms: int
    ) -> None:
        super().__init__(theme, avatars, request.person, note=request.text)
        self.request = request
        if request.at_ms and now_ms:
            self.head.addWidget(self._label(day_words(request.at_ms, now_ms), "meta"))
        self.alias = QLineEdit()
        self.alias.setMaxLength(ALIAS_MOST)
        self.alias.setPlaceholderText(self.tr("Your own name for them, if you like"))
        self.alias.setAccessibleName(self.alias.placeholderText())
        self.accept = QPushButton(self.tr("Accept"))
        self.accept.setProperty("kind", "primary")
        self.decline = QPushButton(self.tr("Decline"))
        uuid = request.person.uuid
        self.accept.clicked.connect(lambda: contacts.accept(uuid, self.alias.text().strip()))
        self.decline.clicked.connect(lambda: contacts.decline(uuid))
        row = QHBoxLayout()
        row.setSpacing(SMALL)
        row.addWidget(self.accept)
        row.addWidget(self.decline)
        row.addStretch()
        self.body.addSpacing(SMALL)
        self.body.addWidget(self.alias)
        self.body.addSpacing(SMALL)
        self.body.addLayout(row)

    def set_busy(self, busy: bool) -> None:
        """Something is under way."""
        widgets: tuple[QWidget, ...] = (self.accept, self.decline, self.alias)
        for widget in widgets:
            widget.setEnabled(not busy)
