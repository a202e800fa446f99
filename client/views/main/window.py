"""The window: the accounts that are open, or the sign-in screen; its shortcuts, and where it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from client.core.shortcuts import SHORTCUTS
from client.platform.settings import Settings
from client.theme import Theme
from client.theme.tokens import HEADER, WINDOW, WINDOW_LEAST
from client.widgets.skeleton import Skeleton
from client.widgets.toast import Toast

if TYPE_CHECKING:  # the first picture is there before it is
    from client.views.main.account_view import AccountView


class Window(QWidget):
    """:attr:`closed` tells that somebody closed it, :attr:`acted` a shortcut that is not the account's own
    affair.
    """

    closed = Signal()
    acted = Signal(str)
    activated = Signal()

    def __init__(self, theme: Theme, settings: Settings) -> None:
        super().__init__()
        self._theme, self._settings = theme, settings
        self.setWindowTitle("imsys")
        self.setMinimumSize(*WINDOW_LEAST)
        self.setProperty("ground", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._accounts: list[AccountView] = []
        self._stack = QStackedWidget()
        self._waiting = Skeleton(theme)
        self._stack.addWidget(self._waiting)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self.toast = Toast(theme, self, lambda: theme.px(HEADER))
        self._place()
        for one in SHORTCUTS:
            if not one.told:
                action = QAction(one.words, self)
                action.setShortcuts([QKeySequence(key) for key in one.keys])
                action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
                action.triggered.connect(partial(self._act, one.name))
                self.addAction(action)

    # What it shows.

    @property
    def account(self) -> AccountView | None:
        """The account in front."""
        found = self._stack.currentWidget()
        return next((view for view in self._accounts if view is found), None)

    @property
    def shown(self) -> QWidget | None:
        """Whatever is in front."""
        return self._stack.currentWidget()

    def show_account(self, view: AccountView) -> None:
        """Put an account in front."""
        if view not in self._accounts:
            self._accounts.append(view)
        self.show_view(view)
        view.focus()

    def show_view(self, view: QWidget) -> None:
        """Put a view in front; it stays in the window until it is removed."""
        if self._stack.indexOf(view) < 0:
            self._stack.addWidget(view)
        self._stack.setCurrentWidget(view)
        self.tell_count(0 if self.account is None else self.account.conversations.unread())

    def remove_view(self, view: QWidget) -> None:
        """Take one away."""
        self._stack.removeWidget(view)
        self._accounts = [one for one in self._accounts if one is not view]
        view.deleteLater()

    def tell_count(self, count: int) -> None:
        """How many messages are unread."""
        self.setWindowTitle(f"({count}) imsys" if count else "imsys")

    def to_front(self) -> None:
        """Show it, before others."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

    # Shortcuts.

    def _act(self, name: str) -> None:
        view = self.account
        if name in ("larger", "smaller", "plain"):
            self._theme.zoom({"larger": 1, "smaller": -1, "plain": 0}[name])
            self._settings.change(scale=self._theme.scale)
        elif name == "full":
            self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        elif name == "close":
            self.close()
        elif name in ("quit", "settings", "shortcuts"):
            self.acted.emit(name)
        elif view is not None:
            self._of_account(view, name)

    def _of_account(self, view: AccountView, name: str) -> None:
        conversation = view.conversation
        acts: dict[str, Callable[[], object]] = {
            "switch": view.switcher.begin,
            "next": partial(view.step, 1),
            "previous": partial(view.step, -1),
            "search": view.search,
            "conversations": partial(view.go, "conversations"),
            "contacts": partial(view.go, "contacts"),
            "files": partial(view.go, "files"),
            "people": view.find_people,
            "find": conversation.begin_find if view.current else view.search,
            "older": partial(conversation.find_bar.step, 1),
            "newer": partial(conversation.find_bar.step, -1),
            "attach": conversation.attach,
            "emoji": conversation.composer.open_emoji,
            "react": conversation.messages.begin_reaction,
            "details": view.show_details,
            "end": conversation.messages.go_to_end,
        }
        acts[name]()

    # Where it is.

    def _place(self) -> None:
        kept = self._settings.value.window
        if not kept or not self.restoreGeometry(QByteArray.fromHex(kept.encode())):
            self.resize(*WINDOW)
            screen = self.screen().availableGeometry()
            self.move(screen.center() - QPoint(WINDOW[0] // 2, WINDOW[1] // 2))

    def keep_place(self) -> None:
        """Remember where it is."""
        self._settings.change(window=bytes(self.saveGeometry().toHex().data()).decode())

    def closeEvent(self, event: QCloseEvent) -> None:
        self.keep_place()
        self.closed.emit()
        event.accept()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.activated.emit()
