"""Choosing some of one's friends: a search, and a list with boxes to tick."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent
from PySide6.QtWidgets import QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from client.core.display import shown_name
from client.theme import Theme
from client.theme.theme import device_ratio
from client.theme.tokens import AVATAR_SMALL, SMALL
from client.viewmodels.contacts import Contacts
from client.widgets.avatar import Avatars
from client.widgets.search_field import SearchField

UUID = Qt.ItemDataRole.UserRole


class Rows(QListWidget):
    """A click, Space or Enter turns a row on or off."""

    turned = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.itemClicked.connect(self.turned.emit)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        item = self.currentItem()
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter) and item is not None:
            self.turned.emit(item)
        else:
            super().keyPressEvent(event)


class Picking(QWidget):
    """:attr:`picked` tells that others are chosen now."""

    picked = Signal()

    def __init__(self, theme: Theme, avatars: Avatars, contacts: Contacts) -> None:
        super().__init__()
        self._theme, self._avatars, self._contacts = theme, avatars, contacts
        self._without: frozenset[int] = frozenset()
        self.chosen: list[int] = []
        self.search = SearchField(theme, self.tr("Search friends"))
        self.rows = Rows()
        self.rows.setAccessibleName(self.tr("Friends"))
        self.rows.setMinimumHeight(theme.px(300))
        self.nobody = QLabel(self.tr("No friend has this name."))
        self.nobody.setProperty("role", "second")
        self.nobody.hide()
        self.count = QLabel()
        self.count.setProperty("role", "meta")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SMALL)
        for widget in (self.search, self.count, self.nobody, self.rows):
            layout.addWidget(widget)
        self.search.searched.connect(lambda _: self._fill())
        self.search.down.connect(self._down)
        self.rows.turned.connect(self._turn)
        avatars.changed.connect(self._icons)
        theme.follow(self._icons)
        self._told()

    def begin(self, without: Collection[int] = ()) -> None:
        """Nobody is chosen; ``without`` are not to be."""
        self._without = frozenset(without)
        self.chosen = []
        self.search.clear()
        self._fill()
        self._told()

    def _fill(self) -> None:
        self.rows.clear()
        for person in self._contacts.friends(self.search.text().strip()):
            if person.uuid in self._without or person.blocked:
                continue
            item = QListWidgetItem(shown_name(person.name))
            item.setData(UUID, person.uuid)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)  # the whole row is the box, not the box alone
            item.setCheckState(
                Qt.CheckState.Checked if person.uuid in self.chosen else Qt.CheckState.Unchecked
            )
            self.rows.addItem(item)
        self._icons()
        self.nobody.setVisible(not self.rows.count())
        self.rows.setVisible(bool(self.rows.count()))

    def _icons(self) -> None:
        size = self._theme.px(AVATAR_SMALL)
        self.rows.setIconSize(QSize(size, size))
        for row in range(self.rows.count()):
            item = self.rows.item(row)
            person = self._contacts.account.person(item.data(UUID))
            item.setIcon(
                QIcon(self._avatars.pixmap(person.uuid, person.name, person.avatar, size, device_ratio()))
            )

    def _down(self) -> None:
        self.rows.setFocus()
        self.rows.setCurrentRow(0)

    def _turn(self, item: QListWidgetItem) -> None:
        uuid, on = item.data(UUID), item.data(UUID) not in self.chosen
        self.chosen = [one for one in self.chosen if one != uuid] + ([uuid] if on else [])
        item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self._told()

    def _told(self) -> None:
        self.count.setText(self.tr("%n chosen", "", len(self.chosen)))
        self.picked.emit()
