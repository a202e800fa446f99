"""The list of friends, with the ways to new ones above it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListView,
    QPushButton,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from client.core.display import shown_name
from client.core.following import Presence
from client.core.model import Person
from client.theme import Font, Theme
from client.theme.theme import device_ratio
from client.theme.tokens import AVATAR_SMALL, FOCUS, GAP, HEADER, ICON, RADIUS, SMALL, TARGET, TIGHT
from client.translations.sentences import listed
from client.viewmodels.contacts import Contacts
from client.widgets.avatar import Avatars, paint_dot
from client.widgets.badge import Badge
from client.widgets.empty import EmptyState
from client.widgets.search_field import SearchField

PERSON = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


class Friends(QAbstractListModel):
    """Rows are people."""

    def __init__(self, contacts: Contacts) -> None:
        super().__init__()
        self._contacts = contacts
        self._rows: Sequence[Person] = contacts.friends()
        self._text = ""
        self._ends = [
            contacts.changed.subscribe(lambda _: self.refresh()),
            contacts.account.changes.presence.subscribe(self._presence),
        ]

    def search(self, text: str) -> None:
        """Those whose names hold a text."""
        self._text = text
        self.refresh()

    def _presence(self, people: Collection[int]) -> None:
        """These come or go."""
        for at, one in enumerate(self._rows):
            if one.uuid in people:
                self.dataChanged.emit(self.index(at), self.index(at))

    def _is_online(self, person: Person) -> bool:
        presence = self._contacts.account.presence(person.uuid)
        return presence is not None and presence.online

    def refresh(self) -> None:
        """Show who is there now."""
        rows = self._contacts.friends(self._text)
        if [one.uuid for one in rows] == [one.uuid for one in self._rows]:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
        else:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not 0 <= index.row() < len(self._rows):
            return None
        person = self._rows[index.row()]
        if role == PERSON:
            return person
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return (
                listed((shown_name(person.name), self.tr("online")))
                if self._is_online(person)
                else shown_name(person.name)
            )
        return None


class FriendDelegate(QStyledItemDelegate):
    """Avatar and name."""

    def __init__(self, theme: Theme, avatars: Avatars, presence: Callable[[int], Presence | None]) -> None:
        super().__init__()
        self._theme, self._avatars, self._presence = theme, avatars, presence
        self.current = 0

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, self._theme.px(AVATAR_SMALL + 2 * SMALL))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        person: Person = index.data(PERSON)
        options: Any = option
        theme, colours = self._theme, self._theme.colours
        rect, size = QRectF(options.rect), self._theme.px(AVATAR_SMALL)
        rtl = options.direction is Qt.LayoutDirection.RightToLeft
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plate = rect.adjusted(TIGHT, 1, -TIGHT, -1)
        hovered = bool(options.state & QStyle.StateFlag.State_MouseOver)
        ground = (
            colours.selected if person.uuid == self.current else colours.hover if hovered else colours.list
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(plate, RADIUS, RADIUS)
        if options.state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            pen = painter.pen()
            pen.setStyle(Qt.PenStyle.SolidLine)
            pen.setColor(colours.accent)
            pen.setWidth(FOCUS)
            painter.setPen(pen)
            painter.drawRoundedRect(plate.adjusted(1, 1, -1, -1), RADIUS, RADIUS)
        left = rect.right() - GAP - size if rtl else rect.left() + GAP
        avatar = QRectF(left, rect.center().y() - size / 2, size, size)
        ratio = options.widget.devicePixelRatioF()
        painter.drawPixmap(
            avatar.topLeft(), self._avatars.pixmap(person.uuid, person.name, person.avatar, size, ratio)
        )
        presence = self._presence(person.uuid)
        if presence is not None and presence.online:
            paint_dot(painter, theme, avatar, ground, rtl=rtl)
        words = (
            rect.adjusted(GAP, 0, -(2 * GAP + size), 0) if rtl else rect.adjusted(2 * GAP + size, 0, -GAP, 0)
        )
        name = theme.metrics(Font.BODY).elidedText(
            shown_name(person.name), Qt.TextElideMode.ElideRight, words.width()
        )
        painter.setFont(theme.font(Font.BODY))
        painter.setPen(colours.text)
        side = Qt.AlignmentFlag.AlignRight if rtl else Qt.AlignmentFlag.AlignLeft
        painter.drawText(
            words, int(side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute), name
        )
        painter.restore()


class FriendRows(QListView):
    """Enter or a click chooses somebody."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QListView.SelectionMode.NoSelection)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Friends"))
        self.setStyleSheet("QListView { background: transparent; }")
        self.clicked.connect(self._choose)

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        """Paint these rows anew; Qt's list would lay out and paint all, since one might have another height."""
        QAbstractItemView.dataChanged(self, first, last, list(roles))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def _choose(self, index: QModelIndex) -> None:
        person = index.data(PERSON)
        if isinstance(person, Person):
            self.chosen.emit(person.uuid)


