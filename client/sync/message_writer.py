"""Messages into the store, with how their conversations stand after them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import apsw
from twisted.internet.defer import Deferred

from client.core.model import Kind, Message
from client.store import messages, tables
from client.store.tables import Row
from client.sync.keeping import Keeper
from client.sync.known import Known


class MessageWriter:
    """Stores messages, and tells of them."""

    def __init__(self, known: Known, keeper: Keeper) -> None:
        self.unsaved: dict[tuple[int, str], Message] = {}
        """What is told and not stored yet."""
        self._known = known
        self._keeper = keeper

    def store(
        self, message: Message, row: Row | None = None, low: int | None = None, *, arrived: bool = False
    ) -> Deferred[Any]:
        """Store a message and how its conversation stands, and tell of both; fires when that is done, or
        cannot be.

        :param row: the conversation's, by default as it is.
        :param low: the id after which nothing is missing before this message, or that of the message itself;
            ``None``: nobody knows.
        :param arrived: whether somebody else has written it just now.
        """
        known = self._known
        row = row or known.row(message.conversation)
        if message.mine and message.id and message.kind is not Kind.NOTICE and not message.expires_ms:
            # of what others write the server says it
            timer = row.conversation.timer
            message = replace(message, expires_ms=message.at_ms + timer * 1000 if timer else 0)
        row = known.with_last(known.set_row(row), message)
        self.unsaved[message.conversation, message.key] = message

        def work(db: apsw.Connection) -> tuple[list[str], Message]:
            twins = messages.put(db, message)
            # the store knows what is in the message that it answers
            now = messages.by_key(db, message.conversation, message.key) if message.quote else message
            tables.put_conversation(db, known.rows.get(row.conversation.id, row))
            if message.id and low is not None:
                there = (
                    low in (0, message.id) or tables.spans(db, message.conversation).around(low) is not None
                )
                tables.add_span(db, message.conversation, low if there else low + 1, message.id)
            return twins, now or message

        def told(done: tuple[list[str], Message] | None) -> None:
            twins, now = done or ((), message)
            if done is not None and self.unsaved.get((message.conversation, message.key)) is message:
                del self.unsaved[message.conversation, message.key]
            teller = self._keeper.teller
            for twin in twins:
                teller.removed(replace(message, key=twin))
            teller.message(now)
            teller.conversations.add(message.conversation)
            if arrived:
                teller.arrived(now)

        return self._keeper.write(work).addCallback(told)
