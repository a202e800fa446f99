"""Files that have arrived whole are told to the chat servers, however long that takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, FirstError, gatherResults
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from imsys.cluster.announce_client import passes
from imsys.errors import Refused
from imsys.protocols.identifiers import encode_id
from imsys.store.files import Announcement, FileStore
from imsys.util.backoff import Backoff
from imsys.util.outages import Outage
from imsys.util.tallies import Tally

_log = Logger()

BATCH = 50
"""Announcements that are read together, and made at once."""

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds after which one is tried again: twice as many each time."""

ROUND = 30.0
"""Seconds after which the outbox is looked at, whatever was heard."""

OVERDUE = 600.0
"""Seconds after which a file in a store that all servers share is told by any of them: the one that took it
is away, perhaps for good. Its own server is never that late: it asks for what is due every :data:`ROUND`, and
puts off what it cannot tell.
"""

LINES = 20
"""Lines of a minute's files that nobody is told of; the others are counted."""

FAULT = 5.0
"""Seconds after which it is looked at again when it could not be."""

Tell = Callable[[bytes], Awaitable[None]]
"""Has a file announced, durably; see :meth:`imsys.cluster.announce_client.ChatServers.announce`."""


class Announcing(Service):
    """Empties the outbox of one server.

    A row goes when the chat server has answered. If that answer is lost, or we
    crash before the row is gone, it is told again, which is harmless.

    :param server: the name of this resources server.
    :param shared: the name of the store that it shares with others, if it does: what they leave there untold
        is told here, in the end.
    """

    def __init__(self, reactor: Any, server: str, files: FileStore, tell: Tell, shared: str = "") -> None:
        self._reactor = reactor
        self._server = server
        self._files = files
        self._tell = tell
        self._shared = shared
        self._again = False
        self._work: Deferred[None] | None = None
        self._next: IDelayedCall | None = None
        self._pause = ROUND
        self._waits = Backoff(FIRST_WAIT, LONGEST_WAIT, jitter=(0.75, 1.0))
        self._outage = Outage(reactor.seconds, "Telling the chat servers of files")
        self._final = Tally(
            reactor, _log, LogLevel.info, "nobody is told of file {file}: {reason}", lines=LINES
        )

    def startService(self) -> None:
        """Begin with what an earlier life has left."""
        super().startService()
        self.wake()

    def stopService(self) -> Deferred[None] | None:
        """Stop at once; what is not told now is told in the next life."""
        super().stopService()
        self._final.stop()
        if self._next is not None and self._next.active():
            self._next.cancel()
        if self._work is not None:
            self._work.cancel()
        return self._work

    def wake(self) -> None:
        """Look at the outbox: something was put into it."""
        self._again = True
        if self._work is None and self.running:
            if self._next is not None and self._next.active():
                self._next.cancel()
            self._work = work = Deferred.fromCoroutine(self._run())
            work.addErrback(self._failed).addCallback(lambda _: self._rest())

    def _rest(self) -> None:
        self._work = None
        if self.running:
            self._next = self._reactor.callLater(0 if self._again else self._pause, self.wake)

    async def _run(self) -> None:
        """Announce all that is due; ``_pause`` are the seconds until something may be again."""
        while self._again:
            self._again, self._pause = False, FAULT
            due = await self._files.due(self._server, BATCH)
            self._again = self._again or len(due) == BATCH
            if self._shared:
                known = {one.file.file_id for one in due}
                due += [
                    one
                    for one in await self._files.overdue(self._shared, OVERDUE, BATCH)
                    if one.file.file_id not in known
                ]
            waits = await gatherResults(
                [Deferred.fromCoroutine(self._announce(one)) for one in due], consumeErrors=True
            )
            self._pause = min([ROUND, *waits])

    async def _announce(self, announcement: Announcement) -> float:
        """Announce one, and return the seconds after which the outbox is to be looked at for it."""
        try:
            return await self._told(announcement)
        except Refused as refused:  # the database is away
            self._outage.failed(str(refused))
            return FAULT

    async def _told(self, announcement: Announcement) -> float:
        file_id = announcement.file.file_id
        try:
            await self._tell(file_id)
        except Refused as refused:
            if passes(refused):
                wait = self._waits.wait(announcement.attempts)
                self._outage.failed(str(refused))
                await self._files.postpone(file_id, wait)
                return wait + 0.01  # the row has milliseconds
            self._final.add(file=encode_id(file_id), reason=str(refused))
        await self._files.told(file_id)
        self._outage.works()
        return ROUND

    def _failed(self, reason: Failure) -> None:
        problem = reason.value.subFailure.value if isinstance(reason.value, FirstError) else reason.value
        if isinstance(problem, Refused):
            self._outage.failed(str(problem))
        elif not isinstance(problem, CancelledError):
            _log.failure("announcing files failed", reason)
