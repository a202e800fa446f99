"""To whom the owner of a group hands it over before leaving."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from client.core.display import shown_name
from client.core.groups import ADMIN, Member
from client.core.model import Person
from client.theme import Theme
from client.theme.theme import device_ratio
from client.theme.tokens import AVATAR_SMALL, DIALOG, GAP, WIDE
from client.views.groups.parts import label
from client.widgets.avatar import Avatars
from client.widgets.search_field import SearchField

UUID = Qt.ItemDataRole.UserRole


class HeirDialog(QDialog):
    """:attr:`chosen` tells the uuid; admins stand first."""

    chosen = Signal(object)

    def __init__(
        self,
        theme: Theme,
        avatars: Avatars,
        members: Sequence[Member],
        person: Callable[[int], Person],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Hand the group over"))
        self._theme, self._avatars, self._person = theme, avatars, person
        self._members = sorted(members, key=lambda one: (-one.role, person(one.uuid).name.casefold()))
        self.search = SearchField(theme, self.tr("Search members"))
        self.rows = QListWidget()
        self.rows.setFrameShape(QFrame.Shape.NoFrame)
        self.rows.setAccessibleName(self.tr("Members"))
        self.rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        size = theme.px(AVATAR_SMALL)
        self.rows.setIconSize(QSize(size, size))
        self.button = QPushButton(self.tr("Hand over and leave"))
        self.button.setProperty("kind", "danger")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.rejected.connect(self.reject)
        self.button.clicked.connect(self._choose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(WIDE, WIDE, WIDE, WIDE)
        layout.setSpacing(GAP)
        layout.addWidget(label(self.tr("You own this group. Choose who owns it when you have left.")))
        layout.addWidget(self.search)
        layout.addWidget(self.rows, 1)
        layout.addWidget(buttons)
        self.resize(theme.px(DIALOG[0]), theme.px(DIALOG[1]))
        self.search.searched.connect(lambda _: self._fill())
        self.search.down.connect(self.rows.setFocus)
        self.rows.currentRowChanged.connect(lambda row: self.button.setEnabled(row >= 0))
        avatars.changed.connect(self._icons)
        self._fill()
        self.search.setFocus()

    def _fill(self) -> None:
        sought = self.search.text().strip().casefold()
        self.rows.clear()
        for member in self._members:
            one = self._person(member.uuid)
            if sought and sought not in one.name.casefold() and sought not in one.username.casefold():
                continue
            name, admin = shown_name(one.name), self.tr("admin")
            item = QListWidgetItem(f"{name} · {admin}" if member.role == ADMIN else name)
            item.setData(UUID, member.uuid)
            self.rows.addItem(item)
        self.button.setEnabled(False)
        self._icons()

    def _icons(self) -> None:
        size = self._theme.px(AVATAR_SMALL)
        for row in range(self.rows.count()):
            item = self.rows.item(row)
            one = self._person(item.data(UUID))
            pixmap = self._avatars.pixmap(one.uuid, one.name, one.avatar, size, device_ratio())
            item.setIcon(QIcon(pixmap))

    def _choose(self) -> None:
        item = self.rows.currentItem()
        if item is not None:
            uuid = item.data(UUID)
            self.accept()
            self.chosen.emit(uuid)
