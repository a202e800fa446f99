"""This process as a writer of messages: its leased number, and the ids made with it."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.errors import Refused, Status, Unavailable
from imsys.store.ids import MessageIds
from imsys.store.nodes import LEASE, NodeStore

_log = Logger()

RENEWALS = 6
"""How often a lease is renewed in its life."""


class Node(Service):
    """Leases a node number while it runs, and makes message ids while the lease lives."""

    def __init__(self, clock: IReactorTime, store: NodeStore, calendar: Callable[[], float]) -> None:
        """``calendar`` gives Unix seconds."""
        self._clock = clock
        self._calendar = calendar
        self._store = store
        self._holder = secrets.token_hex(16)
        self._ids: MessageIds | None = None
        self._number = -1
        self._valid_until = 0.0
        self._next: IDelayedCall | None = None
        self._waiting: list[Deferred[None]] = []

    @property
    def ids(self) -> MessageIds:
        """The generator. :raises Unavailable: 73, there is no lease now."""
        if self._ids is None or self._clock.seconds() >= self._valid_until:
            raise Unavailable(Status.SERVER_BUSY, "This server has no node number at the moment.")
        return self._ids

    async def ready(self) -> None:
        """Return when a number is leased."""
        if self._ids is None:
            leased: Deferred[None] = Deferred()
            self._waiting.append(leased)
            await leased

    def startService(self) -> None:
        """Acquire a number, and keep it."""
        super().startService()
        self._turn()

    def stopService(self) -> Deferred[None]:
        """Give the number back."""
        super().stopService()
        if self._next is not None and self._next.active():
            self._next.cancel()
        return Deferred.fromCoroutine(self._release())

    def _turn(self) -> None:
        self._next = None
        running = Deferred.fromCoroutine(self._keep())
        running.addErrback(lambda reason: _log.failure("keeping the node number failed", reason))
        running.addCallback(lambda _: self._later())

    def _later(self) -> None:
        if self.running:
            pause = LEASE / RENEWALS if self._ids is not None else 0.5 + random.random()  # noqa: S311
            self._next = self._clock.callLater(pause, self._turn)

    async def _keep(self) -> None:
        asked_at = self._clock.seconds()
        try:
            if self._ids is None:
                lease = await self._store.acquire(self._holder)
                self._number = lease.number
                self._ids = MessageIds(self._calendar, lease.number, lease.floor_id)
                _log.info("this server writes messages as node {number}", number=lease.number)
            elif not await self._store.renew(self._number, self._holder, self._ids.highest):
                _log.error("the lease of node number {number} was lost", number=self._number)
                self._ids = None
                return
        except Refused as refused:
            _log.warn("the node number could not be leased or renewed: {reason}", reason=str(refused))
            return
        self._valid_until = asked_at + LEASE
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    async def _release(self) -> None:
        ids, self._ids = self._ids, None
        if ids is not None:
            try:
                await self._store.release(self._number, self._holder, ids.highest)
            except Refused as refused:
                _log.info("node number {number} is left to expire: {reason}", number=self._number, reason=str(refused))
