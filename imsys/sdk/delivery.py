"""The application's end: events at once, or a stream that it reads at its own pace."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred, fail, succeed

from imsys.sdk.model import Message
from imsys.sdk.signals import Signal

_STREAM_LIMIT = 1000
"""Messages that a stream holds; past it the rest stays on the server until there is room."""


class MessageStream:
    """The messages of others, one by one: ``async for message in stream``.

    A message counts as handled when the next one is asked for. The stream ends when
    the client is stopped, and raises :class:`imsys.errors.Refused` when it is signed out.
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
        """Whether it takes more now."""
        return not self._full

    @property
    def unhandled(self) -> tuple[Message, ...]:
        """What it holds, with the one that the application is busy with."""
        return tuple(self._items)

    def put(self, message: Message) -> None:
        """Append a message, this user's own as well: it keeps their order."""
        self._items.append(message)
        self._full = self._full or len(self._items) >= _STREAM_LIMIT
        self._wake()

    def end(self, reason: BaseException | None = None) -> None:
        """Let the reader take what is here, and then end: with ``reason``, or quietly."""
        self._ended = reason or StopAsyncIteration()
        self._wake()

    def begin(self) -> None:
        """Go on after an end: the client has been started again."""
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
    """Hands messages to the application.

    :param handled: called with each message that the application is done with.
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
        """Hand over one message; they come in the order of their threads."""
        (self.on_sent if message.mine else self.on_message).emit(message)
        if self.stream is None:
            self._handled(message)
        else:
            self.stream.put(message)

    def unhandled(self) -> tuple[Message, ...]:
        """What the application is not done with."""
        return () if self.stream is None else self.stream.unhandled
