"""Deliver messages and entries to the application: as events, or as a stream that it reads at its own pace."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from twisted.internet.defer import Deferred, fail, succeed

from imsys.sdk.entries import Entry, Logged
from imsys.sdk.model import Message
from imsys.sdk.signals import Signal

_STREAM_LIMIT = 1000
"""What a stream holds, at most; the rest stays on the server until there is room."""

T = TypeVar("T", bound=Logged)


class MessageStream(Generic[T]):
    """What comes, one by one: ``async for message in stream``. One reader at a time.

    A message counts as handled when the next one is requested. The stream ends when the client is stopped,
    and raises :class:`imsys.errors.Refused` when it is signed out.
    """

    def __init__(
        self,
        handled: Callable[[Logged], None],
        made_room: Callable[[], None],
        wanted: Callable[[Logged], bool],
    ) -> None:
        """``wanted``: what the reader gets; the rest is queued too, so that all counts as handled in order."""
        self._handled = handled
        self._made_room = made_room
        self._wanted = wanted
        self._items: deque[Logged] = deque()
        self._in_hand = False
        self._full = False
        self._waiting: Deferred[None] | None = None
        self._ended: BaseException | None = None

    @property
    def room(self) -> bool:
        """Whether it can take more now."""
        return not self._full

    @property
    def unhandled(self) -> tuple[Logged, ...]:
        """What it holds, including what the application is handling."""
        return tuple(self._items)

    def put(self, item: Logged) -> None:
        """Append what came."""
        self._items.append(item)
        self._full = self._full or len(self._items) >= _STREAM_LIMIT
        self._wake()

    def end(self, reason: BaseException | None = None) -> None:
        """End the stream after the messages that it holds: by raising ``reason``, or normally."""
        self._ended = reason or StopAsyncIteration()
        self._wake()

    def begin(self) -> None:
        """Reopen the stream: the client has been started again."""
        self._ended = None

    def __aiter__(self) -> MessageStream[T]:
        return self

    async def __anext__(self) -> T:
        if self._in_hand:
            self._in_hand = False
            self._finish()
        while True:
            while self._items and not self._wanted(self._items[0]):
                self._finish()
            if self._items:
                self._in_hand = True
                return cast(T, self._items[0])
            await self._wait()

    def _finish(self) -> None:
        self._handled(self._items.popleft())
        if self._full and len(self._items) <= _STREAM_LIMIT // 2:
            self._full = False
            self._made_room()

    def _wait(self) -> Deferred[None]:
        if self._ended is not None:
            return fail(self._ended)
        if self._items:
            return succeed(None)
        if self._waiting is not None:
            raise RuntimeError("A stream of messages has one reader.")
        self._waiting = Deferred(lambda _: self._forget())
        return self._waiting

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        if self._ended is not None and not self._items:
            waiting.errback(self._ended)
        else:
            waiting.callback(None)

    def _forget(self) -> None:
        self._waiting = None


class Delivery:
    """Delivers messages and entries to the application.

    :param handled: called with each that the application has handled.
    """

    def __init__(self, handled: Callable[[Logged], None]) -> None:
        self.on_message: Signal[Message] = Signal()
        self.on_sent: Signal[Message] = Signal()
        self.on_entry: Signal[Entry] = Signal()
        self.stream: MessageStream[Logged] | MessageStream[Message] | None = None
        self._handled = handled

    def room(self) -> bool:
        """Whether the application can take more."""
        return self.stream is None or self.stream.room

    def deliver(self, item: Logged) -> None:
        """Deliver one; those of a thread arrive in order."""
        if isinstance(item, Entry):
            self.on_entry.emit(item)
        else:
            (self.on_sent if item.mine else self.on_message).emit(item)
        if self.stream is None:
            self._handled(item)
        else:
            self.stream.put(item)

    def unhandled(self) -> tuple[Logged, ...]:
        """Return what the application has not handled yet."""
        return () if self.stream is None else self.stream.unhandled
