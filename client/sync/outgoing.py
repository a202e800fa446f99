"""Texts on their way: stored first, posted then, and posted again after whatever ended the program, under the
name they had.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import apsw
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure as Reason

from client.core.changes import Signal
from client.core.model import Forward, Kind, Mark, Message, Quote
from client.core.ports import Failure
from client.store import messages, tables
from client.sync import convert
from client.sync.changed import mentions_of
from client.sync.keeping import Keeper
from client.sync.known import Known
from client.sync.message_writer import MessageWriter
from imsys import sdk
from imsys.sdk import Client, Refused, Status, Unavailable, explain

AT_ONCE = 500
"""Texts that the client library has at a time; it takes a thousand."""

_OVER = (Status.LOGIN_FOR_MULTIPLE_TIMES, Status.LOGIN_UNSUCCESSFUL, Status.SERVER_BUSY)
"""With these a text waits for the next connection: it may have been stored, and keeps its name."""


class Outgoing:
    """The texts of this program that the server does not have yet."""

    def __init__(
        self,
        client: Client,
        known: Known,
        keeper: Keeper,
        writer: MessageWriter,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.refused: Signal[tuple[int, BaseException | None]] = Signal()
        """A text was refused for good: its conversation, and why."""
        self._client = client
        self._known = known
        self._keeper = keeper
        self._writer = writer
        self._now = now
        self._last_ms = 0
        self._queue: deque[Message] = deque()
        self._posted: dict[str, tuple[Message, sdk.Outgoing[sdk.Message]]] = {}
        self._claimed: set[str] = set()

    def moment(self) -> int:
        """Milliseconds that are later than all before, so that what is written first stands first."""
        self._last_ms = max(int(self._now() * 1000), self._last_ms + 1)
        return self._last_ms

    def new_key(self) -> str:
        """A name for good: the time first, so that names sort as they were made."""
        return f"{int(self._now() * 1000):012x}{os.urandom(10).hex()}"

    async def send(
        self,
        conversation: int,
        text: str,
        *,
        quote: Quote | None = None,
        mentions: tuple[int, ...] = (),
        forward: Forward | None = None,
    ) -> Message:
        """See :class:`client.core.ports.Commands`."""
        if not 1 <= len(text) <= 4_096:
            raise Failure("A message has at most 4,096 characters; send it as several, or as a file.")
        text = text.encode("utf-8", "replace").decode()
        message = Message(
            self.new_key(),
            conversation,
            self._known.me.uuid,
            self.moment(),
            Kind.TEXT,
            text,
            mine=True,
            mark=Mark.WAITING,
            quote=quote,
            mentions=mentions,
            forward=forward,
        )
        await self.keep(message)
        self.post(message)
        return message

    async def keep(self, message: Message) -> None:
        """Have it in the store, as the last one of its conversation."""
        await self._writer.store(message)

    def restore(self, unsent: list[Message]) -> None:
        """Go on with what an earlier run of the program left."""
        for message in unsent:
            self._last_ms = max(self._last_ms, message.at_ms)
            if message.kind is Kind.TEXT and message.mark is Mark.WAITING:
                self.post(message)

    def post(self, message: Message) -> None:
        """Send it when its turn comes."""
        self._queue.append(message)
        self._pump()

    def again(self) -> None:
        """There is a connection: what was given up with the last one goes on, as it was written."""
        self._queue = deque(sorted(self._queue, key=lambda message: (message.at_ms, message.key)))
        self._pump()

    def claim(self, message: Message) -> Message | None:
        """A message that came back, under the name that it has here."""
        if message.key not in self._posted:
            return None
        self._claimed.add(message.key)
        return message

    def unsent(self) -> list[Message]:
        """Texts that the server does not have yet."""
        return [*(message for message, _ in self._posted.values()), *self._queue]

    def remove(self, message: Message) -> None:
        """Send it no more."""
        self._queue = deque(one for one in self._queue if one.key != message.key)
        posted = self._posted.pop(message.key, None)
        if posted is not None:
            posted[1].withdraw()

    def caption(self, file: Message) -> Message | None:
        """The text that goes after a file, under a name that is the same however often it is made."""
        if not file.text:
            return None
        key = hashlib.sha256(f"caption {file.key}".encode()).hexdigest()[:32]
        return Message(
            key,
            file.conversation,
            file.sender,
            self.moment(),
            Kind.TEXT,
            file.text,
            mine=True,
            mark=Mark.WAITING,
        )

    def _pump(self) -> None:
        while self._queue and len(self._posted) < AT_ONCE:
            message = self._queue.popleft()
            if message.key in self._posted:
                continue
            try:
                outgoing = self._client.post(
                    message.conversation,
                    message.text,
                    reply_to=message.quote.id if message.quote is not None else 0,
                    mentions=mentions_of(message),
                    forward=_forwarded(message),
                    unique_id=message.key,
                )
            except Refused as refusal:
                if refusal.status in _OVER:
                    self._queue.appendleft(message)
                    return
                self._failed(Reason(refusal), message)
                continue
            self._posted[message.key] = (message, outgoing)
            outgoing.when_stored().addCallbacks(self._stored, self._failed, (message,), {}, (message,))

    def _stored(self, said: sdk.Message, message: Message) -> None:
        self._posted.pop(message.key, None)
        if message.key in self._claimed:
            self._claimed.discard(message.key)
        else:  # what is before it is still on its way, or the history told of it first
            stored = replace(convert.message(said), key=message.key, mark=Mark.STORED)
            self._writer.store(stored)
        self._pump()

    def _failed(self, reason: Reason, message: Message) -> None:
        self._posted.pop(message.key, None)
        problem = reason.value
        if isinstance(problem, CancelledError):
            return
        if isinstance(problem, Unavailable) or (isinstance(problem, Refused) and problem.status in _OVER):
            self._queue.append(message)
            return
        self.refused.fire((message.conversation, problem))
        self._writer.store(replace(message, mark=Mark.FAILED, failure=explain(problem or Exception())))
        self._pump()

    async def forget(self, message: Message) -> None:
        """Take one that was not sent out of the store."""
        self.remove(message)

        def work(db: apsw.Connection) -> Message | None:
            messages.remove(db, message.conversation, message.key)
            return messages.newest(db, message.conversation)

        newest = await self._keeper.write(work)
        row = self._known.row(message.conversation)
        row = self._known.set_row(replace(row, conversation=replace(row.conversation, last=newest)))
        await self._keeper.write(
            lambda db: tables.put_conversation(db, self._known.row(message.conversation))
        )
        self._keeper.teller.removed(message)
        self._keeper.teller.conversations.add(message.conversation)
        self._keeper.teller.tell()


def _forwarded(message: Message) -> sdk.Forwarded | None:
    one = message.forward
    if one is None:
        return None
    return sdk.Forwarded(thread_id=one.conversation, message_id=one.id, sender=one.sender)
