"""Deliver messages to the application: as events, or as a stream that it reads at its own pace."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred, fail, succeed

from imsys.sdk.model import Message
from imsys.sdk.signals import Signal

_STREAM_LIMIT = 1000
"""Messages that a stream holds, at most; the rest stays on the server until there is room."""


class MessageStream:
    """The messages of others, one by one: ``async for message in stream``. One reader at a time.

    A message counts as handled when the next one is requested. The stream ends when the client is stopped,
    and raises :class:`imsys.errors.Refused` when it is signed out.
    """

    def __init__(self, handled: Callable[[Message], None], made_room: Callable[[], None]) -> None:
        self._handled = handled
        self._made_room = made_room
        self._items: deque[Message] = deque()
        self._in_hand = False
        self._full = False
        self._waiting: Deferred[None] | None = None
        self._ended: BaseException | None = None

    @property
    def room(self) -> bool:
        """Whether it can take more now."""
        return not self._full

    @property
    def unhandled(self) -> tuple[Message, ...]:
        """The messages that it holds, including the one that the application is handling."""
        return tuple(self._items)

    def put(self, message: Message) -> None:
        """Append a message; this user's own are queued too, so that they count as handled in order."""
        self._items.append(message)
        self._full = self._full or len(self._items) >= _STREAM_LIMIT
        self._wake()

    def end(self, reason: BaseException | None = None) -> None:
        """End the stream after the messages that it holds: by raising ``reason``, or normally."""
        self._ended = reason or StopAsyncIteration()
        self._wake()

    def begin(self) -> None:
        """Reopen the stream: the client has been started again."""
        self._ended = None

    def __aiter__(self) -> MessageStream:
        return self

    async def __anext__(self) -> Message:
        if self._in_hand:
            self._in_hand = False
            self._finish()
        while True:
            while self._items and self._items[0].mine:
                self._finish()
            if self._items:
                self._in_hand = True
                return self._items[0]
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
    """Delivers messages to the application.

    :param handled: called with each message that the application has handled.
    """

    def __init__(self, handled: Callable[[Message], None]) -> None:
        self.on_message: Signal[Message] = Signal()
        self.on_sent: Signal[Message] = Signal()
        self.stream: MessageStream | None = None
        self._handled = handled

    def room(self) -> bool:
        """Whether the application can take more."""
        return self.stream is None or self.stream.room

    def deliver(self, message: Message) -> None:
        """Deliver one message; those of a thread arrive in order."""
        (self.on_sent if message.mine else self.on_message).emit(message)
        if self.stream is None:
            self._handled(message)
        else:
            self.stream.put(message)

    def unhandled(self) -> tuple[Message, ...]:
        """Return the messages that the application has not handled yet."""
        return () if self.stream is None else self.stream.unhandled
