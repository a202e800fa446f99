"""The part of a conversation that is in memory: a window on its messages that moves, grows and follows what
happens.

A conversation of any length costs the same: pages are fetched at the ends of the window, and what is far from
what is read is let go.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Coroutine
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure as Fault

from client.core.changes import Signal
from client.core.model import (
    Connection,
    Conversation,
    ConversationKind,
    Link,
    Message,
    Person,
    Stream,
    Transfer,
)
from client.core.ports import Account, Failure
from client.core.windows import merged, place, without

PAGE, MOST = 50, 400


class Where(enum.Enum):
    """Where in the view a message is to be."""

    END = "end"
    MIDDLE = "middle"
    TOP = "top"
    LINE = "line"
    """Below the unread line, which is near the top."""


@dataclass(frozen=True, slots=True)
class Move:
    """The view is to go to a message (empty: to the end), and to show which it is."""

    key: str
    where: Where
    flash: bool = False


class MessageWindow:
    """One conversation as its view holds it. All of it happens on the thread of the user interface.

    :attr:`messages` are in order and without a gap; :attr:`at_start` and :attr:`at_end` say that nothing is
        known before, or after.
    """

    def __init__(self, account: Account, conversation: int, *, page: int = PAGE, most: int = MOST) -> None:
        self._account, self.conversation, self._page, self._most = account, conversation, page, most
        self._log = Logger()
        self.messages: list[Message] = []
        self.at_start = self.at_end = False
        self.loading_before = self.loading_after = False
        self.opened = False
        """Whether the first page is here."""
        self.follows = True
        """Whether the view is at the end: told by the view."""
        self.read = 0
        """The id under which the unread line is, of when it was opened; 0: no line."""
        self.changed = Signal[None]()
        """:attr:`messages`, or what is known about their ends."""
        self.moved = Signal[Move]()
        self.touched = Signal[str]()
        """The key of a message whose file has come further, or whose stream has changed."""
        self.renamed = Signal[None]()
        """Somebody has another name or picture."""
        self.counted = Signal[int]()
        """How many messages are unread."""
        self.failed = Signal[str]()
        """A sentence: why a page is not here."""
        self._generation = 0
        self._transfers = {
            transfer.key: transfer
            for transfer in account.transfers()
            if transfer.conversation == conversation
        }
        self._streams = {stream.id: stream for stream in account.streams(conversation)}
        changes = account.changes
        self._ends = [
            changes.messages.subscribe(self._come),
            changes.removed.subscribe(self._gone),
            changes.transfer.subscribe(self._transfer),
            changes.stream.subscribe(self._stream),
            changes.people.subscribe(lambda people: self.renamed.fire(None)),
            changes.conversations.subscribe(self._counts),
            changes.connection.subscribe(self._connection),
        ]

    def close(self) -> None:
        """Hear no more."""
        self._generation += 1
        for end in self._ends:
            end()
        self._ends.clear()

    # What the view asks.

    @property
    def me(self) -> int:
        """My uuid."""
        return self._account.me.uuid

    def person(self, uuid: int) -> Person:
        """Somebody."""
        return self._account.person(uuid)

    def transfer(self, key: str) -> Transfer | None:
        """The file of a message, on its way."""
        return self._transfers.get(key)

    def stream(self, id: str) -> Stream | None:
        """A live stream of this conversation."""
        return self._streams.get(id)

    @property
    def about(self) -> Conversation:
        """The conversation."""
        return self._account.conversation(self.conversation) or Conversation(
            self.conversation, ConversationKind.PRIVATE, ""
        )

    @property
    def unread_after(self) -> int:
        """The id under which the unread line is, where that is in the window; 0: it is not."""
        known = self.at_start or (self.messages and 0 < self.messages[0].id <= self.read)
        return self.read if known else 0

    # Where it goes.

    def open(self, *, at: int = 0) -> Deferred[None]:
        """Begin: where the view was (a message at its top), else where reading stopped, else at the end."""
        about = self.about
        self.read = about.read if about.unread else 0
        return self._run(self._open(at or self.read, Where.TOP if at else Where.LINE))

    def jump(self, id: int) -> Deferred[None]:
        """Go to a message, and show which it is."""
        found = next((message for message in self.messages if message.id == id), None)
        if found is not None:
            self.moved.fire(Move(found.key, Where.MIDDLE, flash=True))
            return self._run(_nothing())
        return self._run(self._open(id, Where.MIDDLE, flash=True))

    def to_end(self) -> Deferred[None]:
        """Go to the newest."""
        if self.at_end:
            self.moved.fire(Move("", Where.END))
            return self._run(_nothing())
        return self._run(self._open(0, Where.END))

    def to_day(self, at_ms: int) -> Deferred[None]:
        """Go to the first message at or after a time; the end, where there is none."""
        return self._run(self._to_day(at_ms))

    def more_before(self) -> None:
        """The view comes near the beginning of the window."""
        if self.messages and not (self.at_start or self.loading_before):
            self.loading_before = True
            self._run(self._before(self._generation))

    def more_after(self) -> None:
        """The view comes near its end."""
        if self.messages and not (self.at_end or self.loading_after):
            self.loading_after = True
            self._run(self._after(self._generation))

    # How.

    def _run(self, work: Coroutine[Deferred[Any], Any, None]) -> Deferred[None]:
        return Deferred.fromCoroutine(work).addErrback(self._fail)

    def _fail(self, fault: Fault) -> None:
        self.loading_before = self.loading_after = False
        if fault.check(Failure):
            self.failed.fire(str(fault.value))
        else:
            self._log.failure("a page of messages is missing", fault)
            self.failed.fire("The messages could not be read.")
        self.changed.fire(None)

    def _begin(self) -> int:
        """What was asked for before counts no more."""
        self._generation += 1
        self.loading_before = self.loading_after = False
        return self._generation

    async def _open(self, id: int, where: Where, *, flash: bool = False) -> None:
        generation = self._begin()
        if id:
            page = await self._account.around(self.conversation, id, self._page)
            end = False
        else:
            page, end = await self._account.before(self.conversation, None, self._page), True
        if generation != self._generation:
            return
        self.messages, self.at_start, self.at_end, self.opened = (
            merged((), page),
            not page,
            end or not page,
            True,
        )
        self.changed.fire(None)
        key = ""
        if id and self.messages:
            at = min(place(self.messages, (id, 0, "")), len(self.messages) - 1)
            if where is Where.LINE:
                at = next(
                    (
                        index
                        for index in range(at, len(self.messages))
                        if self._is_unread(self.messages[index])
                    ),
                    -1,
                )
            key = self.messages[at].key if at >= 0 else ""
        self.moved.fire(Move(key, where if key else Where.END, flash))

    def _is_unread(self, message: Message) -> bool:
        return message.id > self.read and not message.mine

    async def _to_day(self, at_ms: int) -> None:
        found = await self._account.on_day(self.conversation, at_ms)
        if found:
            await self.jump(found)
        else:
            await self.to_end()

    async def _before(self, generation: int) -> None:
        page = await self._account.before(self.conversation, self.messages[0], self._page)
        if generation != self._generation:
            return
        self.loading_before = False
        self.at_start = not page
        if page:
            self.messages = merged(self.messages, page, open_end=False)
            if len(self.messages) > self._most:
                del self.messages[self._most :]
                self.at_end = False
        self.changed.fire(None)

    async def _after(self, generation: int) -> None:
        page = await self._account.after(self.conversation, self.messages[-1], self._page)
        if generation != self._generation:
            return
        self.loading_after = False
        self.at_end = not page
        if page:
            self.messages = merged(self.messages, page)
            self._cut_start()
        self.changed.fire(None)

    def _cut_start(self) -> None:
        if len(self.messages) > self._most:
            del self.messages[: len(self.messages) - self._most]
            self.at_start = False

    # What happens.

    def _come(self, messages: list[Message]) -> None:
        if not self.opened or not messages or messages[0].conversation != self.conversation:
            return
        if not self.at_start and self.messages:
            first = self.messages[0].order
            keys = {message.key for message in self.messages}
            messages = [message for message in messages if message.order >= first or message.key in keys]
        if not messages:
            return
        if not self.at_end and not self.messages:
            return
        last = self.messages[-1].order if self.messages else (0, 0, "")
        if any(message.mine and message.order > last for message in messages):
            self.read = 0  # who answers has read
        if self.at_end and all(not message.mine and message.order > last for message in messages):
            self.messages = [*self.messages, *messages]
        else:
            self.messages = merged(self.messages, messages, open_end=self.at_end)
        if self.follows and len(self.messages) > self._most + self._page:  # seldom: all is measured anew then
            self._cut_start()
        elif not self.follows and len(self.messages) > 2 * self._most:
            del self.messages[2 * self._most :]
            self.at_end = False
        self.changed.fire(None)

    def _gone(self, messages: list[Message]) -> None:
        if messages and messages[0].conversation == self.conversation:
            self.messages = without(self.messages, messages)
            self.changed.fire(None)

    def _transfer(self, transfer: Transfer) -> None:
        if transfer.conversation == self.conversation:
            self._transfers[transfer.key] = transfer
            self.touched.fire(transfer.key)

    def _stream(self, stream: Stream) -> None:
        if stream.conversation == self.conversation:
            self._streams[stream.id] = stream
            for message in self.messages:
                if message.stream == stream.id:
                    self.touched.fire(message.key)

    def _counts(self, conversations: Collection[int]) -> None:
        if self.conversation in conversations:
            self.counted.fire(self.about.unread)

    def _connection(self, connection: Connection) -> None:
        """What could not be fetched without the server can be now."""
        if connection.link is Link.ONLINE and self.at_start:
            self.at_start = False
            self.changed.fire(None)


async def _nothing() -> None:
    return None
