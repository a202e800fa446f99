"""Changes to conversations: edits, recalls, reactions and pins, and what was hidden on another device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import apsw

from client.core.model import Link, Message
from client.store import messages, tables
from client.sync.changed import changed, targets
from client.sync.history import History
from client.sync.keeping import Keeper
from client.sync.known import Known
from imsys import sdk
from imsys.sdk import Client, Refused

PINS_MOST = 20


class Entries:
    """Keeps messages as the changes of their conversations leave them."""

    def __init__(self, client: Client, known: Known, keeper: Keeper, history: History) -> None:
        self._client = client
        self._known = known
        self._keeper = keeper
        self._history = history
        client.on_entry.subscribe(self.take)
        client.on_hidden.subscribe(lambda told: self.hidden(told.thread_id, told.message_ids, told.up_to))

    def take(self, entry: sdk.Entry) -> None:
        """A change, in the order of its conversation; one that is known changes nothing."""
        row = self._known.rows.get(entry.thread_id)
        if row is None:
            return  # its pages are read when it is known, and have all of this
        thread, low = entry.thread_id, row.synced
        if low:
            self._known.set_row(replace(row, synced=max(low, entry.id)))

        def work(db: apsw.Connection) -> tuple[list[Message], Message | None]:
            found = []
            for target in targets(entry):
                before = messages.by_id(db, thread, target)
                if before is not None and (after := changed(before, entry)) is not before:
                    messages.put(db, after)
                    found += [after, *messages.answers(db, thread, target)]
            if 0 < low < entry.id:
                there = tables.spans(db, thread).around(low) is not None
                tables.add_span(db, thread, low if there else low + 1, entry.id)
                tables.put_conversation(db, self._known.rows.get(thread, row))
            return found, messages.newest(db, thread)

        def told(done: tuple[list[Message], Message | None] | None) -> None:
            for message in done[0] if done is not None else ():
                self._keeper.teller.message(message)
            if done is not None and done[1] is not None:
                self._known.with_last(self._known.row(thread), done[1])
                self._keeper.teller.conversations.add(thread)
            if isinstance(entry, sdk.Pin | sdk.Recall):
                self._known.changes.pins.fire(thread)

        self._keeper.write(work).addCallback(told)

    def hidden(self, conversation: int, ids: Sequence[int], up_to: int = 0) -> None:
        """Messages that this user does not want to see any more: these, and all up to an id."""

        def work(db: apsw.Connection) -> tuple[list[Message], Message | None, int]:
            gone = messages.up_to(db, conversation, up_to) if up_to else []
            gone += [one for number in ids if (one := messages.by_id(db, conversation, number)) is not None]
            for one in gone:
                messages.remove(db, conversation, one.key)
            read = self._known.row(conversation).conversation.read
            return gone, messages.newest(db, conversation), messages.unread(db, conversation, read)

        def told(done: tuple[list[Message], Message | None, int] | None) -> None:
            if done is None:
                return
            for one in done[0]:
                self._keeper.teller.removed(one)
            now = self._known.row(conversation).conversation
            unread = min(now.unread, done[2])
            self._known.change(
                replace(now, last=done[1], unread=unread, mentioned=now.mentioned and unread > 0)
            )
            self._keeper.teller.conversations.add(conversation)
            if any(one.pinned for one in done[0]):
                self._known.changes.pins.fire(conversation)

        self._keeper.write(work).addCallback(told)

    async def pins(self, conversation: int) -> list[Message]:
        """See :class:`client.core.ports.Reader`; without the server, those that are here."""
        store = self._keeper.store
        ids: list[int] | None = None
        if self._known.link.link is Link.ONLINE:
            try:
                ids = (await self._client.history.pins(conversation))[:PINS_MOST]
            except Refused:
                ids = None
        if ids is None:
            return await store.read(lambda db: messages.pinned(db, conversation, PINS_MOST))
        found = []
        for number in ids:
            message = await store.read(lambda db, number=number: messages.by_id(db, conversation, number))  # type: ignore[misc]
            if message is None:
                around = await self._history.around(conversation, number, 2)
                message = next((one for one in around if one.id == number), None)
            if message is not None:
                found.append(message)
        return found
