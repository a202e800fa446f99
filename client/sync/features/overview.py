"""The list of conversations as the server has it: one request is the first screen of a new device."""

from __future__ import annotations

from dataclasses import replace

import apsw

from client.core.model import Conversation, ConversationKind, Message, Person
from client.store import tables
from client.store.tables import Row
from client.sync import convert
from client.sync.features.arrangement import Arrangement
from client.sync.features.positions import Positions
from client.sync.keeping import Keeper
from client.sync.known import Known
from imsys import sdk
from imsys.sdk import Client, NotServed


class Overview:
    """Reads it page by page, each shown as it comes. What is counted here already is right, and stays."""

    def __init__(
        self, client: Client, known: Known, keeper: Keeper, arrangement: Arrangement, positions: Positions
    ) -> None:
        self.there: set[int] = set()
        """Conversations that are mine at the server."""
        self.counted: set[int] = set()
        """Those whose messages are counted here; of others the server's word is taken."""
        self._client = client
        self._known = known
        self._keeper = keeper
        self._arrangement = arrangement
        self._positions = positions

    async def read(self) -> None:
        """Have those that are not known, and how all are kept."""
        there: set[int] = set()
        try:
            async for page in self._client.threads.overview().each():
                there |= {one.thread_id for one in page}
                await self._take(page)
        except NotServed:
            there = await self._read_threads()
        self.there = there

    async def _take(self, page: list[sdk.Overview]) -> None:
        new = [self._first(one) for one in page if one.thread_id not in self.counted]
        self.counted |= {one.thread_id for one in page}
        for one in page:  # before it is shown: a row that is pinned appears where it stays
            self._arrangement.overviewed(one.settings)
        if new:
            await self._keep(new)
        known = (self._known.row(one.thread_id) for one in page)
        timers = {one.thread_id: one.timer for one in page}
        other = [
            self._known.change(replace(row.conversation, timer=timers[row.conversation.id]))
            for row in known
            if row.conversation.timer != timers[row.conversation.id]
        ]
        if other:
            await self._keep(other)
        for one in page:
            if one.read > self._known.row(one.thread_id).conversation.read:
                self._positions.read_elsewhere(one.thread_id, one.read)
            await self._arrangement.read_long_draft(one.settings)

    def _first(self, one: sdk.Overview) -> Row:
        """A conversation of which nothing is here yet, but what has come in these moments."""
        known = self._known
        if one.private and one.uuid not in known.persons:
            known.persons[one.uuid] = Person(one.uuid, "", one.title, avatar=one.avatar)
        row = known.row(one.thread_id, one.uuid if one.private else 0)
        now = row.conversation
        later = now.unread if row.synced > one.last_id else 0
        last = _last(one, known.me.uuid)
        if now.last is not None and (last is None or now.last.order >= last.order):
            last = now.last
        conversation = replace(
            now,
            last=last,
            unread=one.unread + later,
            mentioned=one.mentioned or now.mentioned,
            read=max(now.read, one.read),
        )
        if one.private:
            conversation = replace(conversation, kind=ConversationKind.PRIVATE, people=(one.uuid,))
        else:
            conversation = replace(
                conversation, title=one.title, avatar=one.avatar, members=one.members, gone=False
            )
        return known.set_row(
            replace(
                row,
                conversation=conversation,
                told=max(row.told, one.read),
                their_delivered=max(row.their_delivered, one.peer_delivered, one.peer_read),
                their_read=max(row.their_read, one.peer_read),
            )
        )

    async def _keep(self, rows: list[Row]) -> None:
        def work(db: apsw.Connection) -> None:
            for row in rows:
                tables.put_conversation(db, self._known.rows.get(row.conversation.id, row))

        def told(_: object) -> None:
            self._keeper.teller.conversations |= {row.conversation.id for row in rows}

        await self._keeper.write(work).addCallback(told)

    async def _read_threads(self) -> set[int]:
        """Of a server of an earlier version."""
        threads = await self._client.history.threads().all()
        rows = []
        for thread in threads:
            if thread.thread_id not in self._known.rows:
                other = next((uuid for uuid in thread.users if uuid != self._known.me.uuid), 0)
                rows.append(self._known.row(thread.thread_id, other if thread.private else 0))
        await self._keep(rows)
        return {thread.thread_id for thread in threads}


def counted(row: Row) -> bool:
    """Whether the messages of a conversation that comes from the disk are counted here."""
    one: Conversation = row.conversation
    return bool(row.synced or one.read or one.last is not None)


def _last(one: sdk.Overview, me: int) -> Message | None:
    """The last message, as far as its row shows it; the whole of it comes with its page."""
    last = one.last
    if last is None:
        return None
    mine = last.sender == me
    return convert.message(
        sdk.Message(
            id=last.id,
            thread_id=one.thread_id,
            sender=last.sender,
            receiver=0,
            text=last.text,
            sent_at=last.sent_at,
            mine=mine,
            kind=last.kind,
            read=mine and one.peer_read >= last.id,
            recalled=last.recalled,
        )
    )
