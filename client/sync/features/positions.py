"""How far I have read a conversation, and how far the others have."""

from __future__ import annotations

import logging
from dataclasses import replace

import apsw
from twisted.internet.defer import Deferred

from client.core.model import Link, Message
from client.store import messages, tables
from client.sync.features.conversations import Conversations
from client.sync.keeping import Keeper
from client.sync.known import Known
from imsys.sdk import Client, Position, Refused

_log = logging.getLogger(__name__)


class Positions:
    """Keeps both. What was read without a connection is told when there is one."""

    def __init__(self, client: Client, known: Known, keeper: Keeper, conversations: Conversations) -> None:
        self._client = client
        self._known = known
        self._keeper = keeper
        self._conversations = conversations
        client.on_position.subscribe(self.take)
        client.on_own_position.subscribe(lambda one: self.read_elsewhere(one.thread_id, one.read))

    async def read(self) -> None:
        """Take all of the others', and tell all of mine that are not known there."""
        for position in await self._client.history.positions().all():
            self.take(position)
        for row in list(self._known.rows.values()):
            if row.conversation.read > row.told:
                await self._tell(row.conversation.id)

    def take(self, position: Position) -> None:
        """Somebody has received and read so far."""
        row = self._known.rows.get(position.thread_id)
        if row is None or position.uuid == self._known.me.uuid:
            return
        before = min(row.their_delivered, row.their_read)
        changed = replace(
            row,
            their_delivered=max(row.their_delivered, position.delivered, position.read),
            their_read=max(row.their_read, position.read),
        )
        if changed == row:
            return
        self._known.set_row(changed)

        def work(db: apsw.Connection) -> tuple[list[Message], Message | None]:
            tables.put_conversation(db, self._known.rows.get(position.thread_id, changed))
            mine = messages.mine_between(db, position.thread_id, before, changed.their_delivered)
            return mine, messages.newest(db, position.thread_id)

        def told(found: tuple[list[Message], Message | None] | None) -> None:
            if found is None:
                return
            for message in found[0]:
                self._keeper.teller.message(message)
            if found[1] is not None:
                self._known.with_last(self._known.row(position.thread_id), found[1])
            self._keeper.teller.conversations.add(position.thread_id)

        self._keeper.write(work).addCallback(told)

    async def mark_read(self, conversation: int, id: int) -> None:
        """I have seen all up to here."""
        if await self._has_read(conversation, id) and self._known.link.link is Link.ONLINE:
            try:
                await self._tell(conversation)
            except Refused as problem:
                _log.info("a mark could not be told: %s", problem)

    def read_elsewhere(self, conversation: int, id: int) -> None:
        """I have seen all up to there on another device."""
        row = self._known.rows.get(conversation)
        if row is None:
            return
        self._known.set_row(replace(row, told=max(row.told, id)))
        if id <= row.conversation.read:
            return
        Deferred.fromCoroutine(self._has_read(conversation, id)).addErrback(
            lambda reason: _log.info("a mark of another device was not kept: %s", reason.value)
        )

    async def _has_read(self, conversation: int, id: int) -> bool:
        """Keep that all up to here was seen; whether that is news."""
        known = self._known
        row = known.rows.get(conversation)
        if row is None or (id <= row.conversation.read and not row.conversation.unread):
            return False
        read = max(id, row.conversation.read)
        await self._keeper.barrier()
        unread = await self._keeper.store.read(lambda db: _unread(db, conversation, read))
        now = known.row(conversation).conversation
        if unread is None:  # the server has counted them, and not all of them are here
            unread = 0 if now.last is not None and now.last.id <= read else now.unread
        known.change(replace(now, read=read, unread=unread, mentioned=now.mentioned and unread > 0))
        await self._conversations.store(conversation)
        return True

    async def _tell(self, conversation: int) -> None:
        read = self._known.row(conversation).conversation.read
        await self._client.mark_read(conversation, read)
        row = self._known.set_row(replace(self._known.row(conversation), told=read))
        self._keeper.write(lambda db: tables.put_conversation(db, self._known.rows.get(conversation, row)))


def _unread(db: apsw.Connection, conversation: int, read: int) -> int | None:
    """Messages of others after an id; ``None`` where it is not known that all of them are here."""
    newest = tables.spans(db, conversation).newest()
    return messages.unread(db, conversation, read) if newest is not None and newest[0] <= read else None