BUTTON_GAP = 4
"""What Qt leaves between the icon and the words of a button."""


class ContactsPane(QWidget):
    """:attr:`chosen` tells a friend, :attr:`people` that others are to be found, :attr:`requests` that
    requests are to be shown, :attr:`group` that one is to be made.
    """

    chosen = Signal(object)
    people = Signal(str)
    requests = Signal()
    group = Signal()
    escaped = Signal()

    def __init__(self, theme: Theme, avatars: Avatars, contacts: Contacts) -> None:
        super().__init__()
        self._theme, self._contacts = theme, contacts
        self.setProperty("ground", "list")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.search = SearchField(theme, self.tr("Search friends"))
        self.model = Friends(contacts)
        self.rows = FriendRows()
        self.delegate = FriendDelegate(theme, avatars, contacts.account.presence)
        self.rows.setItemDelegate(self.delegate)
        self.rows.setModel(self.model)
        self.new_friends = QPushButton(self.tr("New friends"))
        self.find_people = QPushButton(self.tr("Find people"))
        self.new_group = QPushButton(self.tr("New group"))
        self.badge = Badge(theme)
        for button in (self.new_friends, self.find_people, self.new_group):
            button.setProperty("kind", "row")
        self.empty = EmptyState(
            theme, "users", self.tr("No friends yet"), self.tr("Find people by name."), self.tr("Find people")
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(self.rows)
        self._stack.addWidget(self.empty)
        self._top = QWidget()
        top = QHBoxLayout(self._top)
        top.setContentsMargins(GAP, 0, GAP, 0)
        top.addWidget(self.search)
        inside = QHBoxLayout(self.new_friends)
        inside.setContentsMargins(0, 0, GAP, 0)
        inside.addStretch()
        inside.addWidget(self.badge)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._top)
        layout.addWidget(self.new_friends)
        layout.addWidget(self.find_people)
        layout.addWidget(self.new_group)
        layout.addSpacing(TIGHT)
        layout.addWidget(self._stack, 1)
        self.search.searched.connect(self._search)
        self.search.down.connect(self.rows.setFocus)
        self.search.left.connect(self.escaped)
        self.search.returnPressed.connect(self._enter)
        self.rows.chosen.connect(self.chosen)
        self.new_friends.clicked.connect(self.requests)
        self.new_group.clicked.connect(self.group)
        self.find_people.clicked.connect(lambda: self.people.emit(self.search.text().strip()))
        self.empty.acted.connect(lambda: self.people.emit(self.search.text().strip()))
        avatars.changed.connect(self.rows.viewport().update)
        self._end = contacts.changed.subscribe(lambda _: self._fill())
        theme.follow(self._restyle)
        self._fill()

    def set_current(self, uuid: int) -> None:
        """Whose profile is shown."""
        self.delegate.current = uuid
        self.rows.viewport().update()

    def _search(self, text: str) -> None:
        self.model.search(text)
        self._fill()

    def _enter(self) -> None:
        if not self.model.rowCount() and self.search.text().strip():
            self.people.emit(self.search.text().strip())

    def _fill(self) -> None:
        self.badge.set_count(self._contacts.waiting)
        text = self.search.text().strip()
        if text:
            self.empty.set_words(
                self.tr("Nothing found"), self.tr("No friend has this name."), self.tr("Search all people")
            )
        else:
            self.empty.set_words(
                self.tr("No friends yet"), self.tr("Find people by name."), self.tr("Find people")
            )
        self._stack.setCurrentWidget(self.rows if self.model.rowCount() else self.empty)

    def _row_icon_size(self) -> QSize:
        """As wide as the avatars below, and what is between them and the names."""
        return QSize(self._theme.px(AVATAR_SMALL) + GAP - BUTTON_GAP, self._theme.px(ICON))

    def _row_icon(self, name: str) -> QIcon:
        """An icon in the middle of where the avatars are."""
        theme, size, ratio = self._theme, self._row_icon_size(), device_ratio()
        made = QPixmap(round(size.width() * ratio), round(size.height() * ratio))
        made.setDevicePixelRatio(ratio)
        made.fill(Qt.GlobalColor.transparent)
        left = (theme.px(AVATAR_SMALL) - theme.px(ICON)) // 2
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            left = size.width() - theme.px(ICON) - left
        painter = QPainter(made)
        painter.drawPixmap(left, 0, theme.pixmap(name, theme.colours.second, ratio=ratio))
        painter.end()
        return QIcon(made)

    def _restyle(self) -> None:
        self._top.setFixedHeight(self._theme.px(HEADER))
        for button, icon in (
            (self.new_friends, "user-check"),
            (self.find_people, "user-plus"),
            (self.new_group, "users"),
        ):
            button.setIcon(self._row_icon(icon))
            button.setIconSize(self._row_icon_size())
            button.setMinimumHeight(self._theme.px(TARGET + GAP))
        self.rows.doItemsLayout()
