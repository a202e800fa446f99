"""All events of a client in one queue, read at the application's pace."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred

from imsys import sdk
from imsys.sdk.aio.reactor_thread import ReactorThread
from imsys.util.events import Event as Flag

Event = (
    sdk.Message
    | sdk.Entry
    | sdk.DeviceChange
    | sdk.GroupNews
    | sdk.Hidden
    | sdk.FriendRequest
    | sdk.Friendship
    | sdk.Person
    | sdk.Position
    | sdk.LiveChange
    | sdk.Presence
    | sdk.PrivacyChange
    | sdk.ScheduledNews
    | sdk.ThreadSettings
    | sdk.Typing
    | sdk.StateChange
)
"""What :meth:`Client.events` gives. A :class:`Person` is a friend whose card has changed."""

_LIMIT = 1000
"""Events that wait, at most, beside the stream of messages, which has a bound of its own."""

T = TypeVar("T")


class EventQueue:
    """Merges a client's stream with its other events; lives in the reactor's thread.

    Past the limit the oldest of the others is dropped: what they tell of can be asked for.
    """

    def __init__(self, client: sdk.Client) -> None:
        self._log = client.log()
        self._others: deque[Event] = deque(maxlen=_LIMIT)
        self._reading = False
        self._item: list[sdk.Logged] = []
        self._ended: BaseException | None = None
        self._news = Flag()
        self._fair = False
        for signal in (
            client.on_device,
            client.on_group,
            client.on_hidden,
            client.on_friend_request,
            client.on_friendship,
            client.on_profile,
            client.on_position,
            client.on_presence,
            client.on_privacy,
            client.on_scheduled,
            client.on_settings,
            client.on_typing,
            client.on_live,
            client.on_connection_state,
        ):
            signal.subscribe(self._put)

    async def next(self) -> Event:
        """Return the next event. What was returned before has been handled then.

        :raises StopAsyncIteration: the client was stopped.
        :raises Refused: it was signed out.
        """
        if not self._reading and not self._item:
            self._reading = True
            Deferred.fromCoroutine(self._read())  # it goes on where this call is cancelled
        while True:
            self._fair = not self._fair  # nobody waits for ever behind the others
            if self._others and (self._fair or not self._item):
                return self._others.popleft()
            if self._item:
                return self._item.pop()
            if self._ended is not None and not self._others:
                ended, self._ended = self._ended, None
                raise ended
            self._news.clear()
            await self._news.wait()

    async def _read(self) -> None:
        try:
            self._item.append(await anext(self._log))
        except Exception as problem:  # StopAsyncIteration too
            self._ended = problem
        self._reading = False
        self._news.set()

    def _put(self, event: Event) -> None:
        self._others.append(event)
        self._news.set()


class Stream(Generic[T]):
    """What is read from the reactor's thread one by one: ``async for``. It can be left and gone on with."""

    def __init__(self, thread: ReactorThread, following: Callable[[], Awaitable[T]]) -> None:
        self._thread = thread
        self._following = following
        self._asked: asyncio.Task[tuple[T] | None] | None = None

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        # who is cancelled here must not lose what is on its way: the next one gets it
        if self._asked is None:
            if not self._thread.is_open:
                raise StopAsyncIteration
            self._asked = asyncio.create_task(self._thread.run(self._next))
        asked = self._asked
        try:
            found = await asyncio.shield(asked)
        except asyncio.CancelledError:
            if asked.cancelled():  # by close(), and not whoever asks here
                self._asked = None
                raise StopAsyncIteration from None
            raise
        except BaseException:
            self._asked = None
            raise
        self._asked = None
        if found is None:
            raise StopAsyncIteration
        return found[0]

    def close(self) -> None:
        """Forget what was asked for."""
        if self._asked is not None:
            self._asked.cancel()

    async def _next(self) -> tuple[T] | None:
        try:
            return (await self._following(),)
        except StopAsyncIteration:
            return None


def merged(thread: ReactorThread, client: sdk.Client) -> Stream[Any]:
    """Return the events of a client, from now on; call it in the reactor's thread."""
    return Stream(thread, EventQueue(client).next)
