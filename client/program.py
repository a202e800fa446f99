"""The running program: builds accounts and views, and joins them.

Nothing else builds anything that lives long.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QPoint, QTimer
from PySide6.QtWidgets import QApplication, QMenu
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import ReactorNotRunning
from twisted.internet.threads import deferToThreadPool

from client.core.model import Link, Message
from client.core.ports import Failure
from client.platform import autostart
from client.platform.facts import facts, licences
from client.platform.faults import Faults
from client.platform.notifications import Notice, notifier
from client.platform.paths import Paths
from client.platform.settings import Settings
from client.platform.single import First
from client.platform.tray import Tray, program_icon
from client.sync.account import AccountSync
from client.sync.accounts import Accounts, Entry
from client.sync.entering import Entering, problem_with
from client.theme import Scheme, Theme
from client.translations.sentences import sentence
from client.viewmodels.own_profile import OwnProfile
from client.viewmodels.sign_in import SignIn
from client.viewmodels.spool import Spool
from client.viewmodels.telling import telling
from client.viewmodels.work import run
from client.views.live.place import LivePlace
from client.views.main.account_view import AccountView
from client.views.main.window import Window
from client.views.settings import SettingsDialog
from client.views.sign_in import SignInView
from client.widgets.messages.words import content_line
from client.widgets.pictures import Pictures
from imsys import __version__

if TYPE_CHECKING:
    from client.video.studio import Studio

_log = logging.getLogger(__name__)

CLOSE_S = 4.0
"""Seconds that accounts have to close when the program ends."""


def tr(text: str) -> str:
    """Translate."""
    return QCoreApplication.translate("", text)


@dataclass(slots=True)
class Opened:
    """An account that is open, with its view."""

    entry: Entry
    account: AccountSync
    view: AccountView
    live: LivePlace


class Program:
    """All of it. :meth:`begin` opens what was open last, or the way in."""

    def __init__(
        self,
        reactor: Any,
        application: QApplication,
        theme: Theme,
        settings: Settings,
        window: Window,
        paths: Paths,
        *,
        server: str = "",
        environ: Mapping[str, str],
    ) -> None:
        self._reactor, self._application, self._theme, self._settings = reactor, application, theme, settings
        self.window, self._paths, self._server, self._environ = window, paths, server, environ
        self.faults = Faults(self._fault, __version__)
        self.faults.install()
        self.accounts = Accounts(reactor, paths.data)
        self.opened: dict[str, Opened] = {}
        self.pictures = Pictures()
        self.tray = Tray()
        self.notifier = notifier("imsys", self.tray.icon)
        self.first = First(paths.data)
        self._sign_in: tuple[SignIn, SignInView] | None = None
        self._dialog: SettingsDialog | None = None
        self._ending = False
        application.setWindowIcon(program_icon())
        self._connect()
        self._prefer()

    def _connect(self) -> None:
        window = self.window
        window.closed.connect(self._closed)
        window.acted.connect(self._act)
        window.activated.connect(self._seen)
        self.tray.pressed.connect(window.to_front)
        self.tray.quit_wanted.connect(self.quit)
        self.tray.quiet.connect(lambda quiet: self._settings.change(quiet=quiet))
        self.notifier.activated.connect(self._activated)
        self.notifier.replied.connect(self._replied)
        self.first.told.connect(lambda what: window.to_front() if what == "show" else None)
        self._settings.changed.connect(self._prefer)
        self._application.aboutToQuit.connect(self.first.close)

    def _prefer(self) -> None:
        value = self._settings.value
        self._theme.less_motion = True if value.less_motion else None
        self._theme.set_scheme(Scheme(value.scheme if value.scheme in ("light", "dark") else "system"))
        self._theme.set_scale(value.scale)
        self.tray.set_quiet(value.quiet)

    # Accounts.

    def begin(self) -> None:
        """Open what was open last; where nothing was, the way in."""
        self._run(self._begin())

    async def _begin(self) -> None:
        notice = await self.accounts.load()
        current = self.accounts.current
        if current is None:
            await self._enter_first()
        else:
            for entry in sorted(self.accounts.entries, key=lambda one: one.id != current.id):
                try:
                    await self._open(entry, front=entry.id == current.id)
                except Failure as problem:  # its keyring is locked, say: the others are opened all the same
                    if entry.id == current.id:
                        self.enter(entry, sentence(str(problem)))
                    else:
                        self.window.toast.tell(sentence(str(problem)))
        if notice:
            self.window.toast.tell(notice)

    async def _open(self, entry: Entry, *, front: bool = True) -> Opened:
        account = await self.accounts.prepare(entry)
        changes = account.changes
        changes.notice.subscribe(lambda notice: self.window.toast.tell(sentence(notice)))
        await account.open()
        threads = partial(deferToThreadPool, self._reactor, self._reactor.getThreadPool())
        view = AccountView(self._theme, self.pictures, account, self._settings, Spool(account.spool, threads))
        live = LivePlace(self._theme, view.conversation, account, partial(self._studio, account))
        view.opened.connect(live.set_conversation)
        view.files.play = live.play
        opened = self.opened[entry.id] = Opened(entry, account, view, live)
        changes.arrived.subscribe(partial(self._arrived, opened))
        changes.conversations.subscribe(lambda ids: self._read(opened, ids))
        changes.certificate.subscribe(lambda fingerprint: self._certificate(opened))
        view.accounts.connect(self._menu)
        view.settings_wanted.connect(self.open_settings)
        view.sign_in.connect(lambda: self.enter(opened.entry))
        view.counted.connect(self._counted)
        view.opened.connect(partial(self._remember, entry.id))
        if front:
            self._to_front(opened)
            last = self._settings.value.last.get(entry.id, 0)
            if last and account.conversation(last) is not None and not view.narrow:
                view.open(last)
        account.start()
        return opened

    def _studio(self, account: AccountSync) -> Studio:
        """For films and live streams, when somebody first wants them."""
        from client.video.player import Surroundings
        from client.video.sound import speaker
        from client.video.studio import Studio

        return Studio(Surroundings(self._reactor, speaker), lambda: account.trust)

    def _to_front(self, opened: Opened) -> None:
        self.window.show_account(opened.view)
        self._leave_sign_in()
        self._counted()
        self._run(self.accounts.put_in_front(opened.entry))

    def _remember(self, id: str, conversation: int) -> None:
        self._settings.change(last={**self._settings.value.last, id: conversation})

    async def _close(self, opened: Opened) -> None:
        self.opened.pop(opened.entry.id, None)
        opened.live.close()
        opened.view.close_view()
        self.window.remove_view(opened.view)
        await opened.account.close()

    def _front(self) -> Opened | None:
        return next((one for one in self.opened.values() if one.view is self.window.shown), None)

    # Coming in.

    def enter(self, entry: Entry | None = None, words: str = "") -> None:
        """Show the way in: for an account that is known, or for another one."""
        entering, _, view = self._way_in(back=bool(self.opened))
        if entry is not None:
            entering.take(entry.server)
            view.fill(entry.username)
            account = self.opened[entry.id].account if entry.id in self.opened else None
            words = words or sentence(account.connection().reason if account is not None else "")
            view.say(words)
        elif self.accounts.entries and entering.step.server is None:
            entering.take(self.accounts.entries[-1].server)

    def _way_in(self, *, back: bool, address: str = "") -> tuple[Entering, SignIn, SignInView]:
        self._leave_sign_in()
        entering = Entering(self._reactor, self.accounts)
        presenter = SignIn(entering, problem_with)
        view = SignInView(self._theme, presenter, address=address or self._server, back=back)
        presenter.entered.subscribe(lambda found: self._run(self._entered(found)))
        view.left.connect(self._back)
        self._sign_in = presenter, view
        self.window.show_view(view)
        return entering, presenter, view

    async def _enter_first(self) -> None:
        """A first start: the server of ``make run`` is found by itself."""
        if self._server:
            entering, presenter, _ = self._way_in(back=False)
            presenter.choose(self._server)
            return
        entering = Entering(self._reactor, self.accounts)
        found = await entering.find_server(self._environ, Path.cwd())
        address = entering.step.server.url if entering.step.server is not None else ""
        server, presented = entering.step.server, entering.step.presented
        entering, presenter, _ = self._way_in(
            back=False, address=address or ("https://127.0.0.1:8443" if found else "")
        )
        if server is not None:
            entering.take(server)
        elif presented is not None:
            presenter.choose("https://127.0.0.1:" + self._environ.get("IMSYS_GATEWAY_PORT", "8443"))

    async def _entered(self, found: Any) -> None:
        entry = next(one for one in self.accounts.entries if one.id == found.id)
        if entry.id in self.opened:
            await self._close(self.opened[entry.id])
        await self._open(entry)

    def _back(self) -> None:
        opened = next(iter(self.opened.values()), None)
        current = self.accounts.current
        if current is not None and current.id in self.opened:
            opened = self.opened[current.id]
        if opened is not None:
            self._to_front(opened)

    def _leave_sign_in(self) -> None:
        if self._sign_in is not None:
            presenter, view = self._sign_in
            self._sign_in = None
            view.close_view()
            presenter.close()
            self.window.remove_view(view)

    def _certificate(self, opened: Opened) -> None:
        """The server presents another certificate: somebody looks at it before anything goes on."""
        words = tr("The certificate of {server} has changed.").format(server=opened.entry.server.name)
        self.window.toast.tell(words, tr("Look at it"), lambda: self._look(opened), ms=60_000)

    def _look(self, opened: Opened) -> None:
        entering, presenter, view = self._way_in(back=True)
        view.show_alarm()

        def trusted(step: Any) -> None:
            if (
                step.server is not None
                and step.presented is None
                and not step.busy
                and step.server.fingerprint
            ):
                end()
                self._run(self._trust(opened, step.server.fingerprint))

        end = entering.changed.subscribe(trusted)
        presenter.choose(opened.entry.server.url)

    async def _trust(self, opened: Opened, fingerprint: str) -> None:
        entry = await self.accounts.trust(opened.entry, fingerprint)
        await self._close(opened)
        await self._open(entry)

    # The menu of accounts, settings.

    def _menu(self, place: QPoint) -> None:
        menu, icon = QMenu(self.window), self._theme.icon
        front = self._front()
        for opened in self.opened.values():
            me = opened.account.me
            unread = opened.view.conversations.unread()
            words = f"{me.name} · {opened.entry.server.name}" + (f" ({unread})" if unread else "")
            action = menu.addAction(words.replace("&", "&&"), partial(self._to_front, opened))
            action.setCheckable(True)
            action.setChecked(opened is front)
        menu.addSeparator()
        menu.addAction(icon("user-plus"), tr("Add an account"), lambda: self.enter())
        menu.addAction(icon("settings"), tr("Settings"), self.open_settings)
        if front is not None:
            menu.addAction(icon("log-out"), tr("Sign out"), lambda: self._run(self._sign_out(front)))
        menu.addSeparator()
        menu.addAction(icon("power"), tr("Quit"), self.quit)
        menu.popup(place)
        menu.aboutToHide.connect(menu.deleteLater)

    def open_settings(self, page: str = "") -> None:
        """Show them."""
        if self._dialog is not None:
            self._dialog.raise_()
            self._dialog.activateWindow()
            return
        front = self._front()
        server = front.entry.server.url if front is not None else ""
        dialog = SettingsDialog(
            self._theme,
            self._settings,
            avatars=front.view.avatars if front is not None else None,
            own=OwnProfile(front.account) if front is not None else None,
            crop=front.view.files.crop if front is not None else None,
            tray=self.tray.icon is not None,
            starts=autostart.enabled(),
            folder=str(front.account.folder) if front is not None else "",
            facts=facts(__version__, server),
            licences=licences(),
            parent=self.window,
        )
        self._dialog = dialog
        if front is not None:
            dialog.sign_out.connect(lambda: self._settle(self._sign_out(front)))
            dialog.forget.connect(lambda: self._settle(self._forget(front)))
        dialog.autostart.connect(self._autostart)
        dialog.finished.connect(self._settled)
        if page:
            dialog.show_page(page)
        dialog.open()

    def _settle(self, work: Coroutine[Any, Any, None]) -> None:
        """The settings are left for something else."""
        if self._dialog is not None:
            self._dialog.close()
        self._run(work)

    def _settled(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None

    def _autostart(self, on: bool) -> None:
        deferToThreadPool(self._reactor, self._reactor.getThreadPool(), autostart.enable, on).addErrback(
            lambda fault: self.window.toast.tell(str(fault.value))
        )

    async def _sign_out(self, opened: Opened) -> None:
        await opened.account.sign_out()
        entry = opened.entry
        await self._close(opened)
        self.enter(entry, tr("You have signed out."))

    async def _forget(self, opened: Opened) -> None:
        try:
            await opened.account.sign_out()
        finally:
            await self._close(opened)
            await self.accounts.remove(opened.entry)
        if self.opened:
            self._back()
        else:
            await self._enter_first()

    # Telling.

    def _arrived(self, opened: Opened, messages: list[Message]) -> None:
        active = self.window.isActiveWindow() and self._front() is opened
        now_ms = int(time.time() * 1000)
        seen = opened.view.current if active else 0
        told = telling(
            opened.account,
            messages,
            self._settings.value,
            now_ms,
            content_line,
            seen=seen,
            hidden=tr("New message"),
        )
        if told is None:
            return

        async def tell() -> None:
            picture = await opened.account.avatar(told.avatar) if told.avatar else None
            target = f"{opened.entry.id}/{told.conversation}"
            self.notifier.show(
                Notice(target, told.title, told.text, str(picture or ""), told.sound, tr("Reply"))
            )

        self._run(tell())
        self._application.alert(self.window)

    def _read(self, opened: Opened, conversations: Any) -> None:
        for one in conversations:
            about = opened.account.conversation(one)
            if about is not None and not about.unread:
                self.notifier.withdraw(f"{opened.entry.id}/{one}")

    def _target(self, target: str) -> tuple[Opened, int] | None:
        entry, _, conversation = target.partition("/")
        opened = self.opened.get(entry)
        return (opened, int(conversation)) if opened is not None and conversation.isdecimal() else None

    def _activated(self, target: str) -> None:
        found = self._target(target)
        self.window.to_front()
        if found is not None:
            self._to_front(found[0])
            found[0].view.open(found[1])

    def _replied(self, target: str, text: str) -> None:
        found = self._target(target)
        if found is None:
            return
        opened, conversation = found

        async def reply() -> None:
            await opened.account.send_text(conversation, text)
            about = opened.account.conversation(conversation)
            if about is not None and about.last is not None and about.last.id:
                await opened.account.mark_read(conversation, about.last.id)

        self._run(reply())

    def _counted(self) -> None:
        counts = {key: one.view.conversations.unread() for key, one in self.opened.items()}
        self.tray.set_count(sum(counts.values()))
        front = self._front()
        self.window.tell_count(counts.get(front.entry.id, 0) if front is not None else 0)

    def _seen(self) -> None:
        """The window is active again: a connection that waits is tried at once."""
        for opened in self.opened.values():
            if opened.account.connection().link is Link.WAITING:
                opened.account.retry_now()

    # The end, and what goes wrong.

    def _act(self, name: str) -> None:
        if name == "quit":
            self.quit()
        elif name == "settings":
            self.open_settings()
        elif name == "shortcuts":
            self.open_settings("shortcuts")

    def _closed(self) -> None:
        if self._settings.value.to_tray and self.tray.icon is not None:
            return
        self.quit()

    def quit(self) -> Deferred[Any] | None:
        """Close everything, and end; fires when all is closed, ``None``: it is under way already."""
        if self._ending:
            return None
        self._ending = True
        self.window.keep_place()
        self.window.hide()
        closing = []
        for opened in list(self.opened.values()):
            opened.live.close()
            opened.view.close_view()
            closing.append(Deferred.fromCoroutine(opened.account.close()))
        all_closed = DeferredList(closing, consumeErrors=True)
        all_closed.addTimeout(CLOSE_S, self._reactor)
        return all_closed.addBoth(lambda _: self._end())

    def _end(self) -> None:
        self.pictures.close()
        if self.tray.icon is not None:
            self.tray.icon.hide()
        with suppress(ReactorNotRunning):  # a signal has stopped it
            self._reactor.stop()

    def _fault(self, details: str) -> None:
        """Something that nobody expected: one sentence, and the window stays."""

        def tell() -> None:
            words = tr("Something went wrong; it is in the log.")
            self.window.toast.tell(
                words, tr("Copy details"), lambda: self._application.clipboard().setText(details), ms=15_000
            )

        QTimer.singleShot(0, self.window, tell)

    def _run(self, work: Any) -> None:
        run(work, lambda problem: self.window.toast.tell(problem))
