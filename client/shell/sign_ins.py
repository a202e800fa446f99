"""Another device was signed in as me: told on the desktop too, where nobody looks at the window."""

from __future__ import annotations

import time
from functools import partial

from client.platform.notifications import Notice, Notifier
from client.shell.context import Context
from client.shell.open_accounts import OpenAccounts, Opened
from client.shell.settings_opener import SettingsOpener
from client.viewmodels.telling import is_quiet
from client.views.settings.device_words import sign_in_words

DEVICES = "devices"
"""The page of the settings where they are."""


class SignIns:
    """Leads to the devices of the account, from the window and from the desktop."""

    def __init__(
        self, context: Context, accounts: OpenAccounts, settings: SettingsOpener, notifier: Notifier
    ) -> None:
        self._context, self._accounts, self._settings = context, accounts, settings
        self._notifier = notifier
        self._told: dict[str, set[tuple[str, int]]] = {}
        """By target, which sign-ins the desktop was told of."""
        notifier.activated.connect(self._activated)
        accounts.opened.subscribe(self._opened)

    def _opened(self, opened: Opened) -> None:
        opened.view.devices_wanted.connect(partial(self._settings.open, DEVICES))
        opened.account.changes.sign_ins.subscribe(lambda _: self._tell(opened))

    def _tell(self, opened: Opened) -> None:
        target, devices = _target(opened), opened.account.sign_ins()
        now = {(one.id, one.created_ms) for one in devices}
        before, self._told[target] = self._told.get(target, set()), now
        if not now:
            self._notifier.withdraw(target)
        elif now - before:
            self._show(opened, target, int(time.time() * 1000))

    def _show(self, opened: Opened, target: str, now_ms: int) -> None:
        window, preferences = self._context.window, self._context.settings.value
        seen = window.isActiveWindow() and self._accounts.front is opened
        if not seen and preferences.notify and not is_quiet(preferences, now_ms):
            words = sign_in_words(opened.account.sign_ins(), now_ms)
            self._notifier.show(Notice(target, opened.account.me.name, words, sound=preferences.sound))

    def _activated(self, target: str) -> None:
        entry, _, what = target.partition("/")
        opened = self._accounts.find(entry)
        if what == DEVICES and opened is not None:
            self._context.window.to_front()
            self._accounts.to_front(opened)
            self._settings.open(DEVICES)


def _target(opened: Opened) -> str:
    """Names the devices of an account to the desktop."""
    return f"{opened.entry.id}/{DEVICES}"
