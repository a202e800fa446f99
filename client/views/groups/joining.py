"""Groups in the view of an account: their pages, and the ways to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from client.core.display import shown_name
from client.core.groups import Added
from client.theme import Theme
from client.translations.sentences import listed
from client.translations.tr import tr
from client.viewmodels.groups import Groups
from client.views.groups.create_page import AddMembersPage, CreateGroupPage
from client.views.groups.settings_page import GroupSettingsPage
from client.views.groups.ways_in import Invitations, JoinByLink
from client.widgets.avatar import Avatars

if TYPE_CHECKING:
    from client.views.main.account_view import AccountView


class GroupPages:
    """Made with the view; :meth:`connect` when the rest of it is there."""

    def __init__(self, theme: Theme, avatars: Avatars, view: AccountView, groups: Groups) -> None:
        self._view, self.groups = view, groups
        crop = view.files.crop
        self.create = CreateGroupPage(theme, avatars, view.contacts, groups, crop)
        self.add = AddMembersPage(theme, avatars, view.contacts, groups)
        self.settings = GroupSettingsPage(theme, avatars, groups, crop)
        self.invitations = Invitations(theme, avatars, groups)
        self.join = JoinByLink(theme, avatars, groups)
        view.requests_page.column.insertWidget(0, self.invitations)
        view.requests_page.also = lambda: bool(groups.invitations())
        view.requests_page.fill()
        view.find_page.column.insertWidget(view.find_page.column.count() - 1, self.join)
        self._ends = [
            groups.made.subscribe(view.open),
            groups.added.subscribe(self._added),
            groups.changed.subscribe(lambda _: view.requests_page.fill()),
        ]

    @property
    def pages(self) -> tuple[QWidget, ...]:
        """For the stack of the view."""
        return self.create, self.add, self.settings

    def connect(self) -> None:
        """Lead to them."""
        view = self._view
        for page in (self.create, self.add, self.settings):
            page.back.connect(view.leave)
        view.friends.group.connect(self.new)
        pane = view.details.group
        pane.add.connect(self._add)
        pane.settings.connect(self._settings)
        pane.person.connect(view.details.person)

    def new(self) -> None:
        """Make one."""
        self._view.show_page(self.create)
        self.create.begin()

    def close(self) -> None:
        """Hear no more."""
        for end in self._ends:
            end()
        self.groups.close()

    def _add(self) -> None:
        pane = self._view.details.group
        self._view.show_page(self.add)
        self.add.begin(pane.conversation, [one.uuid for one in pane.members])

    def _settings(self) -> None:
        about = self._view.account.conversation(self._view.details.group.conversation)
        if about is not None:
            self._view.show_page(self.settings)
            self.settings.begin(about)

    def _added(self, told: tuple[int, Added]) -> None:
        """Say whom a group does not have now."""
        person, added = self._view.account.person, told[1]
        words = []
        for people, sentence in (
            (added.invited, tr("{names} are invited: they decide themselves.")),
            (added.refused, tr("{names} do not want to be added to groups.")),
        ):
            if people:
                names = listed(shown_name(person(uuid).name) for uuid in people[:5])
                words.append(sentence.format(names=names))
        if words:
            self._view.conversation.toast.tell(" ".join(words))
