"""How many messages are unread: of all accounts in the tray, of the one in front in the window's title."""

from __future__ import annotations

from client.platform.tray import Tray
from client.shell.open_accounts import OpenAccounts, Opened
from client.views.main.window import Window


class UnreadCounts:
    """Tells the tray and the window."""

    def __init__(self, window: Window, tray: Tray, accounts: OpenAccounts) -> None:
        self._window = window
        self._tray = tray
        self._accounts = accounts
        accounts.opened.subscribe(self._opened)
        accounts.fronted.subscribe(lambda _: self._count())

    def _opened(self, opened: Opened) -> None:
        opened.view.counted.connect(self._count)

    def _count(self) -> None:
        counts = {one.entry.id: one.view.conversations.unread() for one in self._accounts.all}
        self._tray.set_count(sum(counts.values()))
        front = self._accounts.front
        self._window.tell_count(counts[front.entry.id] if front is not None else 0)
