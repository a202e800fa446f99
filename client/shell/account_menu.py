"""The menu of accounts: those that are open, another one, settings, the way out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu

from client.shell.context import Context
from client.shell.open_accounts import OpenAccounts
from client.shell.settings_opener import SettingsOpener
from client.shell.sign_in import SignInFlow
from client.shell.sign_out import SignOut
from client.translations.tr import tr


class AccountMenu:
    """Opens at the picture of oneself.

    :param quit: ends the program.
    """

    def __init__(
        self,
        context: Context,
        accounts: OpenAccounts,
        sign_in: SignInFlow,
        sign_out: SignOut,
        settings: SettingsOpener,
        quit: Callable[[], object],
    ) -> None:
        self._context, self._accounts = context, accounts
        self._sign_in, self._sign_out, self._settings, self._quit = sign_in, sign_out, settings, quit
        accounts.opened.subscribe(lambda opened: opened.view.accounts.connect(self.show))

    def show(self, place: QPoint) -> None:
        """Show it at a place on the screen."""
        context, accounts, icon = self._context, self._accounts, self._context.theme.icon
        menu, front = QMenu(context.window), accounts.front
        for opened in accounts.all:
            unread = opened.view.conversations.unread()
            words = f"{opened.account.me.name} · {opened.entry.server.name}" + (
                f" ({unread})" if unread else ""
            )
            action = menu.addAction(words.replace("&", "&&"), partial(accounts.to_front, opened))
            action.setCheckable(True)
            action.setChecked(opened is front)
        menu.addSeparator()
        menu.addAction(icon("user-plus"), tr("Add an account"), lambda: self._sign_in.enter())
        menu.addAction(icon("settings"), tr("Settings"), lambda: self._settings.open())
        if front is not None:
            leave = self._sign_out.sign_out
            menu.addAction(icon("log-out"), tr("Sign out"), lambda: context.run(leave(front)))
        menu.addSeparator()
        menu.addAction(icon("power"), tr("Quit"), self._quit)
        menu.popup(place)
        menu.aboutToHide.connect(menu.deleteLater)
