"""The views of an account in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed

from client.core.memory import NOW_MS, MemoryAccount
from client.platform.settings import Settings
from client.viewmodels.spool import Spool
from client.views.main.account_view import AccountView
from client.views.main.window import Window
from client.widgets.pictures import Pictures
from tests.support.qt import WidgetCase


class ViewCase(WidgetCase):
    """An account in a window of 1,100 × 720."""

    def setUp(self) -> None:
        super().setUp()
        self.account = MemoryAccount(longest=300)
        self.settings = Settings(None)
        self.pictures = Pictures()
        self.addCleanup(self.pictures.close)

    def open(self, width: int = 1100, height: int = 720) -> AccountView:
        """Show it."""
        spool = Spool(Path(self.mktemp()), at_once)
        self.window = Window(self.theme, self.settings)
        self.view = AccountView(
            self.theme, self.pictures, self.account, self.settings, spool, now=lambda: NOW_MS
        )
        self.window.show_account(self.view)
        self.show(self.window, width, height)
        self.addCleanup(self.view.close_view)  # before the window goes
        return self.view


def at_once(work: Any) -> Deferred[Any]:
    """Threads, for tests."""
    return succeed(work())
