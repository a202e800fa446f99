"""The list of conversations, with its search field."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QActionGroup, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from client.core.model import Conversation
from client.theme import Theme
from client.theme.tokens import GAP, HEADER, ICON_SMALL, SMALL, TIGHT
from client.viewmodels.conversation_list import FOREVER, ConversationList, Shown, is_muted
from client.viewmodels.work import now_ms
from client.views.main.row import RowDelegate
from client.widgets.avatar import Avatars
from client.widgets.button import IconButton
from client.widgets.empty import EmptyState
from client.widgets.rows import Rows
from client.widgets.search_field import SearchField

HOUR = 3600


class ConversationRows(Rows):
    """The rows alone; Enter or a click opens one."""

    opened = Signal(object)
    near_end = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setAccessibleName(self.tr("Conversations"))
        self.setStyleSheet("QListView { background: transparent; }")

    def one(self, index: QModelIndex) -> Conversation | None:
        """What is in a row."""
        found = index.data(ConversationList.CONVERSATION)
        return found if isinstance(found, Conversation) else None

    def key(self, event: QKeyEvent) -> bool:
        key, one = event.key(), self.one(self.currentIndex())
        if one is None:
            return False
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.opened.emit(one.id)
        elif key == Qt.Key.Key_Menu:
            self.menu.emit(one, self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center()))
        else:
            return False
        return True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        one = self.one(self.indexAt(event.position().toPoint()))
        if one is not None and event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit(one.id)
        elif one is not None and event.button() == Qt.MouseButton.RightButton:
            self.menu.emit(one, event.globalPosition().toPoint())


class ListPane(QWidget):
    """:attr:`opened` tells the conversation that is wanted, :attr:`people` that somebody is sought among all
    people.
    """

    opened = Signal(object)
    people = Signal(str)
    escaped = Signal()

    def __init__(
        self, theme: Theme, avatars: Avatars, model: ConversationList, *, now: Callable[[], int] = now_ms
    ) -> None:
        super().__init__()
        self._theme, self.model = theme, model
        self.setProperty("ground", "list")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.search = SearchField(theme, self.tr("Search"))
        self.filter = IconButton(theme, "list-filter", self.tr("Which conversations"))
        self.filter.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.find_people = IconButton(theme, "user-plus", self.tr("Find people"), shortcut="Ctrl+N")
        self.rows = ConversationRows(theme)
        self.delegate = RowDelegate(theme, avatars, model.account, now)
        self.rows.setItemDelegate(self.delegate)
        self.rows.setModel(model)
        self._cursor = 0
        self.rows.selectionModel().currentChanged.connect(self._moved)
        self._head = QWidget()
        self._title = QLabel()
        self._title.setProperty("role", "strong")
        self._all = QPushButton(self.tr("Show all"))
        self._all.setProperty("kind", "flat")
        self._all.clicked.connect(lambda: self.show_only(Shown.ALL))
        self._more = QPushButton()
        self._more.setProperty("kind", "flat")
        self._more.clicked.connect(lambda: self.people.emit(self.search.text().strip()))
        self._more.hide()
        self.empty = EmptyState(theme, "message-circle", "")
        self.empty.acted.connect(lambda: self.people.emit(self.search.text().strip()))
        self._stack = QStackedWidget()
        self._stack.addWidget(self.rows)
        self._stack.addWidget(self.empty)
        self._lay_out()
        self._make_filter()
        self.search.searched.connect(self._search)
        self.search.down.connect(self._to_rows)
        self.search.left.connect(self.escaped)
        self.search.returnPressed.connect(self._first)
        self.find_people.clicked.connect(lambda: self.people.emit(""))
        self.rows.opened.connect(self.opened)
        self.rows.above.connect(self.search.setFocus)
        self.rows.typed.connect(self._typed)
        self.rows.menu.connect(self._menu)
        model.modelReset.connect(self._fill)
        model.layoutChanged.connect(self._fill)
        avatars.changed.connect(self.rows.viewport().update)
        theme.follow(self._restyle)
        self._fill()

    def set_current(self, conversation: int) -> None:
        """Which one is open."""
        before, self.delegate.current = self.model.row_of(self.delegate.current), conversation
        row = self.model.row_of(conversation)
        if row >= 0:
            self.rows.setCurrentIndex(self.model.index(row))
            self.rows.scrollTo(self.model.index(row))
        for one in {before, row} - {-1}:
            self.rows.update(self.model.index(one))

    def step(self, by: int) -> None:
        """Open the next one, or the one before."""
        row = self.model.row_of(self.delegate.current)
        one = self.model.at(max(0, row + by) if row >= 0 else 0)
        if one is not None:
            self.opened.emit(one.id)

    def show_only(self, shown: Shown) -> None:
        """Which of them."""
        self.model.show(shown, keep=self.delegate.current)
        for action in self._actions.actions():
            action.setChecked(action.data() == shown.value)
        self._fill()

    # How.

    def _lay_out(self) -> None:
        top = QWidget()
        self._top = top
        row = QHBoxLayout(top)
        row.setContentsMargins(GAP, 0, SMALL, 0)
        row.setSpacing(TIGHT)
        row.addWidget(self.search, 1)
        row.addWidget(self.filter)
        row.addWidget(self.find_people)
        head = QHBoxLayout(self._head)
        head.setContentsMargins(GAP, 0, TIGHT, TIGHT)
        head.addWidget(self._title, 1)
        head.addWidget(self._all)
        self._head.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(top)
        layout.addWidget(self._head)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self._more)

    def _make_filter(self) -> None:
        menu = QMenu(self)
        self._actions = QActionGroup(menu)
        for shown, words in (
            (Shown.ALL, self.tr("All conversations")),
            (Shown.UNREAD, self.tr("Unread")),
            (Shown.ARCHIVED, self.tr("Archived")),
        ):
            action = menu.addAction(words, partial(self.show_only, shown))
            action.setCheckable(True)
            action.setChecked(shown is Shown.ALL)
            action.setData(shown.value)
            self._actions.addAction(action)
        self.filter.setMenu(menu)

    def _search(self, text: str) -> None:
        self.model.search(text)
        self._more.setText(self.tr("Find “{text}” among all people").format(text=text[:40]))
        self._more.setVisible(bool(text) and self.model.rowCount() > 0)
        self._fill()

    def _to_rows(self) -> None:
        if self.model.rowCount():
            self.rows.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.rows.setCurrentIndex(self.model.index(0))

    def _first(self) -> None:
        one = self.model.at(0)
        if self.search.text().strip() and one is not None:
            self.opened.emit(one.id)
            self.search.clear()
        elif self.search.text().strip():
            self.people.emit(self.search.text().strip())

    def _typed(self, text: str) -> None:
        self.search.setFocus()
        self.search.insert(text)

    def _fill(self) -> None:
        shown, text = self.model.shown, self.search.text().strip()
        titles = {Shown.UNREAD: self.tr("Unread"), Shown.ARCHIVED: self.tr("Archived")}
        self._head.setVisible(shown in titles and not text)
        self._title.setText(titles.get(shown, ""))
        if not self.model.rowCount():
            if text:
                self.empty.set_words(
                    self.tr("Nothing found"),
                    self.tr("No conversation has this name."),
                    self.tr("Search all people"),
                )
            elif shown is Shown.UNREAD:
                self.empty.set_words(self.tr("All read"), self.tr("There is nothing new."))
            elif shown is Shown.ARCHIVED:
                self.empty.set_words(self.tr("Nothing archived"), self.tr("What you put away is here."))
            else:
                self.empty.set_words(
                    self.tr("No conversations yet"),
                    self.tr("Find people by name, and say hello."),
                    self.tr("Find people"),
                )
        self._stack.setCurrentWidget(self.rows if self.model.rowCount() else self.empty)
        row = self.model.row_of(self._cursor)
        if row >= 0 and not self.rows.currentIndex().isValid():
            self.rows.setCurrentIndex(self.model.index(row))
        self.rows.viewport().update()

    def _moved(self, index: QModelIndex) -> None:
        """The keyboard's place in the list; it stays at its conversation when others come and go."""
        one = self.rows.one(index)
        if one is not None:
            self._cursor = one.id

    def _menu(self, one: Conversation, place: QPoint) -> None:
        menu = self.menu_of(one)
        menu.exec(place)
        menu.deleteLater()

    def menu_of(self, one: Conversation) -> QMenu:
        """What can be done with one."""
        menu, model, icon = QMenu(self), self.model, self._theme.icon
        if one.unread:
            menu.addAction(icon("check-check"), self.tr("Mark as read"), lambda: model.mark_read(one))
        words = self.tr("Unpin") if one.pinned else self.tr("Pin")
        menu.addAction(
            icon("pin-off" if one.pinned else "pin"), words, lambda: model.pin(one, not one.pinned)
        )
        if is_muted(one):
            menu.addAction(icon("bell"), self.tr("Unmute"), lambda: model.mute(one, 0))
        else:
            mute = menu.addMenu(icon("bell-off"), self.tr("Mute"))
            mute.addAction(self.tr("For one hour"), lambda: model.mute(one, HOUR))
            mute.addAction(self.tr("For eight hours"), lambda: model.mute(one, 8 * HOUR))
            mute.addAction(self.tr("For a week"), lambda: model.mute(one, 7 * 24 * HOUR))
            mute.addAction(self.tr("For good"), lambda: model.mute(one, FOREVER))
        words = self.tr("Take out of the archive") if one.archived else self.tr("Archive")
        menu.addAction(
            icon("archive-restore" if one.archived else "archive"),
            words,
            lambda: model.archive(one, not one.archived),
        )
        return menu

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self.rows.viewport().update()

    def _restyle(self) -> None:
        self._top.setFixedHeight(self._theme.px(HEADER))
        self.empty.setMinimumHeight(0)
        self.rows.doItemsLayout()
        self._more.setIcon(self._theme.icon("search", size=ICON_SMALL))
