"""The node number that this process leases as a writer of messages, and the ids made with it."""

from __future__ import annotations

import random
import secrets

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.errors import Refused, Status, Unavailable
from imsys.store.clock import SharedTime
from imsys.store.ids import MessageIds, id_at
from imsys.store.nodes import LEASE, NodeStore, Term
from imsys.util.background import run_in_background
from imsys.util.events import Event
from imsys.util.outages import Outage

_log = Logger()

RENEWALS = 6
"""How often a lease is renewed in its lifetime."""

APART = 3.0
"""Difference in seconds between the dates of messages and the database's clock that is logged."""


class Node(Service):
    """Leases a node number while it runs, and makes message ids while the lease is valid."""

    def __init__(self, clock: IReactorTime, store: NodeStore) -> None:
        self._clock = clock
        self._time = SharedTime(clock.seconds)
        self._apart = False
        self._store = store
        self._holder = secrets.token_hex(16)
        self._ids: MessageIds | None = None
        self._number = -1
        self._valid_until = 0.0
        self._next: IDelayedCall | None = None
        self._leased = Event()
        self._outage = Outage(clock.seconds, "Leasing the node number")

    @property
    def ids(self) -> MessageIds:
        """The generator of message ids. :raises Unavailable: SERVER_BUSY (73), there is no lease now."""
        if self._ids is None or self._clock.seconds() >= self._valid_until:
            raise Unavailable(Status.SERVER_BUSY, "This server has no node number at the moment.")
        return self._ids

    @property
    def begun(self) -> bool:
        """Whether there ever was a lease."""
        return self._number >= 0

    async def ready(self) -> None:
        """Return when a number is leased."""
        await self._leased.wait()

    def startService(self) -> None:
        """Acquire a number, and renew its lease."""
        super().startService()
        self._turn()

    def stopService(self) -> Deferred[None]:
        """Release the number."""
        super().stopService()
        if self._next is not None and self._next.active():
            self._next.cancel()
        return Deferred.fromCoroutine(self._release())

    def _turn(self) -> None:
        self._next = None
        run_in_background(self._keep(), _log, "keeping the node number failed").addCallback(
            lambda _: self._later()
        )

    def _later(self) -> None:
        if self.running:
            pause = LEASE / RENEWALS if self._ids is not None else 0.5 + random.random()  # noqa: S311
            self._next = self._clock.callLater(pause, self._turn)

    async def _keep(self) -> None:
        asked_at = self._clock.seconds()
        try:
            if self._ids is None:
                term = await self._store.acquire(self._holder)
                self._look(asked_at, term)
                self._number = term.number
                self._ids = MessageIds(self._time, term.number, term.floor_id)
                _log.info("this server writes messages as node {number}", number=term.number)
            else:
                renewed = await self._store.renew(self._number, self._holder, self._reached(self._ids))
                if renewed is None:
                    _log.error("the lease of node number {number} was lost", number=self._number)
                    self._ids = None
                    self._leased.clear()
                    return
                self._look(asked_at, renewed)
        except Refused as refused:
            self._outage.failed(str(refused))
            return
        self._outage.works()
        self._valid_until = asked_at + LEASE
        self._leased.set()

    def _reached(self, ids: MessageIds) -> int:
        """Return an id that is above all that were made, and not below the present time."""
        return max(ids.highest, id_at(self._time()))

    def _look(self, asked_at: float, term: Term) -> None:
        behind = self._time.look(asked_at, term.now, least=term.least, most=term.most)
        apart = abs(behind) > APART
        if apart and not self._apart:
            _log.warn(
                "the database's clock was set: messages are dated {seconds} s {way} of it, until both have met",
                seconds=round(abs(behind)),
                way="behind" if behind > 0 else "ahead",
            )
        elif self._apart and not apart:
            _log.info("messages are dated by the database's clock again")
        self._apart = apart

    async def _release(self) -> None:
        ids, self._ids = self._ids, None
        self._leased.clear()
        if ids is not None:
            try:
                await self._store.release(self._number, self._holder, self._reached(ids))
            except Refused as refused:
                _log.info(
                    "node number {number} is left to expire: {reason}",
                    number=self._number,
                    reason=str(refused),
                )
