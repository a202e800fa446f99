"""The running program: builds its parts and joins them. Nothing else builds anything that lives long."""

from __future__ import annotations

import enum
from contextlib import suppress
from typing import Any

from PySide6.QtCore import QTimer
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning

from client.core.ports import Failure
from client.platform.faults import Faults
from client.platform.notifications import Notifier, notifier
from client.platform.single import First
from client.platform.tray import Tray, program_icon
from client.shell.account_menu import AccountMenu
from client.shell.certificate_alarm import CertificateAlarm
from client.shell.context import Context
from client.shell.notifications import Notifications
from client.shell.open_accounts import OpenAccounts
from client.shell.settings_opener import SettingsOpener
from client.shell.sign_in import SignInFlow
from client.shell.sign_ins import SignIns
from client.shell.sign_out import SignOut
from client.shell.unread_counts import UnreadCounts
from client.theme import Scheme
from client.translations.sentences import sentence
from client.translations.tr import tr
from imsys import __version__

CLOSE_S = 4.0
"""Seconds that accounts have to close when the program ends."""
FAULT_MS = 15_000
"""For how long a fault is shown."""


class _State(enum.Enum):
    RUNNING = "running"
    ENDING = "ending"


class Program:
    """All of it. :meth:`begin` opens what was open last, or the way in.

    :param desktop: shows notifications; ``None``: the system does.
    """

    def __init__(self, context: Context, desktop: Notifier | None = None) -> None:
        self._context = context
        self.window = context.window
        self.faults = Faults(self._fault, __version__)
        self.faults.install()
        self.tray = Tray()
        self.accounts = OpenAccounts(context)
        self.sign_in = SignInFlow(context, self.accounts)
        self.sign_out = SignOut(self.accounts, self.sign_in)
        self.settings = SettingsOpener(context, self.accounts, self.sign_out, tray=self.tray.icon is not None)
        self.menu = AccountMenu(context, self.accounts, self.sign_in, self.sign_out, self.settings, self.quit)
        self._unread = UnreadCounts(self.window, self.tray, self.accounts)
        desktop = desktop or notifier("imsys", self.tray.icon)
        self._notifications = Notifications(context, self.accounts, desktop)
        self._sign_ins = SignIns(context, self.accounts, self.settings, desktop)
        self._alarm = CertificateAlarm(context, self.accounts, self.sign_in)
        self._first = First(context.paths.data)
        self._state = _State.RUNNING
        self._connect()
        self._prefer()

    def _connect(self) -> None:
        context, window, tray = self._context, self.window, self.tray
        window.closed.connect(self._closed)
        window.acted.connect(self._act)
        window.activated.connect(self.accounts.retry)
        tray.pressed.connect(window.to_front)
        tray.quit_wanted.connect(self.quit)
        tray.quiet.connect(lambda quiet: context.settings.change(quiet=quiet))
        self._first.told.connect(lambda what: window.to_front() if what == "show" else None)
        context.settings.changed.connect(self._prefer)
        context.application.setWindowIcon(program_icon())
        context.application.aboutToQuit.connect(self._first.close)

    def _prefer(self) -> None:
        value, theme = self._context.settings.value, self._context.theme
        theme.less_motion = True if value.less_motion else None
        theme.set_scheme(Scheme(value.scheme))
        theme.set_scale(value.scale)
        self.tray.set_quiet(value.quiet)

    def begin(self) -> None:
        """Open what was open last; where nothing was, the way in."""
        self._context.run(self._begin())

    async def _begin(self) -> None:
        known, toast = self.accounts.known, self.window.toast
        notice = await known.load()
        current = known.current
        if current is None:
            await self.sign_in.enter_first()
        else:
            for entry in sorted(known.entries, key=lambda one: one.id != current.id):
                try:
                    await self.accounts.open(entry, front=entry.id == current.id)
                except Failure as problem:  # its keyring is locked, say: the others are opened all the same
                    if entry.id == current.id:
                        self.sign_in.enter(entry, sentence(str(problem)))
                    else:
                        toast.tell(sentence(str(problem)))
        if notice:
            toast.tell(notice)

    def _act(self, name: str) -> None:
        if name == "quit":
            self.quit()
        elif name == "settings":
            self.settings.open()
        elif name == "shortcuts":
            self.settings.open("shortcuts")

    def _closed(self) -> None:
        if not (self._context.settings.value.to_tray and self.tray.icon is not None):
            self.quit()

    def quit(self) -> Deferred[Any] | None:
        """Close everything, and end; fires when all is closed, ``None``: it is under way already."""
        closed = self.close()
        return closed.addBoth(lambda _: self._stop()) if closed is not None else None

    def close(self) -> Deferred[Any] | None:
        """Close everything; fires when that is done, ``None``: it is under way already."""
        if self._state is _State.ENDING:
            return None
        self._state = _State.ENDING
        self.window.keep_place()
        self.window.hide()
        return self.accounts.close_all(CLOSE_S).addBoth(lambda _: self._closed_all())

    def _closed_all(self) -> None:
        self._first.close()
        if self.tray.icon is not None:
            self.tray.icon.hide()

    def _stop(self) -> None:
        with suppress(ReactorNotRunning):  # a signal has stopped it
            self._context.reactor.stop()

    def _fault(self, details: str) -> None:
        """Something that nobody expected: one sentence, and the window stays."""

        def tell() -> None:
            clipboard = self._context.application.clipboard()
            self.window.toast.tell(
                tr("Something went wrong; it is in the log."),
                tr("Copy details"),
                lambda: clipboard.setText(details),
                ms=FAULT_MS,
            )

        QTimer.singleShot(0, self.window, tell)
