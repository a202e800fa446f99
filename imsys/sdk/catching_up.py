"""Catch up: ask the server for messages that no push has brought."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET, UnsetType
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.catch_up import SyncRequest, SyncResponse
from imsys.protocols.messages.groups import GroupMembersRequest, GroupMembersResponse
from imsys.protocols.messages.records import RecordsRequest, RecordsResponse
from imsys.sdk.belonging import Belonging
from imsys.sdk.entries import paged
from imsys.sdk.inbox import Inbox
from imsys.sdk.model import parse_time
from imsys.sdk.own_changes import OwnChanges
from imsys.util.background import Background
from imsys.util.backoff import Backoff

_BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
"""The time of the id 0."""
_PAGE = 100
_AT_ONCE = 4
"""Threads that are read concurrently."""

_log = Logger()


class CatchingUp:
    """Reads thread heads and histories into an inbox; a failed read is retried while the connection lasts.

    :param request: sends a request on the present connection and expects a given response type.
    :param me: returns this user's uuid.
    """

    def __init__(
        self,
        clock: IReactorTime,
        request: Callable[..., Deferred[Any]],
        me: Callable[[], int],
        backoff: Backoff,
    ) -> None:
        self._clock = clock
        self._request = request
        self._me = me
        self._backoff = backoff
        self._inbox: Inbox | None = None
        self._belonging: Belonging | None = None
        self._own: OwnChanges | None = None
        self._turns = DeferredSemaphore(_AT_ONCE)
        self._pulling: dict[int, bool] = {}  # thread -> whether to read once more
        self._syncing: bool | None = None  # None: not now; else whether to ask once more
        self._retry: IDelayedCall | None = None
        self._background = Background(_log, "Catching up failed")
        self._open = False

    def feed(self, inbox: Inbox, belonging: Belonging, own: OwnChanges) -> None:
        """Set the inbox that receives the messages, and who tells the rest."""
        self._inbox, self._belonging, self._own = inbox, belonging, own

    async def everything(self) -> None:
        """Compare all changed threads with the inbox, and read the messages that are missing.

        :raises Refused: the server does not answer or refuses, or this was stopped meanwhile.
        """
        self._open = True
        if self._syncing is not None:
            self._syncing = True
            return
        again = True
        try:
            while again:
                self._syncing = False
                await self._heads()
                again = self._syncing
        finally:
            self._syncing = None
        if not self._open:  # by a handler of a message: there is nothing to cancel at that moment
            raise Unavailable(Status.NETWORK_ERROR, "The connection was given up.")
        self._backoff.reset()

    def everything_soon(self) -> None:
        """Begin :meth:`everything`; it is retried after a failure."""
        self._begin(self.everything())

    def thread_soon(self, thread_id: int) -> None:
        """Begin to read the missing messages of one thread; it is retried after a failure."""
        self._begin(self._thread(thread_id))

    def behind_soon(self) -> None:
        """Begin to read the threads that are behind."""
        for thread_id in tuple(self._here.behind):
            self.thread_soon(thread_id)

    def stop(self) -> None:
        """Cancel everything in progress: the connection is gone."""
        self._open = False
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        self._background.cancel()
        self._syncing = None
        self._pulling.clear()

    @property
    def _here(self) -> Inbox:
        assert self._inbox is not None
        return self._inbox

    async def _heads(self) -> None:
        inbox = self._here
        newest, cursor = inbox.since, ""
        own: str | UnsetType = UNSET
        assert self._belonging is not None
        assert self._own is not None
        while True:
            page: SyncResponse = await self._request(
                SyncRequest(since=str(inbox.since), cursor=cursor, own=True), SyncResponse
            )
            if not cursor:
                self._belonging.parted(page.parted or ())
                own = page.own_number
            for head in page.threads:
                last = int(head.last_msg_id)
                newest = max(newest, last)
                if inbox.head(int(head.thread_id), last):
                    inbox.behind.add(int(head.thread_id))
            if page.is_complete or page.next == cursor:
                break
            cursor = page.next
        inbox.settle()
        await gatherResults(
            [self._turns.run(self._start, thread_id) for thread_id in tuple(inbox.behind)],
            consumeErrors=True,
        ).addErrback(_first)
        inbox.since = newest
        if own is not UNSET:
            await self._own.reach(int(own))

    def _start(self, thread_id: int) -> Deferred[None]:
        return Deferred.fromCoroutine(self._thread(thread_id))

    async def _thread(self, thread_id: int) -> None:
        inbox = self._here
        if thread_id in self._pulling:
            self._pulling[thread_id] = True
            return
        inbox.behind.add(thread_id)
        self._pulling[thread_id] = False
        try:
            await self._read(thread_id)
        except Refused as refused:
            if refused.status is not Status.PERMISSION_DENIED:
                raise
            inbox.behind.discard(thread_id)  # a group that this user is not in any more
        finally:
            again = self._pulling.pop(thread_id, False)
        if again:
            await self._thread(thread_id)

    async def _read(self, thread_id: int) -> None:
        """Read one thread to its end, or until the application has no room for more."""
        inbox = self._here
        if not inbox.knows(thread_id):
            inbox.begin(thread_id, await self._came(thread_id))
        line = inbox.line(thread_id)
        number = line.begin_pull()
        while inbox.room():
            after = line.last
            request = RecordsRequest(thread_id=str(thread_id), msg_id=str(after), limit=_PAGE, entries=True)
            page: RecordsResponse = await self._request(request, RecordsResponse)
            items = paged(page, self._me())
            inbox.page(thread_id, after, items)
            for item in items:
                if item.id > after and self._belonging is not None:
                    self._belonging.caught_up(item)
            if page.is_complete or line.last == after:
                inbox.behind.discard(thread_id)
                inbox.end_pull(thread_id, number)
                return

    async def _came(self, thread_id: int) -> int:
        """Return an id before which this user was not in a new thread, if it is a group: that is no news."""
        me = self._me()
        request = GroupMembersRequest(thread_id=str(thread_id), cursor=str(me - 1), limit=1)
        try:
            page: GroupMembersResponse = await self._request(request, GroupMembersResponse)
        except Refused as refused:
            if isinstance(refused, Unavailable) or refused.status.retryable:
                raise
            return 0  # a private thread, or a server of an earlier version
        for member in page.members:
            if member.uuid == str(me):
                return max(0, _first_id(parse_time(member.joined)) - 1)
        return 0

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._background.run(self._try(work))

    async def _try(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as problem:
            self._failed(problem)

    def _failed(self, problem: Exception) -> None:
        if not self._open or (self._retry is not None and self._retry.active()):
            return
        delay = self._backoff.next()
        _log.info(
            "Catching up failed and is tried again in {delay} s: {reason}",
            delay=round(delay, 1),
            reason=problem,
        )
        self._retry = self._clock.callLater(delay, self.everything_soon)


def _first_id(at: datetime) -> int:
    """Return the smallest id of a time (docs/protocol.md, 3)."""
    return (round((at - _BEGIN).total_seconds() * 1000)) << 22


def _first(reason: Failure) -> Failure:
    """The failure behind a ``FirstError``."""
    return getattr(reason.value, "subFailure", reason)
