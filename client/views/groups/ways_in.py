"""Ways into groups: invitations that wait for an answer, and links."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from client.core.display import shown_name
from client.core.groups import LINK_LENGTH, Invitation, Preview
from client.core.model import Person
from client.theme import Theme
from client.theme.tokens import SMALL, TIGHT
from client.viewmodels.groups import Groups, is_link
from client.views.contacts.card import Card
from client.views.groups.parts import label, named
from client.widgets.avatar import Avatars


class Invitations(QWidget):
    """Nothing where there are none."""

    def __init__(self, theme: Theme, avatars: Avatars, groups: Groups) -> None:
        super().__init__()
        self._theme, self._avatars, self._groups = theme, avatars, groups
        self.cards: dict[int, InvitationCard] = {}
        self.problem = label(role="danger")
        self.problem.hide()
        self._list = QVBoxLayout(self)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(SMALL)
        self._list.addWidget(label(self.tr("Invitations to groups"), "strong"))
        self._list.addWidget(self.problem)
        self._ends = [groups.changed.subscribe(lambda _: self.fill()), groups.failed.subscribe(self._failed)]
        self.fill()

    def fill(self) -> None:
        """Show those that are there now."""
        for card in self.cards.values():
            self._list.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = {}
        self.problem.hide()
        for one in self._groups.invitations():
            card = self.cards[one.conversation] = InvitationCard(
                self._theme, self._avatars, one, self._groups
            )
            self._list.addWidget(card)
        self.setVisible(bool(self.cards))

    def _failed(self, failed: tuple[str, str]) -> None:
        if failed[0] == "invitations":
            self.problem.setText(failed[1])
            self.problem.show()


class InvitationCard(Card):
    """One of them."""

    def __init__(self, theme: Theme, avatars: Avatars, one: Invitation, groups: Groups) -> None:
        inviter = shown_name(groups.account.person(one.inviter).name)
        group = Person(one.conversation, one.title, avatar=one.avatar)
        super().__init__(theme, avatars, group)
        words = self.tr("{name} invites you").format(name=inviter)
        members = self.tr("%n members", "", one.members)
        self.body.addWidget(label(f"{words} · {members}"))
        self.accept = QPushButton(self.tr("Accept"))
        self.accept.setProperty("kind", "primary")
        self.decline = QPushButton(self.tr("Decline"))
        self.accept.clicked.connect(partial(groups.answer, one.conversation, True))
        self.decline.clicked.connect(partial(groups.answer, one.conversation, False))
        row = QHBoxLayout()
        row.setSpacing(SMALL)
        row.setContentsMargins(0, SMALL, 0, 0)
        row.addWidget(self.accept)
        row.addWidget(self.decline)
        row.addStretch()
        self.body.addLayout(row)


class JoinByLink(QWidget):
    """A link, where it leads, and the way in."""

    def __init__(self, theme: Theme, avatars: Avatars, groups: Groups) -> None:
        super().__init__()
        self._theme, self._avatars, self._groups = theme, avatars, groups
        self.card: Card | None = None
        self.field = QLineEdit()
        self.field.setMaxLength(LINK_LENGTH + 20)
        self.button = QPushButton(self.tr("See where it leads"))
        self.join = QPushButton()
        self.join.setProperty("kind", "primary")
        self.problem = label(role="danger")
        self.told = label(role="good")
        self._place = QVBoxLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(TIGHT)
        named(layout, self.tr("Link into a group"), self.field)
        layout.addWidget(self.button)
        layout.addWidget(self.problem)
        layout.addLayout(self._place)
        layout.addWidget(self.told)
        self.field.textChanged.connect(self._typed)
        self.field.returnPressed.connect(self._look)
        self.button.clicked.connect(self._look)
        self.join.clicked.connect(lambda: groups.join(self.field.text().strip()))
        self._ends = [
            groups.previewed.subscribe(self._show),
            groups.waits.subscribe(lambda _: self._waits()),
            groups.failed.subscribe(lambda failed: self._say(failed[1]) if failed[0] == "join" else None),
        ]
        self._typed()

    def begin(self) -> None:
        """Anew."""
        self.field.clear()
        self._typed()

    def _typed(self) -> None:
        self._say("")
        self.told.hide()
        self.button.setEnabled(is_link(self.field.text()))
        self._put(None)

    def _look(self) -> None:
        if is_link(self.field.text()):
            self._say("")
            self._groups.look(self.field.text().strip())

    def _show(self, told: tuple[str, Preview]) -> None:
        code, preview = told
        if code != self.field.text().strip():
            return
        card = Card(
            self._theme,
            self._avatars,
            Person(
                sum(map(ord, code)), preview.title, avatar=preview.avatar, description=preview.description
            ),
        )
        members = self.tr("%n members", "", preview.members)
        asked = self.tr("an admin lets you in") if preview.approval else ""
        card.body.addWidget(label(" · ".join(one for one in (members, asked) if one), "meta"))
        self.join.setText(self.tr("Ask to be let in") if preview.approval else self.tr("Join"))
        self.join.setEnabled(True)
        card.body.addWidget(self.join)
        self.join.show()
        self._put(card)

    def _waits(self) -> None:
        self.join.setEnabled(False)
        self.told.setText(self.tr("The admins of the group are asked; it appears here when one lets you in."))
        self.told.show()

    def _put(self, card: Card | None) -> None:
        if self.card is not None:
            self.join.setParent(self if card is None else card)
            self._place.removeWidget(self.card)
            self.card.hide()
            self.card.deleteLater()
        self.card = card
        self.join.setVisible(card is not None)
        if card is not None:
            self._place.addWidget(card)

    def _say(self, problem: str) -> None:
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
