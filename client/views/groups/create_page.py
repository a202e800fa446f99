"""Making a group, and adding people to one."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton

from client.core.groups import TITLE_MOST
from client.theme import Theme
from client.viewmodels.contacts import Contacts
from client.viewmodels.groups import Groups
from client.views.contacts.page import ColumnPage
from client.views.groups.parts import Crop, PictureChoice, choice, label, named
from client.views.groups.picking import Picking
from client.widgets.avatar import Avatars


class CreateGroupPage(ColumnPage):
    """A new group."""

    def __init__(
        self, theme: Theme, avatars: Avatars, contacts: Contacts, groups: Groups, crop: Crop | None = None
    ) -> None:
        super().__init__(theme, self.tr("New group"))
        self._groups = groups
        self.picture = PictureChoice(theme, avatars, crop)
        self.name = QLineEdit()
        self.name.setMaxLength(TITLE_MOST)
        self.writers: QComboBox = choice(
            [(self.tr("Everybody"), False), (self.tr("Only admins: a channel"), True)]
        )
        self.newcomers: QComboBox = choice(
            [(self.tr("All that was said before"), True), (self.tr("What is said after they came"), False)]
        )
        self.picking = Picking(theme, avatars, contacts)
        self.problem = label(role="danger")
        self.problem.hide()
        self.button = QPushButton(self.tr("Create group"))
        self.button.setProperty("kind", "primary")
        self.column.addWidget(self.picture)
        named(self.column, self.tr("Name of the group"), self.name)
        named(self.column, self.tr("Who writes"), self.writers)
        named(self.column, self.tr("What newcomers read"), self.newcomers)
        self.column.addWidget(label(self.tr("Members"), "strong"))
        self.column.addWidget(self.picking)
        self.column.addWidget(self.problem)
        self.column.addWidget(self.button)
        self.column.addStretch()
        self.name.textChanged.connect(self._named)
        self.name.returnPressed.connect(self._create)
        self.button.clicked.connect(self._create)
        self._ends = [groups.failed.subscribe(self._failed)]
        self.begin()

    def begin(self) -> None:
        """Anew."""
        self.name.clear()
        self.picture.show_group(0, "", "")
        self.writers.setCurrentIndex(0)
        self.newcomers.setCurrentIndex(0)
        self.picking.begin()
        self.problem.hide()
        self._named()
        self.name.setFocus()

    def _named(self) -> None:
        self.button.setEnabled(bool(self.name.text().strip()))

    def _create(self) -> None:
        title = self.name.text().strip()
        if title:
            self.problem.hide()
            self._groups.create(
                title,
                self.picking.chosen,
                picture=self.picture.picture,
                channel=bool(self.writers.currentData()),
                old_for_new=bool(self.newcomers.currentData()),
            )

    def _failed(self, failed: tuple[str, str]) -> None:
        if failed[0] == "make":
            self.problem.setText(failed[1])
            self.problem.show()


class AddMembersPage(ColumnPage):
    """More people for a group."""

    def __init__(self, theme: Theme, avatars: Avatars, contacts: Contacts, groups: Groups) -> None:
        super().__init__(theme, self.tr("Add members"))
        self._groups, self._conversation = groups, 0
        self.picking = Picking(theme, avatars, contacts)
        self.problem = label(role="danger")
        self.problem.hide()
        self.button = QPushButton(self.tr("Add"))
        self.button.setProperty("kind", "primary")
        for widget in (self.picking, self.problem, self.button):
            self.column.addWidget(widget)
        self.column.addStretch()
        self.picking.picked.connect(lambda: self.button.setEnabled(bool(self.picking.chosen)))
        self.button.clicked.connect(lambda: groups.add(self._conversation, self.picking.chosen))
        self._ends = [groups.failed.subscribe(self._failed)]

    def begin(self, conversation: int, members: list[int]) -> None:
        """For which group, and who is in it already."""
        self._conversation = conversation
        self.problem.hide()
        self.picking.begin(members)
        self.picking.search.setFocus()

    def _failed(self, failed: tuple[str, str]) -> None:
        if failed[0] == "make":
            self.problem.setText(failed[1])
            self.problem.show()
