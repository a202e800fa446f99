"""Messages that the server tells of: into the store, and then to whoever looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import apsw
from twisted.internet.defer import Deferred

from client.core.model import Message
from client.store import messages, tables
from client.store.tables import Row
from client.sync import convert
from client.sync.keeping import Keeper
from client.sync.known import Known
from imsys import sdk
from imsys.sdk import Position

Claim = Callable[[Message], Message | None]
"""What a message of mine was called here before it came back, if it was written here."""


class Incoming:
    """Takes the messages of a client, in the order of their threads.

    :param claim: see :data:`Claim`.
    :param news: whether what comes now is news to people, and not what came while they were away.
    """

    def __init__(self, known: Known, keeper: Keeper, claim: Claim, news: Callable[[], bool]) -> None:
        self.unsaved: dict[tuple[int, str], Message] = {}
        """What is told and not stored yet."""
        self.restored = False
        """Whether the client goes on from what is stored: then a conversation that is unknown is a new one.
        """
        self._known = known
        self._keeper = keeper
        self._claim = claim
        self._news = news

    def take(self, said: sdk.Message) -> None:
        """One that somebody has written, here or anywhere."""
        other = said.sender if not said.mine else said.receiver
        new = said.thread_id not in self._known.rows
        row = self._known.row(said.thread_id, other if said.receiver else 0)
        message = convert.message(said)
        own = self._claim(message) if message.mine else None
        low = row.synced or (0 if new and self.restored else message.id)
        row = replace(row, synced=max(row.synced, message.id))
        conversation = row.conversation
        if message.mine and own is None:  # written somewhere else: who writes has read
            conversation = replace(
                conversation, read=max(conversation.read, message.id), unread=0, mentioned=False
            )
        elif not message.mine and message.id > conversation.read:
            conversation = replace(conversation, unread=conversation.unread + 1)
        self.store(
            own or message,
            replace(row, conversation=conversation),
            min(low, message.id),
            arrived=not message.mine and self._news(),
        )

    def store(
        self, message: Message, row: Row, low: int | None = None, *, arrived: bool = False
    ) -> Deferred[Any]:
        """Store a message and how its conversation stands, and tell of both; fires when that is done, or
        cannot be.

        :param low: the id after which nothing is missing before this message, or that of the message itself;
            ``None``: nobody knows.
        """
        row = self._known.with_last(self._known.set_row(row), message)
        self.unsaved[message.conversation, message.key] = message

        def work(db: apsw.Connection) -> list[str]:
            twins = messages.put(db, message)
            tables.put_conversation(db, self._known.rows.get(row.conversation.id, row))
            if message.id and low is not None:
                there = (
                    low in (0, message.id) or tables.spans(db, message.conversation).around(low) is not None
                )
                tables.add_span(db, message.conversation, low if there else low + 1, message.id)
            return twins

        def told(twins: list[str] | None) -> None:
            if twins is not None and self.unsaved.get((message.conversation, message.key)) is message:
                del self.unsaved[message.conversation, message.key]
            teller = self._keeper.teller
            for twin in twins or ():
                teller.removed(replace(message, key=twin))
            teller.message(message)
            teller.conversations.add(message.conversation)
            if arrived:
                teller.arrived(message)

        return self._keeper.write(work).addCallback(told)

    def position(self, position: Position) -> None:
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
