"""The dialog of settings: one at a time, about the account in front."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import Any

from client.platform import autostart
from client.platform.facts import facts, licences
from client.shell.context import Context
from client.shell.open_accounts import OpenAccounts, Opened
from client.shell.sign_out import SignOut
from client.viewmodels.account_settings import AccountSettings
from client.views.settings import SettingsDialog
from imsys import __version__


class SettingsOpener:
    """Shows it.

    :param tray: whether the program has an icon in a tray.
    """

    def __init__(self, context: Context, accounts: OpenAccounts, sign_out: SignOut, *, tray: bool) -> None:
        self._context = context
        self._accounts = accounts
        self._sign_out = sign_out
        self._tray = tray
        self._dialog: SettingsDialog | None = None
        self._of: Opened | None = None
        accounts.opened.subscribe(lambda opened: opened.view.settings_wanted.connect(self.open))

    def open(self, page: str = "") -> None:
        """Show the settings.

        :param page: the name of a page to begin with; empty: the first one.
        """
        front, sign_out = self._accounts.front, self._sign_out
        if self._dialog is not None and self._of is not front:
            self._dialog.close()
        if self._dialog is not None:
            if page:
                self._dialog.show_page(page)
            self._dialog.raise_()
            self._dialog.activateWindow()
            return
        self._of = front
        dialog = self._dialog = SettingsDialog(
            self._context.theme,
            self._context.settings,
            avatars=front.view.avatars if front is not None else None,
            of=AccountSettings(front.account) if front is not None else None,
            crop=front.view.files.crop if front is not None else None,
            tray=self._tray,
            starts=autostart.enabled(),
            folder=str(front.account.folder) if front is not None else "",
            facts=facts(__version__, front.entry.server.url if front is not None else ""),
            licences=licences(),
            parent=self._context.window,
        )
        if front is not None:
            dialog.sign_out.connect(lambda: self._leave(sign_out.sign_out(front)))
            dialog.forget.connect(lambda: self._leave(sign_out.forget(front)))
        dialog.autostart.connect(self._autostart)
        dialog.finished.connect(self._finished)
        if page:
            dialog.show_page(page)
        dialog.open()

    def _leave(self, work: Coroutine[Any, Any, None]) -> None:
        """The settings are left for something else."""
        if self._dialog is not None:
            self._dialog.close()
        self._context.run(work)

    def _finished(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None

    def _autostart(self, on: bool) -> None:
        self._context.threaded(partial(autostart.enable, on)).addErrback(
            lambda fault: self._context.window.toast.tell(str(fault.value))
        )
