"""The accounts that are open, each with its view in the window."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from twisted.internet.defer import Deferred, DeferredList

from client.core.changes import Signal
from client.core.model import Link
from client.shell.context import Context
from client.sync.account import AccountSync
from client.sync.accounts import Accounts, Entry
from client.translations.sentences import sentence
from client.viewmodels.spool import Spool
from client.views.live.place import LivePlace
from client.views.main.account_view import AccountView
from client.widgets.pictures import Pictures

if TYPE_CHECKING:
    from client.video.studio import Studio

PREPARE_MS = 250
"""After an account was opened, what its first conversation needs is made; nobody is so quick."""


@dataclass(slots=True)
class Opened:
    """An account that is open, with its view."""

    entry: Entry
    account: AccountSync
    view: AccountView
    live: LivePlace


class OpenAccounts:
    """Opens accounts, closes them, and puts one of them in front.

    :attr:`known` is the list of all on this computer, open or not.
    """

    def __init__(self, context: Context) -> None:
        self.known = Accounts(context.reactor, context.paths.data)
        self.opened = Signal[Opened]()
        """One is open, and does not connect yet: whoever wants to hear of it subscribes to it now."""
        self.fronted = Signal[Opened]()
        """One is in front."""
        self._context = context
        self._pictures = Pictures()
        self._open: dict[str, Opened] = {}

    @property
    def all(self) -> tuple[Opened, ...]:
        """Those that are open."""
        return tuple(self._open.values())

    @property
    def front(self) -> Opened | None:
        """The one that is seen."""
        return next((one for one in self.all if one.view is self._context.window.shown), None)

    @property
    def last(self) -> Opened | None:
        """The one that was in front last, or else any."""
        current = self.known.current
        found = self._open.get(current.id) if current is not None else None
        return found or next(iter(self.all), None)

    def find(self, id: str) -> Opened | None:
        """By the id of its entry."""
        return self._open.get(id)

    async def open(self, entry: Entry, *, front: bool = True) -> Opened:
        """Open an account from the disk, and connect it.

        :raises Failure: it cannot be opened.
        """
        context = self._context
        account = await self.known.prepare(entry)
        account.changes.notice.subscribe(lambda notice: context.window.toast.tell(sentence(notice)))
        await account.open()
        spool = Spool(account.spool, context.threaded)
        view = AccountView(context.theme, self._pictures, account, context.settings, spool)
        live = LivePlace(context.theme, view.conversation, account, partial(self._studio, account))
        view.opened.connect(live.set_conversation)
        view.opened.connect(partial(self._remember, entry.id))
        view.files.play = live.play
        opened = self._open[entry.id] = Opened(entry, account, view, live)
        self.opened.fire(opened)
        if front:
            self.to_front(opened)
            last = context.settings.value.last.get(entry.id, 0)
            if last and account.conversation(last) is not None and not view.narrow:
                view.open(last)
        QTimer.singleShot(PREPARE_MS, view, view.conversation.prepare)
        account.start()
        return opened

    async def reopen(self, entry: Entry) -> Opened:
        """Open an account, anew where it is open: its entry or its session is another one now."""
        opened = self.find(entry.id)
        if opened is not None:
            await self.close(opened)
        return await self.open(entry)

    def to_front(self, opened: Opened) -> None:
        """Show it, and begin with it the next time."""
        self._context.window.show_account(opened.view)
        self.fronted.fire(opened)
        self._context.run(self.known.put_in_front(opened.entry))

    def retry(self) -> None:
        """Try at once what waits for its next attempt to connect."""
        for one in self.all:
            if one.account.connection().link is Link.WAITING:
                one.account.retry_now()

    async def close(self, opened: Opened) -> None:
        """Disconnect it, and take its view away."""
        self._open.pop(opened.entry.id, None)
        opened.live.close()
        opened.view.close_view()
        self._context.window.remove_view(opened.view)
        await opened.account.close()

    def close_all(self, within: float) -> Deferred[Any]:
        """Close all of them at the same time; fires when that is done, or after so many seconds."""
        closed = DeferredList(
            [Deferred.fromCoroutine(self.close(one)) for one in self.all], consumeErrors=True
        )
        closed.addTimeout(within, self._context.reactor)
        return closed.addBoth(lambda _: self._pictures.close())

    def _studio(self, account: AccountSync) -> Studio:
        """For films and live streams, when somebody first wants them."""
        from client.video.player import Surroundings
        from client.video.sound import speaker
        from client.video.studio import Studio

        return Studio(Surroundings(self._context.reactor, speaker), lambda: account.trust)

    def _remember(self, id: str, conversation: int) -> None:
        settings = self._context.settings
        settings.change(last={**settings.value.last, id: conversation})
